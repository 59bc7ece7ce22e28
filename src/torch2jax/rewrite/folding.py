"""Arithmetic on literals at conversion, spelled the way a person would write the result."""

from __future__ import annotations

import importlib
import operator
from collections.abc import Callable, Mapping, Sequence
from decimal import Context, Decimal, DecimalException
from math import isfinite
from typing import Any, Final

from torch2jax.rules.model import UNKNOWN, Expr

_EXACT: Final = Context(prec=40)
_DECIMAL: Final[dict[str, Callable[[Decimal, Decimal], Decimal]]] = {
    "+": _EXACT.add, "-": _EXACT.subtract, "*": _EXACT.multiply, "/": _EXACT.divide,
}  # fmt: skip
_PYTHON: Final[dict[str, Callable[[Any, Any], Any]]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "**": operator.pow, "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le,
    ">": operator.gt, ">=": operator.ge, "in": lambda item, items: item in items,
    "not in": lambda item, items: item not in items,
}  # fmt: skip
_LARGEST: Final = 2**63


def arithmetic(sign: str, left: object, right: object) -> object:
    """The result for two plain numbers, UNKNOWN where it should be left to the program.

    Floats are computed on their decimal spelling: 1 - 0.9 is 0.1, within one rounding of the float result.
    """
    if not _is_number(left) or not _is_number(right) or sign not in _PYTHON:
        return UNKNOWN
    if sign == "**" and not (isinstance(right, int) and abs(right) < 64):
        return UNKNOWN
    try:
        if isinstance(left, int) and isinstance(right, int) and sign != "/":
            result = _PYTHON[sign](left, right)
        elif sign in _DECIMAL:
            result = float(_DECIMAL[sign](Decimal(repr(left)), Decimal(repr(right))))
        else:
            result = _PYTHON[sign](left, right)
    except (ArithmeticError, DecimalException):
        return UNKNOWN
    usable = _is_number(result) and isfinite(result) and abs(result) < _LARGEST
    return result if usable else UNKNOWN


def comparison(sign: str, left: object, right: object) -> object:
    """The truth of a comparison of two literals, UNKNOWN where Python would raise."""
    try:
        return bool(_PYTHON[sign](left, right))
    except TypeError:
        return UNKNOWN


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def static_helper(name: str, positional: Sequence[object], keywords: Mapping[str, object]) -> Expr | None:
    """What a helper of `helpers/static.py` gives for literals; None if it raises or the result has no spelling."""
    module = importlib.import_module("torch2jax.helpers.static")
    try:
        result = getattr(module, name)(*positional, **keywords)
    except (TypeError, ValueError, ArithmeticError, LookupError):
        return None
    return spelled(result)


def spelled(value: object) -> Expr | None:
    """The expression of a plain Python value; None for anything that is not one."""
    if value is None or isinstance(value, (bool, int, str)):
        return ("const", value)
    if isinstance(value, float):
        return ("const", value) if isfinite(value) else None
    if isinstance(value, (tuple, list)):
        items = [spelled(item) for item in value]
        return None if None in items else ("tuple" if isinstance(value, tuple) else "list", tuple(items))
    if isinstance(value, dict):
        pairs = [(spelled(key), spelled(item)) for key, item in value.items()]
        return None if any(None in pair for pair in pairs) else ("dict", tuple(pairs))
    return None
