"""Functions that choose among their arguments, called with layers, sizes and arrays."""

from inspect import isfunction

import torch
import torch.nn as nn


def exists(val):
    return val is not None


def default(val, d):
    if exists(val):
        return val
    return d() if isfunction(d) else d


def first(a, b=None):
    return a or b


class FeedForward(nn.Module):
    def __init__(self, dim, mult=2, activation=None):
        super().__init__()
        activation = default(activation, nn.GELU)
        hidden = first(mult, 3) * dim
        self.w1 = nn.Linear(dim, hidden)
        self.act = activation()
        self.w2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.w2(self.act(self.w1(x)))


class Attention(nn.Module):
    def __init__(self, dim, heads=2, dim_head=None):
        super().__init__()
        dim_head = default(dim_head, dim // heads)
        self.heads = heads
        self.to_q = nn.Linear(dim, dim_head * heads)
        self.to_kv = nn.Linear(dim, dim_head * heads * 2)
        self.to_out = nn.Linear(dim_head * heads, dim)
        self.ff = FeedForward(dim)

    def forward(self, x, context=None, mask=None):
        context = default(context, x)
        mask = default(mask, lambda: torch.ones(context.shape[:2], dtype=torch.bool))
        q, (k, v) = self.to_q(x), self.to_kv(context).chunk(2, dim=-1)
        q, k, v = (t.unflatten(-1, (self.heads, -1)).transpose(1, 2) for t in (q, k, v))
        scores = (q @ k.transpose(-1, -2)).masked_fill(~mask[:, None, None, :], -1e9)
        return self.ff(self.to_out((scores.softmax(-1) @ v).transpose(1, 2).flatten(2)))
