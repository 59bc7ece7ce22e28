"""Transformer encoders and decoders (https://arxiv.org/abs/1706.03762) with PyTorch's parameters and order of norms."""

import copy
from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.attention import MultiheadAttention
from torch2jax.helpers.init import fan_in_uniform


class TransformerLayer(nnx.Module):
    """The sublayers of encoder and decoder layers: self-attention, with memory attention to it, and feed-forward.

    With ``norm_first`` the input of each sublayer is normalised, otherwise the sum of its input and output.
    """

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[jax.Array], jax.Array] = "relu",
        *,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        with_memory: bool = False,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        options: dict[str, Any] = {"use_bias": bias, "param_dtype": param_dtype, "rngs": rngs}
        norm = partial(nnx.LayerNorm, d_model, epsilon=layer_norm_eps, use_fast_variance=False, **options)
        attention = partial(MultiheadAttention, d_model, nhead, dropout, bias=bias, batch_first=batch_first)
        self.self_attn = attention(param_dtype=param_dtype, rngs=rngs)
        if with_memory:
            self.multihead_attn = attention(param_dtype=param_dtype, rngs=rngs)
        self.linear1 = nnx.Linear(d_model, dim_feedforward, **fan_in_uniform(d_model), **options)
        self.dropout = nnx.Dropout(dropout, rngs=rngs)
        self.linear2 = nnx.Linear(dim_feedforward, d_model, **fan_in_uniform(dim_feedforward), **options)
        self.norm_first = norm_first
        self.norm1 = norm()
        self.norm2 = norm()
        if with_memory:
            self.norm3 = norm()
            self.dropout3 = nnx.Dropout(dropout, rngs=rngs)
        self.dropout1 = nnx.Dropout(dropout, rngs=rngs)
        self.dropout2 = nnx.Dropout(dropout, rngs=rngs)
        if activation == "gelu":
            activation = partial(nnx.gelu, approximate=False)
        self.activation = nnx.relu if isinstance(activation, str) else activation

    def attend_to_self(self, x: jax.Array, mask: jax.Array | None, padding: jax.Array | None) -> jax.Array:
        """The self-attention sublayer without its residual connection."""
        y, _ = self.self_attn(x, x, x, key_padding_mask=padding, need_weights=False, attn_mask=mask)
        return self.dropout1(y)

    def feed_forward(self, x: jax.Array) -> jax.Array:
        """The two linear layers, without dropout on their result and residual connection."""
        return self.linear2(self.dropout(self.activation(self.linear1(x))))


class TransformerEncoderLayer(TransformerLayer):
    """Self-attention and a feed-forward network, each with a residual connection."""

    def __call__(
        self, src: jax.Array, src_mask: jax.Array | None = None, src_key_padding_mask: jax.Array | None = None
    ) -> jax.Array:
        """Maps (time, batch, d_model), or batch-first, to the same shape; boolean masks are True where forbidden."""
        x = src
        if self.norm_first:
            x = x + self.attend_to_self(self.norm1(x), src_mask, src_key_padding_mask)
            return x + self.dropout2(self.feed_forward(self.norm2(x)))
        x = self.norm1(x + self.attend_to_self(x, src_mask, src_key_padding_mask))
        y: jax.Array = self.norm2(x + self.dropout2(self.feed_forward(x)))
        return y


class TransformerDecoderLayer(TransformerLayer):
    """Self-attention, attention to the encoder's output and a feed-forward network, with residual connections."""

    def __init__(
        self,
        d_model: int,
        nhead: int,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[jax.Array], jax.Array] = "relu",
        *,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(
            *(d_model, nhead, dim_feedforward, dropout, activation),
            layer_norm_eps=layer_norm_eps,
            batch_first=batch_first,
            norm_first=norm_first,
            bias=bias,
            with_memory=True,
            param_dtype=param_dtype,
            rngs=rngs,
        )

    def __call__(
        self,
        tgt: jax.Array,
        memory: jax.Array,
        tgt_mask: jax.Array | None = None,
        memory_mask: jax.Array | None = None,
        tgt_key_padding_mask: jax.Array | None = None,
        memory_key_padding_mask: jax.Array | None = None,
    ) -> jax.Array:
        """Maps the target (time, batch, d_model), or batch-first, to the same shape, given the encoder's output."""
        x = tgt
        if self.norm_first:
            x = x + self.attend_to_self(self.norm1(x), tgt_mask, tgt_key_padding_mask)
            x = x + self.attend_to_memory(self.norm2(x), memory, memory_mask, memory_key_padding_mask)
            return x + self.dropout3(self.feed_forward(self.norm3(x)))
        x = self.norm1(x + self.attend_to_self(x, tgt_mask, tgt_key_padding_mask))
        x = self.norm2(x + self.attend_to_memory(x, memory, memory_mask, memory_key_padding_mask))
        y: jax.Array = self.norm3(x + self.dropout3(self.feed_forward(x)))
        return y

    def attend_to_memory(
        self, x: jax.Array, memory: jax.Array, mask: jax.Array | None, padding: jax.Array | None
    ) -> jax.Array:
        """The cross-attention sublayer without its residual connection."""
        y, _ = self.multihead_attn(x, memory, memory, key_padding_mask=padding, need_weights=False, attn_mask=mask)
        return self.dropout2(y)


