"""Two results, of any nesting, compared array by array.

The relative error of an array is max|a - b| / max|a|, with a the original's finite values (max|a - b| itself where a
is all zero): errors are measured against the scale of the array, since one element near zero is no measure.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from torch2jax.weights.arrays import Array, as_numpy

AGREEMENT = 1e-9
"""Largest relative error of equal float64 results: rounding stays far below it, a mistake far above."""


@dataclass(frozen=True, slots=True)
class ArrayError:
    """The largest errors of one floating-point array, by its path, and the largest magnitude of the original's."""

    path: str
    max_abs: float
    max_rel: float
    scale: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """The largest errors over all arrays, and the first thing that differs in kind (structure, shape, dtype, NaNs).

    worst: the array with the largest relative error. arrays: the errors of every array of floats. structural: whether
    the problem is one of structure, shape or dtype, not of values.
    """

    max_abs: float = 0.0
    max_rel: float = 0.0
    problem: str = ""
    worst: str = ""
    arrays: tuple[ArrayError, ...] = ()
    structural: bool = False

    @property
    def agrees(self) -> bool:
        """Whether two float64 results are the same up to rounding."""
        return not self.problem and self.max_rel <= AGREEMENT


def compare(expected: Any, actual: Any) -> Comparison:
    """Compare nested results: tensors and arrays by value, other leaves by equality."""
    return compare_leaves(dict(leaves(expected)), dict(leaves(actual)))


def compare_leaves(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Comparison:
    """Compare results that are taken apart already: leaves by path."""
    if expected.keys() != actual.keys():
        return Comparison(float("nan"), float("nan"), _structural_problem(expected, actual), structural=True)
    found = [_compare_leaf(path, value, actual[path]) for path, value in expected.items()]
    arrays = tuple(leaf for leaf in found if isinstance(leaf, ArrayError))
    problem = next((leaf for leaf in found if isinstance(leaf, str) and leaf), "")
    structural = any(isinstance(leaf, _Structural) for leaf in found)
    if not arrays:
        return Comparison(problem=problem, structural=structural)
    worst = max(reversed(arrays), key=lambda leaf: leaf.max_rel)
    return Comparison(max(leaf.max_abs for leaf in arrays), worst.max_rel, problem, worst.path, arrays, structural)


def _structural_problem(left: Mapping[str, Any], right: Mapping[str, Any]) -> str:
    only_left = [path or "the result" for path in left if path not in right]
    only_right = [path or "the result" for path in right if path not in left]
    sides = [("only the original has", only_left), ("only the translation has", only_right)]
    return "; ".join(f"{text} {', '.join(paths[:4])}" for text, paths in sides if paths)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves with their paths; an empty container is a leaf of its own, so that it can't vanish."""
    children = _children(value)
    if children is None:
        yield path, value
    else:
        items = list(children)
        if not items:
            yield f"{path}()", None
        for key, child in items:
            yield from leaves(child, f"{path}{key}")


def _children(value: Any) -> Iterable[tuple[str, Any]] | None:
    if isinstance(value, Mapping):
        return [(f"[{key!r}]", child) for key, child in value.items()]
    if isinstance(value, list | tuple | set | frozenset):
        return [(f"[{index}]", child) for index, child in enumerate(value)]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return [(f".{field.name}", getattr(value, field.name)) for field in dataclasses.fields(value)]
    return None


class _Structural(str):
    """A problem that no values can explain."""


def _compare_leaf(path: str, expected: Any, actual: Any) -> ArrayError | str:
    """The errors of an array of floats; else what is wrong, empty if nothing is."""
    where = path or "the result"
    if _is_number(expected) and _is_number(actual):
        return _compare_arrays(where, as_numpy(expected), as_numpy(actual))
    if _is_number(expected) or _is_number(actual) or type(expected).__name__ != type(actual).__name__:
        return _Structural(f"{where} is {_describe(expected)} in torch and {_describe(actual)} in jax")
    if isinstance(expected, str | bytes | None) and expected != actual:
        return f"{where} is {expected!r} in torch and {actual!r} in jax"
    if not isinstance(expected, str | bytes | None):
        return f"{where} is {_describe(expected)}, which can't be compared"
    return ""


def _compare_arrays(where: str, expected: Array, actual: Array) -> ArrayError | str:
    if expected.shape != actual.shape:
        return _Structural(f"{where} has shape {expected.shape} in torch and {actual.shape} in jax")
    if category(expected.dtype) != category(actual.dtype):
        return _Structural(f"{where} has dtype {expected.dtype} in torch and {actual.dtype} in jax")
    if category(expected.dtype) in ("bool", "int"):
        different = int(np.count_nonzero(expected != actual))
        return f"{where} differs in {different} of {expected.size} elements" if different else ""
    wide = np.complex128 if category(expected.dtype) == "complex" else np.float64
    return _compare_floats(where, expected.astype(wide), actual.astype(wide))


def _compare_floats(where: str, expected: Array, actual: Array) -> ArrayError | str:
    finite = np.isfinite(expected)
    if not np.array_equal(expected[~finite], actual[~finite], equal_nan=True) or not np.isfinite(actual[finite]).all():
        return f"{where} has NaN or infinity in different places"
    if not finite.any():
        return ""
    error = float(np.abs(expected[finite] - actual[finite]).max())
    scale = float(np.abs(expected[finite]).max())
    return ArrayError(where, error, error / scale if scale else error, scale)


def category(dtype: Any) -> str:
    """One of "bool", "int", "float", "complex": what must agree where widths follow each framework's defaults."""
    kind = np.dtype(dtype).kind
    return {"b": "bool", "i": "int", "u": "int", "c": "complex"}.get(kind, "float")


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float | complex | np.ndarray | np.generic) or hasattr(value, "__array__")


def _describe(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
