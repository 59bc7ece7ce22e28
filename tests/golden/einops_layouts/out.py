"""Patterns of einops beside convolutions: they are written for channel-last data, and nothing is transposed."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import einops
import jax
import jax.numpy as jnp
from einops import rearrange, reduce, repeat
from flax import nnx


class Patches(nnx.Module):
    def __init__(self, dim, *, rngs: nnx.Rngs):
        self.embed = nnx.Sequential(
            nnx.Conv(3, dim, (4, 4), strides=4, padding="VALID", **fan_in_uniform(3, (4, 4)), rngs=rngs),
            partial(einops.rearrange, pattern="b h w c -> b (h w) c"),
            nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
        )
        # three rows
        self.back = nnx.Sequential(
            nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs),
            partial(einops.rearrange, pattern="b (h w) c -> b h w c", h=3),
            nnx.Conv(dim, 4, (1, 1), padding="VALID", **fan_in_uniform(dim, (1, 1)), rngs=rngs)
        )
        self.down = nnx.Sequential(
            partial(einops.rearrange, pattern='b (h p) (w q) c -> b h w (c p q)', p=2, q=2),
            nnx.Conv(16, 4, (1, 1), padding="VALID", **fan_in_uniform(16, (1, 1)), rngs=rngs)
        )
        self.same = nnx.Conv(4, 4, (1, 1), padding="VALID", **fan_in_uniform(4, (1, 1)), rngs=rngs)
        self.end = nnx.Sequential(
            nnx.Conv(4, 6, (1, 1), padding="VALID", **fan_in_uniform(4, (1, 1)), rngs=rngs),
            partial(einops.reduce, pattern="b h w c -> b c", reduction="mean"),
            nnx.Linear(6, 2, **fan_in_uniform(6), rngs=rngs),
        )

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        y = self.back(self.embed(x))
        for layer in (self.down, self.same):
            y = layer(y[:, :2, :2])
        return self.end(self.same(y))


class Attended(nnx.Module):
    def __init__(self, channels, *, rngs: nnx.Rngs):
        self.to_q = nnx.Conv(3, channels, (1, 1), padding="VALID", **fan_in_uniform(3, (1, 1)), rngs=rngs)
        self.to_out = nnx.Conv(
            channels, channels, (3, 3), padding=1, **fan_in_uniform(channels, (3, 3)), rngs=rngs
        )

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        q = self.to_q(x).transpose(0, 3, 1, 2)
        h, w = q.shape[-2:]
        seq = rearrange(q, 'b c h w -> b (h w) c')
        seq = nnx.softmax(seq @ seq.swapaxes(1, 2)) @ seq
        out = self.to_out(rearrange(seq, "b (h w) c -> b h w c", h=h, w=w))
        halves = einops.reduce(out, 'b (h 2) w c -> b c h w', reduction='max')
        stacked = rearrange([q, out.transpose(0, 3, 1, 2)], "n b c h w -> b (n c) h w")
        return reduce(out, "b h w c -> b c", "mean"), halves, repeat(tensor=q, pattern="b ... -> b 2 ..."), stacked


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
