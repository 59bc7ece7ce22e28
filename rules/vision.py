"""Layers of timm that model code imports."""

from torch2jax.rulebook import *


@rule(
    "timm.layers.DropPath",
    "timm.layers.drop.DropPath",
    "timm.models.layers.DropPath",
    "timm.models.layers.drop.DropPath",
    "timm.models.vision_transformer.DropPath",
)
def DropPath(drop_prob=0.0, scale_by_keep=True) -> Module:
    """Stochastic depth.

    >>> timm.layers.DropPath(0.4)(f32(6, 2, 3))
    >>> timm.models.layers.DropPath(0.4, scale_by_keep=False)(f32(6, 2))
    >>> timm.layers.DropPath()(f32(3, 2))
    >>> path = timm.layers.DropPath(0.4)
    >>> path.eval()
    >>> path(f32(3, 2))
    """
    return helpers.DropPath(drop_prob, scale_by_keep=scale_by_keep, rngs=rngs)


@rule(
    "timm.layers.to_2tuple",
    "timm.layers.helpers.to_2tuple",
    "timm.models.layers.to_2tuple",
    "timm.models.layers.helpers.to_2tuple",
)
def to_2tuple(x) -> Shape:
    """A size for height and width.

    >>> f32(4, 3).reshape(*timm.layers.to_2tuple(2), 3)
    >>> timm.models.layers.to_2tuple((2, 3))
    """
    return pair(x)


@rule(
    "timm.layers.Mlp",
    "timm.layers.mlp.Mlp",
    "timm.models.vision_transformer.Mlp",
    "timm.models.layers.Mlp",
    "timm.models.layers.mlp.Mlp",
    mode="along",
)
def Mlp(
    in_features: int,
    hidden_features=None,
    out_features=None,
    act_layer: Callable = None,
    *,
    norm_layer=None,
    bias: bool = True,
    drop=0.0,
    use_conv: bool = False,
) -> Module:
    """Two linear layers with an activation between, and dropout behind both.

    >>> timm.models.vision_transformer.Mlp(3)(f32(2, 4, 3))
    >>> timm.models.layers.Mlp(3, 7, 5, bias=False, drop=0.3)(f32(2, 4, 3))
    >>> timm.layers.Mlp(3, hidden_features=5, act_layer=nn.Tanh)(f32(2, 3))
    >>> timm.layers.Mlp(3, 7, 5, act_layer=nn.ReLU, bias=False, drop=0.3)(f32(2, 4, 3))
    >>> timm.layers.Mlp(3, norm_layer=nn.LayerNorm)(f32(2, 3))
    >>> timm.layers.Mlp(3, use_conv=True)(f32(2, 3, 4, 5))
    >>> timm.layers.Mlp(3, act_layer=lambda: nn.ReLU())(f32(2, 3))
    """
    if norm_layer is not None or use_conv:
        raise Unsupported("norm_layer= and use_conv= of timm's Mlp", "write the layers out")
    if is_function(act_layer):
        raise Unsupported(
            "a function or class of your own for act_layer=", "give a layer of torch.nn, or functools.partial of one"
        )
    if act_layer is None:
        return helpers.MlpBlock(
            in_features,
            hidden_features=hidden_features,
            out_features=out_features,
            activation=partial(nnx.gelu, approximate=False),
            use_bias=bias,
            rate=drop,
            rngs=rngs,
        )
    return helpers.MlpBlock(
        in_features,
        hidden_features=hidden_features,
        out_features=out_features,
        activation=act_layer,
        use_bias=bias,
        rate=drop,
        rngs=rngs,
    )


