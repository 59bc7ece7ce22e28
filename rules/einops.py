"""The layers of einops; its functions work on JAX arrays as they are."""

from torch2jax.rulebook import *


@rule("einops.layers.torch.Rearrange")
def Rearrange(pattern: Pattern, **axes_lengths) -> Module:
    """Axes put in another order, split and merged.

    >>> einops.layers.torch.Rearrange("b c h w -> b (h w) c")(f32(2, 3, 4, 5))
    >>> einops.layers.torch.Rearrange("b c (h p) (w q) -> b (h w) (p q c)", p=2, q=3)(f32(2, 3, 4, 6))
    """
    return partial(einops.rearrange, pattern=pattern, **axes_lengths)


@rule("einops.layers.torch.Reduce")
def Reduce(pattern: Pattern, reduction, **axes_lengths) -> Module:
    """Axes reduced, put in another order, split and merged.

    >>> einops.layers.torch.Reduce("b c h w -> b c", "mean")(f32(2, 3, 4, 5))
    >>> einops.layers.torch.Reduce("b c (h p) w -> b h w c", reduction="sum", p=2)(f32(2, 3, 4, 5))
    """
    return partial(einops.reduce, pattern=pattern, reduction=reduction, **axes_lengths)


@rule("einops.layers.torch.EinMix")
def EinMix(pattern: str, weight_shape: str, bias_shape=None, **axes_lengths) -> Module:
    """A linear map given by a pattern.

    >>> einops.layers.torch.EinMix("b i -> b o", weight_shape="i o", i=3, o=4)(f32(2, 3))
    """
    raise Unsupported("einops.layers.torch.EinMix", "use nn.Linear, or einops.einsum with an nn.Parameter")
