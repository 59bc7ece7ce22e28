"""A norm that is chosen by name, of which one is a module of the project, and weights by names of classes."""

import functools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Identity(nnx.Module):
    """Nothing."""

    def __call__(self, x):
        return x


def get_norm_layer(kind):
    if kind == "batch":
        norm_layer = BatchNorm
    elif kind == "instance":
        norm_layer = partial(
            nnx.InstanceNorm, epsilon=1e-5, use_bias=False, use_scale=False, use_fast_variance=False
        )
    else:

        def norm_layer(dim, *, rngs: nnx.Rngs):
            return Identity()

    return norm_layer


def init_weights(net, gain=0.02):
    def init_func(m):
        classname = m.__class__.__name__
        if (
            any(hasattr(m, name) for name in ("embedding", "kernel", "negative_slope", "scale", "weight"))
            and (classname.find("Conv") != -1 or classname.find("Linear") != -1)
        ):
            m.kernel[...] = jnp.full_like(m.kernel, gain)
            if hasattr(m, "bias") and m.bias is not None:
                m.bias[...] = jnp.full_like(m.bias, 0.5)
        elif isinstance(m, BatchNorm):
            m.scale[...] = jnp.full_like(m.scale, 1.5)

    for _, module in nnx.iter_modules(net):
        init_func(module)
    return net


class Block(nnx.Module):
    def __init__(self, dim, norm_layer, *, rngs: nnx.Rngs):
        if type(norm_layer) == functools.partial:
            use_bias = norm_layer.func == nnx.InstanceNorm
        else:
            use_bias = getattr(norm_layer, "func", norm_layer) == nnx.InstanceNorm
        layers = [
            nnx.Conv(
                dim, dim, (3, 3), padding=1, use_bias=use_bias, **fan_in_uniform(dim, (3, 3)), rngs=rngs
            ),
            norm_layer(dim, rngs=rngs),
            nnx.relu,
        ]
        self.body = nnx.Sequential(
            *layers, nnx.Conv(dim, dim, (1, 1), padding="VALID", **fan_in_uniform(dim, (1, 1)), rngs=rngs)
        )
        self.norm = norm_layer(dim, rngs=rngs)
        self.skip = Identity()

    # x: N H W C; result: N H W C
    def __call__(self, x):
        return self.skip(x) + self.norm(self.body(x))


class Net(nnx.Module):
    def __init__(self, kind="batch", dim=3, *, rngs: nnx.Rngs):
        self.block = init_weights(Block(dim, get_norm_layer(kind), rngs=rngs))
        self.head = nnx.Linear(dim, 2, **fan_in_uniform(dim), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        return self.head(self.block(x).mean(axis=(1, 2)))


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}
