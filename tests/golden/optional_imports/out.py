"""Fast versions of layers, where they are installed."""
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import torch
from flax import nnx

try:
    from apex.normalization import FusedLayerNorm as LayerNorm
except ImportError:
    LayerNorm = partial(nnx.LayerNorm, epsilon=1e-5, use_fast_variance=False)

try:
    import xformers_not_there.ops as xops

    HAS_XFORMERS = True
except ImportError:
    xops = None
    HAS_XFORMERS = False

# TODO(torch2jax): T2J101 torch.nn.functional has no rule
if hasattr(torch.nn.functional, "scaled_dot_product_attention"):
    from torch.nn.functional import scaled_dot_product_attention as attend
else:

    def attend(q, k, v):
        return nnx.softmax((q @ k.swapaxes(-2, -1) / q.shape[-1] ** 0.5)) @ v


class Block(nnx.Module):
    def __init__(self, d=4, *, rngs: nnx.Rngs):
        self.norm = LayerNorm(d)
        self.qkv = nnx.Linear(d, 3 * d, **fan_in_uniform(d), rngs=rngs)

    def __call__(self, x):
        q, k, v = jnp.split(self.qkv(self.norm(x)), 3, axis=-1)
        if HAS_XFORMERS:
            return x + xops.memory_efficient_attention(q, k, v)
        return x + attend(q, k, v)


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
