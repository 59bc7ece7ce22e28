""" Vision Transformer (Dosovitskiy et al., 2020)

An image is cut into patches, a transformer reads them as tokens. Modules and parameters are named the
way image-model libraries do it (`blocks.0.attn.qkv.weight`), so that checkpoints are easy to map.
"""
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Callable, Optional, Tuple, Union

import jax
import jax.numpy as jnp
from flax import nnx

SizeT = Union[int, Tuple[int, int]]


def to_2tuple(x: SizeT) -> Tuple[int, int]:
    return tuple(x) if isinstance(x, (tuple, list)) else (x, x)


class DropPath(nnx.Module):
    """Stochastic depth: whole samples lose the branch, the others are scaled to keep the mean."""

    def __init__(self, drop_prob: float = 0., *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.drop_prob = drop_prob

    def __call__(self, x):
        if self.drop_prob == 0. or self.deterministic:
            return x
        keep_prob = 1 - self.drop_prob
        noise = self.rngs.uniform((x.shape[0],) + (1,) * (x.ndim - 1), dtype=x.dtype)
        noise = noise + keep_prob
        noise = jnp.floor(noise)  # 1 with probability keep_prob, else 0
        return x / keep_prob * noise


class Mlp(nnx.Module):
    def __init__(
        self,
        in_features,
        hidden_features=None,
        out_features=None,
        act_layer=partial(nnx.gelu, approximate=False),
        drop=0.,
        *,
        rngs: nnx.Rngs,
    ):
        out_features = out_features or in_features
        hidden_features = hidden_features or in_features
        self.fc1 = nnx.Linear(in_features, hidden_features, **fan_in_uniform(in_features), rngs=rngs)
        self.act = act_layer
        self.drop1 = nnx.Dropout(drop, rngs=rngs)
        self.fc2 = nnx.Linear(hidden_features, out_features, **fan_in_uniform(hidden_features), rngs=rngs)
        self.drop2 = nnx.Dropout(drop, rngs=rngs)

    def __call__(self, x):
        x = self.drop1(self.act(self.fc1(x)))
        return self.drop2(self.fc2(x))


class Attention(nnx.Module):
    def __init__(self, dim, num_heads=8, qkv_bias=False, qk_norm=False, attn_drop=0., proj_drop=0.,
                 norm_layer=partial(nnx.LayerNorm, epsilon=1e-5, use_fast_variance=False), *, rngs: nnx.Rngs):
        if dim % num_heads:
            raise ValueError(f'{num_heads} heads do not divide {dim} channels')
        self.num_heads = num_heads
        self.head_dim = dim // num_heads
        self.scale = self.head_dim ** -0.5

        self.qkv = nnx.Linear(dim, dim * 3, use_bias=qkv_bias, **fan_in_uniform(dim), rngs=rngs)
        self.q_norm = norm_layer(self.head_dim, rngs=rngs) if qk_norm else nnx.identity
        self.k_norm = norm_layer(self.head_dim, rngs=rngs) if qk_norm else nnx.identity
        self.attn_drop = nnx.Dropout(attn_drop, rngs=rngs)
        self.proj = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)
        self.proj_drop = nnx.Dropout(proj_drop, rngs=rngs)

    def __call__(self, x):
        B, N, C = x.shape
        qkv = self.qkv(x).reshape(B, N, 3, self.num_heads, self.head_dim)
        q, k, v = jnp.unstack(qkv.transpose(2, 0, 3, 1, 4))  # each (B, heads, N, head_dim)
        q, k = self.q_norm(q), self.k_norm(k)

        attn = (q * self.scale) @ k.swapaxes(-2, -1)
        attn = self.attn_drop(nnx.softmax(attn))

        x = (attn @ v).swapaxes(1, 2).reshape(B, N, C)
        return self.proj_drop(self.proj(x))


class LayerScale(nnx.Module):
    def __init__(self, dim, init_values=1e-5, *, rngs: nnx.Rngs):
        self.gamma = nnx.Param(init_values * jnp.ones((dim,)))

    def __call__(self, x):
        return x * self.gamma[...]


