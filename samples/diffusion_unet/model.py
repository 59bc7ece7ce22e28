"""The noise predictor of a diffusion model: a U-Net whose blocks know the time step."""

import math

import torch
import torch.nn as nn
import torch.nn.functional as F
from einops import rearrange


def timestep_embedding(timesteps, dim, max_period=10000):
    """Sines and cosines of the time step: (N,) -> (N, dim)."""
    half = dim // 2
    freqs = torch.exp(-math.log(max_period) * torch.arange(half, device=timesteps.device) / half)
    args = timesteps[:, None] * freqs[None]
    embedding = torch.cat([torch.cos(args), torch.sin(args)], dim=-1)
    if dim % 2:
        embedding = torch.cat([embedding, torch.zeros_like(embedding[:, :1])], dim=-1)
    return embedding


class ResBlock(nn.Module):
    """GroupNorm, SiLU, convolution, twice; the time embedding scales and shifts in between."""

    def __init__(self, dim_in, dim_out, time_dim, groups=4, dropout=0.0):
        super().__init__()
        self.in_layers = nn.Sequential(
            nn.GroupNorm(groups, dim_in),
            nn.SiLU(),
            nn.Conv2d(dim_in, dim_out, 3, padding=1),
        )
        self.emb_layers = nn.Sequential(nn.SiLU(), nn.Linear(time_dim, 2 * dim_out))
        self.out_norm = nn.GroupNorm(groups, dim_out)
        self.out_rest = nn.Sequential(
            nn.SiLU(),
            nn.Dropout(p=dropout),
            nn.Conv2d(dim_out, dim_out, 3, padding=1),
        )
        self.res_conv = nn.Conv2d(dim_in, dim_out, 1) if dim_in != dim_out else nn.Identity()

    def forward(self, x, emb):
        h = self.in_layers(x)
        emb_out = self.emb_layers(emb)
        while len(emb_out.shape) < len(h.shape):
            emb_out = emb_out[..., None]
        scale, shift = torch.chunk(emb_out, 2, dim=1)
        h = self.out_norm(h) * (1 + scale) + shift
        h = self.out_rest(h)
        return h + self.res_conv(x)


class AttentionBlock(nn.Module):
    """Self attention between the pixels, added to the input."""

    def __init__(self, dim, heads=4, groups=4):
        super().__init__()
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.norm = nn.GroupNorm(groups, dim)
        self.to_qkv = nn.Conv2d(dim, dim * 3, 1, bias=False)
        self.to_out = nn.Conv2d(dim, dim, 1)

    def forward(self, x):
        b, c, h, w = x.shape
        qkv = self.to_qkv(self.norm(x)).chunk(3, dim=1)
        q, k, v = map(lambda t: rearrange(t, "b (h c) x y -> b h c (x y)", h=self.heads), qkv)

        sim = torch.einsum("b h d i, b h d j -> b h i j", q * self.scale, k)
        sim = sim - sim.amax(dim=-1, keepdim=True).detach()
        attn = sim.softmax(dim=-1)

        out = torch.einsum("b h i j, b h d j -> b h i d", attn, v)
        out = rearrange(out, "b h (x y) d -> b (h d) x y", x=h, y=w)
        return self.to_out(out) + x


class Downsample(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, stride=2, padding=1)

    def forward(self, x):
        return self.conv(x)


class Upsample(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.conv = nn.Conv2d(dim, dim, 3, padding=1)

    def forward(self, x, size):
        x = F.interpolate(x, size=size, mode="nearest")
        return self.conv(x)


class DiffusionUNet(nn.Module):
    """Noisy images (N, C, H, W), steps (N,) and maybe labels (N,) -> the noise (N, C, H, W).

    Args:
        in_channels: channels of the images
        model_channels: channels at full resolution
        channel_mult: factor on them at each resolution
        num_res_blocks: blocks at each resolution
        attention_levels: resolutions (0 is the full one) with attention
        num_heads, groups: of attention and group norm
        num_classes: for a class-conditional model
        zero_out: start with a prediction of zero
    """

    def __init__(self, in_channels=3, model_channels=16, channel_mult=(1, 2, 4), num_res_blocks=1,
                 attention_levels=(1, 2), num_heads=4, groups=4, num_classes=None, dropout=0.1, zero_out=False):
        super().__init__()
        self.model_channels = model_channels
        self.num_classes = num_classes
        emb_dim = model_channels * 4
        self.time_embed = nn.Sequential(
            nn.Linear(model_channels, emb_dim),
            nn.SiLU(),
            nn.Linear(emb_dim, emb_dim),
        )
        if self.num_classes is not None:
            self.label_emb = nn.Embedding(num_classes, emb_dim)
        self.stem = nn.Conv2d(in_channels, model_channels, 3, padding=1)

        # a list of lists: each entry holds the blocks of one step, some of which need the embedding
        self.down_blocks = nn.ModuleList()
        ch = model_channels
        skip_chs = [ch]
        for level, mult in enumerate(channel_mult):
            for _ in range(num_res_blocks):
                step = nn.ModuleList([ResBlock(ch, mult * model_channels, emb_dim, groups, dropout)])
                ch = mult * model_channels
                if level in attention_levels:
                    step.append(AttentionBlock(ch, num_heads, groups))
                self.down_blocks.append(step)
                skip_chs.append(ch)
            if level != len(channel_mult) - 1:
                self.down_blocks.append(nn.ModuleList([Downsample(ch)]))
                skip_chs.append(ch)

        self.middle = nn.ModuleList([
            ResBlock(ch, ch, emb_dim, groups, dropout),
            AttentionBlock(ch, num_heads, groups),
            ResBlock(ch, ch, emb_dim, groups, dropout),
        ])

        self.up_blocks = nn.ModuleList()
        for level, mult in list(enumerate(channel_mult))[::-1]:
            for i in range(num_res_blocks + 1):
                step = nn.ModuleList([ResBlock(ch + skip_chs.pop(), mult * model_channels, emb_dim, groups, dropout)])
                ch = mult * model_channels
                if level in attention_levels:
                    step.append(AttentionBlock(ch, num_heads, groups))
                if level > 0 and i == num_res_blocks:
                    step.append(Upsample(ch))
                self.up_blocks.append(step)

        self.out = nn.Sequential(nn.GroupNorm(groups, ch), nn.SiLU(), nn.Conv2d(ch, in_channels, 3, padding=1))
        if zero_out:
            zero_module(self.out[-1])

    def forward(self, x, timesteps, y=None):
        assert (y is not None) == (self.num_classes is not None), "labels are for class-conditional models only"
        emb = self.time_embed(timestep_embedding(timesteps, self.model_channels))
        if y is not None:
            emb = emb + self.label_emb(y)

        h = self.stem(x)
        hs = [h]
        for step in self.down_blocks:
            for layer in step:
                h = layer(h, emb) if isinstance(layer, ResBlock) else layer(h)
            hs.append(h)

        res1, attn, res2 = self.middle
        h = res2(attn(res1(h, emb)), emb)

        for step in self.up_blocks:
            h = torch.cat([h, hs.pop()], dim=1)
            for layer in step:
                if isinstance(layer, ResBlock):
                    h = layer(h, emb)
                elif isinstance(layer, Upsample):
                    h = layer(h, hs[-1].shape[2:])  # odd sizes come back as they were
                else:
                    h = layer(h)
        return self.out(h)


def zero_module(module):
    """Zero all parameters of a module and return it."""
    for p in module.parameters():
        p.detach().zero_()
    return module
