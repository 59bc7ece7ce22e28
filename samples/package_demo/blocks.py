"""Blocks: a convolution on spectrograms, and a transformer encoder over time."""

from torch import nn

from . import layers
from .layers import ScaledTanh, build_activation


class ConvBlock(nn.Module):
    """Convolution, norm, activation and pooling along the frequencies: (N, C, M, T) -> (N, C', M / pool, T)."""

    def __init__(self, c_in, c_out, pool=2, activation="relu", dropout=0.1):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, kernel_size=3, padding=1, bias=False)
        self.norm = nn.BatchNorm2d(c_out)
        self.act = ScaledTanh(c_out) if activation == "tanh" else build_activation(activation)
        self.pool = nn.AvgPool2d((pool, 1))
        self.drop = nn.Dropout(dropout)

    def forward(self, x):
        x = self.act(self.norm(self.conv(x)))
        return self.drop(self.pool(x))


class EncoderBlock(nn.Module):
    """Self attention over time and an MLP, (N, T, D); `mask` (N, T) is true where there is padding."""

    def __init__(self, dim, heads, dropout=0.1, activation="gelu"):
        super().__init__()
        self.norm1 = nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, heads, dropout=dropout, batch_first=True)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = nn.Sequential(
            nn.Linear(dim, 2 * dim), layers.build_activation(activation), nn.Dropout(dropout), nn.Linear(2 * dim, dim)
        )

    def forward(self, x, mask=None):
        h = self.norm1(x)
        h, _ = self.attn(h, h, h, key_padding_mask=mask, need_weights=False)
        x = x + h
        return x + self.mlp(self.norm2(x))
