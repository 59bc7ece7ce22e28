"""Replaced parts, combinations, slopes and histograms against torch."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.helpers import slices

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]


def test_select_scatter(agree: Agree, normal: Normal) -> None:
    agree(
        lambda x, s: torch.select_scatter(x, s, -1, 2),
        lambda x, s: slices.select_scatter(x, s, -1, 2),
        normal(2, 3, 4),
        normal(2, 3),
    )


def test_slice_scatter(agree: Agree, normal: Normal) -> None:
    agree(
        lambda x, s: torch.slice_scatter(x, s, 1, 1, 6, 2),
        lambda x, s: slices.slice_scatter(x, s, 1, 1, 6, 2),
        normal(2, 7),
        normal(2, 3),
    )


@pytest.mark.parametrize(("offset", "size"), [(0, 3), (1, 3), (-2, 1)])
def test_diagonal_scatter(offset: int, size: int, agree: Agree, normal: Normal) -> None:
    agree(
        lambda x, s: torch.diagonal_scatter(x, s, offset, 0, 2),
        lambda x, s: slices.diagonal_scatter(x, s, offset, 0, 2),
        normal(3, 2, 4),
        normal(2, size),
    )


@pytest.mark.parametrize("size", [(2, 3), (1, 3), (3,), (4, 2, 1), (1,), ()])
def test_sum_to_size(size: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    agree(lambda x: x.sum_to_size(size), lambda x: slices.sum_to_size(x, size), normal(4, 2, 3))


@pytest.mark.parametrize(("r", "repeated"), [(2, False), (3, True), (0, False), (5, False)])
def test_combinations(r: int, repeated: bool, agree: Agree, normal: Normal) -> None:
    agree(lambda x: torch.combinations(x, r, repeated), lambda x: slices.combinations(x, r, repeated), normal(4))


def test_cumulative_trapezoid(agree: Agree, normal: Normal) -> None:
    agree(
        lambda y, x: torch.cumulative_trapezoid(y, x, dim=0),
        lambda y, x: slices.cumulative_trapezoid(y, x, axis=0),
        normal(5, 2),
        normal(5),
    )
    agree(
        lambda y: torch.cumulative_trapezoid(y, dx=0.5), lambda y: slices.cumulative_trapezoid(y, dx=0.5), normal(5, 2)
    )


@pytest.mark.parametrize("axis", [None, 1, (0, 1)])
def test_gradient(axis: int | tuple[int, ...] | None, agree: Agree, normal: Normal) -> None:
    agree(lambda x: torch.gradient(x, spacing=0.5, dim=axis), lambda x: slices.gradient(x, 0.5, axis), normal(4, 5))


def test_histogram(normal: Normal) -> None:
    x, weight = normal(4, 5), np.abs(normal(4, 5))
    expected = torch.histogram(torch.tensor(x), 6, weight=torch.tensor(weight), density=True)
    for actual, wanted in zip(
        slices.histogram(jnp.asarray(x), 6, None, jnp.asarray(weight), True), expected, strict=True
    ):
        np.testing.assert_allclose(actual, wanted, rtol=1e-9)
