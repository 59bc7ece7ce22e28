import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Decoder(nnx.Module):
    """nn.MultiheadAttention and nn.TransformerEncoderLayer as people call them, and masks of both kinds."""

    def __init__(self, d=8, heads=2, dropout=0.1, *, rngs: nnx.Rngs):
        self.self_attn = MultiheadAttention(d, heads, dropout=dropout, rngs=rngs)
        self.cross_attn = MultiheadAttention(d, heads, batch_first=True, rngs=rngs)
        self.layer = TransformerEncoderLayer(
            d, heads, dim_feedforward=2 * d, dropout=dropout, batch_first=True, rngs=rngs
        )
        self.query = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)

    @staticmethod
    def generate_square_subsequent_mask(sz):
        mask = (jnp.triu(jnp.ones((sz, sz))) == 1).swapaxes(0, 1)
        value = mask.astype(jnp.float32)
        value_ = jnp.where(mask == 0, float("-inf"), value)
        return jnp.where(mask == 1, float(0.0), value_)

    def __call__(self, x, memory):
        t = x.shape[1]
        y = x.swapaxes(0, 1)
        y, weights = self.self_attn(y, y, y, attn_mask=self.generate_square_subsequent_mask(t).astype(y.dtype))
        x = x + y.swapaxes(0, 1)
        x = x + self.cross_attn(x, memory, memory, need_weights=False)[0]
        x = self.layer(x)
        q, k = self.query(x), memory
        sdpa = scaled_dot_product_attention(q, k, memory)
        value = jnp.zeros((q.shape[0], t, k.shape[1]))
        batch2 = k.swapaxes(1, 2)
        scores = value + 1 / math.sqrt(q.shape[-1]) * (q @ batch2)
        return x, weights, sdpa, scores


# Helpers without a Flax equivalent.


def additive(mask: jax.Array) -> jax.Array:
    """A mask to add to scores: minus infinity where a boolean mask forbids attention."""
    return jnp.where(mask, -jnp.inf, 0) if mask.dtype == bool else mask


def linear(x: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """Maps (..., in) to (..., out) by a weight of shape (out, in)."""
    y = x @ weight.T
    return y if bias is None else y + bias


def scaled_dot_product_attention(
    query: jax.Array,
    key: jax.Array,
    value: jax.Array,
    attn_mask: jax.Array | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    *,
    scale: float | None = None,
    enable_gqa: bool = False,
    rngs: nnx.Rngs | None = None,
) -> jax.Array:
    """Attention softmax(query @ key.T * scale + mask) @ value (https://arxiv.org/abs/1706.03762, equation 1).

    Shapes: query (..., heads, L, E), key (..., heads, S, E), value (..., heads, S, V). A boolean mask is True where
    attention is allowed, a float mask is added to the scores; both broadcast to (..., heads, L, S). A query that may
    attend to nothing gets zeros. ``enable_gqa`` lets several heads of the query share one of key and value. ``rngs``
    are needed for a dropout rate above 0.
    """
    if enable_gqa:
        shared = query.shape[-3] // key.shape[-3]
        key, value = jnp.repeat(key, shared, -3), jnp.repeat(value, shared, -3)
    scores = query @ key.swapaxes(-1, -2) * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)
    if is_causal:
        scores = jnp.where(jnp.tril(jnp.ones(scores.shape[-2:], bool)), scores, -jnp.inf)
    if attn_mask is not None:
        scores = jnp.where(attn_mask, scores, -jnp.inf) if attn_mask.dtype == bool else scores + attn_mask
    wide = scores.astype(jnp.promote_types(scores.dtype, jnp.float32))
    attended = jnp.any(wide > -jnp.inf, -1, keepdims=True)
    weights = jnp.where(attended, nnx.softmax(jnp.where(attended, wide, 0)), 0).astype(scores.dtype)
    if dropout_p:
        weights = nnx.Dropout(dropout_p)(weights, rngs=rngs)
    return weights @ value


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


