import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Attention(nnx.Module):
    """Keeps the last weights for plots, and builds a mask on demand."""

    def __init__(self, dim=6, *, rngs: nnx.Rngs):
        self.qk = nnx.Linear(dim, 2 * dim, **fan_in_uniform(dim), rngs=rngs)
        self.build_value(dim, rngs=rngs)
        self.mask = nnx.data(None)
        self.calls = 0

    def build_value(self, dim, *, rngs: nnx.Rngs):
        self.value = nnx.Linear(dim, dim, use_bias=False, **fan_in_uniform(dim), rngs=rngs)
        self.gain = nnx.Param(jnp.array(0.5))

    def causal_mask(self, n, device):
        if self.mask is None or self.mask.shape[0] != n:
            self.mask = jnp.triu(jnp.full((n, n), float("-inf")), k=1)
        return self.mask

    def __call__(self, x):
        self.calls += 1
        q, k = jnp.split(self.qk(x), 2, axis=-1)
        scores = q @ k.swapaxes(-2, -1) + self.causal_mask(x.shape[1], jax.devices()[0])
        self.last_weights = nnx.softmax(scores)
        return self.gain[...] * self.last_weights @ self.value(x)


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
