"""The user's modules inherit from each other: base class, mixin, super().forward, overridden layers."""
import abc
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Base(nnx.Module, metaclass=abc.ABCMeta):
    def __init__(self, d_in, d_out, *, rngs: nnx.Rngs):
        self.d_in, self.d_out = d_in, d_out
        self.inp = nnx.Linear(d_in, 6, **fan_in_uniform(d_in), rngs=rngs)
        self.out = self.build_head(6, d_out, rngs=rngs)

    def build_head(self, n, d_out, *, rngs: nnx.Rngs):
        return nnx.Linear(n, d_out, **fan_in_uniform(n), rngs=rngs)

    @abc.abstractmethod
    def hidden(self, h):
        """Between the layers."""

    def __call__(self, x):
        return self.out(self.hidden(self.inp(x)))


class Relu(Base):
    def hidden(self, h):
        return nnx.relu(h)


class Gated(Relu):
    def __init__(self, d_in=4, d_out=3, gain=2.0, *, rngs: nnx.Rngs):
        super(Gated, self).__init__(d_in, d_out, rngs=rngs)
        self.gate = nnx.Linear(6, 6, **fan_in_uniform(6), rngs=rngs)
        self.gain = gain

    def build_head(self, n, d_out, *, rngs: nnx.Rngs):
        return nnx.Sequential(
            nnx.LayerNorm(n, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
            super().build_head(n, d_out, rngs=rngs),
        )

    def hidden(self, h):
        return super().hidden(h) * nnx.sigmoid(self.gate(h))

    def __call__(self, x, twice=False):
        y = super().__call__(x)
        if twice:
            y = y + Base.__call__(self, x)
        return self.gain * y


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
