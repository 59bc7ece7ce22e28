"""Layouts against numpy: an array in the output is the source's array, transposed by its layout."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch2jax.infer.layout import Layout, channel_last, conversion, describe, normal, permuted, place, without

RANKS = st.integers(1, 5)
PAIRS = RANKS.flatmap(lambda n: st.tuples(st.permutations(range(n)), st.permutations(range(n))))


def source_array(rank: int) -> np.ndarray:
    """An array whose sizes tell its axes apart."""
    shape = tuple(range(2, 2 + rank))
    return np.arange(np.prod(shape)).reshape(shape)


def laid_out(array: np.ndarray, layout: Layout) -> np.ndarray:
    return array if layout is None else array.transpose(layout)


@given(RANKS)
def test_channel_last_moves_axis_1_to_the_end(rank: int) -> None:
    array = source_array(rank)
    expected = np.moveaxis(array, 1, -1) if rank > 1 else array
    assert np.array_equal(laid_out(array, channel_last(rank)), expected)


def test_the_identity_is_none() -> None:
    assert channel_last(1) is None
    assert channel_last(2) is None
    assert normal([0, 1, 2]) is None
    assert normal([1, 0]) == (1, 0)
    assert normal(None) is None


@given(PAIRS)
def test_place_finds_every_axis(pair: tuple[list[int], list[int]]) -> None:
    layout = normal(pair[0])
    array = source_array(len(pair[0]))
    for axis in range(-array.ndim, array.ndim):
        assert laid_out(array, layout).shape[place(layout, axis, array.ndim)] == array.shape[axis]


@given(PAIRS)
def test_conversion_is_the_transpose_between_two_layouts(pair: tuple[list[int], list[int]]) -> None:
    have, want = normal(pair[0]), normal(pair[1])
    array = source_array(len(pair[0]))
    converted = laid_out(array, have).transpose(conversion(have, want, array.ndim))
    assert np.array_equal(converted, laid_out(array, want))


@given(PAIRS)
def test_permuted_describes_the_same_memory_after_a_permutation(pair: tuple[list[int], list[int]]) -> None:
    layout, permutation = normal(pair[0]), pair[1]
    array = source_array(len(permutation))
    unmoved = laid_out(array, layout)
    assert np.array_equal(unmoved, laid_out(array.transpose(permutation), permuted(layout, permutation)))


@given(st.permutations(range(4)), st.sets(st.integers(-4, 3), max_size=3))
def test_without_is_what_a_reduction_leaves(permutation: list[int], axes: set[int]) -> None:
    layout = normal(permutation)
    array = source_array(4)
    gone = sorted({axis % 4 for axis in axes})
    reduced = laid_out(array, layout).sum(axis=tuple(place(layout, axis, 4) for axis in gone))
    assert np.array_equal(reduced, laid_out(array.sum(axis=tuple(gone)), without(layout, gone)))


@pytest.mark.parametrize(
    ("layout", "rank", "text"),
    [
        ((0, 2, 3, 1), 4, "N H W C"),
        (None, 4, "N C H W"),
        ((0, 2, 1), 3, "N L C"),
        ((0, 2, 3, 4, 1), 5, "N D H W C"),
        (None, 2, "N C"),
        ((1, 0, 2, 3, 4, 5), 6, "D1 D0 D2 D3 D4 D5"),
    ],
)
def test_descriptions(layout: Layout, rank: int, text: str) -> None:
    assert describe(layout, rank) == text
