import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Net(nnx.Module):
    def __init__(self, d=5, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.act = nnx.relu
        self.hard = hardtanh

    def __call__(self, x, y):
        h = self.fc(x)
        h = h + y
        h = h * 0.5
        h = h - 0.2
        # TODO(torch2jax): T2J103 torch.Tensor.requires_grad: JAX arrays do not record what is done with them
        if not h.requires_grad:
            h = h * 3.0
        else:
            h = h * 3.0
        z = -jnp.full_like(jnp.zeros_like(h), 2.0).at[...].set(h)
        h = nnx.relu(h)
        k = self.act(h * 2 - y)
        g = hardtanh(k - 0.5, min_val=-0.2, max_val=0.8)
        g = jnp.where(g > 0.7, 0.9, g)
        g = self.hard(g)
        g = g.T
        g = g[None]
        z = z.at[:, 1].set(jnp.zeros_like(z[:, 1]))
        z = z.at[0].set(z[0] + y[0])
        z = z.at[0].set(z[0] / 2)
        z = z + 0.1 * x * y
        return h, k, g, z


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


def hardtanh(x: jax.Array, min_val: float = -1.0, max_val: float = 1.0) -> jax.Array:
    """`x` cut to [min_val, max_val], with the gradient 0 at the bounds."""
    return jnp.where(x <= min_val, min_val, jnp.where(x >= max_val, max_val, x))
