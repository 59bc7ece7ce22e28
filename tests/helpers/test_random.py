"""Random draws: shapes, supports and frequencies; relaxed draws at fixed noise."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from torch2jax.helpers import random

KEY = jax.random.key(0)
WEIGHTS = jnp.array([0.1, 0.0, 0.3, 0.6])


@pytest.mark.parametrize("shape", [(4,), (3, 4), (2, 3, 4)])
@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_has_torch_shapes(shape: tuple[int, ...], replacement: bool) -> None:
    weights = jnp.broadcast_to(WEIGHTS, shape)
    drawn = random.multinomial(KEY, weights, 3, replacement)
    assert drawn.shape == (*shape[:-1], 3)
    assert not (drawn == 1).any()  # a weight of 0 is never drawn


def test_multinomial_without_replacement_does_not_repeat() -> None:
    drawn = random.multinomial(KEY, jnp.ones((100, 5)), 5)
    np.testing.assert_array_equal(np.sort(drawn), np.broadcast_to(np.arange(5), (100, 5)))


@pytest.mark.parametrize("replacement", [False, True])
def test_multinomial_draws_by_weight(replacement: bool) -> None:
    drawn = random.multinomial(KEY, jnp.broadcast_to(WEIGHTS, (20000, 4)), 2, replacement)
    first = np.bincount(np.asarray(drawn[:, 0]), minlength=4) / 20000
    np.testing.assert_allclose(first, WEIGHTS, atol=0.02)
    # Without replacement the second draw follows the weights that the first one leaves.
    w = np.asarray(WEIGHTS)
    left = sum(w[i] * np.where(np.arange(4) == i, 0, w) / (1 - w[i]) for i in range(4))
    second = np.bincount(np.asarray(drawn[:, 1]), minlength=4) / 20000
    np.testing.assert_allclose(second, w if replacement else left, atol=0.02)


@pytest.mark.parametrize("axis", [0, -1])
def test_gumbel_softmax_is_softmax_of_noisy_logits(axis: int) -> None:
    logits = jnp.array(np.random.default_rng(0).standard_normal((3, 4)))
    noise = jax.random.gumbel(KEY, (3, 4), logits.dtype)
    expected = F.softmax(torch.tensor(np.array((logits + noise) / 0.7)), dim=axis)
    np.testing.assert_allclose(random.gumbel_softmax(KEY, logits, 0.7, axis=axis), expected, rtol=1e-12)


@pytest.mark.parametrize("axis", [0, -1])
def test_hard_gumbel_softmax_is_one_hot_with_the_soft_gradient(axis: int) -> None:
    logits, weights = (jnp.array(np.random.default_rng(i).standard_normal((3, 4))) for i in range(2))

    def loss(logits: jax.Array, hard: bool) -> jax.Array:
        return (random.gumbel_softmax(KEY, logits, 0.7, hard, axis) * weights).sum()

    hard = random.gumbel_softmax(KEY, logits, 0.7, True, axis)
    soft = random.gumbel_softmax(KEY, logits, 0.7, False, axis)
    np.testing.assert_allclose(hard, soft == soft.max(axis, keepdims=True), atol=1e-15)
    np.testing.assert_allclose(jax.grad(loss)(logits, True), jax.grad(loss)(logits, False), rtol=1e-12)


def test_rrelu_draws_slopes_in_training_and_takes_their_middle_otherwise() -> None:
    x = jnp.array(np.random.default_rng(0).standard_normal(1000))
    drawn = random.rrelu(KEY, x, 0.1, 0.4)
    slopes = (drawn / x)[x < 0]
    np.testing.assert_array_equal(drawn[x >= 0], x[x >= 0])
    assert 0.1 <= slopes.min() < 0.13
    assert 0.37 < slopes.max() <= 0.4
    expected = F.rrelu(torch.tensor(np.asarray(x)), 0.1, 0.4, training=False)
    np.testing.assert_allclose(random.rrelu(KEY, x, 0.1, 0.4, training=False), expected, rtol=1e-12)