class TransformerEncoder(nnx.Module):
    """A stack of copies of one encoder layer, and a last norm."""

    def __init__(self, encoder_layer: nnx.Module, num_layers: int, norm: Any = None, *, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List(copies(encoder_layer, num_layers, rngs))
        self.norm = norm

    def __call__(
        self, src: jax.Array, mask: jax.Array | None = None, src_key_padding_mask: jax.Array | None = None
    ) -> jax.Array:
        """Maps (time, batch, d_model), or batch-first, to the same shape; boolean masks are True where forbidden."""
        for layer in self.layers:
            src = layer(src, src_mask=mask, src_key_padding_mask=src_key_padding_mask)
        return src if self.norm is None else self.norm(src)


class TransformerDecoder(nnx.Module):
    """A stack of copies of one decoder layer, and a last norm."""

    def __init__(self, decoder_layer: nnx.Module, num_layers: int, norm: Any = None, *, rngs: nnx.Rngs) -> None:
        self.layers = nnx.List(copies(decoder_layer, num_layers, rngs))
        self.norm = norm

    def __call__(self, tgt: jax.Array, memory: jax.Array, **masks: jax.Array | None) -> jax.Array:
        """Maps the target (time, batch, d_model), or batch-first, given the encoder's output; masks as in a layer."""
        for layer in self.layers:
            tgt = layer(tgt, memory, **masks)
        return tgt if self.norm is None else self.norm(tgt)


class Transformer(nnx.Module):
    """Encoder and decoder."""

    def __init__(
        self,
        d_model: int = 512,
        nhead: int = 8,
        num_encoder_layers: int = 6,
        num_decoder_layers: int = 6,
        dim_feedforward: int = 2048,
        dropout: float = 0.1,
        activation: str | Callable[[jax.Array], jax.Array] = "relu",
        *,
        layer_norm_eps: float = 1e-5,
        batch_first: bool = False,
        norm_first: bool = False,
        bias: bool = True,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        options: dict[str, Any] = {"param_dtype": param_dtype, "rngs": rngs}
        norm = partial(
            nnx.LayerNorm, d_model, epsilon=layer_norm_eps, use_bias=bias, use_fast_variance=False, **options
        )
        options |= {
            "layer_norm_eps": layer_norm_eps,
            "batch_first": batch_first,
            "norm_first": norm_first,
            "bias": bias,
        }
        sizes = (d_model, nhead, dim_feedforward, dropout, activation)
        encoder_layer = TransformerEncoderLayer(*sizes, **options)
        decoder_layer = TransformerDecoderLayer(*sizes, **options)
        self.encoder = TransformerEncoder(encoder_layer, num_encoder_layers, norm(), rngs=rngs)
        self.decoder = TransformerDecoder(decoder_layer, num_decoder_layers, norm(), rngs=rngs)
        xavier = nnx.initializers.xavier_uniform()
        for _, param in nnx.iter_graph(self):
            if isinstance(param, nnx.Param) and param.ndim > 1:
                param[...] = xavier(rngs.params(), param.shape, param.dtype)

    def __call__(
        self,
        src: jax.Array,
        tgt: jax.Array,
        src_mask: jax.Array | None = None,
        tgt_mask: jax.Array | None = None,
        memory_mask: jax.Array | None = None,
        src_key_padding_mask: jax.Array | None = None,
        tgt_key_padding_mask: jax.Array | None = None,
        memory_key_padding_mask: jax.Array | None = None,
    ) -> jax.Array:
        """Encodes (time, batch, d_model), or batch-first, and decodes the target; result shaped as the target."""
        return self.decoder(
            tgt,
            self.encoder(src, mask=src_mask, src_key_padding_mask=src_key_padding_mask),
            tgt_mask=tgt_mask,
            memory_mask=memory_mask,
            tgt_key_padding_mask=tgt_key_padding_mask,
            memory_key_padding_mask=memory_key_padding_mask,
        )


def copies(layer: nnx.Module, count: int, rngs: nnx.Rngs) -> list[nnx.Module]:
    """Copies of a layer with equal parameters, and streams of random numbers of their own."""
    layers = [copy.deepcopy(layer) for _ in range(count)]
    for _, stream in nnx.iter_graph(layers):
        if isinstance(stream, nnx.RngStream):
            stream.key[...] = rngs.dropout()
    return layers
