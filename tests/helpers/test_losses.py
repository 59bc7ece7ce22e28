"""Losses against torch: every reduction, ignored labels, weights, saturated probabilities."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from torch2jax.helpers import losses

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]
RNG = np.random.default_rng(7)
REDUCTIONS = ["mean", "sum", "none"]
reductions = pytest.mark.parametrize("reduction", REDUCTIONS)


def both(agree: Agree, name: str, *inputs: np.ndarray, **options: Any) -> None:
    """Torch's function and the helper of that name agree; array options are passed as arrays of each framework."""
    in_torch = {key: torch.tensor(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    in_jax = {key: jnp.asarray(value) if isinstance(value, np.ndarray) else value for key, value in options.items()}
    agree(
        lambda *arrays: getattr(F, name)(*arrays, **in_torch),
        lambda *arrays: getattr(losses, name)(*arrays, **in_jax),
        *inputs,
    )


LABELS = [((5,), ()), ((4, 5), (4,)), ((2, 5, 3), (2, 3)), ((2, 5, 3, 4), (2, 3, 4))]


@reductions
@pytest.mark.parametrize(("logits", "labels"), LABELS)
@pytest.mark.parametrize("weighted", [False, True])
def test_nll_loss(
    logits: tuple[int, ...], labels: tuple[int, ...], weighted: bool, reduction: str, agree: Agree, normal: Normal
) -> None:
    target = RNG.integers(0, 5, labels)
    weight = RNG.uniform(0.5, 1.5, 5) if weighted else None
    both(
        agree,
        "nll_loss",
        normal(*logits),
        target,
        weight=weight,
        ignore_index=int(target.flat[0]) - 1,
        reduction=reduction,
    )


@reductions
@pytest.mark.parametrize(("logits", "labels"), LABELS)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_cross_entropy_of_labels(
    logits: tuple[int, ...],
    labels: tuple[int, ...],
    weighted: bool,
    smoothing: float,
    reduction: str,
    agree: Agree,
    normal: Normal,
) -> None:
    target = RNG.integers(0, 5, labels)
    if target.ndim:
        target.flat[1] = -100
    weight = RNG.uniform(0.5, 1.5, 5) if weighted else None
    both(agree, "cross_entropy", normal(*logits), target, weight=weight, reduction=reduction, label_smoothing=smoothing)


@reductions
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(("shape", "axis"), [((5,), 0), ((4, 5), 1), ((2, 5, 3), 1)])
def test_cross_entropy_of_probabilities(
    shape: tuple[int, ...], axis: int, weighted: bool, reduction: str, agree: Agree, normal: Normal
) -> None:
    probs = RNG.uniform(0.5, 1.5, shape)
    probs /= probs.sum(axis, keepdims=True)
    weight = RNG.uniform(0.5, 1.5, 5) if weighted else None
    both(agree, "cross_entropy", normal(*shape), probs, weight=weight, reduction=reduction, label_smoothing=0.2)


@reductions
@pytest.mark.parametrize(("logits", "labels"), LABELS)
@pytest.mark.parametrize("ignore_index", [-100, 2])
def test_softmax_cross_entropy_of_labels(
    logits: tuple[int, ...], labels: tuple[int, ...], ignore_index: int, reduction: str, agree: Agree, normal: Normal
) -> None:
    target = RNG.integers(0, 5, labels)
    if target.ndim:
        target.flat[:2] = ignore_index, 3
    agree(
        lambda x, y: F.cross_entropy(x, y, ignore_index=ignore_index, reduction=reduction),
        lambda x, y: losses.softmax_cross_entropy(x, y, ignore_index, reduction),
        normal(*logits),
        target,
    )


@reductions
def test_softmax_cross_entropy_of_probabilities(reduction: str, agree: Agree, normal: Normal) -> None:
    probs = RNG.dirichlet(np.ones(5), (2, 3)).swapaxes(1, 2)
    agree(
        lambda x, y: F.cross_entropy(x, y, reduction=reduction),
        lambda x, y: losses.softmax_cross_entropy(x, y, reduction=reduction),
        normal(2, 5, 3),
        probs,
    )


def test_everything_ignored_is_nan() -> None:
    logits, labels = np.ones((2, 3)), np.array([-100, -100])
    for loss in (losses.cross_entropy, losses.softmax_cross_entropy):
        assert np.isnan(loss(jnp.asarray(logits), jnp.asarray(labels)))
    assert np.isnan(float(F.cross_entropy(torch.tensor(logits), torch.tensor(labels))))


@reductions
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy(weighted: bool, reduction: str, agree: Agree) -> None:
    weight = RNG.uniform(0.5, 1.5, 3) if weighted else None
    probs, target = RNG.uniform(0, 1, (4, 3)), RNG.uniform(0, 1, (4, 3))
    both(agree, "binary_cross_entropy", probs, target, weight=weight, reduction=reduction)


def test_binary_cross_entropy_of_saturated_probabilities(agree: Agree) -> None:
    probs = np.array([0.0, 1.0, 0.0, 1.0, 1e-40, 1.0, 0.0])
    target = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.5, 0.5])
    agree(
        lambda p: F.binary_cross_entropy(p, torch.tensor(target), reduction="none"),
        lambda p: losses.binary_cross_entropy(p, jnp.asarray(target), reduction="none"),
        probs,
    )


