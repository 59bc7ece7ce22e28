"""LU and Cholesky factors, and what is solved with them, against torch."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.helpers import factors

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]


@pytest.mark.parametrize("shapes", [((5, 3), (5, 2)), ((2, 5, 3), (2, 5, 4)), ((2, 5, 3), (2, 5))])
def test_lstsq(shapes: tuple[tuple[int, ...], ...], agree: Agree, normal: Normal) -> None:
    agree(lambda a, b: torch.linalg.lstsq(a, b)[0], lambda a, b: factors.lstsq(a, b)[0], *(normal(*s) for s in shapes))
    rank = torch.linalg.lstsq(*(torch.tensor(normal(*s)) for s in shapes))[2]
    np.testing.assert_array_equal(factors.lstsq(*(jnp.asarray(normal(*s)) for s in shapes))[2], rank)


@pytest.mark.parametrize("driver", ["gels", "gelsd", "gelss"])
@pytest.mark.parametrize("shapes", [((5, 3), (5, 2)), ((2, 3, 5), (2, 3, 4)), ((2, 5, 3), (2, 5, 4))])
def test_lstsq_by_driver(driver: str, shapes: tuple[tuple[int, ...], ...], agree: Agree, normal: Normal) -> None:
    agree(
        lambda a, b: tuple(torch.linalg.lstsq(a, b, driver=driver)),
        lambda a, b: factors.lstsq(a, b, driver=driver),
        *(normal(*shape) for shape in shapes),
    )


def test_eigenvalues_of_matrices_without_elements() -> None:
    values, vectors = factors.eig(jnp.zeros((2, 0, 0)))
    assert (values.shape, vectors.shape, values.dtype.kind) == ((2, 0), (2, 0, 0), "c")


@pytest.mark.parametrize("shape", [(7, 4), (4, 7), (2, 6, 4)])
def test_low_rank_products_are_found_whole(shape: tuple[int, ...], normal: Normal) -> None:
    x = jnp.asarray(normal(*shape[:-1], 2) @ normal(*shape[:-2], 2, shape[-1]))
    u, sizes, v = factors.svd_lowrank(x, 2, key=jax.random.key(0))
    np.testing.assert_allclose(sizes, jnp.linalg.svdvals(x)[..., :2])
    np.testing.assert_allclose(u * sizes[..., None, :] @ v.mT, x, atol=1e-12)
    centered = x - x.mean(-2, keepdims=True)
    sizes = factors.pca_lowrank(x, key=jax.random.key(0))[1]
    np.testing.assert_allclose(sizes, jnp.linalg.svdvals(centered)[..., : sizes.shape[-1]], atol=1e-12)


@pytest.mark.parametrize("shape", [(3, 3), (2, 3, 4), (4, 3)])
def test_lu_factors(shape: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    agree(lambda x: tuple(torch.linalg.lu_factor(x)), factors.lu_factor, normal(*shape))
    agree(
        lambda x: tuple(torch.lu_unpack(*torch.linalg.lu_factor(x))),
        lambda x: factors.lu_unpack(*factors.lu_factor(x)),
        normal(*shape),
    )


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize("adjoint", [True, False])
def test_lu_solve(left: bool, adjoint: bool, agree: Agree, normal: Normal) -> None:
    agree(
        lambda a, b: torch.linalg.lu_solve(*torch.linalg.lu_factor(a), b, left=left, adjoint=adjoint),
        lambda a, b: factors.lu_solve(*factors.lu_factor(a), b, left=left, adjoint=adjoint),
        normal(2, 3, 3),
        normal(3, 3),
    )


@pytest.mark.parametrize("upper", [True, False])
def test_cholesky_solve_has_the_gradient_of_the_whole_factor(upper: bool, agree: Agree, normal: Normal) -> None:
    factor = normal(3, 3) + 3 * np.eye(3)
    agree(
        lambda b, a: torch.cholesky_solve(b, a, upper), lambda b, a: factors.cholesky_solve(b, a, upper),
        normal(3, 2), factor,
    )  # fmt: skip
    agree(
        lambda a: torch.cholesky_inverse(a, upper), lambda a: factors.cholesky_inverse(a, upper), np.stack([factor] * 2)
    )


@pytest.mark.parametrize(("a", "b"), [((3, 3), (3,)), ((2, 3, 3), (2, 3)), ((2, 3, 3), (3, 2)), ((3, 3), (3, 3))])
def test_solve(a: tuple[int, ...], b: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    agree(torch.linalg.solve, factors.solve, normal(*a), normal(*b))


def test_solve_from_the_right(agree: Agree, normal: Normal) -> None:
    agree(
        lambda a, b: torch.linalg.solve(a, b, left=False),
        lambda a, b: factors.solve(a, b, left=False),
        normal(3, 3),
        normal(2, 3),
    )


def test_what_fails_is_reported() -> None:
    singular = np.array([[1.0, 2.0], [2.0, 4.0]])
    expected = torch.linalg.lu_factor_ex(torch.tensor(singular)).info
    assert int(factors.lu_info(jnp.asarray(singular))) == int(expected) == 2
    assert int(factors.lu_info(jnp.eye(2))) == 0
    indefinite = jnp.linalg.cholesky(jnp.asarray([[1.0, 2.0], [2.0, 1.0]]))
    assert int(factors.with_info(indefinite)[1]) == 1
    assert int(factors.with_info(jnp.eye(2))[1]) == 0
