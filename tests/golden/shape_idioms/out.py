import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Shapes(nnx.Module):
    def __init__(self, c=4, heads=2, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(c, 2 * c, (1, 1), padding="VALID", **fan_in_uniform(c, (1, 1)), rngs=rngs)
        self.heads = heads

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        b, h, w, c = x.shape
        y = self.conv(x)
        n, d = y.shape[0], y.shape[3]
        *batch, hh, ww = (y.shape[0], y.shape[3], y.shape[1], y.shape[2])
        assert [hh, ww] == [h, w] and len(batch) == 2
        heads = y.transpose(0, 3, 1, 2).reshape(*y.shape[:1], self.heads, d // self.heads, -1)
        value = y.transpose(0, 3, 1, 2)
        tokens = value.reshape(*value.shape[:2], -1).transpose(0, 2, 1)
        flat = tokens.reshape(n * h * w, d)
        back = flat.reshape(n, h, w, -1).transpose(0, 3, 1, 2)
        same = (
            back.reshape(y.transpose(0, 3, 1, 2).shape).transpose(0, 2, 3, 1)
            + jnp.zeros((y.shape[0], y.shape[3], y.shape[1], y.shape[2])).transpose(0, 2, 3, 1).astype(y.dtype)
        )
        pooled = same.transpose(0, 3, 1, 2).reshape(b, -1, h * w).mean(axis=-1)
        size = tuple([b, 2 * c])
        assert pooled.shape == size and pooled.ndim == 2 and pooled.ndim == len(pooled.shape)
        numbers = pooled.size * x.shape[2] / math.prod(x.shape[1:3])
        value_ = pooled[..., None]
        return (
            heads.sum(axis=2),
            jnp.broadcast_to(value_, expand_shape(value_.shape, (-1, -1, w))),
            jnp.ones(size, dtype=pooled.dtype) * numbers + pooled,
        )


# Helpers without a Flax equivalent.


def expand_shape(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """`sizes` in which every -1 is replaced by the size that `shape` has there, counted from the last axis."""
    missing = len(sizes) - len(shape)
    return tuple(shape[i - missing] if size == -1 else size for i, size in enumerate(sizes))


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