class Block(nnx.Module):
    def __init__(self, dim, num_heads, mlp_ratio=4., qkv_bias=False, qk_norm=False, drop=0., attn_drop=0.,
                 init_values=None, drop_path=0., act_layer=partial(nnx.gelu, approximate=False),
                 norm_layer=partial(nnx.LayerNorm, epsilon=1e-5, use_fast_variance=False), *, rngs: nnx.Rngs):
        self.norm1 = norm_layer(dim, rngs=rngs)
        self.attn = Attention(
            dim, num_heads=num_heads, qkv_bias=qkv_bias, qk_norm=qk_norm, attn_drop=attn_drop, proj_drop=drop,
            norm_layer=norm_layer, rngs=rngs)
        self.ls1 = LayerScale(dim, init_values, rngs=rngs) if init_values else nnx.identity
        self.norm2 = norm_layer(dim, rngs=rngs)
        self.mlp = Mlp(dim, hidden_features=int(dim * mlp_ratio), act_layer=act_layer, drop=drop, rngs=rngs)
        self.ls2 = LayerScale(dim, init_values, rngs=rngs) if init_values else nnx.identity
        # no weights in it, so both branches share it
        self.drop_path = DropPath(drop_path, rngs=rngs) if drop_path > 0. else nnx.identity

    def __call__(self, x):
        x = x + self.drop_path(self.ls1(self.attn(self.norm1(x))))
        x = x + self.drop_path(self.ls2(self.mlp(self.norm2(x))))
        return x


