"""What tests assert of arrays."""

import jax
import numpy as np

CLOSE = {
    "bfloat16": (1.6e-2, 1e-5),
    "float16": (1e-3, 1e-5),
    "float32": (1.3e-6, 1e-5),
    "complex64": (1.3e-6, 1e-5),
    "float64": (1e-7, 1e-7),
    "complex128": (1e-7, 1e-7),
}
"""How far numbers of a dtype may be apart: relative to the expected one, and absolutely."""


def assert_close(
    actual: jax.Array,
    expected: jax.Array,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
) -> None:
    """Raises AssertionError where arrays differ in shape, or by more than `CLOSE` or the tolerances that are given."""
    if rtol is None or atol is None:
        known = [CLOSE.get(np.asarray(x).dtype.name, (0.0, 0.0)) for x in (actual, expected)]
        rtol, atol = (max(bounds) for bounds in zip(*known, strict=True))
    assert np.shape(actual) == np.shape(expected), f"shapes {np.shape(actual)} and {np.shape(expected)} differ"
    np.testing.assert_allclose(actual, expected, rtol, atol, equal_nan=equal_nan)
