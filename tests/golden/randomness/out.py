"""Random numbers inside a forward; without them in eval mode."""
import math
import random
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


class Noisy(nnx.Module):
    def __init__(self, d=4, std=0.1, p=0.3, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.fc = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.std, self.p = std, p

    def __call__(self, x):
        if self.deterministic:
            return self.fc(x)
        x = x + self.std * self.rngs.normal(x.shape, dtype=x.dtype)
        value = jnp.empty_like(x)
        x = x + self.std * self.rngs.normal(value.shape, dtype=value.dtype) * self.rngs.normal(
            (1, x.shape[1])
        )
        keep = self.rngs.uniform((x.shape[0], 1)) > self.p
        x = x * keep / (1 - self.p)
        perm = self.rngs.permutation(x.shape[0])
        lam = np.random.beta(0.4, 0.4)
        x = lam * x + (1 - lam) * x[perm]
        if random.random() < self.p:
            x = jnp.flip(x, axis=(1,))
        choice = self.rngs.randint((1,), 0, x.shape[1]).item()
        value_ = jnp.full_like(x, 0.5)
        mask = self.rngs.bernoulli(value_).astype(value_.dtype)
        gumbel = -jnp.log(-jnp.log(self.rngs.uniform(x.shape, dtype=x.dtype) + 1e-9) + 1e-9)
        return self.fc(x * mask + gumbel) + self.std * self.rngs.normal(x.shape) * choice


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
