import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import einops
import jax
import jax.numpy as jnp
from flax import nnx


class MixerBlock(nnx.Module):
    def __init__(self, patch=2, channels=3, dim=8, patches=6, classes=5, *, rngs: nnx.Rngs):
        self.embed = nnx.Sequential(
            partial(
                einops.rearrange,
                pattern="b c (h p1) (w p2) -> b (h w) (p1 p2 c)",
                p1=patch,
                p2=patch,
            ),
            nnx.Linear(
                patch * patch * channels, dim, **fan_in_uniform(patch * patch * channels), rngs=rngs
            ),
        )
        self.tokens = nnx.Sequential(
            nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
            partial(einops.rearrange, pattern="b n d -> b d n"),
            nnx.Linear(patches, patches, **fan_in_uniform(patches), rngs=rngs),
            partial(nnx.gelu, approximate=False),
            partial(einops.rearrange, pattern="b d n -> b n d"),
        )
        self.head = nnx.Sequential(
            partial(einops.reduce, pattern="b n d -> b d", reduction="mean"),
            nnx.Linear(dim, classes, **fan_in_uniform(dim), rngs=rngs),
        )

    def __call__(self, x):
        x = self.embed(x)
        x = x + self.tokens(x)
        return self.head(x)


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
