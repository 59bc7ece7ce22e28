"""Names of torch that mean something else here."""
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


def relu(x):
    """Not torch's: leaky below zero."""
    return jnp.where(x > 0, x, 0.1 * x)


class Linear:
    """Not torch's: a straight line through the origin."""

    def __init__(self, slope):
        self.slope = slope

    def __call__(self, x):
        return self.slope * x


def count_frames(nn, F=2):
    # here nn is a number
    return nn * F


class Net(nnx.Module):
    def __init__(self, d=4, softmax=True, *, rngs: nnx.Rngs):
        self.line = Linear(3.0)
        self.fc = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.softmax = softmax
        self.frames = count_frames(3)

    def __call__(self, x):
        x = relu(self.fc(x)) + nnx.relu(x)
        F_ = self.line(x)
        max = F_.max()
        if self.softmax:
            softmax = nnx.softmax(F_ - max, axis=1)
            return softmax * self.frames
        return F_ / max


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
