"""What flash_attn has: attention in one kernel, of arrays (N, L, heads, E). The last query sees all keys."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F


def flash_attn_func(
    q: torch.Tensor,
    k: torch.Tensor,
    v: torch.Tensor,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
    *,
    softcap: float = 0.0,
) -> torch.Tensor:
    """Attention; several heads of queries may share one of keys and values."""
    shared = q.shape[2] // k.shape[2]
    keys, values = k.repeat_interleave(shared, 2), v.repeat_interleave(shared, 2)
    scores = torch.einsum("nlhe,nshe->nhls", q, keys) * (softmax_scale or q.shape[-1] ** -0.5)
    if causal:
        seen = torch.ones(scores.shape[-2:], dtype=torch.bool).tril(scores.shape[-1] - scores.shape[-2])
        scores = scores.masked_fill(~seen, -torch.inf)
    weights = scores.softmax(-1).nan_to_num(0.0)
    return torch.einsum("nhls,nshe->nlhe", F.dropout(weights, dropout_p), values)


def flash_attn_qkvpacked_func(
    qkv: torch.Tensor,
    dropout_p: float = 0.0,
    softmax_scale: float | None = None,
    causal: bool = False,
    *,
    softcap: float = 0.0,
) -> torch.Tensor:
    """Attention of (N, L, 3, heads, E)."""
    q, k, v = qkv.unbind(2)
    return flash_attn_func(q, k, v, dropout_p, softmax_scale, causal)


class FlashAttention(nn.Module):
    """Attention of (N, L, 3, heads, E), with dropout of the weights while it is trained."""

    def __init__(self, softmax_scale: float | None = None, attention_dropout: float = 0.0) -> None:
        super().__init__()
        self.softmax_scale, self.dropout_p = softmax_scale, attention_dropout

    def forward(self, qkv: torch.Tensor, causal: bool = False) -> tuple[torch.Tensor, None]:
        """The result, and no weights."""
        rate = self.dropout_p if self.training else 0.0
        return flash_attn_qkvpacked_func(qkv, rate, self.softmax_scale, causal), None
