"""Fast versions of layers, where they are installed."""
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

try:
    import xformers_not_there.ops as xops

    HAS_XFORMERS = True
except ImportError:
    xops = None
    HAS_XFORMERS = False


class Block(nnx.Module):
    def __init__(self, d=4, *, rngs: nnx.Rngs):
        self.norm = nnx.LayerNorm(d, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.qkv = nnx.Linear(d, 3 * d, **fan_in_uniform(d), rngs=rngs)

    def __call__(self, x):
        q, k, v = jnp.split(self.qkv(self.norm(x)), 3, axis=-1)
        if HAS_XFORMERS:
            return x + xops.memory_efficient_attention(q, k, v)
        return x + scaled_dot_product_attention(q, k, v)


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
