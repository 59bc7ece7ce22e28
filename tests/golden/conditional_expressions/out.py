import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Gate(nnx.Module):
    def __init__(self, d=4, kind="glu", bias=True, cond_dim=0, *, rngs: nnx.Rngs):
        self.deterministic = False
        self.kind = kind
        self.fc = nnx.Linear(
            d, 2 * d if kind == "glu" else d, use_bias=bias, **fan_in_uniform(d), rngs=rngs
        )
        self.cond = (
            nnx.Linear(cond_dim, d, **fan_in_uniform(cond_dim), rngs=rngs) if cond_dim else None
        )
        self.norm = (
            nnx.LayerNorm(d, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
            if bias and d > 3
            else nnx.identity
        )
        self.act = nnx.silu if kind == "silu" else (jnp.tanh if kind == "tanh" else None)

    def __call__(self, x, cond=None, mask=None):
        h = nnx.glu(self.fc(x)) if self.kind == "glu" else self.act(self.fc(x))
        h = h if cond is None or self.cond is None else h + self.cond(cond)
        h = self.norm(h) * (mask[..., None] if mask is not None else 1.0)
        scale = 2.0 if x.ndim == 3 else 0.5
        return h * scale if not self.deterministic else h


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