def test_binary_cross_entropy_has_second_derivatives() -> None:
    p, t = 0.3, 0.8
    second = jax.grad(jax.grad(lambda x: losses.binary_cross_entropy(x, jnp.array(t))))(p)
    np.testing.assert_allclose(second, t / p**2 + (1 - t) / (1 - p) ** 2, rtol=1e-12)


@reductions
@pytest.mark.parametrize("weighted", [False, True])
def test_binary_cross_entropy_with_logits(weighted: bool, reduction: str, agree: Agree, normal: Normal) -> None:
    weight, pos_weight = (RNG.uniform(0.5, 1.5, 3), RNG.uniform(0.5, 1.5, 3)) if weighted else (None, None)
    logits = normal(4, 3) * np.array([1.0, 10.0, 300.0])
    both(
        agree,
        "binary_cross_entropy_with_logits",
        logits,
        RNG.uniform(0, 1, (4, 3)),
        weight=weight,
        pos_weight=pos_weight,
        reduction=reduction,
    )


@pytest.mark.parametrize("reduction", [*REDUCTIONS, "batchmean"])
@pytest.mark.parametrize("log_target", [False, True])
@pytest.mark.filterwarnings("ignore:reduction")
def test_kl_div(log_target: bool, reduction: str, agree: Agree, normal: Normal) -> None:
    target = normal(4, 3) if log_target else RNG.dirichlet(np.ones(3), 4)
    both(agree, "kl_div", normal(4, 3), target, reduction=reduction, log_target=log_target)


def test_kl_div_of_zero_probability() -> None:
    value = losses.kl_div(jnp.array([[-1.0, -2.0]]), jnp.array([[0.0, 1.0]]), "none")
    assert value.tolist() == [[0.0, 2.0]]


@reductions
@pytest.mark.parametrize("beta", [0.0, 0.5, 1.0])
def test_smooth_l1_loss(beta: float, reduction: str, agree: Agree) -> None:
    x = np.array([0.0, 0.5, -0.5, 1.0, -2.0, 0.2])
    both(agree, "smooth_l1_loss", x, np.zeros(6), reduction=reduction, beta=beta)


@reductions
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("shape", [(4, 3), (4, 1), (4,)])
def test_gaussian_nll_loss(shape: tuple[int, ...], full: bool, reduction: str, agree: Agree, normal: Normal) -> None:
    var = RNG.uniform(0.5, 1.5, shape)
    var.flat[0] = 1e-9
    both(agree, "gaussian_nll_loss", normal(4, 3), normal(4, 3), var, full=full, reduction=reduction)


@reductions
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize("log_input", [False, True])
def test_poisson_nll_loss(log_input: bool, full: bool, reduction: str, agree: Agree) -> None:
    target = np.array([0.0, 1.0, 2.0, 5.0])
    options = {"log_input": log_input, "full": full, "reduction": reduction}
    # The counts are data: their gradient at 0 is NaN in torch.
    agree(
        lambda x: F.poisson_nll_loss(x, torch.tensor(target), **options),
        lambda x: losses.poisson_nll_loss(x, jnp.asarray(target), **options),
        RNG.uniform(0.5, 1.5, 4),
    )