class MultiheadAttention(nnx.Module):
    """Attention of several heads with PyTorch's parameters and masks.

    `nnx.MultiHeadAttention` has inverted masks, and returns no attention weights.
    """

    def __init__(
        self,
        embed_dim: int,
        num_heads: int,
        dropout: float = 0.0,
        *,
        bias: bool = True,
        add_bias_kv: bool = False,
        add_zero_attn: bool = False,
        kdim: int | None = None,
        vdim: int | None = None,
        batch_first: bool = False,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        self.num_heads = num_heads
        self.add_zero_attn = add_zero_attn
        self.batch_first = batch_first
        self.dropout = nnx.Dropout(dropout, rngs=rngs if dropout else None)
        widths = (embed_dim, kdim or embed_dim, vdim or embed_dim)
        xavier = nnx.initializers.xavier_uniform()
        if widths == (embed_dim,) * 3:
            self.in_proj_weight = nnx.Param(xavier(rngs.params(), (3 * embed_dim, embed_dim), param_dtype))
        else:
            q, k, v = (xavier(rngs.params(), (embed_dim, width), param_dtype) for width in widths)
            self.q_proj_weight, self.k_proj_weight, self.v_proj_weight = nnx.Param(q), nnx.Param(k), nnx.Param(v)
        self.in_proj_bias = nnx.Param(jnp.zeros(3 * embed_dim, param_dtype)) if bias else None
        self.out_proj = nnx.Linear(
            embed_dim,
            embed_dim,
            use_bias=bias,
            param_dtype=param_dtype,
            kernel_init=uniform_within(1 / math.sqrt(embed_dim)),
            rngs=rngs,
        )
        normal = nnx.initializers.normal(1 / math.sqrt(embed_dim))
        self.bias_k = nnx.Param(normal(rngs.params(), (1, 1, embed_dim), param_dtype)) if add_bias_kv else None
        self.bias_v = nnx.Param(normal(rngs.params(), (1, 1, embed_dim), param_dtype)) if add_bias_kv else None

    def __call__(
        self,
        query: jax.Array,
        key: jax.Array,
        value: jax.Array,
        key_padding_mask: jax.Array | None = None,
        need_weights: bool = True,
        attn_mask: jax.Array | None = None,
        average_attn_weights: bool = True,
    ) -> tuple[jax.Array, jax.Array | None]:
        """Attends from query (L, batch, embed_dim) to key (S, batch, kdim) and value (S, batch, vdim).

        Inputs are batch-first if the layer was built so; a missing batch axis is fine. Boolean masks are True where
        attention is *forbidden*, float masks are added to the scores: ``key_padding_mask`` of shape (batch, S),
        ``attn_mask`` of shape (L, S) or (batch * heads, L, S). Returns the output, shaped as the query, and the weights
        (batch, L, S), (batch, heads, L, S) if not averaged, or None.
        """
        batched = query.ndim == 3
        if not batched:
            query, key, value = (x[None] for x in (query, key, value))
            key_padding_mask = None if key_padding_mask is None else key_padding_mask[None]
        elif not self.batch_first:
            query, key, value = (x.swapaxes(0, 1) for x in (query, key, value))
        mask = self.merge_masks(attn_mask, key_padding_mask, query.shape[0])
        q, k, v = self.project(query, key, value)
        if mask is not None:
            mask = jnp.pad(mask, [(0, 0)] * (mask.ndim - 1) + [(0, k.shape[1] - mask.shape[-1])])
        q, k, v = (x.reshape(*x.shape[:2], self.num_heads, -1).swapaxes(1, 2) for x in (q, k, v))
        if need_weights:
            scores = q @ k.swapaxes(-1, -2) / math.sqrt(q.shape[-1])
            weights = self.dropout(nnx.softmax(scores if mask is None else scores + mask))
            y = weights @ v
        else:
            rate = 0.0 if self.dropout.deterministic else self.dropout.rate
            weights = None
            y = scaled_dot_product_attention(q, k, v, mask, rate, rngs=self.dropout.rngs)
        y = self.out_proj(y.swapaxes(1, 2).reshape(*query.shape))
        if weights is not None and average_attn_weights:
            weights = weights.mean(1)
        if not batched:
            return y[0], None if weights is None else weights[0]
        return (y if self.batch_first else y.swapaxes(0, 1)), weights

    def project(self, query: jax.Array, key: jax.Array, value: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Queries, keys and values (batch, length, embed_dim), with the additional keys and values at their ends."""
        if hasattr(self, "in_proj_weight"):
            matrices = jnp.split(self.in_proj_weight[...], 3)
        else:
            matrices = [self.q_proj_weight[...], self.k_proj_weight[...], self.v_proj_weight[...]]
        biases = [None] * 3 if self.in_proj_bias is None else jnp.split(self.in_proj_bias[...], 3)
        q, k, v = (linear(x, w, b) for x, w, b in zip((query, key, value), matrices, biases, strict=True))
        row = (k.shape[0], 1, k.shape[2])
        if self.bias_k is not None and self.bias_v is not None:
            k = jnp.concatenate([k, jnp.broadcast_to(self.bias_k[...], row)], 1)
            v = jnp.concatenate([v, jnp.broadcast_to(self.bias_v[...], row)], 1)
        if self.add_zero_attn:
            k, v = (jnp.concatenate([x, jnp.zeros(row, x.dtype)], 1) for x in (k, v))
        return q, k, v

    def merge_masks(
        self, attn_mask: jax.Array | None, key_padding_mask: jax.Array | None, batch: int
    ) -> jax.Array | None:
        """The sum of both masks as numbers to add to scores (batch, heads, L, S)."""
        if attn_mask is not None:
            attn_mask = additive(attn_mask)
            if attn_mask.ndim == 3:
                attn_mask = attn_mask.reshape(batch, self.num_heads, *attn_mask.shape[1:])
        if key_padding_mask is None:
            return attn_mask
        padding = additive(key_padding_mask)[:, None, None]
        return padding if attn_mask is None else attn_mask + padding


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


class TransformerLayer(nnx.Module):
    """The sublayers of encoder and decoder layers: self-attention, with memory attention to it, and feed-forward.

    With ``norm_first`` the input of each sublayer is normalised, otherwise the sum of its input and output.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[jax.Array], jax.Array] = "relu",
        *,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        with_memory: bool = False,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        options: dict[str, Any] = {"use_bias": bias, "param_dtype": param_dtype, "rngs": rngs}
        norm = partial(nnx.LayerNorm, d_model, epsilon=layer_norm_eps, use_fast_variance=False, **options)
        attention = partial(MultiheadAttention, d_model, nhead, dropout, bias=bias, batch_first=batch_first)
        self.self_attn = attention(param_dtype=param_dtype, rngs=rngs)
        if with_memory:
            self.multihead_attn = attention(param_dtype=param_dtype, rngs=rngs)
        self.linear1 = nnx.Linear(d_model, dim_feedforward, **fan_in_uniform(d_model), **options)
        self.dropout = nnx.Dropout(dropout, rngs=rngs)
        self.linear2 = nnx.Linear(dim_feedforward, d_model, **fan_in_uniform(dim_feedforward), **options)
        self.norm_first = norm_first
        self.norm1 = norm()
        self.norm2 = norm()
        if with_memory:
            self.norm3 = norm()
            self.dropout3 = nnx.Dropout(dropout, rngs=rngs)
        self.dropout1 = nnx.Dropout(dropout, rngs=rngs)
        self.dropout2 = nnx.Dropout(dropout, rngs=rngs)
        if activation == "gelu":
            activation = partial(nnx.gelu, approximate=False)
        self.activation = nnx.relu if isinstance(activation, str) else activation

    def attend_to_self(self, x: jax.Array, mask: jax.Array | None, padding: jax.Array | None) -> jax.Array:
        """The self-attention sublayer without its residual connection."""
        y, _ = self.self_attn(x, x, x, key_padding_mask=padding, need_weights=False, attn_mask=mask)
        return self.dropout1(y)

    def feed_forward(self, x: jax.Array) -> jax.Array:
        """The two linear layers, without dropout on their result and residual connection."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(TransformerLayer):
    """Self-attention and a feed-forward network, each with a residual connection."""

    def __call__(
        self, src: jax.Array, src_mask: jax.Array | None = None, src_key_padding_mask: jax.Array | None = None
    ) -> jax.Array:
        """Maps (time, batch, d_model), or batch-first, to the same shape; boolean masks are True where forbidden."""
        x = src
        if self.norm_first:
            x = x + self.attend_to_self(self.norm1(x), src_mask, src_key_padding_mask)
            return x + self.dropout2(self.feed_forward(self.norm2(x)))
        x = self.norm1(x + self.attend_to_self(x, src_mask, src_key_padding_mask))
        y: jax.Array = self.norm2(x + self.dropout2(self.feed_forward(x)))
        return y
