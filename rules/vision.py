"""Parts of timm that model code imports."""

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
