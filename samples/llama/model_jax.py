"""A Llama-style decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

Forward only, without a key-value cache.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Optional, Tuple

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


@dataclass
class ModelArgs:
    dim: int = 48
    n_layers: int = 2
    n_heads: int = 6
    n_kv_heads: Optional[int] = 2  # None: as many as n_heads
    vocab_size: int = 97
    multiple_of: int = 16  # the hidden layer of SwiGLU is a multiple of this
    norm_eps: float = 1e-5
    rope_theta: float = 10000.0
    max_seq_len: int = 64
    complex_rope: bool = False


class RMSNorm(nnx.Module):
    """x / sqrt(mean(x^2) + eps), scaled."""

    def __init__(self, dim: int, eps: float = 1e-6, *, rngs: nnx.Rngs):
        self.eps = eps
        self.weight = nnx.Param(jnp.ones((dim,)))

    def _norm(self, x: jax.Array) -> jax.Array:
        return x * lax.rsqrt((x**2).mean(axis=-1, keepdims=True) + self.eps)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self._norm(x).astype(x.dtype) * self.weight[...]


def rotary_frequencies(dim: int, length: int, theta: float) -> jax.Array:
    """Angles (length, dim / 2): position times a frequency that falls geometrically."""
    inv_freq = 1.0 / (theta ** (jnp.arange(0, dim, 2) / dim))
    t = jnp.arange(length)
    return jnp.outer(t, inv_freq)


def apply_rotary(x: jax.Array, cos: jax.Array, sin: jax.Array) -> jax.Array:
    """Rotate pairs of channels of x (B, T, heads, D): channel i with channel i + D/2."""
    x1, x2 = jnp.split(x, 2, axis=-1)
    rotated = jnp.concatenate((-x2, x1), axis=-1)
    return x * cos[None, :, None, :] + rotated * sin[None, :, None, :]


def apply_rotary_complex(x: jax.Array, freqs_cis: jax.Array) -> jax.Array:
    """The same idea for neighbouring channels, as a product of complex numbers."""
    value = x.reshape(*x.shape[:-1], -1, 2)
    x_ = lax.complex(value[..., 0], value[..., 1])
    freqs_cis = freqs_cis.reshape(1, x_.shape[1], 1, x_.shape[-1])
    value_ = x_ * freqs_cis
    value__ = jnp.stack([value_.real, value_.imag], axis=-1)
    return value__.reshape(*value__.shape[:3], -1).astype(x.dtype)


def repeat_kv(x: jax.Array, n_rep: int) -> jax.Array:
    """Give each of `n_rep` query heads its copy: (B, T, kv, D) -> (B, T, kv * n_rep, D)."""
    if n_rep == 1:
        return x
    B, T, kv, D = x.shape
    value = x[:, :, :, None, :]
    return jnp.broadcast_to(
        value, expand_shape(value.shape, (B, T, kv, n_rep, D))
    ).reshape(B, T, kv * n_rep, D)


class Attention(nnx.Module):
    """Causal attention in which groups of query heads share one head of keys and values."""

    def __init__(self, args: ModelArgs, *, rngs: nnx.Rngs):
        self.n_heads = args.n_heads
        self.n_kv_heads = args.n_heads if args.n_kv_heads is None else args.n_kv_heads
        assert self.n_heads % self.n_kv_heads == 0
        self.head_dim = args.dim // args.n_heads
        self.complex_rope = args.complex_rope

        q_dim, kv_dim = self.n_heads * self.head_dim, self.n_kv_heads * self.head_dim
        self.wq = nnx.Linear(args.dim, q_dim, use_bias=False, **fan_in_uniform(args.dim), rngs=rngs)
        self.wk = nnx.Linear(
            args.dim, kv_dim, use_bias=False, **fan_in_uniform(args.dim), rngs=rngs
        )
        self.wv = nnx.Linear(
            args.dim, kv_dim, use_bias=False, **fan_in_uniform(args.dim), rngs=rngs
        )
        self.wo = nnx.Linear(q_dim, args.dim, use_bias=False, **fan_in_uniform(q_dim), rngs=rngs)

    def rotate(self, x: jax.Array, rope: Tuple[jax.Array, jax.Array]) -> jax.Array:
        if self.complex_rope:
            return apply_rotary_complex(x, lax.complex(*jnp.broadcast_arrays(rope[0], rope[1])))
        cos, sin = (jnp.concatenate((r, r), axis=-1) for r in rope)
        return apply_rotary(x, cos, sin)

    def __call__(
        self, x: jax.Array, rope: Tuple[jax.Array, jax.Array], mask: Optional[jax.Array]
    ) -> jax.Array:
        B, T, _ = x.shape
        q = self.rotate(self.wq(x).reshape(B, T, self.n_heads, self.head_dim), rope)
        k = self.rotate(self.wk(x).reshape(B, T, self.n_kv_heads, self.head_dim), rope)
        v = self.wv(x).reshape(B, T, self.n_kv_heads, self.head_dim)

        n_rep = self.n_heads // self.n_kv_heads
        k, v = repeat_kv(k, n_rep), repeat_kv(v, n_rep)
        q, k, v = (t.swapaxes(1, 2) for t in (q, k, v))  # (B, heads, T, head_dim)

        scores = q @ k.swapaxes(2, 3) / math.sqrt(self.head_dim)
        if mask is not None:
            scores = scores + mask
        weights = nnx.softmax(scores).astype(q.dtype)
        out = (weights @ v).swapaxes(1, 2).reshape(B, T, -1)
        return self.wo(out)


class SwiGLU(nnx.Module):
    """w2(silu(w1 x) * w3 x), two thirds as wide as a usual MLP because there are three matrices."""

    def __init__(self, dim: int, multiple_of: int, *, rngs: nnx.Rngs):
        hidden = int(4 * dim * 2 / 3)
        hidden = -(-hidden // multiple_of) * multiple_of  # round up
        self.w1 = nnx.Linear(dim, hidden, use_bias=False, **fan_in_uniform(dim), rngs=rngs)
        self.w2 = nnx.Linear(hidden, dim, use_bias=False, **fan_in_uniform(hidden), rngs=rngs)
        self.w3 = nnx.Linear(dim, hidden, use_bias=False, **fan_in_uniform(dim), rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        return self.w2(nnx.silu(self.w1(x)) * self.w3(x))


class DecoderLayer(nnx.Module):
    def __init__(self, index: int, args: ModelArgs, *, rngs: nnx.Rngs):
        self.index = index
        self.attention = Attention(args, rngs=rngs)
        self.feed_forward = SwiGLU(args.dim, args.multiple_of, rngs=rngs)
        self.attention_norm = RMSNorm(args.dim, eps=args.norm_eps, rngs=rngs)
        self.ffn_norm = RMSNorm(args.dim, eps=args.norm_eps, rngs=rngs)

    def __call__(self, x, rope, mask):
        x = x + self.attention(self.attention_norm(x), rope, mask)
        x = x + self.feed_forward(self.ffn_norm(x))
        return x


class Transformer(nnx.Module):
    """Token ids (B, T) -> logits (B, T, vocab_size)."""

    def __init__(self, args: ModelArgs, *, rngs: nnx.Rngs):
        self.args = args
        self.tok_embeddings = nnx.Embed(
            args.vocab_size, args.dim, embedding_init=nnx.initializers.normal(1.0), rngs=rngs
        )
        self.layers = nnx.List([])
        for index in range(args.n_layers):
            self.layers.append(DecoderLayer(index, args, rngs=rngs))
        self.norm = RMSNorm(args.dim, eps=args.norm_eps, rngs=rngs)
        self.output = nnx.Linear(
            args.dim, args.vocab_size, use_bias=False, **fan_in_uniform(args.dim), rngs=rngs
        )

        angles = rotary_frequencies(args.dim // args.n_heads, args.max_seq_len, args.rope_theta)
        # cheap to compute again, so they stay out of the checkpoint
        self.rope_cos = Buffer(jnp.cos(angles), persistent=False)
        self.rope_sin = Buffer(jnp.sin(angles), persistent=False)

    def __call__(self, tokens: jax.Array) -> jax.Array:
        _, T = tokens.shape
        h = self.tok_embeddings(tokens)
        rope = (self.rope_cos[...][:T], self.rope_sin[...][:T])

        mask = None
        if T > 1:
            mask = jnp.triu(jnp.full((T, T), float("-inf")), k=1)

        for layer in self.layers:
            h = layer(h, rope, mask)
        return self.output(self.norm(h))


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


def expand_shape(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """`sizes` in which every -1 is replaced by the size that `shape` has there, counted from the last axis."""
    missing = len(sizes) - len(shape)
    return tuple(shape[i - missing] if size == -1 else size for i, size in enumerate(sizes))


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
