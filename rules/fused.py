"""Layers in kernels of their own, from packages that build on CUDA: the same as PyTorch's own."""

from torch2jax.rulebook import *


@rule("apex.normalization.FusedLayerNorm", "apex.normalization.fused_layer_norm.FusedLayerNorm", mode="along")
def FusedLayerNorm(normalized_shape, eps=1e-5, elementwise_affine=True, memory_efficient: Ignored = False) -> Module:
    """Layer normalisation of the last axes.

    >>> apex.normalization.FusedLayerNorm(5)(f32(2, 3, 5))
    >>> apex.normalization.fused_layer_norm.FusedLayerNorm(5, eps=0.1, elementwise_affine=False)(f32(2, 3, 5))
    >>> apex.normalization.FusedLayerNorm((5,), 0.1)(f32(2, 3, 5))
    >>> apex.normalization.FusedLayerNorm((5,), elementwise_affine=False)(f32(2, 3, 5))
    >>> apex.normalization.FusedLayerNorm([3, 5], 0.1)(f32(2, 3, 5))
    >>> apex.normalization.FusedLayerNorm([3, 5], elementwise_affine=False, memory_efficient=True)(f32(2, 3, 5))
    >>> apex.normalization.FusedLayerNorm(5)(1e4 + f32(2, 3, 5))
    >>> apex.normalization.FusedLayerNorm((5,))(1e4 + f32(2, 3, 5))
    """
    if isinstance(normalized_shape, (tuple, list)) and len(normalized_shape) == 1:
        return nnx.LayerNorm(
            normalized_shape[0],
            epsilon=eps,
            use_bias=elementwise_affine,
            use_scale=elementwise_affine,
            use_fast_variance=False,
            rngs=rngs,
        )
    if isinstance(normalized_shape, (tuple, list)):
        return helpers.LayerNorm(
            normalized_shape, epsilon=eps, use_bias=elementwise_affine, use_scale=elementwise_affine
        )
    return nnx.LayerNorm(
        normalized_shape,
        epsilon=eps,
        use_bias=elementwise_affine,
        use_scale=elementwise_affine,
        use_fast_variance=False,
        rngs=rngs,
    )


@FusedLayerNorm.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias


@FusedLayerNorm.attributes
def _(torch, flax):
    torch.normalized_shape = single(flax.num_features)
    torch.eps: float = flax.epsilon
    torch.elementwise_affine: bool = flax.scale is not None


@rule("apex.normalization.FusedRMSNorm", "apex.normalization.fused_layer_norm.FusedRMSNorm", mode="along")
def FusedRMSNorm(normalized_shape, eps=1e-5, elementwise_affine=True, memory_efficient: Ignored = False) -> Module:
    """Division by the root mean square of the last axes.

    >>> apex.normalization.FusedRMSNorm(5)(f32(2, 3, 5))
    >>> apex.normalization.fused_layer_norm.FusedRMSNorm(5, 0.1, elementwise_affine=False)(f32(2, 3, 5))
    >>> apex.normalization.FusedRMSNorm((3, 5), eps=0.1)(f32(2, 3, 5))
    >>> apex.normalization.FusedRMSNorm((3, 5), elementwise_affine=False, memory_efficient=True)(f32(2, 3, 5)) * f32(5)
    """
    if isinstance(normalized_shape, (tuple, list)):
        return helpers.RMSNorm(normalized_shape, epsilon=eps, use_scale=elementwise_affine)
    return nnx.RMSNorm(
        normalized_shape,
        epsilon=eps,
        use_scale=elementwise_affine,
        use_fast_variance=False,
        rngs=rngs,
    )


@FusedRMSNorm.state
def _(torch, flax):
    flax.scale = torch.weight


@FusedRMSNorm.attributes
def _(torch, flax):
    torch.normalized_shape = single(flax.num_features)
    torch.eps = flax.epsilon
    torch.elementwise_affine: bool = flax.scale is not None
