"""Blocks: a convolution on spectrograms, and a transformer encoder over time."""

from functools import partial

from flax import nnx

from . import layers
from .layers import ScaledTanh, build_activation
from .torch2jax_helpers import BatchNorm, MultiheadAttention, fan_in_uniform


class ConvBlock(nnx.Module):
    """Convolution, norm, activation and pooling along the frequencies: (N, C, M, T) -> (N, C', M / pool, T)."""

    def __init__(self, c_in, c_out, pool=2, activation="relu", dropout=0.1, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(
            c_in, c_out, (3, 3), padding=1, use_bias=False, **fan_in_uniform(c_in, (3, 3)), rngs=rngs
        )
        self.norm = BatchNorm(c_out, rngs=rngs)
        self.act = ScaledTanh(c_out, rngs=rngs) if activation == "tanh" else build_activation(activation)
        kernel_size = (pool, 1)
        self.pool = partial(nnx.avg_pool, window_shape=kernel_size, strides=kernel_size)
        self.drop = nnx.Dropout(dropout, rngs=rngs)

    # x: N H W C; result: N H W C
    def __call__(self, x):
        x = self.act(self.norm(self.conv(x)).transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
        return self.drop(self.pool(x))


class EncoderBlock(nnx.Module):
    """Self attention over time and an MLP, (N, T, D); `mask` (N, T) is true where there is padding."""

    def __init__(self, dim, heads, dropout=0.1, activation="gelu", *, rngs: nnx.Rngs):
        self.norm1 = nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.attn = MultiheadAttention(dim, heads, dropout=dropout, batch_first=True, rngs=rngs)
        self.norm2 = nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.mlp = nnx.Sequential(
            nnx.Linear(dim, 2 * dim, **fan_in_uniform(dim), rngs=rngs),
            layers.build_activation(activation),
            nnx.Dropout(dropout, rngs=rngs),
            nnx.Linear(2 * dim, dim, **fan_in_uniform(2 * dim), rngs=rngs),
        )

    def __call__(self, x, mask=None):
        h = self.norm1(x)
        h, _ = self.attn(h, h, h, key_padding_mask=mask, need_weights=False)
        x = x + h
        return x + self.mlp(self.norm2(x))
