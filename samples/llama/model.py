"""A Llama-style decoder: RMSNorm, rotary positions, grouped-query attention, SwiGLU.

Forward only, without a key-value cache.
"""

import math
from dataclasses import dataclass
from typing import Optional, Tuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


class RMSNorm(torch.nn.Module):
    """x / sqrt(mean(x^2) + eps), scaled."""

    def __init__(self, dim: int, eps: float = 1e-6):
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(dim))

    def _norm(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.eps)

    def forward(self, x: Tensor) -> Tensor:
        return self._norm(x).type_as(x) * self.weight


def rotary_frequencies(dim: int, length: int, theta: float) -> Tensor:
    """Angles (length, dim / 2): position times a frequency that falls geometrically."""
    inv_freq = 1.0 / (theta ** (torch.arange(0, dim, 2) / dim))
    t = torch.arange(length)
    return torch.outer(t, inv_freq)


def apply_rotary(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotate pairs of channels of x (B, T, heads, D): channel i with channel i + D/2."""
    x1, x2 = x.chunk(2, dim=-1)
    rotated = torch.cat((-x2, x1), dim=-1)
    return x * cos[None, :, None, :] + rotated * sin[None, :, None, :]


def apply_rotary_complex(x: Tensor, freqs_cis: Tensor) -> Tensor:
    """The same idea for neighbouring channels, as a product of complex numbers."""
    x_ = torch.view_as_complex(x.reshape(*x.shape[:-1], -1, 2))
    freqs_cis = freqs_cis.view(1, x_.size(1), 1, x_.size(-1))
    return torch.view_as_real(x_ * freqs_cis).flatten(3).type_as(x)


def repeat_kv(x: Tensor, n_rep: int) -> Tensor:
    """Give each of `n_rep` query heads its copy: (B, T, kv, D) -> (B, T, kv * n_rep, D)."""
    if n_rep == 1:
        return x
    B, T, kv, D = x.shape
    return x[:, :, :, None, :].expand(B, T, kv, n_rep, D).reshape(B, T, kv * n_rep, D)


class Attention(nn.Module):
    """Causal attention in which groups of query heads share one head of keys and values."""

    def __init__(self, args: ModelArgs):
        super().__init__()
        self.n_heads = args.n_heads
        self.n_kv_heads = args.n_heads if args.n_kv_heads is None else args.n_kv_heads
        assert self.n_heads % self.n_kv_heads == 0
        self.head_dim = args.dim // args.n_heads
        self.complex_rope = args.complex_rope

        q_dim, kv_dim = self.n_heads * self.head_dim, self.n_kv_heads * self.head_dim
        self.wq = nn.Linear(args.dim, q_dim, bias=False)
        self.wk = nn.Linear(args.dim, kv_dim, bias=False)
        self.wv = nn.Linear(args.dim, kv_dim, bias=False)
        self.wo = nn.Linear(q_dim, args.dim, bias=False)

    def rotate(self, x: Tensor, rope: Tuple[Tensor, Tensor]) -> Tensor:
        if self.complex_rope:
            return apply_rotary_complex(x, torch.complex(*rope))
        cos, sin = (torch.cat((r, r), dim=-1) for r in rope)
        return apply_rotary(x, cos, sin)

    def forward(self, x: Tensor, rope: Tuple[Tensor, Tensor], mask: Optional[Tensor]) -> Tensor:
        B, T, _ = x.shape
        q = self.rotate(self.wq(x).view(B, T, self.n_heads, self.head_dim), rope)
        k = self.rotate(self.wk(x).view(B, T, self.n_kv_heads, self.head_dim), rope)
        v = self.wv(x).view(B, T, self.n_kv_heads, self.head_dim)

        n_rep = self.n_heads // self.n_kv_heads
        k, v = repeat_kv(k, n_rep), repeat_kv(v, n_rep)
        q, k, v = (t.transpose(1, 2) for t in (q, k, v))  # (B, heads, T, head_dim)

        scores = torch.matmul(q, k.transpose(2, 3)) / math.sqrt(self.head_dim)
        if mask is not None:
            scores = scores + mask
        weights = F.softmax(scores, dim=-1).type_as(q)
        out = torch.matmul(weights, v).transpose(1, 2).contiguous().view(B, T, -1)
        return self.wo(out)


class SwiGLU(nn.Module):
    """w2(silu(w1 x) * w3 x), two thirds as wide as a usual MLP because there are three matrices."""

    def __init__(self, dim: int, multiple_of: int):
        super().__init__()
        hidden = int(4 * dim * 2 / 3)
        hidden = -(-hidden // multiple_of) * multiple_of  # round up
        self.w1 = nn.Linear(dim, hidden, bias=False)
        self.w2 = nn.Linear(hidden, dim, bias=False)
        self.w3 = nn.Linear(dim, hidden, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return self.w2(F.silu(self.w1(x)) * self.w3(x))


class DecoderLayer(nn.Module):
    def __init__(self, index: int, args: ModelArgs):
        super().__init__()
        self.index = index
        self.attention = Attention(args)
        self.feed_forward = SwiGLU(args.dim, args.multiple_of)
        self.attention_norm = RMSNorm(args.dim, eps=args.norm_eps)
        self.ffn_norm = RMSNorm(args.dim, eps=args.norm_eps)

    def forward(self, x, rope, mask):
        x = x + self.attention(self.attention_norm(x), rope, mask)
        x = x + self.feed_forward(self.ffn_norm(x))
        return x


class Transformer(nn.Module):
    """Token ids (B, T) -> logits (B, T, vocab_size)."""

    def __init__(self, args: ModelArgs):
        super().__init__()
        self.args = args
        self.tok_embeddings = nn.Embedding(args.vocab_size, args.dim)
        self.layers = torch.nn.ModuleList()
        for index in range(args.n_layers):
            self.layers.append(DecoderLayer(index, args))
        self.norm = RMSNorm(args.dim, eps=args.norm_eps)
        self.output = nn.Linear(args.dim, args.vocab_size, bias=False)

        angles = rotary_frequencies(args.dim // args.n_heads, args.max_seq_len, args.rope_theta)
        # cheap to compute again, so they stay out of the checkpoint
        self.register_buffer("rope_cos", angles.cos(), persistent=False)
        self.register_buffer("rope_sin", angles.sin(), persistent=False)

    def forward(self, tokens: Tensor) -> Tensor:
        _, T = tokens.shape
        h = self.tok_embeddings(tokens)
        rope = (self.rope_cos[:T], self.rope_sin[:T])

        mask = None
        if T > 1:
            mask = torch.full((T, T), float("-inf"), device=tokens.device).triu(diagonal=1)

        for layer in self.layers:
            h = layer(h, rope, mask)
        return self.output(self.norm(h))
