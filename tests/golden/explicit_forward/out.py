import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Encoder(nnx.Module):
    def __init__(self, d_in=5, d_out=3, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(d_in, d_out, **fan_in_uniform(d_in), rngs=rngs)

    def __call__(self, x, scale=1.0):
        return scale * nnx.relu(self.fc(x))


class Model(nnx.Module):
    def __init__(self, d_in=5, d_hid=4, d_out=2, *, rngs: nnx.Rngs):
        self.encoder = Encoder(d_in, d_hid, rngs=rngs)
        self.head = nnx.Linear(d_hid, d_out, **fan_in_uniform(d_hid), rngs=rngs)

    def __call__(self, x):
        h = self.encoder(x, scale=0.5)
        return self.head(h)

    def embed(self, x):
        return self.encoder(x)

    def both(self, x):
        return self(x), self.embed(x)


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
