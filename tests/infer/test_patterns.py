"""Patterns of einops for arrays in another axis order."""

import einops
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from torch2jax.infer.layout import conversion, normal
from torch2jax.infer.patterns import axes_of, of_input, of_output, result_rank

PATTERNS = [
    "b c h w -> b (h w) c",
    "b c h w -> (b h) (c w)",
    "a b (c d) e -> a b c d e",
    "a b () d->d b  a 1",
    "a b c d -> b",
]
SHAPE = (2, 3, 4, 5)


def test_a_side_is_read_axis_by_axis() -> None:
    assert axes_of(" b (h  w) 1 ()c ") == ["b", "(h w)", "1", "()", "c"]
    assert axes_of("b ... c") is None


@pytest.mark.parametrize(
    ("pattern", "rank"),
    [("b c -> b", 1), ("b c -> (b c) 1", 2), ("b c ->", 0), ("b c d", None), ("b ... -> b ...", None)],
)
def test_the_rank_of_the_result(pattern: str, rank: int | None) -> None:
    assert result_rank(pattern) == rank


@given(st.sampled_from(PATTERNS), st.permutations(range(4)))
def test_a_pattern_for_another_order_gives_the_same(pattern: str, layout: list[int]) -> None:
    x = np.arange(120.0).reshape((2, 3, 1, 20) if "()" in pattern else SHAPE)
    sizes = {"c": 2} if "(c d)" in pattern else {}
    other = of_input(pattern, normal(layout))
    if other is None:  # it lies as it did
        assert normal(layout) is None
        return
    expected = einops.reduce(x, pattern, "sum", **sizes)
    np.testing.assert_array_equal(einops.reduce(x.transpose(layout), other, "sum", **sizes), expected)


@given(st.sampled_from(PATTERNS[:4]), st.data())
def test_a_transposed_result_is_one_of_another_pattern(pattern: str, data: st.DataObject) -> None:
    x = np.arange(120.0).reshape((2, 3, 1, 20) if "()" in pattern else SHAPE)
    sizes = {"c": 2} if "(c d)" in pattern else {}
    result = einops.rearrange(x, pattern, **sizes)
    axes = data.draw(st.permutations(range(result.ndim)))
    other = of_output(pattern, axes)
    assert other is not None
    np.testing.assert_array_equal(einops.rearrange(x, other, **sizes), result.transpose(axes))


def test_what_does_not_name_every_axis_stays() -> None:
    assert of_input("b ... -> b ...", (0, 2, 3, 1)) is None
    assert of_input("b c h w -> b c", (0, 2, 1)) is None
    assert of_output("b c h w -> b c", conversion(None, (0, 2, 1), 3)) is None
