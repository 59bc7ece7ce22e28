"""Both programs draw the same numbers when they draw the same things in the same order."""

import functools

import jax
import numpy as np
import pytest
import torch
import torch.nn.functional as F
import torch.utils.checkpoint
from flax import nnx

from torch2jax.helpers.random import gumbel_softmax, multinomial, rrelu
from torch2jax.verify.jax_draws import jax_draws
from torch2jax.verify.randomness import unmatched
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


@pytest.mark.parametrize("dtype", [bool, float])
def test_shared_integers_are_refused_for_the_dtypes_for_which_jax_refuses_them(dtype):
    with pytest.raises(TypeError, match="integer dtypes"):
        jax.random.randint(jax.random.key(0), (2,), 0, 2, dtype)
    with jax_draws(3), pytest.raises(TypeError, match="integer dtypes"):
        nnx.Rngs(0).randint((2,), 0, 2, dtype)


def test_another_seed_gives_other_numbers():
    with torch_draws(3):
        first = torch.randn(3)
    with torch_draws(4):
        second = torch.randn(3)
    assert not torch.equal(first, second)


CHANNELS_LAST = (0, 2, 3, 1)
PATHS = lambda x: (len(x), 1, 1, 1)  # noqa: E731
MASKED = [
    (lambda x: F.dropout(x, 0.3), lambda x, rngs: nnx.Dropout(0.3)(x, rngs=rngs)),
    (lambda x: F.dropout2d(x, 0.3), lambda x, rngs: nnx.Dropout(0.3, broadcast_dims=(1, 2))(x, rngs=rngs)),
    (lambda x: torch.empty(len(x), 1, 1, 1).bernoulli_(0.6) * x, lambda x, rngs: rngs.bernoulli(0.6, PATHS(x)) * x),
    (lambda x: x + torch.rand_like(x), lambda x, rngs: x + rngs.uniform(x.shape)),
    (lambda x: F.rrelu(x, training=True), lambda x, rngs: rrelu(rngs(), x)),
    (lambda x: F.gumbel_softmax(x, dim=1), lambda x, rngs: gumbel_softmax(rngs(), x)),
]  # fmt: skip


@pytest.mark.parametrize("shape", [(3, 4, 5, 6), (4, 4, 4, 4), (2, 6, 5, 5)])
@pytest.mark.parametrize("pair", MASKED, ids=range(len(MASKED)))
def test_the_order_of_axes_does_not_matter(pair, shape):
    in_torch, in_jax = pair
    x = torch.arange(1.0, 1 + np.prod(shape)).reshape(shape).sin()
    with torch_draws(3):
        expected = [in_torch(x).permute(CHANNELS_LAST), in_torch(x).permute(CHANNELS_LAST)]
    with jax_draws(3):
        found = [in_jax(x.permute(CHANNELS_LAST).numpy(), nnx.Rngs(0)) for _ in range(2)]
    for a, b in zip(expected, found, strict=True):
        np.testing.assert_allclose(b, a, rtol=2e-5, atol=1e-6)
    assert not torch.equal(*expected)


def test_layers_that_draw_inside_of_torch_are_reached():
    """In an LSTM's dropout, and in that of attention with the heads folded into the batch."""
    lstm = torch.nn.LSTM(3, 4, num_layers=2, dropout=0.5)
    attention = torch.nn.MultiheadAttention(6, 2, dropout=0.5)
    x = torch.ones(5, 3, 6)
    with torch_draws(0) as draws:
        lstm(torch.ones(7, 2, 3))
        attention(x, x, x)
        attention(x, x, x, need_weights=False)
    assert draws.log == {("uniform", (2, 4, 7)): 1, ("uniform", (2, 3, 5, 5)): 2}


def test_what_is_drawn_on_one_side_only_is_named():
    with torch_draws(0) as one:
        torch.rand(3, 2)
        torch.poisson(torch.ones(2))
    with jax_draws(0) as other:
        jax.random.normal(jax.random.key(0), (3, 2))
    text = unmatched(one, other)
    assert "the original draws 1 x uniform (2, 3)" in text
    assert "the translation 1 x normal (2, 3)" in text
    assert text.endswith("numbers of these kinds are not shared: poisson")
    assert unmatched(one, one).startswith("numbers of these kinds")
    with torch_draws(0) as one, jax_draws(0) as other:
        torch.rand(3, 1, 2)
        nnx.Rngs(0).uniform((2, 3))
    assert unmatched(one, other) == ""


def test_choices_are_the_same():
    weights = torch.tensor([[0.1, 0.5, 0.4], [0.6, 0.2, 0.2]])
    logits = jax.numpy.log(weights.numpy())
    for count, replacement in ((1, False), (2, False), (9, True)):
        with torch_draws(5):
            expected = torch.multinomial(weights, count, replacement)
        with jax_draws(5):
            if count == 1:
                found = nnx.Rngs(0).categorical(logits)[..., None]
            else:
                found = multinomial(jax.random.key(0), weights.numpy(), count, replacement)
        np.testing.assert_array_equal(found, expected)


def test_a_forward_pass_that_runs_again_for_the_gradient_draws_the_same():
    def gradient(through):
        x = torch.linspace(-1, 1, 50).requires_grad_()
        with torch_draws(0) as draws:
            F.dropout(x, 0.2)
            y = through(lambda x: F.rrelu(F.dropout(x * x, 0.5), training=True).sin(), x)
            (F.dropout(y, 0.5) ** 2).sum().backward()
        return x.grad, draws.log

    again = functools.partial(torch.utils.checkpoint.checkpoint, use_reentrant=False)
    (plain, log), (found, same) = gradient(lambda function, x: function(x)), gradient(again)
    assert torch.equal(plain, found)
    assert log == same


def test_truncated_normal_numbers_have_a_kind_of_their_own() -> None:
    with jax_draws(3) as draws:
        found = np.asarray(nnx.Rngs(0).truncated_normal(-0.5, 0.2, (2000,)))
    assert -0.5 <= found.min() < -0.49
    assert 0.19 < found.max() <= 0.2
    assert set(draws.log) == {("truncated", (2000,))}
