"""Swin Transformer: attention inside windows, which shift from block to block (Liu et al., 2021).

Tokens are kept as (B, H, W, C) throughout.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F


def window_partition(x, size):
    """(B, H, W, C) -> (B * windows, size, size, C)."""
    B, H, W, C = x.shape
    x = x.view(B, H // size, size, W // size, size, C)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(-1, size, size, C)


def window_reverse(windows, size, H, W):
    """The inverse: (B * windows, size, size, C) -> (B, H, W, C)."""
    rows, cols = H // size, W // size
    B = windows.shape[0] // (rows * cols)
    x = windows.view(B, rows, cols, size, size, -1)
    return x.permute(0, 1, 3, 2, 4, 5).contiguous().view(B, H, W, -1)


def relative_index(height, width):
    """Number of the offset between each pair of pixels of a window, (height*width, height*width)."""
    ys, xs = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    points = torch.stack((ys, xs)).flatten(1)  # 2, N
    offsets = (points[:, :, None] - points[:, None, :]).permute(1, 2, 0).contiguous()  # N, N, 2
    offsets[:, :, 0] += height - 1  # from 0 on
    offsets[:, :, 1] += width - 1
    offsets[:, :, 0] *= 2 * width - 1
    return offsets.sum(-1)


class WindowAttention(nn.Module):
    """Self attention of the pixels of a window, with a learned bias for each head and offset."""

    def __init__(self, dim, window_size, num_heads, qkv_bias=True, attn_drop=0.0, proj_drop=0.0):
        super().__init__()
        self.window_size = window_size  # height, width
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5

        n_offsets = (2 * window_size[0] - 1) * (2 * window_size[1] - 1)
        self.relative_position_bias_table = nn.Parameter(torch.zeros(n_offsets, num_heads))
        self.register_buffer("relative_position_index", relative_index(*window_size))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

        self.qkv = nn.Linear(dim, dim * 3, bias=qkv_bias)
        self.attn_drop = nn.Dropout(attn_drop)
        self.proj = nn.Linear(dim, dim)
        self.proj_drop = nn.Dropout(proj_drop)
        self.softmax = nn.Softmax(dim=-1)

    def position_bias(self):
        n = self.window_size[0] * self.window_size[1]
        bias = self.relative_position_bias_table[self.relative_position_index.view(-1)]
        return bias.view(n, n, -1).permute(2, 0, 1).contiguous()  # heads, n, n

    def forward(self, x, mask=None):
        """x is (B * windows, N, C); the mask, (windows, N, N), is added to the scores."""
        B_, N, C = x.shape
        qkv = self.qkv(x).reshape(B_, N, 3, self.num_heads, C // self.num_heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv[0], qkv[1], qkv[2]

        attn = (q * self.scale) @ k.transpose(-2, -1)
        attn = attn + self.position_bias().unsqueeze(0)
        if mask is not None:
            n_win = mask.shape[0]
            attn = attn.view(B_ // n_win, n_win, self.num_heads, N, N) + mask.unsqueeze(1).unsqueeze(0)
            attn = attn.view(-1, self.num_heads, N, N)
        attn = self.attn_drop(self.softmax(attn))

        x = (attn @ v).transpose(1, 2).reshape(B_, N, C)
        return self.proj_drop(self.proj(x))


class SwinBlock(nn.Module):
    """Window attention and an MLP. With `shift`, the windows are moved by half their size."""

    def __init__(self, dim, resolution, num_heads, window_size=4, shift=False, mlp_ratio=4.0, drop=0.0):
        super().__init__()
        self.resolution = resolution
        self.window_size = window_size
        self.shift_size = window_size // 2 if shift else 0
        if min(resolution) <= window_size:
            # a single window: nothing to shift
            self.window_size = min(resolution)
            self.shift_size = 0

        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, (self.window_size,) * 2, num_heads, attn_drop=drop, proj_drop=drop)
        self.norm2 = nn.LayerNorm(dim)
        hidden = int(dim * mlp_ratio)
        self.mlp = nn.Sequential(
            nn.Linear(dim, hidden), nn.GELU(), nn.Dropout(drop), nn.Linear(hidden, dim), nn.Dropout(drop)
        )
        self.register_buffer("attn_mask", self.build_mask() if self.shift_size > 0 else None)

    def build_mask(self):
        """After the cyclic shift a window holds up to four regions that are no neighbours."""
        H, W = self.resolution
        cuts = (
            slice(0, -self.window_size),
            slice(-self.window_size, -self.shift_size),
            slice(-self.shift_size, None),
        )
        region = torch.zeros((1, H, W, 1))
        count = 0
        for rows in cuts:
            for cols in cuts:
                region[:, rows, cols, :] = count
                count += 1
        region = window_partition(region, self.window_size).view(-1, self.window_size**2)
        different = region.unsqueeze(1) - region.unsqueeze(2)
        return different.masked_fill(different != 0, -100.0).masked_fill(different == 0, 0.0)

    def attend(self, x):
        _, H, W, C = x.shape
        if self.shift_size > 0:
            x = torch.roll(x, shifts=(-self.shift_size, -self.shift_size), dims=(1, 2))
        windows = window_partition(x, self.window_size).view(-1, self.window_size**2, C)
        windows = self.attn(windows, mask=self.attn_mask)
        x = window_reverse(windows.view(-1, self.window_size, self.window_size, C), self.window_size, H, W)
        if self.shift_size > 0:
            x = torch.roll(x, shifts=(self.shift_size, self.shift_size), dims=(1, 2))
        return x

    def forward(self, x):
        x = x + self.attend(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return x


class PatchMerging(nn.Module):
    """Four neighbours become one token of twice the width."""

    def __init__(self, dim, norm_layer=nn.LayerNorm):
        super().__init__()
        self.norm = norm_layer(4 * dim)
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)

    def forward(self, x):
        corners = [x[:, i::2, j::2, :] for j in (0, 1) for i in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, -1)))


class SwinTransformer(nn.Module):
    """Images (B, C, H, W) -> scores (B, num_classes); `img_size` is (H, W)."""

    def __init__(self, img_size=(32, 32), patch_size=4, in_chans=3, num_classes=10, embed_dim=16,
                 depths=(2, 2), num_heads=(2, 4), window_size=4, drop_rate=0.1):
        super().__init__()
        self.patch_embed = nn.Conv2d(in_chans, embed_dim, kernel_size=patch_size, stride=patch_size)
        self.patch_norm = nn.LayerNorm(embed_dim)

        resolution = (img_size[0] // patch_size, img_size[1] // patch_size)
        dim = embed_dim
        self.layers = nn.ModuleList()
        for stage, (depth, heads) in enumerate(zip(depths, num_heads)):
            if stage > 0:
                self.layers.append(PatchMerging(dim))
                resolution = tuple(r // 2 for r in resolution)
                dim *= 2
            for i in range(depth):
                self.layers.append(
                    SwinBlock(dim, resolution, heads, window_size, shift=i % 2 == 1, drop=drop_rate)
                )
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, num_classes)
        self.apply(self._init_weights)

    @staticmethod
    def _init_weights(m):
        if isinstance(m, nn.Linear):
            nn.init.trunc_normal_(m.weight, std=0.02)
            if m.bias is not None:
                nn.init.zeros_(m.bias)
        elif isinstance(m, nn.LayerNorm):
            nn.init.zeros_(m.bias)
            nn.init.ones_(m.weight)

    def forward(self, x):
        x = self.patch_embed(x).permute(0, 2, 3, 1)
        x = self.patch_norm(x)
        for layer in self.layers:
            x = layer(x)
        x = self.norm(x).flatten(1, 2)  # B, tokens, C
        x = F.adaptive_avg_pool1d(x.transpose(1, 2), 1)
        return self.head(torch.flatten(x, 1))
