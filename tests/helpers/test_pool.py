"""Pooling and padding against torch, channel-last against channel-first."""

from __future__ import annotations

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flax import nnx

from torch2jax.helpers import padding, pool

SIZES = (9, 8, 7)
MAX_POOLS = (F.max_pool1d, F.max_pool2d, F.max_pool3d)
AVG_POOLS = (F.avg_pool1d, F.avg_pool2d, F.avg_pool3d)
UNPOOLS = (F.max_unpool1d, F.max_unpool2d, F.max_unpool3d)
ADAPTIVE_AVG = (F.adaptive_avg_pool1d, F.adaptive_avg_pool2d, F.adaptive_avg_pool3d)
ADAPTIVE_MAX = (F.adaptive_max_pool1d, F.adaptive_max_pool2d, F.adaptive_max_pool3d)


def first(x):
    return jax.tree.map(lambda y: jnp.moveaxis(y, -1, 1), x)


def last(x):
    return jnp.moveaxis(x, 1, -1)


GEOMETRIES = [(2, None, 0, 1), (3, 2, 1, 2), (2, 3, 0, 1), (4, 3, 2, 1)]


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("geometry", GEOMETRIES)
def test_max_pool(agree, normal, n, ceil, geometry):
    agree(
        lambda x: MAX_POOLS[n - 1](x, *geometry, ceil_mode=ceil, return_indices=True),
        lambda x: pool.max_pool_with_indices(x, *geometry, ceil),
        normal(2, 3, *SIZES[:n]),
    )


def test_max_pool_breaks_ties_as_torch_does(agree, normal):
    x = np.maximum(np.round(normal(2, 3, 9, 8)), 0)
    agree(lambda x: F.max_pool2d(x, 3, 2, 1), lambda x: first(pool.max_pool(last(x), 3, 2, 1)), x)
    agree(lambda x: F.adaptive_max_pool2d(x, 3), lambda x: first(pool.adaptive_max_pool(last(x), 3)), x)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("ceil", [False, True])
@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("geometry", [(2, None, 0), (2, 3, 0), (4, 3, 2)])
def test_avg_pool(agree, normal, n, ceil, counted, geometry):
    agree(
        lambda x: AVG_POOLS[n - 1](x, *geometry, ceil, counted),
        lambda x: first(pool.avg_pool(last(x), *geometry, ceil, counted)),
        normal(2, 3, *SIZES[:n]),
    )


def test_avg_pool_with_its_own_divisor(agree, normal):
    agree(
        lambda x: F.avg_pool2d(x, (3, 2), (2, 1), (1, 0), divisor_override=5),
        lambda x: first(pool.avg_pool(last(x), (3, 2), (2, 1), (1, 0), divisor_override=5)),
        normal(2, 3, 9, 8),
    )


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0, float("inf"), -float("inf")])
@pytest.mark.parametrize("ceil", [False, True])
def test_lp_pool(agree, normal, p, ceil):
    x = np.abs(normal(2, 3, 9, 8)) + 0.1
    agree(
        lambda x: F.lp_pool2d(x, p, (3, 2), 2, ceil),
        lambda x: first(pool.lp_pool(last(x), p, (3, 2), 2, ceil)),
        x,
    )


def test_lp_pool_of_zeros_has_gradient_zero(agree):
    agree(lambda x: F.lp_pool1d(x, 2.0, 2), lambda x: first(pool.lp_pool(last(x), 2.0, 2)), np.zeros((1, 1, 4)))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize(("window", "stride", "pad"), [(2, None, 0), (3, 3, 1)])
def test_max_unpool_puts_maxima_back(agree, normal, n, window, stride, pad):
    size = (2, 3, *SIZES[:n])

    def in_torch(x):
        return UNPOOLS[n - 1](*MAX_POOLS[n - 1](x, window, stride, pad, return_indices=True), window, stride, pad, size)

    def in_jax(x):
        values, indices = pool.indexed_max_pool(last(x), window, stride, pad)
        return first(pool.max_unpool(values, indices, window, stride, pad, size))

    agree(in_torch, in_jax, normal(*size))


