import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


def shift(x, by):
    """Changes the caller's tensor, as += does on tensors."""
    x += by
    return x


def scale(x, by):
    x = x * by  # a new tensor: the caller's stays as it is
    return x


class Net(nnx.Module):
    def __init__(self, d=4, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.offset = nnx.Param(jnp.ones((d,)))

    def __call__(self, x, residual=None):
        h = self.fc(x)
        before = h.sum()
        scale(h, 3.0)
        h = shift(h, self.offset[...])
        h -= 0.5
        h /= 2
        if residual is not None:
            h += residual
        h **= 2
        return h, before, x


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
