"""Dropout variants: what is kept, what is zeroed, and the statistics against torch's definitions."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from torch2jax.helpers import dropout


def test_drop_path_drops_whole_examples():
    layer = dropout.DropPath(0.25, rngs=nnx.Rngs(0))
    x = jnp.ones((4000, 2, 3))
    y = layer(x)
    assert jnp.array_equal(y.min((1, 2)), y.max((1, 2)))
    assert set(np.unique(y)) == {0.0, 1 / 0.75}
    assert abs(float((y > 0).mean()) - 0.75) < 0.03
    assert not jnp.array_equal(layer(x), y)
    layer.eval()
    assert jnp.array_equal(layer(x), x)


def test_drop_path_without_scaling():
    y = dropout.DropPath(0.5, scale_by_keep=False, rngs=nnx.Rngs(0))(jnp.full((100, 2), 3.0))
    assert set(np.unique(y)) == {0.0, 3.0}


@pytest.mark.parametrize("rate", [0.3, 0.8])
def test_alpha_dropout_has_the_values_that_torch_has(rate):
    x = torch.ones(1000, dtype=torch.float64)
    expected = np.unique(torch.nn.AlphaDropout(rate)(x).numpy())
    np.testing.assert_allclose(
        np.unique(dropout.AlphaDropout(rate, rngs=nnx.Rngs(0))(jnp.ones(1000))), expected, rtol=1e-9
    )


def test_alpha_dropout_keeps_mean_and_variance(normal):
    y = dropout.AlphaDropout(0.2, rngs=nnx.Rngs(0))(jnp.asarray(normal(200_000)))
    assert abs(y.mean()) < 0.01
    assert abs(y.std() - 1) < 0.01


def test_feature_alpha_dropout_drops_whole_features(normal):
    y = dropout.AlphaDropout(0.5, whole_features=True, rngs=nnx.Rngs(0))(jnp.ones((20, 4, 5, 6)))
    assert jnp.array_equal(y.min((1, 2)), y.max((1, 2)))
    assert len(np.unique(y)) == 2


def test_alpha_dropout_modes():
    x = jnp.ones(10)
    layer = dropout.AlphaDropout(0.5, rngs=nnx.Rngs(0))
    layer.eval()
    assert jnp.array_equal(layer(x), x)
    assert jnp.array_equal(dropout.AlphaDropout(0.0, rngs=nnx.Rngs(0))(x), x)
    assert jnp.array_equal(dropout.AlphaDropout(1.0, rngs=nnx.Rngs(0))(x), jnp.zeros(10))
