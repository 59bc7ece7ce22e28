"""Attention and transformers."""

from torch2jax.rulebook import *


@rule("torch.nn.functional.scaled_dot_product_attention", rank=rank(query))
def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor = None,
    dropout_p=0.0,
    is_causal=False,
    scale=None,
    enable_gqa=False,
) -> Tensor:
    """Attention of queries to keys and values.

    >>> F.scaled_dot_product_attention(f32(2, 3, 4, 5), f32(2, 3, 6, 5), f32(2, 3, 6, 5))
    >>> F.scaled_dot_product_attention(f32(2, 3, 4, 5), f32(2, 3, 4, 5), f32(2, 3, 4, 5), is_causal=True, scale=0.3)
    >>> F.scaled_dot_product_attention(f32(2, 3, 4, 5), f32(2, 3, 6, 5), f32(2, 3, 6, 5), attn_mask=b8(4, 6))
    >>> F.scaled_dot_product_attention(f32(2, 3, 4, 5), f32(2, 3, 6, 5), f32(2, 3, 6, 5), f32(2, 1, 4, 6), 0.0)
    >>> F.scaled_dot_product_attention(f32(2, 6, 4, 5), f32(2, 3, 4, 5), f32(2, 3, 4, 5), enable_gqa=True)
    >>> F.scaled_dot_product_attention(f32(2, 3, 4, 5), f32(2, 3, 6, 5), f32(2, 3, 6, 5), dropout_p=1.0)
    >>> q = f32(2, 3, 4, 5).detach()
    >>> F.scaled_dot_product_attention(q, q, q, dropout_p=0.5)  # random

    >>> q, k, v, mask = f32(2, 6, 4, 5), f32(2, 3, 4, 5), f32(2, 3, 4, 5), f32(4, 4)
    >>> F.scaled_dot_product_attention(q, k, v, mask, dropout_p=min([0.0, 0.5]), scale=0.3, enable_gqa=True)

    >>> q, k, v = f32(2, 6, 4, 5), f32(2, 3, 4, 5), f32(2, 3, 4, 5)
    >>> F.scaled_dot_product_attention(q, k, v, dropout_p=min([0.0, 0.5]), is_causal=True, enable_gqa=True)
    """
    if dropout_p == 0:
        return helpers.scaled_dot_product_attention(
            query, key, value, attn_mask=attn_mask, is_causal=is_causal, scale=scale, enable_gqa=enable_gqa
        )
    return helpers.scaled_dot_product_attention(
        query,
        key,
        value,
        attn_mask=attn_mask,
        dropout_p=dropout_p,
        is_causal=is_causal,
        scale=scale,
        enable_gqa=enable_gqa,
        rngs=rngs,
    )