@reductions
def test_hinge_embedding_loss(reduction: str, agree: Agree) -> None:
    x, target = np.array([0.5, 1.0, 2.0, 0.0, -1.0]), np.array([1.0, -1.0, -1.0, -1.0, 1.0])
    both(agree, "hinge_embedding_loss", x, target, margin=1.0, reduction=reduction)


@reductions
def test_margin_ranking_loss(reduction: str, agree: Agree, normal: Normal) -> None:
    target = np.array([1.0, -1.0, 1.0, -1.0])
    both(agree, "margin_ranking_loss", normal(4), normal(4), target, margin=0.5, reduction=reduction)


@reductions
def test_cosine_embedding_loss(reduction: str, agree: Agree, normal: Normal) -> None:
    target = np.array([1.0, -1.0, 1.0, -1.0])
    both(agree, "cosine_embedding_loss", normal(4, 3), normal(4, 3), target, margin=0.2, reduction=reduction)


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
@pytest.mark.parametrize("keepdims", [False, True])
def test_pairwise_distance(p: float, keepdims: bool, agree: Agree, normal: Normal) -> None:
    agree(
        lambda x, y: F.pairwise_distance(x, y, p, keepdim=keepdims),
        lambda x, y: losses.pairwise_distance(x, y, p, keepdims=keepdims),
        normal(4, 3),
        normal(4, 3),
    )


@reductions
@pytest.mark.parametrize("swap", [False, True])
@pytest.mark.parametrize("p", [1.0, 2.0])
def test_triplet_margin_loss(p: float, swap: bool, reduction: str, agree: Agree, normal: Normal) -> None:
    inputs = (normal(4, 3), normal(4, 3), normal(4, 3))
    both(agree, "triplet_margin_loss", *inputs, margin=0.7, p=p, swap=swap, reduction=reduction)


@reductions
@pytest.mark.parametrize("p", [1, 2])
@pytest.mark.parametrize("weighted", [False, True])
def test_multi_margin_loss(p: int, weighted: bool, reduction: str, agree: Agree, normal: Normal) -> None:
    weight = RNG.uniform(0.5, 1.5, 5) if weighted else None
    both(
        agree,
        "multi_margin_loss",
        normal(4, 5),
        RNG.integers(0, 5, 4),
        p=p,
        margin=0.8,
        weight=weight,
        reduction=reduction,
    )


def test_multi_margin_loss_of_one_row(agree: Agree, normal: Normal) -> None:
    both(agree, "multi_margin_loss", normal(5), np.array(3))


@reductions
def test_multilabel_margin_loss(reduction: str, agree: Agree, normal: Normal) -> None:
    labels = np.array([[1, 0, -1, 2], [3, -1, 1, 1], [0, 1, 2, 3], [-1, 2, 0, 1]])
    both(agree, "multilabel_margin_loss", normal(4, 4), labels, reduction=reduction)
    both(agree, "multilabel_margin_loss", normal(4), labels[0], reduction=reduction)


@reductions
@pytest.mark.parametrize("weighted", [False, True])
def test_multilabel_soft_margin_loss(weighted: bool, reduction: str, agree: Agree, normal: Normal) -> None:
    weight = RNG.uniform(0.5, 1.5, 3) if weighted else None
    target = (RNG.random((4, 3)) < 0.5).astype(float)
    both(agree, "multilabel_soft_margin_loss", normal(4, 3), target, weight=weight, reduction=reduction)


