"""Splitting, squeezing, padding and windows against torch."""

from __future__ import annotations

from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
import pytest
from torch.nn import functional

from torch2jax.helpers import shape

Agree = Callable[..., None]
Normal = Callable[..., np.ndarray]


@pytest.mark.parametrize("axis", [0, 1, -1, (1, 2), (0, -2)])
def test_squeeze_keeps_other_sizes(axis: int, agree: Agree, normal: Normal) -> None:
    agree(lambda x: x.squeeze(axis), lambda x: shape.squeeze(x, axis), normal(2, 1, 3, 1))


@pytest.mark.parametrize(("size", "axis"), [(2, 0), (3, 1), (9, -1), ([1, 4, 2], 1), ((0, 5), 0)])
def test_split(size: int | list[int], axis: int, agree: Agree, normal: Normal) -> None:
    agree(lambda x: x.split(size, axis), lambda x: shape.split(x, size, axis), normal(5, 7))


@pytest.mark.parametrize(("chunks", "axis"), [(2, 0), (4, 1), (3, 1), (9, -1), (1, 0)])
def test_chunk_rounds_up(chunks: int, axis: int, agree: Agree, normal: Normal) -> None:
    agree(lambda x: x.chunk(chunks, axis), lambda x: shape.chunk(x, chunks, axis), normal(4, 6))


@pytest.mark.parametrize(("axis", "size", "step"), [(0, 3, 1), (1, 4, 2), (-1, 2, 3), (-2, 7, 1)])
def test_windows(axis: int, size: int, step: int, agree: Agree, normal: Normal) -> None:
    agree(lambda x: x.unfold(axis, size, step), lambda x: shape.windows(x, axis, size, step), normal(4, 7, 5))


@pytest.mark.parametrize("widths", [(1, 2), (1, 2, 3, 0), (-1, 2), (0, -2, -1, 1), ()])
def test_pad_with_a_constant(widths: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    agree(lambda x: functional.pad(x, widths, value=1.5), lambda x: shape.pad(x, widths, value=1.5), normal(2, 5, 6))


@pytest.mark.parametrize(("mode", "name"), [("reflect", "reflect"), ("replicate", "edge"), ("circular", "wrap")])
@pytest.mark.parametrize("widths", [(1, 2, 3, 0), (2, 1)])
def test_pad_with_values(mode: str, name: str, widths: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    x = normal(2, 5, 6, 7) if len(widths) == 4 else normal(2, 5, 6)
    agree(lambda x: functional.pad(x, widths, mode), lambda x: shape.pad(x, widths, name), x)


@pytest.mark.parametrize("widths", [(-5, 3), (4, -1), (-2, -1, 0, 3), (0, 0, 2, -5)])
def test_pad_by_edges_that_are_cut(widths: tuple[int, ...], agree: Agree, normal: Normal) -> None:
    x = normal(2, 4, 5, 5)[: 2 if len(widths) == 4 else 1].squeeze(0 if len(widths) == 2 else ())
    agree(lambda x: functional.pad(x, widths, "replicate"), lambda x: shape.pad(x, widths, "edge"), x)


def test_results_keep_the_dtype() -> None:
    x = jnp.arange(6, dtype=jnp.int16).reshape(2, 3)
    assert shape.pad(x, (1, 1)).dtype == jnp.int16
    assert shape.windows(x, 1, 2, 1).dtype == jnp.int16
