"""Windows of signals against torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
import torch.signal.windows as expected

from torch2jax.helpers import signal_windows as actual

CASES: list[tuple[Callable[..., Any], Callable[..., Any], dict[str, Any]]] = [
    (expected.general_cosine, actual.general_cosine_window, {"a": [0.5, 0.3, 0.2]}),
    (expected.bartlett, actual.bartlett_window, {}),
    (expected.cosine, actual.cosine_window, {}),
    (expected.exponential, actual.exponential_window, {"tau": 2.0}),
    (expected.gaussian, actual.gaussian_window, {"std": 0.7}),
    (expected.kaiser, actual.kaiser_window, {"beta": 3.0}),
]


@pytest.mark.parametrize(("in_torch", "in_jax", "options"), CASES)
@pytest.mark.parametrize("count", [0, 1, 2, 7])
@pytest.mark.parametrize("sym", [True, False])
def test_window(in_torch: Any, in_jax: Any, options: dict[str, Any], count: int, sym: bool) -> None:
    wanted = in_torch(count, sym=sym, dtype=torch.float64, **options)
    found = in_jax(count, sym=sym, dtype="float64", **options)
    np.testing.assert_allclose(found, wanted, rtol=1e-9, atol=1e-15)


def test_exponential_window_with_a_centre() -> None:
    wanted = expected.exponential(6, center=1.0, sym=False, dtype=torch.float64)
    np.testing.assert_allclose(actual.exponential_window(6, 1.0, sym=False, dtype="float64"), wanted, rtol=1e-12)
