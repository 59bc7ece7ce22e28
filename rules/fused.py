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


@rule("flash_attn.flash_attn_func", "flash_attn.flash_attn_interface.flash_attn_func", rank=rank(q), fresh=True)
def flash_attn_func(
    q: Tensor,
    k: Tensor,
    v: Tensor,
    dropout_p=0.0,
    softmax_scale=None,
    causal: bool = False,
    *,
    window_size=(-1, -1),
    softcap=0.0,
    alibi_slopes=None,
    deterministic: Ignored = False,
) -> Tensor:
    """Attention, where the heads are the last axis but one.

    >>> flash_attn.flash_attn_func(f32(2, 4, 3, 5), f32(2, 6, 3, 5), f32(2, 6, 3, 5))
    >>> flash_attn.flash_attn_func(f32(2, 4, 6, 5), f32(2, 7, 3, 5), f32(2, 7, 3, 5), 0.0, 0.3, causal=True)
    >>> flash_attn.flash_attn_func(f32(2, 7, 3, 5), f32(2, 4, 3, 5), f32(2, 4, 3, 5), causal=True)
    >>> flash_attn.flash_attn_func(f32(2, 4, 3, 5), f32(2, 6, 3, 5), f32(2, 6, 3, 5), dropout_p=0.4, softcap=0.0)
    >>> flash_attn.flash_attn_func(f32(2, 4, 3, 5), f32(2, 4, 3, 5), f32(2, 4, 3, 5), 0.4, 0.3, causal=True)
    """
    if dropout_p == 0:
        return helpers.flash_attention(q, k, v, softmax_scale=softmax_scale, causal=causal)
    return helpers.flash_attention(q, k, v, dropout_p, softmax_scale, causal, rngs=rngs)


@rule(
    "flash_attn.flash_attn_qkvpacked_func",
    "flash_attn.flash_attn_interface.flash_attn_qkvpacked_func",
    rank=4,
    fresh=True,
)
def flash_attn_qkvpacked_func(
    qkv: Tensor,
    dropout_p=0.0,
    softmax_scale=None,
    causal: bool = False,
    *,
    window_size=(-1, -1),
    softcap=0.0,
    alibi_slopes=None,
    deterministic: Ignored = False,
) -> Tensor:
    """Attention of queries, keys and values in one array.

    >>> flash_attn.flash_attn_qkvpacked_func(f32(2, 4, 3, 6, 5))
    >>> flash_attn.flash_attn_qkvpacked_func(f32(2, 4, 3, 6, 5), 0.0, 0.3, causal=True)
    >>> flash_attn.flash_attn_qkvpacked_func(f32(2, 4, 3, 6, 5), 0.4, 0.3, True)
    >>> flash_attn.flash_attn_qkvpacked_func(f32(2, 4, 3, 6, 5), dropout_p=0.4, softcap=0.0)
    """
    if dropout_p == 0:
        return helpers.flash_attention(
            qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2], softmax_scale=softmax_scale, causal=causal
        )
    return helpers.flash_attention(
        qkv[:, :, 0], qkv[:, :, 1], qkv[:, :, 2], dropout_p, softmax_scale, causal, rngs=rngs
    )


@rule("flash_attn.flash_attention.FlashAttention")
def FlashAttention(softmax_scale=None, attention_dropout=0.0, device: Device = None, dtype: Ignored = None) -> Module:
    """Attention of queries, keys and values in one array.

    >>> flash_attn.flash_attention.FlashAttention()(f32(2, 4, 3, 6, 5))
    >>> flash_attn.flash_attention.FlashAttention(0.3, attention_dropout=0.4)(f32(2, 4, 3, 6, 5), causal=True)
    >>> layer = flash_attn.flash_attention.FlashAttention(0.3, attention_dropout=0.4)
    >>> layer.eval()
    >>> layer(f32(2, 4, 3, 6, 5))
    """
    return helpers.FlashAttention(softmax_scale, attention_dropout, rngs=rngs)


@FlashAttention.attributes
def _(torch, flax):
    torch.softmax_scale = flax.softmax_scale


@FlashAttention.call
def _(self, qkv: Tensor, key_padding_mask=None, causal: bool = False) -> (Tensor, Tensor):
    return self(qkv, causal)
