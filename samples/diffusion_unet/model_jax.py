"""The noise predictor of a diffusion model: a U-Net whose blocks know the time step."""

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from einops import rearrange
from flax import nnx
from jax import lax


def timestep_embedding(timesteps, dim, max_period=10000):
    """Sines and cosines of the time step: (N,) -> (N, dim)."""
    half = dim // 2
    freqs = jnp.exp(-math.log(max_period) * jnp.arange(half) / half)
    args = timesteps[:, None] * freqs[None]
    embedding = jnp.concatenate([jnp.cos(args), jnp.sin(args)], axis=-1)
    if dim % 2:
        embedding = jnp.concatenate([embedding, jnp.zeros_like(embedding[:, :1])], axis=-1)
    return embedding


class ResBlock(nnx.Module):
    """GroupNorm, SiLU, convolution, twice; the time embedding scales and shifts in between."""

    def __init__(self, dim_in, dim_out, time_dim, groups=4, dropout=0.0, *, rngs: nnx.Rngs):
        self.in_layers = nnx.Sequential(
            nnx.GroupNorm(dim_in, num_groups=groups, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
            nnx.silu,
            nnx.Conv(dim_in, dim_out, (3, 3), padding=1, **fan_in_uniform(dim_in, (3, 3)), rngs=rngs),
        )
        self.emb_layers = nnx.Sequential(
            nnx.silu, nnx.Linear(time_dim, 2 * dim_out, **fan_in_uniform(time_dim), rngs=rngs)
        )
        self.out_norm = nnx.GroupNorm(dim_out, num_groups=groups, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.out_rest = nnx.Sequential(
            nnx.silu,
            nnx.Dropout(dropout, rngs=rngs),
            nnx.Conv(dim_out, dim_out, (3, 3), padding=1, **fan_in_uniform(dim_out, (3, 3)), rngs=rngs),
        )
        self.res_conv = (
            nnx.Conv(dim_in, dim_out, (1, 1), padding="VALID", **fan_in_uniform(dim_in, (1, 1)), rngs=rngs)
            if dim_in != dim_out
            else nnx.identity
        )

    # x: N H W C; result: N H W C
    def __call__(self, x, emb):
        h = self.in_layers(x)
        emb_out = self.emb_layers(emb)
        while len(emb_out.shape) < len(h.shape):
            emb_out = emb_out[..., None]
        scale, shift = jnp.split(emb_out, 2, axis=1)
        h = (self.out_norm(h).transpose(0, 3, 1, 2) * (1 + scale) + shift).transpose(0, 2, 3, 1)
        h = self.out_rest(h)
        return h + self.res_conv(x)


class AttentionBlock(nnx.Module):
    """Self attention between the pixels, added to the input."""

    def __init__(self, dim, heads=4, groups=4, *, rngs: nnx.Rngs):
        self.heads = heads
        self.scale = (dim // heads) ** -0.5
        self.norm = nnx.GroupNorm(dim, num_groups=groups, epsilon=1e-5, use_fast_variance=False, rngs=rngs)
        self.to_qkv = nnx.Conv(
            dim, dim * 3, (1, 1), padding="VALID", use_bias=False, **fan_in_uniform(dim, (1, 1)), rngs=rngs
        )
        self.to_out = nnx.Conv(dim, dim, (1, 1), padding="VALID", **fan_in_uniform(dim, (1, 1)), rngs=rngs)

    # x: N H W C; result: N H W C
    def __call__(self, x):
        b, h, w, c = x.shape
        qkv = jnp.split(self.to_qkv(self.norm(x)).transpose(0, 3, 1, 2), 3, axis=1)
        q, k, v = map(lambda t: rearrange(t, "b (h c) x y -> b h c (x y)", h=self.heads), qkv)

        sim = jnp.einsum("b h d i, b h d j -> b h i j", q * self.scale, k)
        sim = sim - lax.stop_gradient(sim.max(axis=-1, keepdims=True))
        attn = nnx.softmax(sim)

        out = jnp.einsum("b h i j, b h d j -> b h i d", attn, v)
        out = rearrange(out, "b h (x y) d -> b x y (h d)", x=h, y=w)
        return self.to_out(out) + x


class Downsample(nnx.Module):
    def __init__(self, dim, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(dim, dim, (3, 3), strides=2, padding=1, **fan_in_uniform(dim, (3, 3)), rngs=rngs)

    # x: N H W C; result: N H W C
    def __call__(self, x):
        return self.conv(x)


class Upsample(nnx.Module):
    def __init__(self, dim, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(dim, dim, (3, 3), padding=1, **fan_in_uniform(dim, (3, 3)), rngs=rngs)

    # x: N H W C; result: N H W C
    def __call__(self, x, size):
        x = resize_nearest(x, size=size)
        return self.conv(x)


class DiffusionUNet(nnx.Module):
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
                 attention_levels=(1, 2), num_heads=4, groups=4, num_classes=None, dropout=0.1, zero_out=False,
                 *, rngs: nnx.Rngs):
        self.model_channels = model_channels
        self.num_classes = num_classes
        emb_dim = model_channels * 4
        self.time_embed = nnx.Sequential(
            nnx.Linear(model_channels, emb_dim, **fan_in_uniform(model_channels), rngs=rngs),
            nnx.silu,
            nnx.Linear(emb_dim, emb_dim, **fan_in_uniform(emb_dim), rngs=rngs),
        )
        if self.num_classes is not None:
            self.label_emb = nnx.Embed(num_classes, emb_dim, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        self.stem = nnx.Conv(
            in_channels, model_channels, (3, 3), padding=1, **fan_in_uniform(in_channels, (3, 3)), rngs=rngs
        )

        # a list of lists: each entry holds the blocks of one step, some of which need the embedding
        self.down_blocks = nnx.List([])
        ch = model_channels
        skip_chs = [ch]
        for level, mult in enumerate(channel_mult):
            for _ in range(num_res_blocks):
                step = nnx.List([ResBlock(ch, mult * model_channels, emb_dim, groups, dropout, rngs=rngs)])
                ch = mult * model_channels
                if level in attention_levels:
                    step.append(AttentionBlock(ch, num_heads, groups, rngs=rngs))
                self.down_blocks.append(step)
                skip_chs.append(ch)
            if level != len(channel_mult) - 1:
                self.down_blocks.append(nnx.List([Downsample(ch, rngs=rngs)]))
                skip_chs.append(ch)

        self.middle = nnx.List([
            ResBlock(ch, ch, emb_dim, groups, dropout, rngs=rngs),
            AttentionBlock(ch, num_heads, groups, rngs=rngs),
            ResBlock(ch, ch, emb_dim, groups, dropout, rngs=rngs),
        ])

        self.up_blocks = nnx.List([])
        for level, mult in list(enumerate(channel_mult))[::-1]:
            for i in range(num_res_blocks + 1):
                step = nnx.List([
                    ResBlock(ch + skip_chs.pop(), mult * model_channels, emb_dim, groups, dropout, rngs=rngs)
                ])
                ch = mult * model_channels
                if level in attention_levels:
                    step.append(AttentionBlock(ch, num_heads, groups, rngs=rngs))
                if level > 0 and i == num_res_blocks:
                    step.append(Upsample(ch, rngs=rngs))
                self.up_blocks.append(step)

        self.out = nnx.Sequential(
            nnx.GroupNorm(ch, num_groups=groups, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
            nnx.silu,
            nnx.Conv(ch, in_channels, (3, 3), padding=1, **fan_in_uniform(ch, (3, 3)), rngs=rngs),
        )
        if zero_out:
            zero_module(self.out.layers[-1])

    def __call__(self, x, timesteps, y=None):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
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
            h = jnp.concatenate([h, hs.pop()], axis=3)
            for layer in step:
                if isinstance(layer, ResBlock):
                    h = layer(h, emb)
                elif isinstance(layer, Upsample):
                    h = layer(h, hs[-1].shape[1:3])  # odd sizes come back as they were
                else:
                    h = layer(h)
        return self.out(h).transpose(0, 3, 1, 2)


def zero_module(module):
    """Zero all parameters of a module and return it."""
    for p in parameters(module):
        p[...] = jnp.zeros_like(p[...])
    return module


# Helpers without a Flax equivalent.


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


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, nnx.Param | Frozen))


def nearest_pixels(size: int, length: int, step: float, exact: bool = False) -> np.ndarray:
    """The input pixel of each output pixel, by its left edge or (``exact``) its centre; PyTorch computes in float32."""
    at = (np.arange(length) + 0.5 * exact) * np.float64(np.float32(step))
    pixels: np.ndarray = np.minimum(np.floor(at.astype(np.float32)).astype(int), size - 1)
    return pixels


def spread(size: int | Sequence[int], n: int) -> tuple[int, ...]:
    """One size for each of n axes, from one for all or from n of them."""
    if isinstance(size, int):
        return (size,) * n
    return tuple(size) * n if len(size) == 1 else tuple(size)


def output_grid(
    spatial: Sequence[int], size: int | Sequence[int] | None, scale_factor: float | Sequence[float] | None
) -> list[tuple[int, float]]:
    """The new length of each spatial axis, and how many input pixels there are to an output pixel."""
    if size is not None:
        return [(length, n / length) for n, length in zip(spatial, spread(size, len(spatial)), strict=True)]
    if scale_factor is None:
        raise ValueError("give a size or a scale_factor")
    factors = (scale_factor,) * len(spatial) if isinstance(scale_factor, int | float) else scale_factor
    return [(math.floor(n * factor), 1 / factor) for n, factor in zip(spatial, factors, strict=True)]


def resize_nearest(
    x: jax.Array, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> jax.Array:
    """Resizes the spatial axes of x (batch, *spatial, features) by taking the pixel at floor(i * input / output).

    `jax.image.resize` takes the pixel whose centre is nearest.
    """
    for axis, (length, step) in enumerate(output_grid(x.shape[1:-1], size, scale_factor), start=1):
        x = jnp.take(x, nearest_pixels(x.shape[axis], length, step), axis)
    return x