def test_max_unpool_default_size(agree, normal):
    agree(
        lambda x: F.max_unpool2d(*F.max_pool2d(x, 3, 3, 1, return_indices=True), 3, 3, 1),
        lambda x: first(pool.max_unpool(*pool.indexed_max_pool(last(x), 3, 3, 1), 3, 3, 1)),
        normal(2, 3, 7, 10),
    )


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("size", [{"output_size": 3}, {"output_ratio": (0.7, 0.6, 0.5)}, {"output_size": 1}])
def test_fractional_max_pool(agree, normal, n, size):
    samples = np.random.default_rng(0).uniform(0, 1, (2, 3, n))
    size = {key: value[:n] if isinstance(value, tuple) else value for key, value in size.items()}
    theirs = {2: F.fractional_max_pool2d, 3: F.fractional_max_pool3d}[n]
    agree(
        lambda x: theirs(x, 2, **size, _random_samples=torch.tensor(samples)),
        lambda x: first(pool.fractional_max_pool(last(x), 2, **size, samples=jnp.asarray(samples))),
        normal(2, 3, *SIZES[:n]),
    )


@pytest.mark.parametrize("n", [2, 3])
def test_fractional_max_pool_says_where_its_maxima_are(agree, normal, n):
    samples = np.random.default_rng(3).random((2, 3, n))
    theirs = {2: F.fractional_max_pool2d, 3: F.fractional_max_pool3d}[n]
    options = {"output_size": 3}
    agree(
        lambda x: theirs(x, 2, **options, return_indices=True, _random_samples=torch.tensor(samples)),
        lambda x: tuple(
            first(y) for y in pool.indexed_fractional_max_pool(last(x), 2, **options, samples=jnp.asarray(samples))
        ),
        normal(2, 3, *(7, 8, 6)[:n]),
    )
    layer = pool.IndexedFractionalMaxPool(2, output_size=3, rngs=nnx.Rngs(0))
    values, indices = layer(jnp.asarray(normal(2, 7, 8, 3)))
    assert values.shape == indices.shape == (2, 3, 3, 3)


def test_fractional_max_pool_draws_its_windows(normal):
    layer = pool.FractionalMaxPool(2, output_size=3, rngs=nnx.Rngs(0))
    x = jnp.asarray(normal(2, 8, 9, 3))
    assert layer(x).shape == (2, 3, 3, 3)
    assert not jnp.array_equal(layer(x), layer(x))


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("size", [1, 3, (4, 3, 2)])
def test_adaptive_pools(agree, normal, n, size):
    size = size[:n] if isinstance(size, tuple) else size
    x = normal(2, 3, *SIZES[:n])
    agree(lambda x: ADAPTIVE_AVG[n - 1](x, size), lambda x: first(pool.adaptive_avg_pool(last(x), size)), x)
    agree(
        lambda x: ADAPTIVE_MAX[n - 1](x, size, return_indices=True),
        lambda x: pool.adaptive_max_pool_with_indices(x, size),
        x,
    )


def test_adaptive_pools_keep_axes_given_as_none(agree, normal):
    x = normal(2, 3, 9, 8)
    agree(lambda x: F.adaptive_avg_pool2d(x, (None, 3)), lambda x: first(pool.adaptive_avg_pool(last(x), (None, 3))), x)
    agree(lambda x: F.adaptive_max_pool2d(x, (4, None)), lambda x: first(pool.adaptive_max_pool(last(x), (4, None))), x)


MODES = [("constant", "constant"), ("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")]


@pytest.mark.parametrize(("theirs", "ours"), MODES)
@pytest.mark.parametrize("n", [1, 2, 3])
def test_pad_spatial(agree, normal, theirs, ours, n):
    sizes = (1, 2, 3, 0, 2, 1)[: 2 * n]
    x = normal(2, 3, *SIZES[:n])
    agree(lambda x: F.pad(x, sizes, theirs), lambda x: first(padding.pad_spatial(last(x), sizes, ours)), x)
    agree(lambda x: F.pad(x, (2,) * 2 * n, theirs), lambda x: first(padding.pad_spatial(last(x), 2, ours)), x)


@pytest.mark.parametrize("sizes", list(itertools.product((-2, 1), repeat=4)))
def test_negative_padding_crops(agree, normal, sizes):
    agree(
        lambda x: F.pad(x, sizes, value=1.5),
        lambda x: first(padding.pad_spatial(last(x), sizes, value=1.5)),
        normal(2, 3, 5, 6),
    )


def test_maxima_that_share_a_place_all_get_its_gradient(agree, normal):
    indices = np.array([[[2, 2, 0]]])
    agree(
        lambda x: F.max_unpool1d(x, torch.tensor(indices), 2),
        lambda x: first(pool.max_unpool(last(x), last(jnp.asarray(indices)), 2)),
        np.array([[[1.5, 1.5, -2.0]]]),
    )


def test_fractional_max_pool_of_no_examples():
    y, places = pool.indexed_fractional_max_pool(jnp.zeros((0, 4, 5, 3)), 2, 2, samples=jnp.zeros((0, 3, 2)))
    assert y.shape == places.shape == (0, 2, 2, 3)
