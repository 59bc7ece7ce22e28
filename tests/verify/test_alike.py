"""Values from inside two programs."""

from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from torch2jax.verify.alike import departure, is_turned, kept

X = np.arange(24.0).reshape(2, 3, 4)


@pytest.mark.parametrize(
    "other",
    [X, X.transpose(0, 2, 1), X * (1 + 1e-12), X.astype(np.float32)],
)
def test_arrays_are_alike_in_any_axis_order(other: Any) -> None:
    assert departure({"": X}, {"": other}) is None


@pytest.mark.parametrize(
    ("other", "problem"),
    [
        (X[:, :2], "shape (2, 3, 4) in torch and (2, 2, 4) in jax"),
        (X.astype(int), "dtype float64 in torch and int64 in jax"),
        (np.where(X == 5, np.nan, X), "NaN or infinity on one side only"),
    ],
)
def test_problems_have_words(other: Any, problem: str) -> None:
    found = departure({"": X}, {"": other})
    assert found is not None
    assert found.problem == problem


def test_the_largest_error_is_found() -> None:
    other = X.copy()
    other[1, 0, 2] += 1
    found = departure({"": X}, {"": other})
    assert found is not None
    assert (found.max_abs, found.index) == (1.0, (1, 0, 2))
    assert found.max_rel == pytest.approx(1 / 23)


def test_sizes_are_alike_in_either_order() -> None:
    assert departure({"[0]": 2, "[1]": 3}, {"[0]": 3, "[1]": 2}) is None
    assert departure({"[0]": 2, "[1]": 3}, {"[0]": 2, "[1]": 4}) is not None


def test_a_tensor_is_kept_as_it_is_now() -> None:
    tensor = torch.ones(3)
    found = kept([tensor, nnx.Param(jnp.zeros(2)), "text", 3])
    tensor.add_(1)
    assert found["[0]"].tolist() == [1, 1, 1]
    assert np.asarray(found["[1]"]).tolist() == [0, 0]
    assert found["[3]"] == 3
    assert "[2]" not in found


@pytest.mark.parametrize(
    ("shape", "axes", "turned"),
    [
        ((2, 3, 5, 4), (0, 2, 3, 1), False),
        ((2, 4, 4, 4), (0, 2, 3, 1), False),
        ((2, 4, 4, 4), (0, 1, 3, 2), True),
        ((2, 3, 5, 4), (0, 1, 3, 2), True),
        ((2, 3, 5, 4), (0, 1, 2, 3), False),
    ],
)
def test_channels_are_first_or_last(shape: tuple[int, ...], axes: tuple[int, ...], turned: bool) -> None:
    value = np.random.default_rng(0).normal(size=shape)
    assert is_turned({"": value}, {"": value.transpose(axes)}) is turned
