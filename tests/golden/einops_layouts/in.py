"""Patterns of einops beside convolutions: they are written for channel-last data, and nothing is transposed."""

import einops
import torch
from einops import rearrange, reduce, repeat
from einops.layers.torch import Rearrange, Reduce
from torch import nn


class Patches(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.embed = nn.Sequential(nn.Conv2d(3, dim, 4, 4), Rearrange("b c h w -> b (h w) c"), nn.LayerNorm(dim))
        self.back = nn.Sequential(
            nn.Linear(dim, dim),
            Rearrange("b (h w) c -> b c h w", h=3),  # three rows
            nn.Conv2d(dim, 4, 1)
        )
        self.down = nn.Sequential(
            Rearrange('b c (h p) (w q) -> b (c p q) h w', p=2, q=2),
            nn.Conv2d(16, 4, 1)
        )
        self.same = nn.Conv2d(4, 4, 1)
        self.end = nn.Sequential(nn.Conv2d(4, 6, 1), Reduce("b c h w -> b c", "mean"), nn.Linear(6, 2))

    def forward(self, x):
        y = self.back(self.embed(x))
        for layer in (self.down, self.same):
            y = layer(y[:, :, :2, :2])
        return self.end(self.same(y))


class Attended(nn.Module):
    def __init__(self, channels):
        super().__init__()
        self.to_q = nn.Conv2d(3, channels, 1)
        self.to_out = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        q = self.to_q(x)
        h, w = q.shape[-2:]
        seq = rearrange(q, 'b c h w -> b (h w) c')
        seq = (seq @ seq.transpose(1, 2)).softmax(-1) @ seq
        out = self.to_out(rearrange(seq, "b (h w) c -> b c h w", h=h, w=w))
        halves = einops.reduce(out, 'b c (h 2) w -> b c h w', reduction='max')
        stacked = rearrange([q, out], "n b c h w -> b (n c) h w")
        return reduce(out, "b c h w -> b c", "mean"), halves, repeat(tensor=q, pattern="b ... -> b 2 ..."), stacked
