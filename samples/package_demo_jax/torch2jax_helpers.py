"""What PyTorch has and neither JAX nor Flax nor optax: used by the modules of this package."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


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


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)
