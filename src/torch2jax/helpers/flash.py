"""Attention as flash_attn has it; XLA has kernels for it."""

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.attention import scaled_dot_product_attention


def flash_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
    *,
    rngs: nnx.Rngs | None = None,
) -> jax.Array:
    """Attention of queries (N, L, heads, E) to keys and values (N, S, heads or fewer, E); gives (N, L, heads, E).

    If ``causal``, the last query sees all keys, and each one before it one fewer.
    """
    length, keys = query.shape[1], key.shape[1]
    mask = jnp.tril(jnp.ones((length, keys), bool), keys - length) if causal else None
    result = scaled_dot_product_attention(
        query.swapaxes(1, 2),
        key.swapaxes(1, 2),
        value.swapaxes(1, 2),
        mask,
        dropout_p,
        scale=softmax_scale,
        enable_gqa=query.shape[2] != key.shape[2],
        rngs=rngs,
    )
    return result.swapaxes(1, 2)


class FlashAttention(nnx.Module):
    """Attention of queries, keys and values in one array, with dropout of the weights while it is trained."""

    def __init__(self, softmax_scale: float | None = None, rate: float = 0.0, *, rngs: nnx.Rngs) -> None:
        self.softmax_scale, self.rate = softmax_scale, rate
        self.rngs = rngs.fork()
        self.deterministic = False

    def __call__(self, qkv: jax.Array, causal: bool = False) -> tuple[jax.Array, None]:
        """qkv: (N, L, 3, heads, E); gives (N, L, heads, E) and no weights."""
        query, key, value = jnp.moveaxis(qkv, 2, 0)
        rate = 0.0 if self.deterministic else self.rate
        return flash_attention(query, key, value, rate, self.softmax_scale, causal, rngs=self.rngs), None
