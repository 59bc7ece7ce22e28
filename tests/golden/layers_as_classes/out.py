"""Layers that travel as classes: arguments, defaults, tuples for isinstance."""
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


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


NORMS = (BatchNorm, nnx.GroupNorm, nnx.InstanceNorm)


# Helpers without a Flax equivalent.


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


def modules(module: nnx.Module) -> Iterator[nnx.Module]:
    """The module and all below it, each once."""
    return (node for _, node in nnx.iter_modules(module))


class ConvNormAct(nnx.Module):
    def __init__(
        self,
        c_in,
        c_out,
        norm_layer=BatchNorm,
        act_layer=nnx.relu,
        conv_layer=partial(nnx.Conv, padding="VALID"),
        *,
        rngs: nnx.Rngs,
        **kwargs,
    ):
        self.conv = conv_layer(
            c_in,
            c_out,
            (3, 3),
            strides=kwargs.get("stride", 1),
            padding=1,
            use_bias=norm_layer is None,
            **fan_in_uniform(c_in, (3, 3)),
            rngs=rngs,
        )
        self.norm = norm_layer(c_out, rngs=rngs) if norm_layer is not None else nnx.identity
        self.act = act_layer if act_layer is nnx.relu else act_layer

    # x: N H W C; result: N H W C
    def __call__(self, x):
        return self.act(self.norm(self.conv(x)))


class Net(nnx.Module):
    def __init__(self, width=6, norm="batch", *, rngs: nnx.Rngs):
        norm_layer = {
            "batch": BatchNorm,
            "group": partial(nnx.GroupNorm, num_groups=2, epsilon=1e-5, use_fast_variance=False),
            "none": None,
        }[norm]
        self.a = ConvNormAct(2, width, norm_layer=norm_layer, rngs=rngs)
        self.b = ConvNormAct(
            width, width, norm_layer, act_layer=partial(nnx.gelu, approximate=False), stride=2, rngs=rngs
        )
        for _, m in nnx.iter_modules(self):
            if isinstance(m, nnx.Conv):
                m.kernel[...] = nnx.initializers.variance_scaling(2.0, "fan_in", "normal")(
                    rngs.params(), m.kernel.shape, m.kernel.dtype
                )
            elif isinstance(m, NORMS):
                m.scale[...] = jnp.full_like(m.scale, 0.9)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        return self.b(self.a(x)).transpose(0, 3, 1, 2)

    def count(self):
        return sum(isinstance(m, (nnx.Conv, nnx.Linear)) for m in modules(self))
