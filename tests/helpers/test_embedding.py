"""Embeddings against torch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flax import nnx

from torch2jax.helpers import embedding


@pytest.mark.parametrize("padding", [2, -1])
def test_padded_embed(normal, padding):
    ours = embedding.PaddedEmbed(5, 3, padding_idx=padding, rngs=nnx.Rngs(0))
    assert jnp.array_equal(ours.embedding[padding], jnp.zeros(3))
    assert jnp.all(jnp.abs(ours.embedding[...]).sum(1).at[padding].set(1) > 0)
    weight, w = normal(5, 3), normal(2, 4, 3)
    indices = np.array([[0, 2, 4, 2], [1, 4, 3, 0]])
    theirs = torch.nn.Embedding.from_pretrained(torch.tensor(weight), freeze=False, padding_idx=padding)
    ours = embedding.PaddedEmbed(5, 3, padding_idx=padding, param_dtype=jnp.float64, rngs=nnx.Rngs(0))
    ours.embedding.set_value(jnp.asarray(weight))
    (theirs(torch.tensor(indices)) * torch.tensor(w)).sum().backward()
    grads = nnx.grad(lambda layer: (layer(jnp.asarray(indices)) * w).sum())(ours)
    np.testing.assert_array_equal(ours(jnp.asarray(indices)), weight[indices])
    np.testing.assert_allclose(grads["embedding"][...], theirs.weight.grad.numpy(), rtol=1e-9)


def test_padded_embed_without_padding():
    ours = embedding.PaddedEmbed(5, 3, padding_idx=None, rngs=nnx.Rngs(0))
    indices = jnp.arange(5)
    assert jnp.array_equal(ours(indices), ours.embedding[...])
    assert jnp.all(nnx.grad(lambda layer: layer(indices).sum())(ours)["embedding"][...] == 1)


def test_frozen_embed_has_no_parameters(normal):
    table = jnp.asarray(normal(5, 3))
    ours = embedding.FrozenEmbed(table)
    assert jnp.array_equal(ours(jnp.array([[3, 1]])), table[jnp.array([[3, 1]])])
    assert not nnx.state(ours, nnx.Param)


@pytest.mark.parametrize("padding", [None, 1, -2])
def test_functional_embedding(agree, normal, padding):
    indices = np.array([[0, 1, 2], [3, 1, 0]])
    agree(
        lambda w: F.embedding(torch.tensor(indices), w, padding),
        lambda w: embedding.embedding(jnp.asarray(indices), w, padding),
        normal(4, 5),
    )


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("padding", [None, 2])
def test_embedding_bag_of_equal_lengths(agree, normal, mode, padding):
    indices = np.array([[0, 1, 2, 2], [3, 1, 0, 1]])
    agree(
        lambda w: F.embedding_bag(torch.tensor(indices), w, mode=mode, padding_idx=padding),
        lambda w: embedding.embedding_bag(jnp.asarray(indices), w, mode=mode, padding_idx=padding),
        normal(4, 5),
    )


@pytest.mark.parametrize("mode", ["sum", "mean", "max"])
@pytest.mark.parametrize("last", [False, True])
def test_embedding_bag_with_offsets(agree, normal, mode, last):
    indices, offsets = np.array([0, 1, 2, 3, 3, 1]), np.array([0, 2, 2, 6] if last else [0, 2, 2])
    agree(
        lambda w: F.embedding_bag(torch.tensor(indices), w, torch.tensor(offsets), mode=mode, include_last_offset=last),
        lambda w: embedding.embedding_bag(
            jnp.asarray(indices), w, jnp.asarray(offsets), mode=mode, include_last_offset=last
        ),
        normal(4, 5),
    )


def test_embedding_bag_with_sample_weights(agree, normal):
    indices = np.array([[0, 1, 2], [3, 1, 0]])
    agree(
        lambda w, s: F.embedding_bag(torch.tensor(indices), w, mode="sum", per_sample_weights=s),
        lambda w, s: embedding.embedding_bag(jnp.asarray(indices), w, mode="sum", per_sample_weights=s),
        *(normal(4, 5), normal(2, 3)),
    )


def test_embedding_bag_layer(agree, normal):
    layer = embedding.EmbeddingBag(4, 5, mode="sum", padding_idx=-1, rngs=nnx.Rngs(0))
    assert layer.padding_idx == 3
    assert jnp.array_equal(layer.weight[3], jnp.zeros(5))
    weight = normal(4, 5)
    layer.weight.set_value(jnp.asarray(weight))
    theirs = torch.nn.EmbeddingBag.from_pretrained(torch.tensor(weight), mode="sum", padding_idx=-1)
    indices = np.array([[0, 3, 2], [3, 1, 0]])
    np.testing.assert_allclose(layer(jnp.asarray(indices)), theirs(torch.tensor(indices)).numpy(), rtol=1e-9)
