"""Both programs draw the same numbers when they draw the same things in the same order."""

import jax
import numpy as np
import pytest
import torch
from flax import nnx

from torch2jax.verify.jax_draws import jax_draws
from torch2jax.verify.torch_draws import torch_draws

PAIRS = [
    (lambda: torch.randn(2, 3), lambda rngs: rngs.normal((2, 3))),
    (lambda: torch.randn((2, 3)), lambda rngs: jax.random.normal(rngs(), (2, 3))),
    (lambda: torch.randn_like(torch.ones(4)), lambda rngs: rngs.params.normal((4,))),
    (lambda: torch.rand(5), lambda rngs: rngs.uniform((5,))),
    (lambda: torch.rand_like(torch.ones(5)) * 2 + 1, lambda rngs: rngs.uniform((5,), minval=1.0, maxval=3.0)),
    (lambda: torch.empty(5).uniform_(1.0, 3.0), lambda rngs: rngs.uniform((5,), minval=1.0, maxval=3.0)),
    (lambda: torch.empty(5).normal_(1.0, 3.0), lambda rngs: rngs.normal((5,)) * 3 + 1),
    (lambda: torch.normal(torch.ones(5), 3.0), lambda rngs: rngs.normal((5,)) * 3 + 1),
    (lambda: torch.bernoulli(torch.full((9,), 0.3)) > 0, lambda rngs: rngs.bernoulli(0.3, (9,))),
    (lambda: torch.empty(9).bernoulli_(0.3) > 0, lambda rngs: rngs.bernoulli(0.3, (9,))),
    (lambda: torch.randint(2, 7, (9,)), lambda rngs: rngs.randint((9,), 2, 7)),
    (lambda: torch.randint(7, (9,)), lambda rngs: jax.random.randint(rngs(), (9,), 0, 7)),
    (lambda: torch.randn(9).clamp(-0.5, 0.2), lambda rngs: rngs.truncated_normal(-0.5, 0.2, (9,))),
    (lambda: torch.randperm(9), lambda rngs: rngs.permutation(9)),
]


@pytest.mark.parametrize("pair", PAIRS, ids=range(len(PAIRS)))
def test_the_same_draw_gives_the_same_numbers(pair):
    in_torch, in_jax = pair
    with torch_draws(3):
        first, second = in_torch(), in_torch()
    rngs = nnx.Rngs(0)
    with jax_draws(3):
        twin_first, twin_second = in_jax(rngs), in_jax(rngs)
    np.testing.assert_allclose(twin_first, first.numpy(), rtol=1e-6)
    np.testing.assert_allclose(twin_second, second.numpy(), rtol=1e-6)
    assert not np.array_equal(first, second)


def test_the_frameworks_own_generators_come_back():
    with torch_draws(3), jax_draws(3):
        inside = torch.randn(3)
    torch.manual_seed(0)
    assert not torch.equal(torch.randn(3), inside)
    assert jax.random.normal(jax.random.key(0), (2,)).shape == (2,)
    rngs = nnx.Rngs(0)
    assert not np.array_equal(rngs.normal((2,)), rngs.normal((2,)))


def test_another_seed_gives_other_numbers():
    with torch_draws(3):
        first = torch.randn(3)
    with torch_draws(4):
        second = torch.randn(3)
    assert not torch.equal(first, second)
