"""Functions in the place of layers without parameters, against torch."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flax import nnx

from torch2jax.helpers import layers


@pytest.mark.parametrize(("start", "end"), [(0, -1), (1, -1), (1, 2), (-2, -1), (2, 2)])
def test_flatten(agree, normal, start, end):
    agree(lambda x: x.flatten(start, end), lambda x: layers.flatten(x, start, end), normal(2, 3, 4, 5))


@pytest.mark.parametrize(("axis", "sizes"), [(1, (2, 3)), (-1, (5, 2)), (-1, (-1, 5))])
def test_unflatten(agree, normal, axis, sizes):
    agree(lambda x: x.unflatten(axis, sizes), lambda x: layers.unflatten(x, axis, sizes), normal(4, 6, 10))


def test_elementwise_functions(agree, normal):
    x = 3 * normal(4, 5)
    agree(lambda x: F.softplus(x, 2.0, 1.5), lambda x: layers.softplus(x, 2.0, 1.5), x)
    agree(lambda x: F.softplus(x, 0.5), lambda x: layers.softplus(x, 0.5), 100 * x)
    agree(lambda x: F.threshold(x, 0.5, -2.0), lambda x: layers.threshold(x, 0.5, -2.0), x)
    agree(lambda x: F.hardshrink(x, 0.7), lambda x: layers.hardshrink(x, 0.7), x)
    agree(lambda x: F.softshrink(x, 0.7), lambda x: layers.softshrink(x, 0.7), x)
    agree(lambda x: F.softmin(x, 0), lambda x: layers.softmin(x, 0), x)


def test_prelu_at_zero_and_of_a_number(agree, normal):
    theirs, layer = torch.nn.PReLU().double(), layers.PReLU(jnp.full(1, 0.25))
    agree(theirs, layer, 0 * normal(2, 3))
    agree(theirs, layer, normal())
    agree(theirs, layer, -np.abs(normal()))


def test_functions_at_their_bounds(agree):
    x = np.array([-0.5, 0.0, 0.5])
    agree(lambda x: F.threshold(x, 0.5, -2.0), lambda x: layers.threshold(x, 0.5, -2.0), x)
    agree(lambda x: F.hardshrink(x, 0.5), lambda x: layers.hardshrink(x, 0.5), x)
    agree(lambda x: F.softshrink(x, 0.5), lambda x: layers.softshrink(x, 0.5), x)


def test_rrelu_draws_slopes_in_training_only(agree, normal):
    layer = layers.RReLU(0.1, 0.3, rngs=nnx.Rngs(0))
    x = -jnp.ones(10_000)
    slopes = -layer(x)
    assert 0.1 <= slopes.min() < 0.101
    assert 0.299 < slopes.max() <= 0.3
    assert abs(slopes.mean() - 0.2) < 0.002
    assert not jnp.array_equal(layer(x), -slopes)
    assert jnp.array_equal(layer(-x), -x)
    evaluating = nnx.view(layer, deterministic=True)
    agree(lambda x: F.rrelu(x, 0.1, 0.3), evaluating, normal(4, 5))
    layer.eval()
    assert jnp.array_equal(layer(x), jax.numpy.full(10_000, -0.2))


def test_rrelu_has_the_default_bounds_of_torch():
    theirs, ours = torch.nn.RReLU(), layers.RReLU(rngs=nnx.Rngs(0))
    assert (ours.lower, ours.upper) == (theirs.lower, theirs.upper)
