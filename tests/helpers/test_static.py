"""Arithmetic on shapes and flags."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn import functional

from torch2jax.helpers.static import (
    expand_shape,
    flatten_shape,
    legacy_reduction,
    pad_widths,
    split_points,
    unflatten_shape,
)


@pytest.mark.parametrize(
    ("pad", "rank", "expected"),
    [
        ((1, 2), 3, ((0, 0), (0, 0), (1, 2))),
        ([1, 2, 3, 4], 2, ((3, 4), (1, 2))),
        ((), 2, ((0, 0), (0, 0))),
        ((1, 2, 3, 4, 5, 6), 4, ((0, 0), (5, 6), (3, 4), (1, 2))),
    ],
)
def test_pad_widths(pad: list[int], rank: int, expected: tuple[tuple[int, int], ...]) -> None:
    assert pad_widths(pad, rank) == expected


@pytest.mark.parametrize("sizes", [(2, 3, 1), [4], (0, 2, 5, 1)])
def test_split_points_cut_where_torch_does(sizes: list[int]) -> None:
    numbers = np.arange(sum(sizes))
    expected = torch.from_numpy(numbers).split(list(sizes))
    assert [part.tolist() for part in np.split(numbers, split_points(sizes))] == [part.tolist() for part in expected]


@pytest.mark.parametrize(("shape", "sizes"), [((3, 1), (3, 4)), ((3, 1), (-1, 4)), ((1, 3), (2, 5, -1)), ((2,), (-1,))])
def test_expand_shape(shape: tuple[int, ...], sizes: tuple[int, ...]) -> None:
    assert expand_shape(shape, sizes) == tuple(torch.zeros(shape).expand(sizes).shape)


@pytest.mark.parametrize(
    ("shape", "start", "end"),
    [((2, 3, 4), 0, -1), ((2, 3, 4), 1, 2), ((2, 3, 4), -2, -1), ((2, 3, 4), 0, 1), ((5,), 0, -1), ((), 0, -1)],
)
def test_flatten_shape(shape: tuple[int, ...], start: int, end: int) -> None:
    assert flatten_shape(shape, start, end) == tuple(torch.zeros(shape).flatten(start, end).shape)


@pytest.mark.parametrize("axis", [1, -2])
def test_unflatten_shape(axis: int) -> None:
    assert unflatten_shape((2, 6, 5), axis, (3, -1)) == (2, 3, -1, 5)


@pytest.mark.parametrize(
    ("size_average", "reduce"), [(None, None), (True, None), (False, None), (None, False), (False, True), (True, False)]
)
@pytest.mark.filterwarnings("ignore")
def test_legacy_reduction(size_average: bool | None, reduce: bool | None) -> None:
    x, y = torch.arange(4.0), torch.ones(4)
    expected = functional.mse_loss(x, y, size_average=size_average, reduce=reduce)
    assert torch.equal(functional.mse_loss(x, y, reduction=legacy_reduction(size_average, reduce)), expected)
