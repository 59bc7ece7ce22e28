"""How the page writes numbers, and which class of error one is in."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

_AGREEMENT = 1e-9
"""As `torch2jax.verify.compare` has it, which needs NumPy."""


def filters() -> Mapping[str, Callable[..., Any]]:
    """Those of the templates."""
    return {"error": error, "grade": grade, "seconds": seconds, "milliseconds": milliseconds, "mebibytes": mebibytes}


def error(value: float | None) -> str:
    """An absolute or relative error; nothing where there is none."""
    return "" if value is None else "0" if value == 0 else f"{value:.1e}"


def grade(value: float | None) -> str:
    """The class of a relative error in float64: `none`, `exact`, `rounding`, `small`, `large`."""
    if value is None:
        return "none"
    if value <= 1e-15:
        return "exact"
    if value <= _AGREEMENT:
        return "rounding"
    return "small" if value < 1e-3 else "large"


def seconds(value: float | None) -> str:
    """A time in seconds, to a tenth."""
    return "" if value is None else f"{value:.1f}"


def milliseconds(value: float) -> str:
    """A time that is given in seconds, in milliseconds, with three digits."""
    digits = max(0, 2 - math.floor(math.log10(value * 1e3))) if value > 0 else 0
    return f"{value * 1e3:.{min(digits, 4)}f}"


def mebibytes(value: float) -> str:
    """A number of bytes in MiB."""
    return f"{value / 2**20:.0f}"
