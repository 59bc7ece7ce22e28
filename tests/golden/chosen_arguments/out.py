"""Functions that choose among their arguments, called with layers, sizes and arrays."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from inspect import isfunction
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


def exists(val):
    return val is not None


def default(val, d):
    if exists(val):
        return val
    return d() if isfunction(d) else d


def first(a, b=None):
    return a or b


class FeedForward(nnx.Module):
    def __init__(self, dim, mult=2, activation=None, *, rngs: nnx.Rngs):
        activation = default(activation, partial(nnx.gelu, approximate=False))
        hidden = first(mult, 3) * dim
        self.w1 = nnx.Linear(dim, hidden, **fan_in_uniform(dim), rngs=rngs)
        self.act = activation
        self.w2 = nnx.Linear(hidden, dim, **fan_in_uniform(hidden), rngs=rngs)

    def __call__(self, x):
        return self.w2(self.act(self.w1(x)))


class Attention(nnx.Module):
    def __init__(self, dim, heads=2, dim_head=None, *, rngs: nnx.Rngs):
        dim_head = default(dim_head, dim // heads)
        self.heads = heads
        self.to_q = nnx.Linear(dim, dim_head * heads, **fan_in_uniform(dim), rngs=rngs)
        self.to_kv = nnx.Linear(dim, dim_head * heads * 2, **fan_in_uniform(dim), rngs=rngs)
        in_features = dim_head * heads
        self.to_out = nnx.Linear(in_features, dim, **fan_in_uniform(in_features), rngs=rngs)
        self.ff = FeedForward(dim, rngs=rngs)

    def __call__(self, x, context=None, mask=None):
        context = default(context, x)
        mask = default(mask, lambda: jnp.ones(context.shape[:2], dtype=bool))
        q, (k, v) = self.to_q(x), jnp.split(self.to_kv(context), 2, axis=-1)
        q, k, v = (
            t.reshape(unflatten_shape(t.shape, -1, (self.heads, -1))).swapaxes(1, 2)
            for t in (q, k, v)
        )
        scores = jnp.where(~mask[:, None, None, :], -1e9, q @ k.swapaxes(-1, -2))
        value = (nnx.softmax(scores) @ v).swapaxes(1, 2)
        return self.ff(self.to_out(value.reshape(*value.shape[:2], -1)))


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


def unflatten_shape(shape: Sequence[int], axis: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """The shape after `axis` is split into `sizes`, of which one may be -1."""
    axis %= len(shape)
    return (*shape[:axis], *sizes, *shape[axis + 1 :])
