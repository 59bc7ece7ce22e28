import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Adaptive(nnx.Module):
    """Control flow and shapes that depend on values."""

    def __init__(self, dim=4, max_steps=6, *, rngs: nnx.Rngs):
        self.step = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)
        self.halt = nnx.Linear(dim, 1, **fan_in_uniform(dim), rngs=rngs)
        self.max_steps = max_steps

    def __call__(self, x):
        if x.sum() > 0:
            x = x - x.mean()
        steps = 0
        while steps < self.max_steps:
            x = jnp.tanh(self.step(x))
            steps += 1
            if nnx.sigmoid(self.halt(x)).mean().item() > 0.55:
                break
        norm = l2_norm(x, axis=1)
        kept = x[norm > median(norm)]
        rows = jnp.argwhere(x[:, 0] > 0)
        if rows.size == 0:
            return kept, jnp.zeros((1,), dtype=x.dtype)
        return kept, x[squeeze(rows, 1)].sum(axis=0)


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


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


def median(x: jax.Array) -> jax.Array:
    """The lower median of all elements, NaN if there is a NaN; equal values share the gradient."""
    middle = lax.stop_gradient(jnp.sort(x, axis=None)[(x.size - 1) // 2])
    middle = jnp.where(jnp.isnan(x).any(), jnp.nan, middle)
    return jnp.mean(x, where=x == middle).astype(x.dtype)


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))
