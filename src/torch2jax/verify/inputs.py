"""Input specifications such as `f32[4,3,32,32]` or `mask=bool[4,10]`, and the arrays that they stand for.

A specification is an expression: ``f32[...]`` and ``c64[...]`` are standard normal, ``pos[...]`` is uniform in
[0.5, 1.5), ``unit[...]`` uniform in [0, 1), ``int[...]<n`` are integers below n (default 10), ``bool[...]`` fair
coins; lists, tuples and dicts of specifications nest; any other literal stands for itself (with or without a leading
``=``). ``name=`` passes a keyword.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from torch2jax.weights.arrays import Array

_DRAWS: Mapping[str, Callable[[np.random.Generator, tuple[int, ...], int], Array]] = {
    "f32": lambda rng, shape, _: rng.standard_normal(shape),
    "f64": lambda rng, shape, _: rng.standard_normal(shape),
    "pos": lambda rng, shape, _: rng.uniform(0.5, 1.5, shape),
    "unit": lambda rng, shape, _: rng.uniform(0.0, 1.0, shape),
    "int": lambda rng, shape, high: rng.integers(0, high, shape),
    "bool": lambda rng, shape, _: rng.uniform(0.0, 1.0, shape) < 0.5,
    "c64": lambda rng, shape, _: rng.standard_normal(shape) + 1j * rng.standard_normal(shape),
}


class InputError(ValueError):
    """An input specification that can't be read, with what is allowed."""


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """An array to draw: its kind (a key of the table above), shape, and for integers the exclusive upper bound."""

    kind: str
    shape: tuple[int, ...]
    high: int = 10

    def draw(self, rng: np.random.Generator) -> Array:
        """An array in the widest dtype of its category: float64, complex128, int64 or bool."""
        return np.asarray(_DRAWS[self.kind](rng, self.shape, self.high))


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a call receives: nested containers of ArraySpec (before drawing) or of arrays (after), and literals."""

    args: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] | None = None

    def map(self, transform: Callable[[Any], Any]) -> Inputs:
        """The same structure with every leaf replaced."""
        kwargs = {name: map_leaves(value, transform) for name, value in (self.kwargs or {}).items()}
        return Inputs(tuple(map_leaves(value, transform) for value in self.args), kwargs)

    def draw(self, seed: int = 0) -> Inputs:
        """Arrays in place of the specifications, the same for the same seed."""
        rng = np.random.default_rng(seed)
        return self.map(lambda leaf: leaf.draw(rng) if isinstance(leaf, ArraySpec) else leaf)


def parse_inputs(specs: Sequence[str]) -> Inputs:
    """Read specifications in call order. Raises InputError."""
    args: list[Any] = []
    kwargs: dict[str, Any] = {}
    for spec in specs:
        name, value = _parse(spec)
        if name is None:
            args.append(value)
        else:
            kwargs[name] = value
    return Inputs(tuple(args), kwargs)


def map_leaves(value: Any, transform: Callable[[Any], Any]) -> Any:
    """Apply ``transform`` to everything inside lists, tuples and dicts."""
    if isinstance(value, list):
        return [map_leaves(item, transform) for item in value]
    if isinstance(value, tuple):
        return tuple(map_leaves(item, transform) for item in value)
    if isinstance(value, dict):
        return {key: map_leaves(item, transform) for key, item in value.items()}
    return transform(value)


def _parse(spec: str) -> tuple[str | None, Any]:
    text = spec.strip().removeprefix("=")
    try:
        call = ast.parse(f"_({text})", mode="eval").body
    except SyntaxError:
        raise _unreadable(spec) from None
    if not isinstance(call, ast.Call) or len(call.args) + len(call.keywords) != 1:
        raise _unreadable(spec)
    if call.keywords:
        return call.keywords[0].arg, _value(call.keywords[0].value, spec)
    return None, _value(call.args[0], spec)


def _value(node: ast.expr, spec: str) -> Any:
    if isinstance(node, ast.Compare):
        return _bounded(node, spec)
    if isinstance(node, ast.Subscript):
        return _array(node, spec)
    if isinstance(node, ast.List):
        return [_value(item, spec) for item in node.elts]
    if isinstance(node, ast.Tuple):
        return tuple(_value(item, spec) for item in node.elts)
    if isinstance(node, ast.Dict) and None not in node.keys:
        keys = [_literal(key, spec) for key in node.keys if key is not None]
        try:
            return {key: _value(value, spec) for key, value in zip(keys, node.values, strict=True)}
        except TypeError:  # a list is no key
            raise _unreadable(spec) from None
    return _literal(node, spec)


def _literal(node: ast.expr, spec: str) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        raise _unreadable(spec) from None


def _array(node: ast.Subscript, spec: str, high: int = 10) -> ArraySpec:
    dims = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    sizes = [dim.value for dim in dims if isinstance(dim, ast.Constant) and isinstance(dim.value, int)]
    if not isinstance(node.value, ast.Name) or node.value.id not in _DRAWS or len(sizes) != len(dims):
        raise _unreadable(spec)
    return ArraySpec(node.value.id, tuple(sizes), high)


def _bounded(node: ast.Compare, spec: str) -> ArraySpec:
    bound = node.comparators[0]
    simple = len(node.ops) == 1 and isinstance(node.ops[0], ast.Lt) and isinstance(node.left, ast.Subscript)
    if not simple or not isinstance(bound, ast.Constant) or not isinstance(bound.value, int) or bound.value < 1:
        raise _unreadable(spec)
    assert isinstance(node.left, ast.Subscript)
    found = _array(node.left, spec, bound.value)
    if found.kind != "int":
        raise _unreadable(spec)
    return found


def _unreadable(spec: str) -> InputError:
    kinds = ", ".join(f"{kind}[...]" for kind in _DRAWS)
    return InputError(
        f"can't read the input {spec!r}: write an array as one of {kinds} (int[4,10]<100 sets the bound), "
        "a keyword as name=f32[4,3], or a Python literal as =3"
    )
