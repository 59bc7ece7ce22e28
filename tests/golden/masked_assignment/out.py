"""Values written where a mask is true: numbers, rows that are the same everywhere, a value for each place."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Masked(nnx.Module):
    def __init__(self, dim=4, *, rngs: nnx.Rngs):
        self.token = nnx.Param(rngs.normal((1, 1, dim)))
        self.norm = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)

    def __call__(self, x, mask: jax.Array):
        x = masked_set(x, mask, self.token[...])
        y = self.norm(x)
        y = jnp.where(y > 0, jnp.asarray(0.5, y.dtype), y)
        return x, y


def numbers(x: jax.Array):
    x = jnp.where(jnp.isnan(x / x), jnp.asarray(1, x.dtype), x)
    x = jnp.where(x * 2 < -1, jnp.asarray(-1.0, x.dtype), x)
    z = jnp.ones((3, 4), dtype=jnp.int32)
    z = jnp.where(z == 1, jnp.asarray(7, z.dtype), z)
    z = masked_set(z, z.sum(axis=1) > 3, 2)
    return x, z


def of_another(x: jax.Array, y: jax.Array):
    x = masked_set(x, y > 0, 3.5)
    return x


def one_for_each(x: jax.Array, mask: jax.Array, values):
    x = x.at[mask].set(values)
    return x


def truncated(x: jax.Array):
    x = jnp.where(x > 3, jnp.asarray(1.5, x.dtype), x)
    return x


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


def masked_set(x: jax.Array, mask: jax.Array, value: jax.Array | float) -> jax.Array:
    """`x` with `value` where `mask`, which covers the first axes of `x`, is true.

    A value that is the same at every place compiles; one for each place of the mask needs to know how many there are.
    """
    value, inner = jnp.asarray(value, x.dtype), x.ndim - mask.ndim
    while value.ndim > inner and value.shape[0] == 1:
        value = value[0]
    if value.ndim > inner:
        return x.at[mask].set(value)
    return jnp.where(jnp.expand_dims(mask, range(mask.ndim, x.ndim)), value, x)
