import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Siamese(nnx.Module):
    """One tower for both inputs, one layer under two names, one matrix in two layers."""

    def __init__(self, d=5, depth=3, *, rngs: nnx.Rngs):
        self.tower = nnx.Sequential(
            nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs),
            PReLU(jnp.full(1, 0.25)),
            nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs),
        )
        self.tower2 = self.tower
        step = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.steps = nnx.List([step] * depth)
        self.enc = nnx.Linear(d, 3, use_bias=False, **fan_in_uniform(d), rngs=rngs)
        self.dec = nnx.Linear(3, d, use_bias=False, **fan_in_uniform(3), rngs=rngs)
        self.same = nnx.Linear(d, 3, use_bias=False, **fan_in_uniform(d), rngs=rngs)
        self.same.kernel = self.enc.kernel
        self.act = nnx.tanh

    def __call__(self, a, b):
        a, b = self.tower(a), self.tower2(b)
        for step in self.steps:
            a = self.act(step(a))
        return self.dec(self.enc(a)) + b, self.same(b)


# Helpers without a Flax equivalent.


class PReLU(nnx.PReLU):
    """`x` where it is positive, else a learned fraction of it, also in the gradient at 0 (`nnx.PReLU` has 1 there)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """x: (..., channels), or of any shape, also without axes, where there is one slope for all."""
        slope = self.negative_slope[...].astype(x.dtype)
        return jnp.where(x > 0, x, (slope if x.ndim else slope.reshape(())) * x)


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
