"""Arrays that are close to one another, and such that are not."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.helpers import testing


def _raises(assertion: object, *arguments: object, **options: object) -> bool:
    assert callable(assertion)
    try:
        assertion(*arguments, **options)
    except AssertionError:
        return True
    return False


@pytest.mark.parametrize("apart", [0.4, 2.5])
@pytest.mark.parametrize("near", [0.0, 1.0])
@pytest.mark.parametrize("dtype", ["bfloat16", "float16", "float32", "float64", "complex64", "complex128"])
def test_the_tolerance_is_that_of_the_dtype(dtype: str, near: float, apart: float) -> None:
    expected = torch.full((2,), near, dtype=getattr(torch, dtype))
    absolute = 1e-7 if dtype in ("float64", "complex128") else 1e-5
    relative = {"bfloat16": 1.6e-2, "float16": 1e-3, "float32": 1.3e-6, "complex64": 1.3e-6}.get(dtype, 1e-7)
    actual = expected + apart * (absolute + relative * near)
    arrays = [jnp.asarray(x.tolist(), dtype=getattr(jnp, dtype)) for x in (actual, expected)]
    assert _raises(testing.assert_close, *arrays) == (apart > 1)
    assert _raises(torch.testing.assert_close, actual, expected) == (apart > 1)


def test_integers_are_equal_or_not() -> None:
    x = jnp.array([10_000_000, 2])
    testing.assert_close(x, x)
    assert _raises(testing.assert_close, x, x + jnp.array([1, 0]))


def test_tolerances_that_are_given() -> None:
    x = np.array([1.0, 2.0])
    testing.assert_close(x, x * 1.4, rtol=0.3, atol=0.0)
    assert _raises(testing.assert_close, x * 1.4, x, rtol=0.3, atol=0.0)
    testing.assert_close(x, x + 0.2, rtol=0.0, atol=0.3)
    assert _raises(testing.assert_close, x, x + 0.4, rtol=0.0, atol=0.3)


def test_shapes_have_to_be_equal() -> None:
    assert _raises(testing.assert_close, jnp.ones(2), jnp.ones((1, 2)))


def test_nan_is_not_close_to_nan_unless_that_is_said() -> None:
    x = jnp.array([jnp.nan, 1.0])
    assert _raises(testing.assert_close, x, x)
    testing.assert_close(x, x, equal_nan=True)