class PatchEmbed(nnx.Module):
    """ Image (B, C, H, W) -> tokens (B, patches, dim), by a convolution whose stride is its size """

    def __init__(self, img_size=224, patch_size=16, in_chans=3, embed_dim=768, *, rngs: nnx.Rngs):
        self.img_size = to_2tuple(img_size)
        self.patch_size = to_2tuple(patch_size)
        self.grid_size = tuple(s // p for s, p in zip(self.img_size, self.patch_size))
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        self.proj = nnx.Conv(
            in_chans,
            embed_dim,
            pair(self.patch_size),
            strides=self.patch_size,
            padding="VALID",
            **fan_in_uniform(in_chans, pair(self.patch_size)),
            rngs=rngs,
        )

    # x: N H W C
    def __call__(self, x):
        _, H, W, _ = x.shape
        assert (H, W) == self.img_size, f"built for images of {self.img_size}, got {(H, W)}"
        value = self.proj(x).transpose(0, 3, 1, 2)
        return value.reshape(*value.shape[:2], -1).swapaxes(1, 2)


class VisionTransformer(nnx.Module):
    """
    Args:
        img_size, patch_size: one number, or (height, width)
        num_classes: 0 returns the features
        global_pool: 'token' reads a class token, 'avg' averages the patches
        qk_norm: normalise queries and keys
        init_values: start of the layer scale, None for none
        drop_rate, attn_drop_rate, drop_path_rate: probabilities of the three kinds of dropout
        norm_layer, act_layer: classes or factories
    """

    def __init__(
            self,
            img_size: SizeT = 32,
            patch_size: SizeT = 8,
            in_chans: int = 3,
            num_classes: int = 10,
            global_pool: str = 'token',
            embed_dim: int = 48,
            depth: int = 3,
            num_heads: int = 4,
            mlp_ratio: float = 4.,
            qkv_bias: bool = True,
            qk_norm: bool = False,
            init_values: Optional[float] = None,
            drop_rate: float = 0.1,
            attn_drop_rate: float = 0.,
            drop_path_rate: float = 0.1,
            norm_layer: Optional[Callable[..., nnx.Module]] = None,
            act_layer: Optional[Callable[..., nnx.Module]] = None,
            *,
            rngs: nnx.Rngs,
    ):
        assert global_pool in ('avg', 'token')
        norm_layer = norm_layer or partial(nnx.LayerNorm, use_fast_variance=False)
        act_layer = act_layer or partial(nnx.gelu, approximate=False)
        self.embed_dim = embed_dim
        self.global_pool = global_pool

        self.patch_embed = PatchEmbed(img_size, patch_size, in_chans, embed_dim, rngs=rngs)
        num_tokens = self.patch_embed.num_patches
        if global_pool == 'token':
            self.cls_token = nnx.Param(jnp.zeros((1, 1, embed_dim)))
            num_tokens += 1
        else:
            self.cls_token = None
        self.pos_embed = nnx.Param(rngs.normal((1, num_tokens, embed_dim)) * .02)
        self.pos_drop = nnx.Dropout(drop_rate, rngs=rngs)

        dpr = jnp.linspace(0, drop_path_rate, depth).tolist()  # deeper blocks are dropped more often
        self.blocks = nnx.Sequential(*[
            Block(
                dim=embed_dim, num_heads=num_heads, mlp_ratio=mlp_ratio, qkv_bias=qkv_bias, qk_norm=qk_norm,
                drop=drop_rate, attn_drop=attn_drop_rate, init_values=init_values, drop_path=dpr[i],
                act_layer=act_layer, norm_layer=norm_layer, rngs=rngs)
            for i in range(depth)])
        self.norm = norm_layer(embed_dim, rngs=rngs)
        self.head = (
            nnx.Linear(embed_dim, num_classes, **fan_in_uniform(embed_dim), rngs=rngs)
            if num_classes > 0
            else nnx.identity
        )
        self.init_weights(rngs=rngs)

    def init_weights(self, *, rngs: nnx.Rngs):
        self.pos_embed[...] = nnx.initializers.normal(.02)(
            rngs.params(), self.pos_embed.shape, self.pos_embed.dtype
        )
        if self.cls_token is not None:
            self.cls_token[...] = nnx.initializers.normal(1e-6)(
                rngs.params(), self.cls_token.shape, self.cls_token.dtype
            )
        for _, module in nnx.iter_modules(self):
            _init_linear(module, rngs=rngs)

    def reset_classifier(self, num_classes: int, *, rngs: nnx.Rngs):
        """Replace the head, e.g. to fine-tune on other classes."""
        self.head = (
            nnx.Linear(self.embed_dim, num_classes, **fan_in_uniform(self.embed_dim), rngs=rngs)
            if num_classes > 0
            else nnx.identity
        )

    def forward_features(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.patch_embed(x)
        if self.cls_token is not None:
            value = self.cls_token[...]
            x = jnp.concatenate(
                (jnp.broadcast_to(value, expand_shape(value.shape, (x.shape[0], -1, -1))), x), axis=1
            )
        x = self.pos_drop(x + self.pos_embed[...])
        return self.norm(self.blocks(x))

    def __call__(self, x):
        x = self.forward_features(x)
        x = x[:, 0] if self.global_pool == 'token' else x.mean(axis=1)
        return self.head(x)


def _init_linear(m: nnx.Module, *, rngs: nnx.Rngs) -> None:
    if isinstance(m, nnx.Linear):
        m.kernel[...] = nnx.initializers.normal(.02)(rngs.params(), m.kernel.shape, m.kernel.dtype)
        if m.bias is not None:
            m.bias[...] = jnp.zeros_like(m.bias)


def vit_micro_patch8_32(*, rngs: nnx.Rngs, **kwargs):
    model_args = dict(patch_size=8, embed_dim=48, depth=3, num_heads=4)
    return VisionTransformer(rngs=rngs, **dict(model_args, **kwargs))


# Helpers without a Flax equivalent.


def expand_shape(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """`sizes` in which every -1 is replaced by the size that `shape` has there, counted from the last axis."""
    missing = len(sizes) - len(shape)
    return tuple(shape[i - missing] if size == -1 else size for i, size in enumerate(sizes))


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


def _repeated(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """The same size for height and width, or the two that are given."""
    return _repeated(value, 2)  # type: ignore[return-value]
