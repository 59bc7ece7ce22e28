"""A second set of sizes changes every dimension that the original lets vary."""

from collections.abc import Callable

import pytest

from torch2jax.verify.inputs import ArraySpec, Inputs, parse_inputs
from torch2jax.verify.sizes import other_sizes

Shapes = list[tuple[int, ...]]


def shapes_of(inputs: Inputs) -> Shapes:
    found: Shapes = []
    for value in (*inputs.args, *(inputs.kwargs or {}).values()):
        found += [value.shape] if isinstance(value, ArraySpec) else []
    return found


def changed(specs: list[str], accepts: Callable[[Shapes], bool]) -> Shapes | None:
    found = other_sizes(parse_inputs(specs), lambda inputs: accepts(shapes_of(inputs)))
    return None if found is None else shapes_of(found.inputs)


def test_channels_stay_and_batch_and_space_change() -> None:
    found = changed(["f32[4,3,32,32]"], lambda s: s[0][1] == 3)
    assert found == [(5, 3, 33, 31)]


def test_sizes_that_belong_together_change_together() -> None:
    """A batch in two inputs, and a length that a mask has twice."""

    def accepts(s: Shapes) -> bool:
        return s[0][0] == s[1][0] and s[0][1] == s[1][1] == s[1][2] and s[0][2] == 8

    found = changed(["f32[4,7,8]", "mask=bool[4,7,7]"], accepts)
    assert found == [(5, 6, 8), (5, 6, 6)]


def test_divisors_are_kept_where_the_original_needs_them() -> None:
    assert changed(["f32[2,3,16,16]"], lambda s: s[0][1] == 3 and all(n % 8 == 0 for n in s[0][2:])) == [(4, 3, 32, 8)]


@pytest.mark.parametrize("specs", [["f32[2,3]"], ["=3"], []])
def test_nothing_changes_where_nothing_may(specs: list[str]) -> None:
    assert changed(specs, lambda s: s == [(2, 3)]) is None


def test_an_axis_never_becomes_one_that_is_only_stretched() -> None:
    assert changed(["f32[2,3]", "f32[2,3]"], lambda s: {*s} <= {(2, 3), (2, 1)}) is None