@rule("torch.nn.MultiheadAttention")
def MultiheadAttention(
    embed_dim: int,
    num_heads: int,
    dropout=0.0,
    bias=True,
    add_bias_kv=False,
    add_zero_attn=False,
    kdim=None,
    vdim=None,
    batch_first=False,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Attention of several heads.

    >>> nn.MultiheadAttention(6, 2)(f32(4, 3, 6), f32(5, 3, 6), f32(5, 3, 6))
    >>> layer = nn.MultiheadAttention(6, 2, bias=False, batch_first=True)
    >>> layer(f32(3, 4, 6), f32(3, 4, 6), f32(3, 4, 6), need_weights=False)

    >>> layer = nn.MultiheadAttention(6, 2, add_bias_kv=True, add_zero_attn=True, kdim=5, vdim=7)
    >>> layer(f32(4, 3, 6), f32(5, 3, 5), f32(5, 3, 7), average_attn_weights=False)
    >>> mask = torch.triu(torch.ones(4, 4, dtype=torch.bool), diagonal=1)
    >>> nn.MultiheadAttention(6, 2)(f32(4, 3, 6), f32(4, 3, 6), f32(4, 3, 6), attn_mask=mask, is_causal=True)

    >>> nn.MultiheadAttention(6, 2)(f32(4, 3, 6), f32(5, 3, 6), f32(5, 3, 6), attn_mask=f32(4, 5), need_weights=False)
    >>> nn.MultiheadAttention(6, 2)(f32(4, 3, 6), f32(4, 3, 6), f32(4, 3, 6), f32(3, 4), need_weights=False)
    >>> padding = torch.tensor([[False, False, False, True]] * 3)
    >>> nn.MultiheadAttention(6, 2)(f32(4, 3, 6), f32(4, 3, 6), f32(4, 3, 6), key_padding_mask=padding)

    >>> nn.MultiheadAttention(6, 2)(f32(4, 3, 6), f32(5, 3, 6), f32(5, 3, 6), f32(3, 5), attn_mask=f32(4, 5))
    >>> nn.MultiheadAttention(6, 2)(f32(4, 3, 6), f32(5, 3, 6), f32(5, 3, 6), f32(3, 5), False, f32(4, 5))
    >>> x = f32(4, 3, 6).detach()
    >>> nn.MultiheadAttention(6, 2, dropout=0.5)(x, x, x)  # random
    """
    return helpers.MultiheadAttention(
        embed_dim,
        num_heads,
        dropout=dropout,
        bias=bias,
        add_bias_kv=add_bias_kv,
        add_zero_attn=add_zero_attn,
        kdim=kdim,
        vdim=vdim,
        batch_first=batch_first,
        param_dtype=dtype,
        rngs=rngs,
    )


@MultiheadAttention.attributes
def _(torch, flax):
    torch.embed_dim: int = flax.out_proj.out_features
    torch.num_heads: int = flax.num_heads
    torch.head_dim: int = flax.out_proj.out_features // flax.num_heads
    torch.dropout: float = flax.dropout.rate
    torch.batch_first: bool = flax.batch_first


@MultiheadAttention.call
def _(
    self,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor = None,
    need_weights=True,
    attn_mask: Tensor = None,
    average_attn_weights=True,
    is_causal: Ignored = False,
) -> (Tensor, Tensor):
    if key_padding_mask is None and attn_mask is None and need_weights and average_attn_weights:
        return self(query, key, value)
    if key_padding_mask is None and attn_mask is None and average_attn_weights:
        return self(query, key, value, need_weights=need_weights)
    if key_padding_mask is None and need_weights and average_attn_weights:
        return self(query, key, value, attn_mask=attn_mask)
    if key_padding_mask is None and average_attn_weights:
        return self(query, key, value, need_weights=need_weights, attn_mask=attn_mask)
    if attn_mask is None and need_weights and average_attn_weights:
        return self(query, key, value, key_padding_mask=key_padding_mask)
    if attn_mask is None and average_attn_weights:
        return self(query, key, value, key_padding_mask=key_padding_mask, need_weights=need_weights)
    return self(
        query,
        key,
        value,
        key_padding_mask=key_padding_mask,
        need_weights=need_weights,
        attn_mask=attn_mask,
        average_attn_weights=average_attn_weights,
    )


@rule("torch.nn.functional.multi_head_attention_forward")
def multi_head_attention_forward(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    embed_dim_to_check: Ignored,
    num_heads: int,
    in_proj_weight,
    in_proj_bias,
    bias_k,
    bias_v,
    add_zero_attn,
    dropout_p,
    out_proj_weight: Tensor,
    out_proj_bias,
    training: Ignored = True,
    key_padding_mask: Tensor = None,
    need_weights=True,
    attn_mask: Tensor = None,
    use_separate_proj_weight=False,
    q_proj_weight: Tensor = None,
    k_proj_weight: Tensor = None,
    v_proj_weight: Tensor = None,
    static_k: Tensor = None,
    static_v: Tensor = None,
    average_attn_weights=True,
    is_causal: Ignored = False,
) -> (Tensor, Tensor):
    """Attention of several heads with given parameters.

    >>> x = f32(4, 3, 6)
    >>> F.multi_head_attention_forward(x, x, x, 6, 2, f32(18, 6), f32(18), None, None, False, 0.0, f32(6, 6), f32(6))
    >>> F.multi_head_attention_forward(
    ...     f32(4, 3, 6), f32(2, 3, 5), f32(2, 3, 7), 6, 2, None, f32(18), f32(1, 1, 6), f32(1, 1, 6), True, 0.5,
    ...     f32(6, 6), None, training=False, key_padding_mask=b8(3, 2), attn_mask=f32(4, 2),
    ...     use_separate_proj_weight=True, q_proj_weight=f32(6, 6), k_proj_weight=f32(6, 5), v_proj_weight=f32(6, 7),
    ...     average_attn_weights=False)
    >>> x, w, b, o = f32(4, 3, 6), f32(18, 6), f32(18), f32(6, 6)
    >>> F.multi_head_attention_forward(x, x, x, 6, 2, w, b, None, None, False, 0.5, o, None)[0]  # random
    >>> x, w, b, o = f32(4, 3, 6), f32(18, 6), f32(18), f32(6, 6)
    >>> F.multi_head_attention_forward(
    ...     x, x, x, 6, 2, w, b, None, None, False, float(0), o, None, need_weights=False, static_k=f32(6, 5, 3),
    ...     static_v=f32(6, 5, 3))[0]
    >>> x, w, b, o = f32(4, 3, 6), f32(18, 6), f32(18), f32(6, 6)
    >>> F.multi_head_attention_forward(
    ...     x, x, x, 6, 2, w, b, None, None, False, 0.0, o, None, need_weights=False, static_k=f32(6, 5, 3),
    ...     static_v=f32(6, 5, 3))
    >>> x, w, b, o = f32(4, 3, 6), f32(18, 6), f32(18), f32(6, 6)
    >>> F.multi_head_attention_forward(
    ...     x, f32(2, 3, 6), f32(2, 3, 6), 6, 2, w, b, None, None, False, float("0.5"), o, None, training=bool(""),
    ...     key_padding_mask=f32(3, 2), attn_mask=f32(4, 2), average_attn_weights=False)
    """
    if dropout_p == 0 or dropout_p * training == 0:
        return helpers.multi_head_attention_forward(
            query,
            key,
            value,
            num_heads,
            (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight,
            in_proj_bias,
            out_proj_weight,
            out_proj_bias,
            bias_k=bias_k,
            bias_v=bias_v,
            add_zero_attn=add_zero_attn,
            key_padding_mask=key_padding_mask,
            need_weights=need_weights,
            attn_mask=attn_mask,
            static_k=static_k,
            static_v=static_v,
            average_attn_weights=average_attn_weights,
        )
    return helpers.multi_head_attention_forward(
        query,
        key,
        value,
        num_heads,
        (q_proj_weight, k_proj_weight, v_proj_weight) if use_separate_proj_weight else in_proj_weight,
        in_proj_bias,
        out_proj_weight,
        out_proj_bias,
        bias_k=bias_k,
        bias_v=bias_v,
        add_zero_attn=add_zero_attn,
        key_padding_mask=key_padding_mask,
        need_weights=need_weights,
        attn_mask=attn_mask,
        static_k=static_k,
        static_v=static_v,
        average_attn_weights=average_attn_weights,
        dropout_p=dropout_p if training else 0.0,
        rngs=rngs,
    )


@rule("torch.nn.TransformerEncoderLayer", mode="along")
def TransformerEncoderLayer(
    d_model: int,
    nhead: int,
    dim_feedforward=2048,
    dropout=0.1,
    activation="relu",
    layer_norm_eps=1e-5,
    batch_first=False,
    norm_first=False,
    bias=True,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Self-attention and a feed-forward network.

    >>> nn.TransformerEncoderLayer(6, 2, 8, dropout=0.0)(f32(4, 3, 6))
    >>> layer = nn.TransformerEncoderLayer(6, 2, 8, 0.0, "gelu", 1e-3, batch_first=True, norm_first=True, bias=False)
    >>> layer(f32(3, 4, 6))
    >>> mask = nn.Transformer.generate_square_subsequent_mask(4).double()
    >>> layer = nn.TransformerEncoderLayer(6, 2, 8, 0.0, activation=torch.nn.functional.silu)
    >>> layer(f32(4, 3, 6), src_mask=mask, is_causal=True)
    >>> padding = torch.tensor([[False, False, False, True]] * 3)
    >>> nn.TransformerEncoderLayer(6, 2, 8, 0.0)(f32(4, 3, 6), src_key_padding_mask=padding)

    >>> nn.TransformerEncoderLayer(6, 2, 8, 0.0)(f32(4, 3, 6), f32(4, 4), f32(3, 4))
    """
    return helpers.TransformerEncoderLayer(
        d_model,
        nhead,
        dim_feedforward=dim_feedforward,
        dropout=dropout,
        activation=activation,
        layer_norm_eps=layer_norm_eps,
        batch_first=batch_first,
        norm_first=norm_first,
        bias=bias,
        param_dtype=dtype,
        rngs=rngs,
    )


@TransformerEncoderLayer.call
def _(
    self, src: Tensor, src_mask: Tensor = None, src_key_padding_mask: Tensor = None, is_causal: Ignored = False
) -> Tensor:
    if src_mask is None and src_key_padding_mask is None:
        return self(src)
    if src_key_padding_mask is None:
        return self(src, src_mask)
    if src_mask is None:
        return self(src, src_key_padding_mask=src_key_padding_mask)
    return self(src, src_mask=src_mask, src_key_padding_mask=src_key_padding_mask)


@rule("torch.nn.TransformerDecoderLayer", mode="along")
def TransformerDecoderLayer(
    d_model: int,
    nhead: int,
    dim_feedforward=2048,
    dropout=0.1,
    activation="relu",
    layer_norm_eps=1e-5,
    batch_first=False,
    norm_first=False,
    bias=True,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Self-attention, attention to the encoder's output and a feed-forward network.

    >>> nn.TransformerDecoderLayer(6, 2, 8, dropout=0.0)(f32(4, 3, 6), f32(5, 3, 6))
    >>> layer = nn.TransformerDecoderLayer(6, 2, 8, 0.0, "gelu", 1e-3, batch_first=True, norm_first=True, bias=False)
    >>> layer(f32(3, 4, 6), f32(3, 5, 6))
    >>> other = nn.TransformerDecoderLayer(6, 2, 8, 0.0)
    >>> other(f32(4, 3, 6), f32(5, 3, 6), tgt_mask=f32(4, 4), memory_mask=f32(4, 5))
    >>> last = nn.TransformerDecoderLayer(6, 2, 8, 0.0)
    >>> padding = torch.tensor([[False, False, False, True]] * 3)
    >>> last(f32(4, 3, 6), f32(4, 3, 6), tgt_key_padding_mask=padding, memory_key_padding_mask=padding)

    >>> layer, tgt, memory = nn.TransformerDecoderLayer(6, 2, 8, 0.0), f32(4, 3, 6), f32(5, 3, 6)
    >>> layer(tgt, memory, f32(4, 4)), layer(tgt, memory, f32(4, 4), None, f32(3, 4))

    >>> layer, tgt, memory = nn.TransformerDecoderLayer(6, 2, 8, 0.0), f32(4, 3, 6), f32(5, 3, 6)
    >>> layer(tgt, memory, memory_mask=f32(4, 5)), layer(tgt, memory, f32(4, 4), f32(4, 5))

    >>> layer, tgt, memory = nn.TransformerDecoderLayer(6, 2, 8, 0.0), f32(4, 3, 6), f32(4, 3, 6)
    >>> layer(tgt, memory, f32(4, 4), None, None, f32(3, 4))

    >>> layer, tgt, memory = nn.TransformerDecoderLayer(6, 2, 8, 0.0), f32(4, 3, 6), f32(4, 3, 6)
    >>> layer(tgt, memory, None, None, f32(3, 4)), layer(tgt, memory, memory_key_padding_mask=f32(3, 4))
    """
    return helpers.TransformerDecoderLayer(
        d_model,
        nhead,
        dim_feedforward=dim_feedforward,
        dropout=dropout,
        activation=activation,
        layer_norm_eps=layer_norm_eps,
        batch_first=batch_first,
        norm_first=norm_first,
        bias=bias,
        param_dtype=dtype,
        rngs=rngs,
    )


@TransformerDecoderLayer.call
def _(
    self,
    tgt: Tensor,
    memory: Tensor,
    tgt_mask: Tensor = None,
    memory_mask: Tensor = None,
    tgt_key_padding_mask: Tensor = None,
    memory_key_padding_mask: Tensor = None,
    tgt_is_causal: Ignored = False,
    memory_is_causal: Ignored = False,
) -> Tensor:
    if memory_mask is None and tgt_key_padding_mask is None and memory_key_padding_mask is None and tgt_mask is None:
        return self(tgt, memory)
    if memory_mask is None and tgt_key_padding_mask is None and memory_key_padding_mask is None:
        return self(tgt, memory, tgt_mask=tgt_mask)
    return self(
        tgt,
        memory,
        tgt_mask=tgt_mask,
        memory_mask=memory_mask,
        tgt_key_padding_mask=tgt_key_padding_mask,
        memory_key_padding_mask=memory_key_padding_mask,
    )


@rule("torch.nn.TransformerEncoder", mode="along")
def TransformerEncoder(
    encoder_layer, num_layers: int, norm=None, enable_nested_tensor: Ignored = True, mask_check: Ignored = True
) -> Module:
    """A stack of encoder layers.

    >>> nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, 0.0), num_layers=2)(f32(4, 3, 6))
    >>> layer = nn.TransformerEncoderLayer(6, 2, 8, 0.0, batch_first=True)
    >>> encoder = nn.TransformerEncoder(layer, 2, norm=nn.LayerNorm(6), enable_nested_tensor=False)
    >>> encoder(f32(3, 4, 6), mask=f32(4, 4), src_key_padding_mask=torch.tensor([[0.0, 0.0, -1.0, 0.0]] * 3).double())

    >>> nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, 0.0), 1)(f32(4, 3, 6), f32(4, 4))
    >>> encoder = nn.TransformerEncoder(nn.TransformerEncoderLayer(6, 2, 8, 0.0), 1)
    >>> encoder(f32(4, 3, 6), src_key_padding_mask=torch.tensor([[False, False, True, False]] * 3))
    """
    caveat(
        "in evaluation without gradients, torch's "
        "fast path gives zeros at the positions that src_key_padding_mask hides; "
        "the translation computes them like all others"
    )
    return helpers.TransformerEncoder(encoder_layer, num_layers, norm=norm, rngs=rngs)


@TransformerEncoder.call
def _(self, src: Tensor, mask: Tensor = None, src_key_padding_mask: Tensor = None, is_causal: Ignored = None) -> Tensor:
    if mask is None and src_key_padding_mask is None:
        return self(src)
    if src_key_padding_mask is None:
        return self(src, mask)
    if mask is None:
        return self(src, src_key_padding_mask=src_key_padding_mask)
    return self(src, mask=mask, src_key_padding_mask=src_key_padding_mask)


@rule("torch.nn.TransformerDecoder", mode="along")
def TransformerDecoder(decoder_layer, num_layers: int, norm=None) -> Module:
    """A stack of decoder layers.

    >>> nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0), num_layers=2)(f32(4, 3, 6), f32(5, 3, 6))
    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0), 2, nn.LayerNorm(6))
    >>> decoder(f32(4, 3, 6), f32(4, 3, 6), tgt_mask=f32(4, 4))

    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0), 1)
    >>> decoder(f32(4, 3, 6), f32(4, 3, 6), f32(4, 4), f32(4, 4), f32(3, 4), f32(3, 4))

    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0), 1)
    >>> tgt, memory = f32(4, 3, 6), f32(5, 3, 6)
    >>> decoder(tgt, memory, memory_mask=f32(4, 5)), decoder(tgt, memory, f32(4, 4), f32(4, 5))

    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0), 1)
    >>> tgt, memory = f32(4, 3, 6), f32(5, 3, 6)
    >>> decoder(tgt, memory, None, None, f32(3, 4)), decoder(tgt, memory, f32(4, 4), None, f32(3, 4))

    >>> decoder = nn.TransformerDecoder(nn.TransformerDecoderLayer(6, 2, 8, 0.0), 1)
    >>> tgt, memory, hidden = f32(4, 3, 6), f32(5, 3, 6), f32(3, 5)
    >>> decoder(tgt, memory, memory_key_padding_mask=hidden), decoder(tgt, memory, f32(4, 4), None, None, hidden)
    """
    return helpers.TransformerDecoder(decoder_layer, num_layers, norm=norm, rngs=rngs)


@TransformerDecoder.call
def _(
    self,
    tgt: Tensor,
    memory: Tensor,
    tgt_mask: Tensor = None,
    memory_mask: Tensor = None,
    tgt_key_padding_mask: Tensor = None,
    memory_key_padding_mask: Tensor = None,
    tgt_is_causal: Ignored = None,
    memory_is_causal: Ignored = False,
) -> Tensor:
    if memory_mask is None and tgt_key_padding_mask is None and memory_key_padding_mask is None and tgt_mask is None:
        return self(tgt, memory)
    if memory_mask is None and tgt_key_padding_mask is None and memory_key_padding_mask is None:
        return self(tgt, memory, tgt_mask=tgt_mask)
    return self(
        tgt,
        memory,
        tgt_mask=tgt_mask,
        memory_mask=memory_mask,
        tgt_key_padding_mask=tgt_key_padding_mask,
        memory_key_padding_mask=memory_key_padding_mask,
    )


@rule("torch.nn.Transformer", mode="along")
def Transformer(
    d_model: int = 512,
    nhead: int = 8,
    num_encoder_layers=6,
    num_decoder_layers=6,
    dim_feedforward=2048,
    dropout=0.1,
    activation="relu",
    custom_encoder=None,
    custom_decoder=None,
    layer_norm_eps=1e-5,
    batch_first=False,
    norm_first=False,
    bias=True,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Encoder and decoder.

    >>> nn.Transformer(6, 2, 2, 1, 8, dropout=0.0)(f32(5, 3, 6), f32(4, 3, 6))
    >>> model = nn.Transformer(6, 2, 1, 1, 8, 0.0, "gelu", batch_first=True, norm_first=True, bias=False)
    >>> model(f32(3, 5, 6), f32(3, 4, 6), tgt_mask=f32(4, 4), memory_mask=f32(4, 5))
    >>> nn.Transformer(6, 2, 1, 1, 8, 0.0, custom_encoder=nn.Identity())(f32(5, 3, 6), f32(4, 3, 6))
    >>> nn.Transformer(6, 2, 1, 1, 8, 0.0, custom_decoder=nn.Identity())(f32(5, 3, 6), f32(4, 3, 6))
    >>> model = nn.Transformer(6, 2, 1, 1, 8, 0.0, layer_norm_eps=1e-2)
    >>> model(f32(5, 3, 6), f32(4, 3, 6), f32(5, 5), f32(4, 4), f32(4, 5), f32(3, 5), f32(3, 4), f32(3, 5))

    >>> model, src, tgt = nn.Transformer(6, 2, 1, 1, 8, 0.0), f32(5, 3, 6), f32(4, 3, 6)
    >>> model(src, tgt, f32(5, 5)), model(src, tgt, None, f32(4, 4)), model(src, tgt, None, None, f32(4, 5))

    >>> model, src, tgt = nn.Transformer(6, 2, 1, 1, 8, 0.0), f32(5, 3, 6), f32(4, 3, 6)
    >>> model(src, tgt, src_key_padding_mask=f32(3, 5)), model(src, tgt, tgt_key_padding_mask=f32(3, 4))

    >>> nn.Transformer(6, 2, 1, 1, 8, 0.0)(f32(5, 3, 6), f32(4, 3, 6), memory_key_padding_mask=f32(3, 5))
    """
    if custom_encoder is not None or custom_decoder is not None:
        raise Unsupported("custom_encoder= and custom_decoder= of nn.Transformer", "call encoder and decoder yourself")
    return helpers.Transformer(
        d_model=d_model,
        nhead=nhead,
        num_encoder_layers=num_encoder_layers,
        num_decoder_layers=num_decoder_layers,
        dim_feedforward=dim_feedforward,
        dropout=dropout,
        activation=activation,
        layer_norm_eps=layer_norm_eps,
        batch_first=batch_first,
        norm_first=norm_first,
        bias=bias,
        param_dtype=dtype,
        rngs=rngs,
    )


