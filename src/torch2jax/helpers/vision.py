"""Parts of vision transformers as timm has them."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.dropout import DropPath
from torch2jax.helpers.init import fan_in_uniform
from torch2jax.helpers.ntuple import pair


class MlpBlock(nnx.Module):
    """Two linear layers with an activation between, and dropout behind both."""

    def __init__(
        self,
        in_features: int,
        hidden_features: int | None = None,
        out_features: int | None = None,
        *,
        activation: Callable[[jax.Array], jax.Array],
        use_bias: bool = True,
        rate: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        hidden = hidden_features or in_features
        out = out_features or in_features
        self.fc1 = nnx.Linear(in_features, hidden, use_bias=use_bias, **fan_in_uniform(in_features), rngs=rngs)
        self.act = activation
        self.drop = nnx.Dropout(rate, rngs=rngs)
        self.fc2 = nnx.Linear(hidden, out, use_bias=use_bias, **fan_in_uniform(hidden), rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """x: (..., in_features); gives (..., out_features)."""
        return self.drop(self.fc2(self.drop(self.act(self.fc1(x)))))


class ConvMlp(nnx.Module):
    """Two convolutions of single pixels with an activation between, and dropout behind that."""

    def __init__(
        self,
        in_features: int,
        hidden_features: int | None = None,
        out_features: int | None = None,
        *,
        activation: Callable[[jax.Array], jax.Array],
        use_bias: bool = True,
        rate: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        hidden = hidden_features or in_features
        out = out_features or in_features
        self.fc1 = nnx.Conv(in_features, hidden, (1, 1), use_bias=use_bias, **fan_in_uniform(in_features), rngs=rngs)
        self.act = activation
        self.drop = nnx.Dropout(rate, rngs=rngs)
        self.fc2 = nnx.Conv(hidden, out, (1, 1), use_bias=use_bias, **fan_in_uniform(hidden), rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """x: (N, H, W, in_features); gives (N, H, W, out_features)."""
        return self.fc2(self.drop(self.act(self.fc1(x))))


class PatchEmbed(nnx.Module):
    """A linear map of each patch of an image (https://arxiv.org/abs/2010.11929)."""

    def __init__(
        self,
        img_size: int | tuple[int, int] = 224,
        patch_size: int | tuple[int, int] = 16,
        in_chans: int = 3,
        embed_dim: int = 768,
        *,
        norm: Callable[..., Callable[[jax.Array], jax.Array]] | None = None,
        use_bias: bool = True,
        rngs: nnx.Rngs,
    ) -> None:
        self.img_size, self.patch_size = pair(img_size), pair(patch_size)
        self.grid_size = (self.img_size[0] // self.patch_size[0], self.img_size[1] // self.patch_size[1])
        self.num_patches = self.grid_size[0] * self.grid_size[1]
        self.proj = nnx.Conv(
            in_chans,
            embed_dim,
            self.patch_size,
            strides=self.patch_size,
            padding="VALID",
            use_bias=use_bias,
            **fan_in_uniform(in_chans, self.patch_size),
            rngs=rngs,
        )
        self.norm = norm(embed_dim, rngs=rngs) if norm is not None else nnx.identity

    def __call__(self, x: jax.Array) -> jax.Array:
        """x: (N, in_chans, *img_size); gives (N, num_patches, embed_dim). Raises ValueError for other sizes."""
        if x.shape[2:] != self.img_size:
            raise ValueError(f"images are {self.img_size}, not {x.shape[2:]}")
        y = self.proj(x.transpose(0, 2, 3, 1))
        return self.norm(y.reshape(x.shape[0], -1, y.shape[-1]))


class VitAttention(nnx.Module):
    """Self-attention with one projection for queries, keys and values."""

    def __init__(
        self,
        dim: int,
        num_heads: int = 8,
        *,
        qkv_bias: bool = False,
        attn_drop: float = 0.0,
        proj_drop: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        self.num_heads = num_heads
        self.scale = (dim // num_heads) ** -0.5
        self.qkv = nnx.Linear(dim, 3 * dim, use_bias=qkv_bias, **fan_in_uniform(dim), rngs=rngs)
        self.attn_drop = nnx.Dropout(attn_drop, rngs=rngs)
        self.proj = nnx.Linear(dim, dim, **fan_in_uniform(dim), rngs=rngs)
        self.proj_drop = nnx.Dropout(proj_drop, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """x: (N, L, dim); gives the same shape."""
        heads = self.qkv(x).reshape(*x.shape[:2], 3, self.num_heads, -1)
        query, key, value = jnp.moveaxis(heads, (2, 3), (0, 2))
        weights = self.attn_drop(nnx.softmax(query * self.scale @ key.swapaxes(-1, -2)))
        return self.proj_drop(self.proj((weights @ value).swapaxes(1, 2).reshape(x.shape)))


class VitBlock(nnx.Module):
    """A layer of a transformer that normalises first: attention and an MLP, each with stochastic depth."""

    def __init__(
        self,
        dim: int,
        num_heads: int,
        mlp_ratio: float = 4.0,
        *,
        norm: Callable[..., Callable[[jax.Array], jax.Array]],
        activation: Callable[[jax.Array], jax.Array],
        qkv_bias: bool = False,
        proj_drop: float = 0.0,
        attn_drop: float = 0.0,
        drop_path: float = 0.0,
        rngs: nnx.Rngs,
    ) -> None:
        self.norm1 = norm(dim, rngs=rngs)
        self.attn = VitAttention(dim, num_heads, qkv_bias=qkv_bias, attn_drop=attn_drop, proj_drop=proj_drop, rngs=rngs)
        self.drop_path1 = DropPath(drop_path, rngs=rngs)
        self.norm2 = norm(dim, rngs=rngs)
        self.mlp = MlpBlock(dim, int(dim * mlp_ratio), activation=activation, rate=proj_drop, rngs=rngs)
        self.drop_path2 = DropPath(drop_path, rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array:
        """x: (N, L, dim); gives the same shape."""
        x = x + self.drop_path1(self.attn(self.norm1(x)))
        return x + self.drop_path2(self.mlp(self.norm2(x)))
