"""Functions that a constructor keeps in attributes, and that use parts of the module."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Kept(nnx.Module):
    def __init__(self, n=4, scale=2.0, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(n, n, **fan_in_uniform(n), rngs=rngs)
        mlp = nnx.Sequential(nnx.Linear(n, n, **fan_in_uniform(n), rngs=rngs), nnx.relu)
        self.mlp = mlp
        self.plain = lambda x: x * scale

    # twice through the same layer
    def twice(self, x):
        return self.fc(self.fc(x))

    def gated(self, x, power=2):
        return self.fc(x) ** power

    def deep(self, x):
        """Through the MLP."""
        fc = self.mlp(x)
        return fc + 1

    def __call__(self, x):
        return self.twice(x), self.gated(x), self.deep(x), self.plain(x)


class NotMoved(nnx.Module):
    def __init__(self, scale, other=None, *, rngs: nnx.Rngs):
        conv = nnx.Conv(4, 4, 1, padding="VALID", **fan_in_uniform(4, 1), rngs=rngs)
        self.conv = conv
        self.scaled = lambda x: conv(x.transpose(0, 2, 1)).transpose(0, 2, 1) * scale
        self.chosen = lambda x: self.conv(x.transpose(0, 2, 1)).transpose(0, 2, 1)
        if other is not None:
            self.chosen = other

    def __call__(self, x):
        return self.scaled(x) + self.chosen(x)


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