@Transformer.call
def _(
    self,
    src: Tensor,
    tgt: Tensor,
    src_mask: Tensor = None,
    tgt_mask: Tensor = None,
    memory_mask: Tensor = None,
    src_key_padding_mask: Tensor = None,
    tgt_key_padding_mask: Tensor = None,
    memory_key_padding_mask: Tensor = None,
    src_is_causal: Ignored = None,
    tgt_is_causal: Ignored = None,
    memory_is_causal: Ignored = False,
) -> Tensor:
    if (
        src_mask is None
        and tgt_mask is None
        and memory_mask is None
        and src_key_padding_mask is None
        and tgt_key_padding_mask is None
        and memory_key_padding_mask is None
    ):
        return self(src, tgt)
    return self(
        src,
        tgt,
        src_mask=src_mask,
        tgt_mask=tgt_mask,
        memory_mask=memory_mask,
        src_key_padding_mask=src_key_padding_mask,
        tgt_key_padding_mask=tgt_key_padding_mask,
        memory_key_padding_mask=memory_key_padding_mask,
    )


@rule("torch.nn.Transformer.generate_square_subsequent_mask", rank=2, dtype="float")
def generate_square_subsequent_mask(sz: int, device: Device = None, dtype: Dtype = None) -> Tensor:
    """Minus infinity above the diagonal: no attention to what comes later.

    >>> nn.Transformer.generate_square_subsequent_mask(4)
    >>> nn.Transformer.generate_square_subsequent_mask(sz=3, dtype=torch.float64)
    """
    return jnp.triu(jnp.full((sz, sz), -jnp.inf, dtype=dtype), k=1)
