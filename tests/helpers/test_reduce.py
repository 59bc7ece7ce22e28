"""Reductions with indices against torch, with ties and NaN."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch

from torch2jax.helpers import reduce

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]


@pytest.fixture
def tied() -> np.ndarray:
    """Rows with ties at the extremes and in the middle."""
    return np.array([[0.0, 0.0, 1.0, 1.0], [2.0, 2.0, 0.0, 2.0], [3.0, -1.0, 2.0, 0.5]])


@pytest.mark.parametrize("name", ["max", "min"])
@pytest.mark.parametrize(("axis", "keepdims"), [(0, False), (1, False), (-1, True)])
def test_extremes(name: str, axis: int, keepdims: bool, tied: np.ndarray, agree: Agree) -> None:
    agree(
        lambda x: tuple(getattr(x, name)(axis, keepdims)),
        lambda x: getattr(reduce, f"{name}_with_indices")(x, axis, keepdims),
        tied,
    )


@pytest.mark.parametrize("name", ["max", "min"])
def test_extremes_along_an_axis_or_of_two_arrays(name: str, tied: np.ndarray, agree: Agree) -> None:
    in_torch, in_jax = getattr(torch, name), getattr(reduce, f"{name}_along_or_of_two")
    agree(in_torch, in_jax, tied, tied[0])
    agree(lambda x: tuple(in_torch(x, 1)), lambda x: in_jax(x, 1), tied)


def test_extremes_find_nan() -> None:
    x = np.array([1.0, np.nan, 3.0])
    for find, expected in ((reduce.max_with_indices, torch.max), (reduce.min_with_indices, torch.min)):
        values, indices = find(x, 0)
        assert np.isnan(values)
        assert int(indices) == int(expected(torch.tensor(x), 0).indices)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize("axis", [0, -1])
def test_sort(axis: int, descending: bool, tied: np.ndarray, agree: Agree) -> None:
    agree(
        lambda x: tuple(torch.sort(x, dim=axis, descending=descending, stable=True)),
        lambda x: reduce.sort_with_indices(x, axis, descending),
        tied,
    )


@pytest.mark.parametrize("largest", [False, True])
@pytest.mark.parametrize(("k", "axis"), [(2, 0), (3, 1), (4, -1), (1, -1)])
def test_top_k(k: int, axis: int, largest: bool, agree: Agree, normal: Normal) -> None:
    agree(lambda x: tuple(x.topk(k, axis, largest)), lambda x: reduce.top_k(x, k, axis, largest), normal(5, 7))


@pytest.mark.parametrize(("k", "axis", "keepdims"), [(1, 0, False), (3, 1, True), (7, -1, False)])
def test_kth_smallest(k: int, axis: int, keepdims: bool, agree: Agree, normal: Normal) -> None:
    agree(
        lambda x: tuple(x.kthvalue(k, axis, keepdims)),
        lambda x: reduce.kth_smallest(x, k, axis, keepdims),
        normal(5, 7),
    )


@pytest.mark.parametrize("shape", [(4, 3), (3, 3), (1,)])
def test_median_is_the_lower_one(shape: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    agree(torch.median, reduce.median, normal(*shape))


def test_median_shares_the_gradient_of_ties(tied: np.ndarray, agree: Agree) -> None:
    agree(torch.median, reduce.median, tied)


def test_median_of_integers_and_nan(agree: Agree) -> None:
    agree(torch.median, reduce.median, np.array([5, 1, 4, 2]))
    assert np.isnan(reduce.median(np.array([1.0, np.nan, 3.0])))


@pytest.mark.parametrize(("axis", "keepdims"), [(0, False), (1, True), (-1, False)])
def test_median_along(axis: int, keepdims: bool, agree: Agree, normal: Normal) -> None:
    agree(
        lambda x: tuple(x.median(axis, keepdims)), lambda x: reduce.median_with_indices(x, axis, keepdims), normal(4, 6)
    )


def test_median_along_finds_nan() -> None:
    values, indices = reduce.median_with_indices(np.array([[1.0, np.nan, 3.0], [3.0, 1.0, 2.0]]), 1)
    assert np.isnan(values[0])
    assert indices.tolist() == [1, 2]


@pytest.mark.parametrize(("axis", "keepdims"), [(0, False), (1, True), (-1, False)])
def test_mode(axis: int, keepdims: bool, agree: Agree) -> None:
    x = np.random.default_rng(3).integers(0, 3, (7, 8)).astype(float)
    agree(
        lambda x: x.mode(axis, keepdims).values, lambda x: reduce.mode_with_indices(x, axis, keepdims)[0], x, rtol=1e-12
    )


def test_mode_index_is_the_last_place() -> None:
    _, index = reduce.mode_with_indices(np.array([1, 0, 0, 1, 2]))
    assert int(index) == int(torch.tensor([1, 0, 0, 1, 2]).mode().indices)


@pytest.mark.parametrize("name", ["cummax", "cummin"])
@pytest.mark.parametrize("axis", [0, -1])
def test_running_extremes(name: str, axis: int, tied: np.ndarray, agree: Agree) -> None:
    agree(lambda x: tuple(getattr(x, name)(axis)), lambda x: getattr(reduce, f"{name}_with_indices")(x, axis), tied)


@pytest.mark.parametrize(("axis", "keepdims"), [(0, False), (1, True)])
def test_nanmedian(axis: int, keepdims: bool, tied: np.ndarray, agree: Agree) -> None:
    x = np.where(tied == 2, np.nan, tied)
    agree(
        lambda x: torch.nanmedian(x, axis, keepdim=keepdims).values,
        lambda x: reduce.nanmedian_with_indices(x, axis, keepdims)[0],
        x,
    )
    agree(torch.nanmedian, reduce.nanmedian, x)
