import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from einops import rearrange, reduce, repeat
from flax import nnx


class Attention(nnx.Module):
    def __init__(self, dim=8, heads=2, dim_head=4, *, rngs: nnx.Rngs):
        self.heads = heads
        self.scale = dim_head**-0.5
        self.to_qkv = nnx.Linear(dim, heads * dim_head * 3, use_bias=False, **fan_in_uniform(dim), rngs=rngs)
        self.cls = nnx.Param(rngs.normal((1, 1, dim)))
        self.to_out = nnx.Linear(heads * dim_head, dim, **fan_in_uniform(heads * dim_head), rngs=rngs)

    def __call__(self, img):
        x = rearrange(img, "b c h w -> b (h w) c")
        x = jnp.concatenate((repeat(self.cls[...], "() n d -> b n d", b=x.shape[0]), x), axis=1)
        q, k, v = (
            rearrange(t, "b n (h d) -> b h n d", h=self.heads) for t in jnp.split(self.to_qkv(x), 3, axis=-1)
        )
        attn = nnx.softmax(jnp.einsum("b h i d, b h j d -> b h i j", q, k) * self.scale)
        out = rearrange(jnp.einsum("bhij,bhjd->bhid", attn, v), "b h n d -> b n (h d)")
        blocks = rearrange(img, "b c (h p1) (w p2) -> (b h w) (p1 p2 c)", p1=2, p2=3)
        return self.to_out(out)[:, 0], reduce(img, "b c h w -> b c", "max"), blocks


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
