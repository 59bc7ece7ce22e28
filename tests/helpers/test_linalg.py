"""Norms and distances against torch, at zero too, and matrix functions."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn import functional

from torch2jax.helpers import linalg

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]
ORDERS = [0.5, 1, 1.5, 2, 3, float("inf"), -float("inf")]


@pytest.fixture
def with_zeros(normal: Normal) -> np.ndarray:
    """A matrix with a zero row, a row with zeros, and ties."""
    x = normal(4, 3)
    x[1] = 0
    x[2] = [0, 2, -2]
    return x


def test_safe_sqrt_is_torch_std_at_zero(agree: Agree) -> None:
    x = np.array([[1.0, 1.0, 1.0], [1.0, 2.0, 4.0]])
    agree(lambda x: x.std(1), lambda x: linalg.safe_sqrt(x.var(1, ddof=1)), x)


def test_safe_sqrt_of_nan() -> None:
    assert np.isnan(linalg.safe_sqrt(np.array([np.nan])))


@pytest.mark.parametrize(("axis", "keepdims"), [(None, False), (0, False), (-1, True), ((0, 1), False)])
def test_l2_norm(axis: int | None, keepdims: bool, with_zeros: np.ndarray, agree: Agree) -> None:
    agree(
        lambda x: x.norm(dim=axis, keepdim=keepdims),
        lambda x: linalg.l2_norm(x, axis, keepdims),
        with_zeros,
    )


def test_l2_norm_of_complex_numbers(normal: Normal) -> None:
    x = normal(4, 3) + 1j * normal(4, 3)
    np.testing.assert_allclose(linalg.l2_norm(x, 1), torch.tensor(x).norm(dim=1), rtol=1e-12)


@pytest.mark.parametrize("p", [*ORDERS, "fro"])
@pytest.mark.parametrize("axis", [0, 1])
def test_norm(p: float | str, axis: int, with_zeros: np.ndarray, agree: Agree) -> None:
    agree(lambda x: x.norm(p, axis), lambda x: linalg.norm(x, p, axis), with_zeros)


@pytest.mark.parametrize("p", ORDERS)
def test_norm_of_zero(p: float, agree: Agree) -> None:
    agree(lambda x: x.norm(p), lambda x: linalg.norm(x, p), np.zeros(3))


@pytest.mark.parametrize(("order", "axis"), [(None, None), ("fro", None), ("nuc", (0, 1)), (1, (0, 1)), (3, 1)])
@pytest.mark.parametrize("keepdims", [False, True])
def test_norm_of_order(
    order: float | str | None, axis: int | tuple[int, int] | None, keepdims: bool, normal: Normal, agree: Agree
) -> None:
    agree(
        lambda x: torch.linalg.norm(x, order, axis, keepdims),
        lambda x: linalg.norm_of_order(x, order, axis, keepdims),
        normal(4, 3),
    )


def test_norm_of_order_at_zero(agree: Agree) -> None:
    agree(lambda x: torch.linalg.norm(x, "fro"), lambda x: linalg.norm_of_order(x, "fro"), np.zeros((2, 3)))


@pytest.mark.parametrize("atol", [None, 0.0, 1.0, np.array([0.0, 2.0])], ids=str)
@pytest.mark.parametrize("rtol", [None, 0.0, 1e-2, 1.0, np.array([0.5, 1e-3])], ids=str)
@pytest.mark.parametrize("scale", [1.0, 100.0])
def test_matrix_rank(atol: float | np.ndarray | None, rtol: float | np.ndarray | None, scale: float) -> None:
    matrices = np.stack([np.diag([1.0, 0.9, 1e-3, 1e-17]), np.zeros((4, 4))])
    both = [
        None if tol is None else torch.tensor(tol) for tol in (atol, rtol)
    ]  # torch takes two numbers or two tensors
    expected = torch.linalg.matrix_rank(torch.tensor(scale * matrices), atol=both[0], rtol=both[1])
    np.testing.assert_array_equal(linalg.matrix_rank(jnp.asarray(scale * matrices), atol, rtol), expected)


def test_matrix_rank_of_jax_takes_a_relative_tolerance_for_an_absolute_one() -> None:
    matrix = np.diag([100.0, 0.9])
    assert np.linalg.matrix_rank(matrix, rtol=1e-2) == 1
    assert jnp.linalg.matrix_rank(matrix, rtol=1e-2) == 2


MATRICES = (np.zeros((2, 3)), np.ones((2, 2)), np.array([[0.0, 1.0, -2.0], [1.0, 1.0, 0.0]]))


@pytest.mark.parametrize("order", [1, -1, 2, -2, float("inf"), -float("inf"), "fro", "nuc"])
@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("x", MATRICES, ids=["zero", "ones", "mixed"])
def test_matrix_norm(order: float | str, keepdims: bool, x: np.ndarray, agree: Agree) -> None:
    agree(
        lambda x: torch.linalg.matrix_norm(x, order, (-2, -1), keepdims),
        lambda x: linalg.matrix_norm(x, order, (-2, -1), keepdims),
        x,
    )


def test_matrix_norm_along_other_axes(normal: Normal, agree: Agree) -> None:
    for order in (1, float("inf"), 2):
        for axes in ((0, 2), (2, 0)):
            agree(
                lambda x, order=order, axes=axes: torch.linalg.matrix_norm(x, order, axes, True),
                lambda x, order=order, axes=axes: linalg.matrix_norm(x, order, axes, True),
                normal(2, 3, 4),
            )


def test_matrix_norm_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="norms of matrices are of order"):
        linalg.matrix_norm(np.ones((2, 2)), 3)


@pytest.mark.parametrize("order", [1, 2, 0.5, -1, float("inf"), -float("inf")])
def test_norm_of_order_of_a_vector(order: float, agree: Agree) -> None:
    for x in (np.zeros(3), np.array([0.0, 1.0, -2.0])):
        agree(lambda x: torch.linalg.norm(x, order), lambda x: linalg.norm_of_order(x, order), x)


def test_norm_counts(with_zeros: np.ndarray) -> None:
    np.testing.assert_array_equal(linalg.norm(with_zeros, 0, 1), torch.tensor(with_zeros).norm(0, 1))


@pytest.mark.parametrize("p", [-2, -0.5])
def test_negative_norm(p: float, with_zeros: np.ndarray, agree: Agree, normal: Normal) -> None:
    agree(lambda x: x.norm(p, 1), lambda x: linalg.norm(x, p, 1), normal(4, 3))
    agree(lambda x: x.norm(p, 1), lambda x: linalg.norm(x, p, 1), with_zeros)


def test_norm_refuses_what_it_does_not_know(with_zeros: np.ndarray) -> None:
    with pytest.raises(ValueError, match="norm knows"):
        linalg.norm(with_zeros, "nuc")


@pytest.mark.parametrize("axis", [0, 1, -1])
def test_l2_normalize(axis: int, with_zeros: np.ndarray, agree: Agree) -> None:
    agree(lambda x: functional.normalize(x, dim=axis), lambda x: linalg.l2_normalize(x, axis), with_zeros)


@pytest.mark.parametrize("p", [1, 2, 3])
def test_normalize(p: float, with_zeros: np.ndarray, agree: Agree) -> None:
    agree(lambda x: functional.normalize(x, p, 1, 0.5), lambda x: linalg.normalize(x, p, 1, 0.5), with_zeros)


@pytest.mark.parametrize(
    ("axis", "shapes"), [(1, ((4, 3), (4, 3))), (-1, ((2, 1, 3), (1, 4, 3))), (0, ((4, 3), (4, 1)))]
)
def test_cosine_similarity(axis: int, shapes: tuple[tuple[int, ...], ...], agree: Agree, normal: Normal) -> None:
    agree(
        lambda x, y: functional.cosine_similarity(x, y, axis),
        lambda x, y: linalg.cosine_similarity(x, y, axis),
        *(normal(*shape) for shape in shapes),
    )


def test_cosine_similarity_keeps_the_gradient_of_norms_below_eps(agree: Agree, normal: Normal) -> None:
    agree(
        lambda x, y: functional.cosine_similarity(x, y, eps=2.0),
        lambda x, y: linalg.cosine_similarity(x, y, eps=2.0),
        normal(4, 3),
        normal(4, 3),
    )


def test_cosine_similarity_with_zero(with_zeros: np.ndarray, agree: Agree, normal: Normal) -> None:
    agree(functional.cosine_similarity, linalg.cosine_similarity, with_zeros, normal(4, 3))


@pytest.mark.parametrize("p", [1.0, 2.0, 3.0])
def test_pdist(p: float, agree: Agree, normal: Normal) -> None:
    agree(lambda x: torch.pdist(x, p), lambda x: linalg.pdist(x, p), normal(5, 3))


@pytest.mark.parametrize(("offset", "axis1", "axis2"), [(0, -2, -1), (1, -2, -1), (-2, 0, 2), (0, 2, 0), (1, 1, 0)])
def test_diag_embed(offset: int, axis1: int, axis2: int, agree: Agree, normal: Normal) -> None:
    agree(
        lambda x: torch.diag_embed(x, offset, axis1, axis2),
        lambda x: linalg.diag_embed(x, offset, axis1, axis2),
        normal(2, 3),
    )


@pytest.mark.parametrize(("shape", "axis"), [((2, 3, 4), 1), ((2, 3), -1), ((3, 3), None), ((2, 3, 3), None)])
@pytest.mark.filterwarnings("ignore")
def test_cross(shape: tuple[int, ...], axis: int | None, agree: Agree, normal: Normal) -> None:
    agree(
        lambda x, y: torch.cross(x, y) if axis is None else torch.cross(x, y, dim=axis),
        lambda x, y: linalg.cross(x, y, axis),
        normal(*shape),
        normal(*shape),
    )


@pytest.mark.parametrize(("p", "axis"), [(2, 0), (1, 1), (3, -1)])
def test_renorm(p: float, axis: int, agree: Agree, normal: Normal) -> None:
    agree(lambda x: torch.renorm(x, p, axis, 1.5), lambda x: linalg.renorm(x, p, axis, 1.5), normal(3, 4))


@pytest.mark.parametrize("full", [False, True])
def test_svd_rebuilds_the_matrix(full: bool, normal: Normal) -> None:
    x = normal(2, 4, 3)
    u, s, v = linalg.svd(x, full)
    expected = torch.svd(torch.tensor(x), some=not full)
    assert [part.shape for part in (u, s, v)] == [tuple(part.shape) for part in expected]
    np.testing.assert_allclose(s, expected[1], rtol=1e-12)
    np.testing.assert_allclose(u[..., :3] * s[..., None, :] @ v.mT, x, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (4, 2), (2, 4), (2, 3, 5)])
def test_full_svd(shape: tuple[int, ...], normal: Normal, agree: Agree) -> None:
    count = min(shape[-2:])

    def torch_parts(x: torch.Tensor) -> torch.Tensor:  # which do not depend on the phases
        u, s, vh = torch.linalg.svd(x)
        assert u.shape[-1] == x.shape[-2]
        assert vh.shape[-2] == x.shape[-1]
        rest = (u[..., count:] @ u[..., count:].mT).detach().sum() + (
            vh[..., count:, :].mT @ vh[..., count:, :]
        ).detach()
        return (u[..., :1] @ vh[..., :1, :]).sum() * s + rest.sum()

    def jax_parts(x: jax.Array) -> jax.Array:
        u, s, vh = linalg.full_svd(x)
        assert u.shape[-1] == x.shape[-2]
        assert vh.shape[-2] == x.shape[-1]
        rest = (u[..., count:] @ u[..., count:].mT).sum() + (vh[..., count:, :].mT @ vh[..., count:, :])
        return (u[..., :1] @ vh[..., :1, :]).sum() * s + jax.lax.stop_gradient(rest.sum())

    agree(torch_parts, jax_parts, normal(*shape))