@rule(
    "timm.layers.ConvMlp",
    "timm.layers.mlp.ConvMlp",
    "timm.models.layers.ConvMlp",
    "timm.models.layers.mlp.ConvMlp",
    layout="N C H W -> N H W C",
)
def ConvMlp(
    in_features: int,
    hidden_features=None,
    out_features=None,
    act_layer: Callable = None,
    *,
    norm_layer=None,
    bias: bool = True,
    drop=0.0,
) -> Module:
    """Two convolutions of single pixels with an activation between, and dropout behind that.

    >>> timm.layers.ConvMlp(3)(30 * f32(2, 3, 4, 5))
    >>> timm.models.layers.ConvMlp(3, 7, 6, bias=False, drop=0.3)(f32(2, 3, 4, 5))
    >>> timm.layers.ConvMlp(3, hidden_features=6, act_layer=nn.Tanh)(f32(2, 3, 4, 5))
    >>> timm.layers.ConvMlp(3, 7, 6, act_layer=nn.GELU, bias=False, drop=0.3)(f32(2, 3, 4, 5))
    >>> timm.layers.ConvMlp(3, norm_layer=nn.BatchNorm2d)(f32(2, 3, 4, 5))
    >>> timm.layers.ConvMlp(3, act_layer=lambda: nn.ReLU())(f32(2, 3, 4, 5))
    """
    if norm_layer is not None:
        raise Unsupported("norm_layer= of timm's ConvMlp", "write the layers out")
    if is_function(act_layer):
        raise Unsupported(
            "a function or class of your own for act_layer=", "give a layer of torch.nn, or functools.partial of one"
        )
    if act_layer is None:
        return helpers.ConvMlp(
            in_features,
            hidden_features=hidden_features,
            out_features=out_features,
            activation=nnx.relu,
            use_bias=bias,
            rate=drop,
            rngs=rngs,
        )
    return helpers.ConvMlp(
        in_features,
        hidden_features=hidden_features,
        out_features=out_features,
        activation=act_layer,
        use_bias=bias,
        rate=drop,
        rngs=rngs,
    )


@rule(
    "timm.layers.PatchEmbed",
    "timm.layers.patch_embed.PatchEmbed",
    "timm.models.layers.PatchEmbed",
    "timm.models.layers.patch_embed.PatchEmbed",
    "timm.models.vision_transformer.PatchEmbed",
    rank=3,
)
def PatchEmbed(
    img_size=224,
    patch_size=16,
    in_chans=3,
    embed_dim=768,
    norm_layer: Callable = None,
    flatten: bool = True,
    *,
    bias: bool = True,
    output_fmt=None,
    strict_img_size: bool = True,
    dynamic_img_pad: bool = False,
) -> Module:
    """A linear map of each patch of an image.

    >>> timm.models.vision_transformer.PatchEmbed(8, 4, 3, 5)(f32(2, 3, 8, 8))
    >>> timm.layers.PatchEmbed().num_patches
    >>> timm.layers.PatchEmbed((4, 6), (4, 2), in_chans=1, embed_dim=5, bias=False)(f32(2, 1, 4, 6))
    >>> timm.layers.PatchEmbed(32, in_chans=1, embed_dim=2, norm_layer=nn.LayerNorm)(f32(3, 1, 32, 32))
    >>> timm.layers.PatchEmbed(8, 4, norm_layer=lambda n: nn.LayerNorm(n))(f32(2, 3, 8, 8))
    >>> timm.layers.PatchEmbed(8, 4, flatten=False)(f32(2, 3, 8, 8))
    >>> timm.layers.PatchEmbed(8, 4, output_fmt="NHWC")(f32(2, 3, 8, 8))
    >>> timm.layers.PatchEmbed(8, 4, strict_img_size=False)(f32(2, 3, 8, 8))
    >>> timm.layers.PatchEmbed(8, 4, dynamic_img_pad=True)(f32(2, 3, 8, 8))
    """
    if not flatten or output_fmt is not None:
        raise Unsupported("timm's PatchEmbed for images", "use nn.Conv2d")
    if not strict_img_size or dynamic_img_pad:
        raise Unsupported("timm's PatchEmbed for images of other sizes", "use nn.Conv2d, flatten and transpose")
    if is_function(norm_layer):
        raise Unsupported(
            "a function or class of your own for norm_layer=", "give a layer of torch.nn, or functools.partial of one"
        )
    return helpers.PatchEmbed(img_size, patch_size, in_chans, embed_dim, norm=norm_layer, use_bias=bias, rngs=rngs)


@PatchEmbed.attributes
def _(torch, flax):
    torch.img_size: (int, int) = flax.img_size
    torch.patch_size: (int, int) = flax.patch_size
    torch.grid_size: (int, int) = flax.grid_size
    torch.num_patches: int = flax.num_patches


