"""Attention and transformers against torch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flax import nnx

from torch2jax.helpers import attention, transformer


def carry(theirs: torch.nn.Module, ours: nnx.Module) -> None:
    """Copies torch's state by path; linear layers and norms have flax's names and axes."""
    for path, value in theirs.state_dict().items():
        *parents, name = path.split(".")
        node = ours
        for parent in parents:
            node = node[int(parent)] if parent.isdigit() else getattr(node, parent)
        array = value.numpy()
        if isinstance(node, nnx.Linear) and name == "weight":
            name, array = "kernel", array.T
        elif isinstance(node, nnx.LayerNorm) and name == "weight":
            name = "scale"
        variable = getattr(node, name)
        assert variable.shape == array.shape
        variable.set_value(jnp.asarray(array))


def randomized(layer: torch.nn.Module) -> torch.nn.Module:
    for parameter in layer.double().parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return layer


BOOLEAN = np.array([[True, False, True], [True, True, True], [False, False, True], [True, False, False]])


@pytest.mark.parametrize("mask", [None, "boolean", "float"])
@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("scale", [None, 0.3])
def test_scaled_dot_product_attention(agree, normal, mask, causal, scale):
    if causal and mask is not None:
        pytest.skip("torch does not define both together")
    q, k, v = normal(2, 5, 4, 6), normal(2, 5, 3, 6), normal(2, 5, 3, 7)
    given = {None: None, "boolean": BOOLEAN, "float": normal(2, 1, 4, 3)}[mask]
    agree(
        lambda q, k, v: F.scaled_dot_product_attention(
            q, k, v, None if given is None else torch.tensor(given), is_causal=causal, scale=scale
        ),
        lambda q, k, v: attention.scaled_dot_product_attention(
            q, k, v, None if given is None else jnp.asarray(given), is_causal=causal, scale=scale
        ),
        *(q, k, v),
    )


def test_queries_without_keys_get_zeros_and_no_gradient(agree, normal):
    mask = np.array([[False, False, False], [True, True, False]])
    agree(
        lambda q, k: F.scaled_dot_product_attention(q, k, k, torch.tensor(mask)),
        lambda q, k: attention.scaled_dot_product_attention(q, k, k, jnp.asarray(mask)),
        *(normal(1, 1, 2, 4), normal(1, 1, 3, 4)),
    )


def test_grouped_query_attention(agree, normal):
    agree(
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        lambda q, k, v: attention.scaled_dot_product_attention(q, k, v, enable_gqa=True),
        *(normal(2, 6, 4, 5), normal(2, 2, 3, 5), normal(2, 2, 3, 5)),
    )


def test_attention_dropout_draws():
    x = jnp.ones((1, 2, 3, 4))
    rngs = nnx.Rngs(0)
    one, other = (attention.scaled_dot_product_attention(x, x, x, None, 0.5, rngs=rngs) for _ in range(2))
    assert not jnp.array_equal(one, other)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"batch_first": True, "bias": False},
        {"kdim": 5, "vdim": 7, "add_bias_kv": True},
        {"add_zero_attn": True, "add_bias_kv": True, "batch_first": True},
    ],
)
@pytest.mark.parametrize("weights", ["averaged", "each", "none"])
@pytest.mark.parametrize("masked", [False, True])
def test_multihead_attention(agree, normal, options, weights, masked):
    theirs = randomized(torch.nn.MultiheadAttention(6, 2, **options))
    ours = attention.MultiheadAttention(6, 2, **options, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    inputs = [normal(4, 3, 6), normal(5, 3, options.get("kdim", 6)), normal(5, 3, options.get("vdim", 6))]
    if options.get("batch_first"):
        inputs = [x.swapaxes(0, 1) for x in inputs]
    asked = {"need_weights": weights != "none", "average_attn_weights": weights == "averaged"}
    padding = np.array([[False, False, True, False, True]] * 3)
    mask = normal(6, 4, 5)

    def given(convert):
        return {"key_padding_mask": convert(padding), "attn_mask": convert(mask)} if masked else {}

    agree(
        lambda q, k, v: theirs(q, k, v, **asked, **given(torch.tensor)),
        lambda q, k, v: ours(q, k, v, **asked, **given(jnp.asarray)),
        *inputs,
    )


def test_multihead_attention_of_one_example(agree, normal):
    theirs = randomized(torch.nn.MultiheadAttention(6, 2, batch_first=True))
    ours = attention.MultiheadAttention(6, 2, batch_first=True, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    padding = np.array([False, True, False])
    mask = np.triu(np.ones((4, 3), bool), 2)
    agree(
        lambda q, k: theirs(q, k, k, torch.tensor(padding), attn_mask=torch.tensor(mask)),
        lambda q, k: ours(q, k, k, jnp.asarray(padding), attn_mask=jnp.asarray(mask)),
        *(normal(4, 6), normal(3, 6)),
    )


@pytest.mark.parametrize("need", [False, True])
def test_multihead_attention_drops_weights_in_training_only(need):
    layer = attention.MultiheadAttention(6, 2, 0.5, rngs=nnx.Rngs(0))
    x = jnp.ones((4, 3, 6)) * jnp.arange(4)[:, None, None]
    assert not jnp.array_equal(layer(x, x, x, need_weights=need)[0], layer(x, x, x, need_weights=need)[0])
    layer.eval()
    assert jnp.array_equal(layer(x, x, x, need_weights=need)[0], layer(x, x, x, need_weights=need)[0])


def test_multihead_attention_starts_as_in_torch():
    theirs = torch.nn.MultiheadAttention(64, 4, add_bias_kv=True)
    ours = attention.MultiheadAttention(64, 4, add_bias_kv=True, rngs=nnx.Rngs(0))
    assert abs(ours.in_proj_weight[...].std() / theirs.in_proj_weight.detach().std().numpy() - 1) < 0.03
    assert abs(ours.out_proj.kernel[...].std() / theirs.out_proj.weight.detach().std().numpy() - 1) < 0.03
    assert abs(ours.bias_k[...].std() / theirs.bias_k.detach().std().numpy() - 1) < 0.4
    assert not jnp.any(ours.out_proj.bias[...])


LAYERS = [
    {},
    {"norm_first": True, "batch_first": True},
    {"activation": "gelu", "bias": False, "layer_norm_eps": 1e-2},
]


@pytest.mark.parametrize("options", LAYERS)
@pytest.mark.parametrize("masked", [False, True])
def test_encoder_layer(agree, normal, options, masked):
    theirs = randomized(torch.nn.TransformerEncoderLayer(6, 2, 8, 0.0, **options))
    ours = transformer.TransformerEncoderLayer(6, 2, 8, 0.0, **options, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    mask, padding = np.triu(np.ones((4, 4), bool), 1), np.array([[False] * 4, [False, False, False, True]])
    x = normal(2, 4, 6) if options.get("batch_first") else normal(4, 2, 6)
    if masked:
        agree(
            lambda x: theirs(x, torch.tensor(mask), torch.tensor(padding)),
            lambda x: ours(x, jnp.asarray(mask), jnp.asarray(padding)),
            x,
        )
    else:
        agree(theirs, ours, x)


@pytest.mark.parametrize("options", LAYERS)
def test_decoder_layer(agree, normal, options):
    theirs = randomized(torch.nn.TransformerDecoderLayer(6, 2, 8, 0.0, **options))
    ours = transformer.TransformerDecoderLayer(6, 2, 8, 0.0, **options, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    masks = {
        "tgt_mask": np.triu(np.full((4, 4), -np.inf), 1),
        "memory_mask": normal(4, 5),
        "tgt_key_padding_mask": np.array([[0.0] * 4, [0.0, 0.0, -1.0, -np.inf]]),
        "memory_key_padding_mask": np.array([[False] * 5, [False, True, False, False, True]]),
    }
    masks["memory_key_padding_mask"] = np.where(masks["memory_key_padding_mask"], -np.inf, 0.0)
    tgt, memory = (
        (normal(2, 4, 6), normal(2, 5, 6)) if options.get("batch_first") else (normal(4, 2, 6), normal(5, 2, 6))
    )
    agree(
        lambda t, m: theirs(t, m, **{name: torch.tensor(mask) for name, mask in masks.items()}),
        lambda t, m: ours(t, m, **{name: jnp.asarray(mask) for name, mask in masks.items()}),
        *(tgt, memory),
    )


@pytest.mark.parametrize("final", [False, True])
def test_encoder(agree, normal, final):
    norm = torch.nn.LayerNorm(6) if final else None
    theirs = randomized(torch.nn.TransformerEncoder(torch.nn.TransformerEncoderLayer(6, 2, 8, 0.0), 2, norm))
    layer = transformer.TransformerEncoderLayer(6, 2, 8, 0.0, rngs=nnx.Rngs(0))
    last = nnx.LayerNorm(6, epsilon=1e-5, rngs=nnx.Rngs(0)) if final else None
    ours = transformer.TransformerEncoder(layer, 2, last, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    padding = np.array([[False] * 4, [False, False, False, True]])
    agree(
        lambda x: theirs(x, src_key_padding_mask=torch.tensor(padding)),
        lambda x: ours(x, src_key_padding_mask=jnp.asarray(padding)),
        normal(4, 2, 6),
    )


def test_copies_have_their_own_parameters_and_random_numbers():
    layer = transformer.TransformerEncoderLayer(6, 2, 8, 0.5, rngs=nnx.Rngs(0))
    one, other = transformer.TransformerEncoder(layer, 2, rngs=nnx.Rngs(0)).layers
    x = jnp.ones((4, 2, 6))
    assert one.linear1.kernel is not other.linear1.kernel
    assert jnp.array_equal(one.linear1.kernel[...], other.linear1.kernel[...])
    assert not jnp.array_equal(one(x), other(x))
    one.eval()
    other.eval()
    assert jnp.array_equal(one(x), other(x))


@pytest.mark.parametrize("options", [{}, {"norm_first": True, "batch_first": True, "bias": False}])
def test_transformer(agree, normal, options):
    theirs = randomized(torch.nn.Transformer(6, 2, 2, 1, 8, 0.0, **options))
    ours = transformer.Transformer(6, 2, 2, 1, 8, 0.0, **options, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    mask = np.triu(np.full((4, 4), -np.inf), 1)
    src, tgt = (normal(2, 5, 6), normal(2, 4, 6)) if options.get("batch_first") else (normal(5, 2, 6), normal(4, 2, 6))
    agree(
        lambda s, t: theirs(s, t, tgt_mask=torch.tensor(mask)),
        lambda s, t: ours(s, t, tgt_mask=jnp.asarray(mask)),
        *(src, tgt),
    )


def test_transformer_starts_with_xavier_weights():
    model = transformer.Transformer(32, 2, 1, 1, 64, rngs=nnx.Rngs(0))
    for kernel in (model.encoder.layers[0].linear1.kernel, model.decoder.layers[0].linear2.kernel):
        assert abs(jnp.abs(kernel[...]).max() - (6 / 96) ** 0.5) < 0.005
    assert not jnp.any(model.encoder.layers[0].norm1.bias[...])
