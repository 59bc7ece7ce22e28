import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Block(nnx.Module):
    def __init__(self, dim, out=None, norm="batch", dropout=0.0, act=True, *, rngs: nnx.Rngs):
        out = dim if out is None else out
        self.fc = nnx.Linear(dim, out, use_bias=norm is None, **fan_in_uniform(dim), rngs=rngs)
        if norm == "batch":
            self.norm = BatchNorm(out, rngs=rngs)
        elif norm == "layer":
            self.norm = nnx.LayerNorm(out, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        else:
            self.norm = None
        self.act = nnx.elu if act else None
        if dropout > 0:
            self.drop = nnx.Dropout(dropout, rngs=rngs)
        self.has_drop = dropout > 0
        self.skip = nnx.data(None)
        if out != dim:
            self.skip = nnx.Linear(dim, out, use_bias=False, **fan_in_uniform(dim), rngs=rngs)

    def __call__(self, x):
        h = self.fc(x)
        if self.norm is not None:
            h = self.norm(h)
        if self.act:
            h = self.act(h)
        if self.has_drop:
            h = self.drop(h)
        return h + (x if self.skip is None else self.skip(x))


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