@rule(
    "timm.models.vision_transformer.Attention", "timm.layers.Attention", "timm.layers.attention.Attention", mode="along"
)
def Attention(
    dim: int,
    num_heads: int = 8,
    *,
    qkv_bias: bool = False,
    qk_norm: bool = False,
    attn_drop=0.0,
    proj_drop=0.0,
) -> Module:
    """Self-attention with one projection for queries, keys and values.

    >>> timm.models.vision_transformer.Attention(16)(f32(2, 3, 16))
    >>> timm.layers.Attention(6, 2, qkv_bias=True, attn_drop=0.2, proj_drop=0.3)(f32(4, 3, 6))
    >>> timm.layers.Attention(6, 2, qk_norm=True)(f32(4, 3, 6))
    """
    if qk_norm:
        raise Unsupported("qk_norm= of timm's Attention", "write the layers out")
    return helpers.VitAttention(dim, num_heads, qkv_bias=qkv_bias, attn_drop=attn_drop, proj_drop=proj_drop, rngs=rngs)


@rule("timm.models.vision_transformer.Block", mode="along")
def Block(
    dim: int,
    num_heads: int,
    mlp_ratio=4.0,
    *,
    qkv_bias: bool = False,
    qk_norm: bool = False,
    proj_drop=0.0,
    attn_drop=0.0,
    init_values=None,
    drop_path=0.0,
    act_layer: Callable = None,
    norm_layer: Callable = None,
) -> Module:
    """A layer of a transformer that normalises first.

    >>> timm.models.vision_transformer.Block(6, 2, norm_layer=nn.LayerNorm)(f32(4, 3, 6))
    >>> timm.models.vision_transformer.Block(
    ...     6, 3, 1.5, qkv_bias=True, proj_drop=0.3, attn_drop=0.2, drop_path=0.4, norm_layer=nn.LayerNorm
    ... )(f32(4, 5, 6))
    >>> timm.models.vision_transformer.Block(
    ...     6, 2, 1.5, qkv_bias=True, proj_drop=0.3, attn_drop=0.2, drop_path=0.4, act_layer=nn.Tanh,
    ...     norm_layer=nn.LayerNorm,
    ... )(f32(4, 3, 6))
    >>> timm.models.vision_transformer.Block(6, 2)(f32(4, 3, 6))
    >>> timm.models.vision_transformer.Block(6, 2, norm_layer=lambda n: nn.LayerNorm(n))(f32(4, 3, 6))
    >>> timm.models.vision_transformer.Block(6, 2, norm_layer=nn.LayerNorm, act_layer=lambda: nn.ReLU())(f32(4, 3, 6))
    >>> timm.models.vision_transformer.Block(6, 2, qk_norm=True, norm_layer=nn.LayerNorm)(f32(4, 3, 6))
    >>> timm.models.vision_transformer.Block(6, 2, init_values=0.1, norm_layer=nn.LayerNorm)(f32(4, 3, 6))
    """
    if norm_layer is None:
        raise Unsupported(
            "the normalisation that timm's Block has by default differs between versions", "give norm_layer="
        )
    if qk_norm or init_values is not None:
        raise Unsupported("qk_norm= and init_values= of timm's Block", "write the layers out")
    if is_function(act_layer) or is_function(norm_layer):
        raise Unsupported("a function or class of your own for act_layer= or norm_layer=", "give layers of torch.nn")
    if act_layer is None:
        return helpers.VitBlock(
            dim,
            num_heads,
            mlp_ratio,
            norm=norm_layer,
            activation=partial(nnx.gelu, approximate=False),
            qkv_bias=qkv_bias,
            proj_drop=proj_drop,
            attn_drop=attn_drop,
            drop_path=drop_path,
            rngs=rngs,
        )
    return helpers.VitBlock(
        dim,
        num_heads,
        mlp_ratio,
        norm=norm_layer,
        activation=act_layer,
        qkv_bias=qkv_bias,
        proj_drop=proj_drop,
        attn_drop=attn_drop,
        drop_path=drop_path,
        rngs=rngs,
    )
