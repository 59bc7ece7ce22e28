import math
from collections.abc import Callable, Sequence
from functools import partial, wraps
from itertools import accumulate
from typing import Any
import einops
import jax
import jax.numpy as jnp
from flax import nnx

def exists(v):
    return v is not None

def maybe(fn=None):
    @wraps(fn)
    def inner(x):
        if not exists(x):
            return x
        return fn(x)
    return inner

class Special(nnx.Module):
    def __init__(self, fns, *, rngs: nnx.Rngs):
        self.fns = nnx.List(fns)
    def __call__(self, x, lens=None):
        if is_array(x):
            x = split(x, lens, axis=1)
        return jnp.concatenate(tuple(f(t) for f, t in zip(self.fns, x)), axis=1)

class Net(nnx.Module):
    def __init__(self, special=True, *, rngs: nnx.Rngs):
        self.special = special
        if special:
            self.proj = Special(
                [
                    nnx.Linear(3, 4, **fan_in_uniform(3), rngs=rngs),
                    nnx.Linear(3, 4, **fan_in_uniform(3), rngs=rngs),
                ],
                rngs=rngs,
            )
        else:
            self.proj = nnx.Linear(3, 4, **fan_in_uniform(3), rngs=rngs)
        self.split = partial(einops.rearrange, pattern='b n (h d) -> b h n d', h=2)
    def __call__(self, x, history=None):
        if self.special:
            q, k = jnp.split(self.proj(x, lens=(1, 3)), 2, axis=-1)
        else:
            q, k = jnp.split(self.proj(x), 2, axis=-1)
        return maybe(self.split)(q), maybe(self.split)(k)


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


def is_array(x: Any) -> bool:
    """Whether `x` is a JAX array."""
    return isinstance(x, jax.Array)


def split_points(sizes: Sequence[int]) -> tuple[int, ...]:
    """Where `jnp.split` has to cut to get parts of these sizes: (2, 3, 1) -> (2, 5)."""
    return tuple(accumulate(sizes[:-1]))


def split(x: jax.Array, size: int | Sequence[int], axis: int = 0) -> list[jax.Array]:
    """Parts of `size` along `axis`, of which the last may be smaller, or parts of the listed sizes."""
    points = split_points(size) if isinstance(size, Sequence) else list(range(size, x.shape[axis], size))
    return jnp.split(x, points, axis)
