"""Swin Transformer: attention inside windows, which shift from block to block (Liu et al., 2021).

Tokens are kept as (B, H, W, C) throughout.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


def window_partition(x, size):
    """(B, H, W, C) -> (B * windows, size, size, C)."""
    B, H, W, C = x.shape
    x = x.reshape(B, H // size, size, W // size, size, C)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(-1, size, size, C)


def window_reverse(windows, size, H, W):
    """The inverse: (B * windows, size, size, C) -> (B, H, W, C)."""
    rows, cols = H // size, W // size
    B = windows.shape[0] // (rows * cols)
    x = windows.reshape(B, rows, cols, size, size, -1)
    return x.transpose(0, 1, 3, 2, 4, 5).reshape(B, H, W, -1)


def relative_index(height, width):
    """Number of the offset between each pair of pixels of a window, (height*width, height*width)."""
    ys, xs = jnp.meshgrid(jnp.arange(height), jnp.arange(width), indexing="ij")
    value = jnp.stack((ys, xs))
    points = value.reshape(value.shape[0], -1)  # 2, N
    offsets = (points[:, :, None] - points[:, None, :]).transpose(1, 2, 0)  # N, N, 2
    offsets = offsets.at[:, :, 0].add(height - 1)  # from 0 on
    offsets = offsets.at[:, :, 1].add(width - 1)
    offsets = offsets.at[:, :, 0].multiply(2 * width - 1)
    return offsets.sum(axis=-1)


class WindowAttention(nnx.Module):
    """Self attention of the pixels of a window, with a learned bias for each head and offset."""

    def __init__(
        self, dim, window_size, num_heads, qkv_bias=True, attn_drop=0.0, proj_drop=0.0, *, rngs: nnx.Rngs
    ):
        self.window_size = window_size  # height, width
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5

        n_offsets = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)
        self.relative_position_bias_table = nnx.Param(jnp.zeros((n_offsets, num_heads)))
        self.relative_position_index = Buffer(relative_index(*window_size))
        self.relative_position_bias_table[...] = nnx.initializers.normal(0.02)(
            rngs.params(), self.relative_position_bias_table.shape, self.relative_position_bias_table.dtype
        )

        self.qkv = nnx.Linear(dim, dim * 3, use_bias=qkv_bias, **fan_in_uniform(dim), rngs=rngs)
        self.attn_drop = nnx.Dropout(attn_drop, rngs=rngs)
        self.proj = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)
        self.proj_drop = nnx.Dropout(proj_drop, rngs=rngs)
        self.softmax = nnx.softmax

    def position_bias(self):
        n = self.window_size[0] * self.window_size[1]
        bias = self.relative_position_bias_table[...][self.relative_position_index[...].reshape(-1)]
        return bias.reshape(n, n, -1).transpose(2, 0, 1)  # heads, n, n

    def __call__(self, x, mask=None):
        """x is (B * windows, N, C); the mask, (windows, N, N), is added to the scores."""
        B_, N, C = x.shape
        qkv = self.qkv(x).reshape(B_, N, 3, self.num_heads, C // self.num_heads).transpose(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]

        attn = (q * self.scale) @ k.swapaxes(-2, -1)
        attn = attn + self.position_bias()[None]
        if mask is not None:
            n_win = mask.shape[0]
            attn = attn.reshape(B_ // n_win, n_win, self.num_heads, N, N) + mask[:, None][None]
            attn = attn.reshape(-1, self.num_heads, N, N)
        attn = self.attn_drop(self.softmax(attn))

        x = (attn @ v).swapaxes(1, 2).reshape(B_, N, C)
        return self.proj_drop(self.proj(x))


class SwinBlock(nnx.Module):
    """Window attention and an MLP. With `shift`, the windows are moved by half their size."""

    def __init__(
        self,
        dim,
        resolution,
        num_heads,
        window_size=4,
        shift=False,
        mlp_ratio=4.0,
        drop=0.0,
        *,
        rngs: nnx.Rngs,
    ):
        self.resolution = resolution
        self.window_size = window_size
        self.shift_size = window_size // 2 if shift else 0
        if min(resolution) <= window_size:
            # a single window: nothing to shift
            self.window_size = min(resolution)
            self.shift_size = 0

        self.norm1 = nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.attn = WindowAttention(
            dim, (self.window_size,) * 2, num_heads, attn_drop=drop, proj_drop=drop, rngs=rngs
        )
        self.norm2 = nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        hidden = int(dim * mlp_ratio)
        self.mlp = nnx.Sequential(
            nnx.Linear(dim, hidden, **fan_in_uniform(dim), rngs=rngs),
            partial(nnx.gelu, approximate=False),
            nnx.Dropout(drop, rngs=rngs),
            nnx.Linear(hidden, dim, **fan_in_uniform(hidden), rngs=rngs),
            nnx.Dropout(drop, rngs=rngs),
        )
        self.attn_mask = Buffer(self.build_mask()) if self.shift_size > 0 else None

    def build_mask(self):
        """After the cyclic shift a window holds up to four regions that are no neighbours."""
        H, W = self.resolution
        cuts = (
            slice(0, -self.window_size),
            slice(-self.window_size, -self.shift_size),
            slice(-self.shift_size, None),
        )
        region = jnp.zeros((1, H, W, 1))
        count = 0
        for rows in cuts:
            for cols in cuts:
                region = region.at[:, rows, cols, :].set(count)
                count += 1
        region = window_partition(region, self.window_size).reshape(-1, self.window_size**2)
        different = region[:, None] - jnp.expand_dims(region, 2)
        return jnp.where(different == 0, 0.0, jnp.where(different != 0, -100.0, different))

    def attend(self, x):
        _, H, W, C = x.shape
        if self.shift_size > 0:
            x = jnp.roll(x, (-self.shift_size, -self.shift_size), axis=(1, 2))
        windows = window_partition(x, self.window_size).reshape(-1, self.window_size**2, C)
        windows = self.attn(windows, mask=None if self.attn_mask is None else self.attn_mask[...])
        x = window_reverse(
            windows.reshape(-1, self.window_size, self.window_size, C), self.window_size, H, W
        )
        if self.shift_size > 0:
            x = jnp.roll(x, (self.shift_size, self.shift_size), axis=(1, 2))
        return x

    def __call__(self, x):
        x = x + self.attend(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return x


class PatchMerging(nnx.Module):
    """Four neighbours become one token of twice the width."""

    def __init__(
        self,
        dim,
        norm_layer=partial(nnx.LayerNorm, epsilon=1e-5, use_fast_variance=False),
        *,
        rngs: nnx.Rngs,
    ):
        self.norm = norm_layer(4 * dim, rngs=rngs)
        self.reduction = nnx.Linear(4 * dim, 2 * dim, use_bias=False, **fan_in_uniform(4 * dim), rngs=rngs)

    def __call__(self, x):
        corners = [x[:, i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(jnp.concatenate(corners, axis=-1)))


class SwinTransformer(nnx.Module):
    """Images (B, C, H, W) -> scores (B, num_classes); `img_size` is (H, W)."""

    def __init__(self, img_size=(32, 32), patch_size=4, in_chans=3, num_classes=10, embed_dim=16,
                 depths=(2, 2), num_heads=(2, 4), window_size=4, drop_rate=0.1, *, rngs: nnx.Rngs):
        self.patch_embed = nnx.Conv(
            in_chans,
            embed_dim,
            (patch_size, patch_size),
            strides=patch_size,
            padding="VALID",
            **fan_in_uniform(in_chans, (patch_size, patch_size)),
            rngs=rngs,
        )
        self.patch_norm = nnx.LayerNorm(embed_dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs)

        resolution = (img_size[0] // patch_size, img_size[1] // patch_size)
        dim = embed_dim
        self.layers = nnx.List([])
        for stage, (depth, heads) in enumerate(zip(depths, num_heads)):
            if stage > 0:
                self.layers.append(PatchMerging(dim, rngs=rngs))
                resolution = tuple(r // 2 for r in resolution)
                dim *= 2
            for i in range(depth):
                self.layers.append(
                    SwinBlock(
                        dim, resolution, heads, window_size, shift=i % 2 == 1, drop=drop_rate, rngs=rngs
                    )
                )
        self.norm = nnx.LayerNorm(dim, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.head = nnx.Linear(dim, num_classes, **fan_in_uniform(dim), rngs=rngs)
        for _, module in nnx.iter_modules(self):
            self._init_weights(module, rngs=rngs)

    @staticmethod
    def _init_weights(m, *, rngs: nnx.Rngs):
        if isinstance(m, nnx.Linear):
            m.kernel[...] = nnx.initializers.normal(0.02)(rngs.params(), m.kernel.shape, m.kernel.dtype)
            if m.bias is not None:
                m.bias[...] = jnp.zeros_like(m.bias)
        elif isinstance(m, nnx.LayerNorm):
            m.bias[...] = jnp.zeros_like(m.bias)
            m.scale[...] = jnp.ones_like(m.scale)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.patch_embed(x)
        x = self.patch_norm(x)
        for layer in self.layers:
            x = layer(x)
        value = self.norm(x)
        x = value.reshape(*value.shape[:1], -1, *value.shape[3:])  # B, tokens, C
        x = x.mean(1, keepdims=True)
        return self.head(x.reshape(x.shape[0], -1))


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


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
