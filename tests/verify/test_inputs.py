"""Input specifications: what they mean, and what is said about those that mean nothing."""

import numpy as np
import pytest

from torch2jax.verify.inputs import InputError, format_inputs, parse_inputs


def test_kinds_shapes_and_bounds():
    specs = ["f32[2,3]", "pos[50]", "unit[50]", "int[40]<3", "int[5]", "bool[60]", "c64[2]", "f32[()]"]
    f32, pos, unit, small, ints, flags, c64, scalar = parse_inputs(specs).draw().args
    assert (f32.shape, f32.dtype) == ((2, 3), np.float64)
    assert pos.min() >= 0.5
    assert pos.max() < 1.5
    assert unit.min() >= 0
    assert unit.max() < 1
    assert set(small) == {0, 1, 2}
    assert ints.dtype == np.int64
    assert set(flags) == {True, False}
    assert c64.dtype == np.complex128
    assert scalar.shape == ()


def test_keywords_literals_and_containers():
    inputs = parse_inputs(["=3", "None", "[f32[2], (f32[3], 4)]", "mask=bool[2]", "options={'a': f32[2]}", "flag=True"])
    args, kwargs = inputs.draw().args, inputs.draw().kwargs
    assert args[:2] == (3, None)
    assert args[2][0].shape == (2,)
    assert args[2][1][0].shape == (3,)
    assert args[2][1][1] == 4
    assert kwargs["mask"].shape == (2,)
    assert kwargs["options"]["a"].shape == (2,)
    assert kwargs["flag"] is True


def test_draws_repeat_for_a_seed_and_differ_between_inputs():
    inputs = parse_inputs(["f32[3]", "f32[3]"])
    first, second = inputs.draw(1).args
    np.testing.assert_array_equal(first, inputs.draw(1).args[0])
    assert not np.array_equal(first, second)
    assert not np.array_equal(first, inputs.draw(2).args[0])


@pytest.mark.parametrize(
    "spec",
    [
        "f31[2]",
        "f32[2",
        "f32[a]",
        "f32[2]<3",
        "int[2]<0",
        "int[2]>3",
        "5<=int[2]<5",
        "1<int[2]<5",
        "array['a']",
        "array[[1],[2,3]]",
        "print(1)",
        "f32",
        "",
        "a, b",
        "{**x}",
    ],
)
def test_unreadable_specifications_are_refused_with_what_is_allowed(spec):
    with pytest.raises(InputError, match=r"write an array as one of f32\[\.\.\.\]"):
        parse_inputs([spec])


def test_values_bounds_and_flags_that_are_given():
    values, low, flags = parse_inputs(["array[[1, 2], [3, 4]]", "-2<=int[90]<1", "true[3]"]).draw().args
    np.testing.assert_array_equal(values, [[1, 2], [3, 4]])
    assert set(low) == {-2, -1, 0}
    assert flags.all()


@pytest.mark.parametrize(
    "spec",
    ["f32[2,3]", "f32[()]", "int[4]<7", "1<=int[4]<7", "array[1.5,2]", "array[[1,2]]", "=None", "='a b'", "=-1",
     "x=bool[2]", "[f32[2], (int[3]<4,)]", "{'a': f32[2], 'b': 1}"],
)  # fmt: skip
def test_what_is_read_can_be_written(spec):
    assert format_inputs(parse_inputs([spec])) == (spec.replace("x==", "x="),)
