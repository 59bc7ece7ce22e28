"""The arrays and numbers that both programs leave in globals of the same name."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from torch2jax.verify.alike import orders
from torch2jax.verify.compare import AGREEMENT, compare_leaves
from torch2jax.weights.arrays import Array

_ENTRY = re.compile(r"(.*)\[\d+\]")


@dataclass(slots=True)
class Values:
    """Leaves of both sides under the same paths. names: the globals that they come from, in order.

    problems: what else differs, a sentence by the name of the global. reordered: globals that hold the same numbers in
    another order of axes.
    """

    expected: dict[str, Any] = field(default_factory=dict)
    actual: dict[str, Any] = field(default_factory=dict)
    names: list[str] = field(default_factory=list)
    problems: dict[str, str] = field(default_factory=dict)
    reordered: list[str] = field(default_factory=list)


def common_values(expected: Mapping[str, Mapping[str, Any]], actual: Mapping[str, Mapping[str, Any]]) -> Values:
    """What both have."""
    values = Values()
    for name in (name for name in expected if name in actual):
        values.names.append(name)
        problem = _lengths(name, expected[name], actual[name])
        if problem:
            values.problems[name] = problem
            continue
        for path in (path for path in expected[name] if path in actual[name]):
            a, b = expected[name][path], actual[name][path]
            twin = _in_order(np.asarray(a), np.asarray(b))
            if twin is not None:
                values.reordered += [name] if name not in values.reordered else []
            values.expected[f"{name}{path}"], values.actual[f"{name}{path}"] = a, b if twin is None else twin
    return values


def _lengths(name: str, expected: Mapping[str, Any], actual: Mapping[str, Any]) -> str:
    """What is wrong with the lengths of lists in a value; "" if nothing is."""
    for path in (*expected, *actual):
        found = _ENTRY.fullmatch(path)
        if found and (path in expected) != (path in actual):
            mine, others = (_entries(found[1], side) for side in (expected, actual))
            if mine and others and mine != others:
                return f"{name}{found[1]} has {mine} entries in torch and {others} in jax"
    return ""


def _entries(path: str, side: Mapping[str, Any]) -> int:
    return sum(found is not None and found[1] == path for found in map(_ENTRY.fullmatch, side))


def _in_order(expected: Array, actual: Array) -> Array | None:
    """An array in the order of axes in which it equals the other; None where that is its own order, or none."""
    if sorted(expected.shape) != sorted(actual.shape) or expected.ndim < 2 or _same(expected, actual):
        return None
    found = (actual.transpose(axes) for axes in orders(expected.shape, actual.shape))
    return next((array for array in found if _same(expected, array)), None)


def _same(expected: Array, actual: Array) -> bool:
    comparison = compare_leaves({"": expected}, {"": actual})
    return not comparison.problem and not comparison.max_rel > AGREEMENT


def by_name(paths: Mapping[str, Any], names: list[str]) -> Iterator[tuple[str, list[str]]]:
    """The paths that belong to each global."""
    for name in names:
        yield name, [path for path in paths if path == name or path.startswith((f"{name}[", f"{name}."))]
