import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Attends:
    """A class that is no module itself, and whose methods run on those that derive from it."""

    scale = 2.0

    def attend(self, x):
        scores = self.query(x) @ self.key(x).swapaxes(1, 2) * self.temperature[...]
        return nnx.softmax(scores) @ x * self.scale

    def __call__(self, x):
        value = self.token[...]
        token = jnp.broadcast_to(value, expand_shape(value.shape, (x.shape[0], -1, -1)))
        if not self.deterministic:
            x = x + self.offset[...]
        return self.attend(jnp.concatenate((token, x), axis=1))


class Projections(nnx.Module):
    def __init__(self, dim=5, *, rngs: nnx.Rngs):
        self.deterministic = False
        self.query = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)
        self.key = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)
        self.token = nnx.Param(rngs.normal((1, 1, dim)))
        self.temperature = nnx.Param(jnp.array(0.5))
        self.offset = Buffer(jnp.ones((dim,)))


class Net(Attends, Projections):
    pass


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


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
