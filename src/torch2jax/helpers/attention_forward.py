"""Attention with parameters that are given to it, as `torch.nn.functional` has it."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.attention import additive, scaled_dot_product_attention
from torch2jax.helpers.linear import linear


def multi_head_attention_forward(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    num_heads: int,
    in_proj_weight: jax.Array | Sequence[jax.Array],
    in_proj_bias: jax.Array | None,
    out_proj_weight: jax.Array,
    out_proj_bias: jax.Array | None,
    *,
    bias_k: jax.Array | None = None,
    bias_v: jax.Array | None = None,
    add_zero_attn: bool = False,
    key_padding_mask: jax.Array | None = None,
    need_weights: bool = True,
    attn_mask: jax.Array | None = None,
    static_k: jax.Array | None = None,
    static_v: jax.Array | None = None,
    average_attn_weights: bool = True,
    dropout_p: float = 0.0,
    rngs: nnx.Rngs | None = None,
) -> tuple[jax.Array, jax.Array | None]:
    """Attention of several heads: the output, shaped as the query, and the weights (batch, L, S) or None.

    Shapes: query (L, batch, E), key (S, batch, K), value (S, batch, V); a missing batch axis is fine. `in_proj_weight`
    is one matrix (3 E, E), or those of query, key and value; `static_k` and `static_v`, (batch * heads, S, E / heads),
    replace what they make of key and value. Boolean masks are True where attention is *forbidden*, float masks are
    added to the scores: `key_padding_mask` (batch, S), `attn_mask` (L, S) or (batch * heads, L, S).
    """
    batched = query.ndim == 3
    sequences = [x.swapaxes(0, 1) if batched else x[None] for x in (query, key, value)]
    key_padding_mask = key_padding_mask if batched or key_padding_mask is None else key_padding_mask[None]
    matrices = in_proj_weight if isinstance(in_proj_weight, Sequence) else jnp.split(in_proj_weight, 3)
    biases = [None] * 3 if in_proj_bias is None else jnp.split(in_proj_bias, 3)
    projected = [linear(*parts) for parts in zip(sequences, matrices, biases, strict=True)]
    q, k, v = (split_heads(x, num_heads, row) for x, row in zip(projected, (None, bias_k, bias_v), strict=True))
    k = k if static_k is None else static_k.reshape(*q.shape[:2], *static_k.shape[1:])
    v = v if static_v is None else static_v.reshape(*q.shape[:2], *static_v.shape[1:])
    if add_zero_attn:
        k, v = (jnp.pad(x, [(0, 0), (0, 0), (0, 1), (0, 0)]) for x in (k, v))
    mask = joined_mask(attn_mask, key_padding_mask, q, k)
    weights = None
    if need_weights:
        scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
        weights = nnx.softmax(scores if mask is None else scores + mask)
        weights = nnx.Dropout(dropout_p)(weights, rngs=rngs) if dropout_p else weights
        y = weights @ v
        weights = weights.mean(1) if average_attn_weights else weights
    else:
        y = scaled_dot_product_attention(q, k, v, mask, dropout_p, rngs=rngs)
    y = linear(y.swapaxes(1, 2).reshape(*y.shape[::2], -1), out_proj_weight, out_proj_bias)
    if not batched:
        return y[0], None if weights is None else weights[0]
    return y.swapaxes(0, 1), weights


def split_heads(x: jax.Array, num_heads: int, row: jax.Array | None = None) -> jax.Array:
    """(batch, length, width), with `row` behind it, as (batch, heads, length, width / heads)."""
    if row is not None:
        x = jnp.concatenate([x, jnp.broadcast_to(row, (x.shape[0], 1, x.shape[2]))], 1)
    return x.reshape(*x.shape[:2], num_heads, -1).swapaxes(1, 2)


def joined_mask(
    attn_mask: jax.Array | None, key_padding_mask: jax.Array | None, q: jax.Array, k: jax.Array
) -> jax.Array | None:
    """The sum of both masks as numbers to add to scores (batch, heads, L, S); 0 for keys that were added at the end."""
    mask = None
    if attn_mask is not None:
        mask = additive(attn_mask)
        mask = mask.reshape(*q.shape[:2], *mask.shape[1:]) if mask.ndim == 3 else mask
    if key_padding_mask is not None:
        padding = additive(key_padding_mask)[:, None, None]
        mask = padding if mask is None else mask + padding
    if mask is None:
        return None
    return jnp.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, k.shape[2] - mask.shape[-1])])
