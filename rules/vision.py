"""Parts of timm that model code imports, which can not be installed beside the pinned PyTorch."""

from torch2jax.rulebook import *


@rule(
    "timm.layers.DropPath",
    "timm.layers.drop.DropPath",
    "timm.models.layers.DropPath",
    "timm.models.layers.drop.DropPath",
    "timm.models.vision_transformer.DropPath",
)
def DropPath(drop_prob=0.0, scale_by_keep=True) -> Module:
    """Stochastic depth."""
    return helpers.DropPath(drop_prob, scale_by_keep=scale_by_keep, rngs=rngs)


@rule(
    "timm.layers.to_2tuple",
    "timm.layers.helpers.to_2tuple",
    "timm.models.layers.to_2tuple",
    "timm.models.layers.helpers.to_2tuple",
)
def to_2tuple(x) -> Shape:
    """A size for height and width."""
    return pair(x)


@rule("timm.models.vision_transformer.Mlp", "timm.models.layers.Mlp", "timm.models.layers.mlp.Mlp", mode="along")
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
    """Two linear layers with an activation between, and dropout behind both."""
    if norm_layer is not None or use_conv:
        raise Unsupported("norm_layer= and use_conv= of timm's Mlp", "write the layers out")
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
