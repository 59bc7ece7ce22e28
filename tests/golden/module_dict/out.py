import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class MultiHead(nnx.Module):
    def __init__(self, dim=6, tasks=("depth", "normal", "edge"), *, rngs: nnx.Rngs):
        sizes = {"depth": 1, "normal": 3, "edge": 2}
        self.tasks = tasks
        self.trunk = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)
        self.heads = nnx.Dict({
            name: nnx.Linear(dim, sizes[name], **fan_in_uniform(dim), rngs=rngs) for name in tasks
        })
        self.acts = nnx.Dict(dict([["depth", nnx.softplus], ["normal", nnx.tanh]]))
        self.heads["extra"] = nnx.Linear(dim, 4, **fan_in_uniform(dim), rngs=rngs)

    def __call__(self, x, only=None):
        h = nnx.relu(self.trunk(x))
        out = {}
        for name, head in self.heads.items():
            if only is not None and name != only:
                continue
            y = head(h)
            if name in self.acts:
                y = self.acts[name](y)
            out[name] = y
        assert "extra" in self.heads.keys()
        return out


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