@reductions
@pytest.mark.parametrize("zero_infinity", [False, True])
def test_ctc_loss(zero_infinity: bool, reduction: str, normal: Normal) -> None:
    scores, targets = normal(8, 3, 5), RNG.integers(1, 5, (3, 4))
    targets[1, :2] = 2  # a repeated label
    lengths = {"input_lengths": [8, 7, 6], "target_lengths": [4, 3, 2]}
    options = {"reduction": reduction, "zero_infinity": zero_infinity, "blank": 0}
    x = torch.tensor(scores, requires_grad=True)
    expected = F.ctc_loss(
        x.log_softmax(-1), torch.tensor(targets), *(torch.tensor(value) for value in lengths.values()), **options
    )
    expected.sum().backward()

    def loss(scores: jax.Array) -> jax.Array:
        return losses.ctc_loss(
            jax.nn.log_softmax(scores), targets, *(jnp.array(value) for value in lengths.values()), **options
        )

    np.testing.assert_allclose(loss(jnp.asarray(scores)), expected.detach(), rtol=1e-9)
    assert x.grad is not None
    grads = jax.grad(lambda scores: loss(scores).sum())(jnp.asarray(scores))
    np.testing.assert_allclose(grads, x.grad, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_ctc_loss_of_an_impossible_alignment(zero_infinity: bool, normal: Normal) -> None:
    log_probs, targets = normal(2, 1, 5), np.array([[1, 2, 3]])
    expected = F.ctc_loss(
        torch.tensor(log_probs), torch.tensor(targets), (2,), (3,), reduction="none", zero_infinity=zero_infinity
    )
    actual = losses.ctc_loss(jnp.asarray(log_probs), targets, (2,), (3,), reduction="none", zero_infinity=zero_infinity)
    np.testing.assert_array_equal(actual, expected)


@pytest.mark.parametrize("jitted", [False, True])
def test_ctc_loss_of_targets_laid_end_to_end(jitted: bool, normal: Normal) -> None:
    log_probs = np.asarray(jax.nn.log_softmax(jnp.asarray(normal(8, 3, 5))))
    targets, lengths = RNG.integers(1, 5, 9), np.array([4, 3, 2])
    expected = F.ctc_loss(
        torch.tensor(log_probs), torch.tensor(targets), torch.tensor([8, 7, 6]), torch.tensor(lengths), reduction="none"
    )

    def loss(log_probs: jax.Array, targets: jax.Array, lengths: jax.Array) -> jax.Array:
        return losses.ctc_loss(log_probs, targets, (8, 7, 6), lengths, reduction="none")

    actual = (jax.jit(loss) if jitted else loss)(jnp.asarray(log_probs), jnp.asarray(targets), jnp.asarray(lengths))
    np.testing.assert_allclose(actual, expected, rtol=1e-9)


def test_ctc_loss_without_a_batch(normal: Normal) -> None:
    log_probs, targets = np.asarray(jax.nn.log_softmax(jnp.asarray(normal(8, 5)))), np.array([1, 2, 2])
    expected = F.ctc_loss(torch.tensor(log_probs), torch.tensor(targets), torch.tensor(7), torch.tensor(3))
    actual = losses.ctc_loss(jnp.asarray(log_probs), jnp.asarray(targets), 7, 3)
    np.testing.assert_allclose(actual, expected, rtol=1e-9)


@pytest.mark.parametrize("positions", [(), (2, 3)])
@pytest.mark.parametrize("biased", [False, True])
def test_linear_cross_entropy(positions: tuple[int, ...], biased: bool, normal: Normal) -> None:
    x, kernel, bias = normal(4, 6), normal(5, *positions, 6), normal(5, *positions) if biased else None
    target = RNG.integers(0, 5, (4, *positions))
    expected = F.linear_cross_entropy(
        torch.tensor(x),
        torch.tensor(kernel),
        torch.tensor(target),
        linear_bias=None if bias is None else torch.tensor(bias),
        label_smoothing=0.1,
    )
    actual = losses.linear_cross_entropy(
        jnp.asarray(x),
        jnp.asarray(kernel),
        jnp.asarray(target),
        None if bias is None else jnp.asarray(bias),
        label_smoothing=0.1,
    )
    np.testing.assert_allclose(actual, expected, rtol=1e-9)


def test_kl_div_of_a_number() -> None:
    expected = F.kl_div(torch.tensor(-0.5), torch.tensor(0.3), reduction="batchmean")
    actual = losses.kl_div(jnp.array(-0.5), jnp.array(0.3), reduction="batchmean")
    np.testing.assert_allclose(actual, expected, rtol=1e-6)
