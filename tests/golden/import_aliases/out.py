import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Net(nnx.Module):
    def __init__(self, d=5, k=3, *, rngs: nnx.Rngs):
        self.a = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.b = nnx.Linear(d, d, use_bias=False, **fan_in_uniform(d), rngs=rngs)
        self.c = nnx.Linear(d, k, **fan_in_uniform(d), rngs=rngs)
        self.bn = BatchNorm(d, rngs=rngs)
        self.w = nnx.Param(jnp.ones((d,)))
        self.w[...] = nnx.initializers.normal(0.1)(rngs.params(), self.w.shape, self.w.dtype)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = nnx.relu(self.a(x))
        x = nnx.silu(jnp.moveaxis(self.bn(jnp.moveaxis(x, 1, -1)), -1, 1)) + nnx.gelu(
            self.b(x), approximate=False
        )
        return nnx.softmax(self.c(x * self.w[...])) + nnx.sigmoid(x.sum())

    def unit(self, x):

        y = l2_normalize(self.a(x), axis=0)
        return y, l2_norm(y, axis=1), l2_norm(y)


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


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


def l2_normalize(x: jax.Array, axis: int | tuple[int, ...] = 1, eps: float = 1e-12) -> jax.Array:
    """`x` divided by its Euclidean norm along `axis`, or by `eps` where the norm is smaller."""
    return x / jnp.maximum(l2_norm(x, axis, keepdims=True), eps)
