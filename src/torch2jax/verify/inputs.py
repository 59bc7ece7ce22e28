"""Input specifications such as `f32[4,3,32,32]` or `mask=bool[4,10]`, and the arrays that they stand for.

A specification is an expression: ``f32[...]`` and ``c64[...]`` are standard normal, ``pos[...]`` is uniform in
[0.5, 1.5), ``unit[...]`` uniform in [0, 1), ``int[...]<n`` are integers from 0 below n (default 10; ``1<=int[...]<n``
begins at 1), ``bool[...]`` fair coins, ``true[...]`` all True; ``array[[1, 2], [3, 4]]`` holds these values. Lists,
tuples and dicts of specifications nest; any other literal stands for itself (with or without a leading ``=``).
``name=`` passes a keyword.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from torch2jax.weights.arrays import Array

_DRAWS: Mapping[str, Callable[[np.random.Generator, tuple[int, ...]], Array]] = {
    "f32": lambda rng, shape: rng.standard_normal(shape),
    "f64": lambda rng, shape: rng.standard_normal(shape),
    "pos": lambda rng, shape: rng.uniform(0.5, 1.5, shape),
    "unit": lambda rng, shape: rng.uniform(0.0, 1.0, shape),
    "bool": lambda rng, shape: rng.uniform(0.0, 1.0, shape) < 0.5,
    "true": lambda rng, shape: np.ones(shape, bool),
    "c64": lambda rng, shape: rng.standard_normal(shape) + 1j * rng.standard_normal(shape),
}
_KINDS = (*_DRAWS, "int")
_VALUES = "array"


class InputError(ValueError):
    """An input specification that can't be read, with what is allowed."""


@dataclass(frozen=True, slots=True)
class ArraySpec:
    """An array to draw: its kind ("int" or a key of the table above), shape, and for integers low <= value < high."""

    kind: str
    shape: tuple[int, ...]
    high: int = 10
    low: int = 0

    def draw(self, rng: np.random.Generator) -> Array:
        """An array in the widest dtype of its category: float64, complex128, int64 or bool."""
        if self.kind == "int":
            return np.asarray(rng.integers(self.low, self.high, self.shape))
        return np.asarray(_DRAWS[self.kind](rng, self.shape))

    def __str__(self) -> str:
        text = f"{self.kind}[{','.join(map(str, self.shape)) or '()'}]"
        if self.kind != "int":
            return text
        return f"{self.low}<={text}<{self.high}" if self.low else f"{text}<{self.high}"


@dataclass(frozen=True, slots=True)
class ArrayValue:
    """An array that is given element by element: nested lists of numbers."""

    values: Any

    def draw(self, rng: np.random.Generator) -> Array:
        """The array itself, in the widest dtype of its category."""
        return np.asarray(self.values)

    def __str__(self) -> str:
        return f"{_VALUES}[{repr(self.values)[1:-1].replace(' ', '')}]"


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
        return self.map(lambda leaf: leaf.draw(rng) if isinstance(leaf, ArraySpec | ArrayValue) else leaf)


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


def format_inputs(inputs: Inputs) -> tuple[str, ...]:
    """Specifications that `parse_inputs` reads as these inputs."""
    positional = [_format(value) for value in inputs.args]
    return (*positional, *(f"{name}={_format_item(value)}" for name, value in (inputs.kwargs or {}).items()))


def _format(value: Any) -> str:
    text = _format_item(value)
    return f"={text}" if text == repr(value) and not isinstance(value, list | tuple | dict) else text


def _format_item(value: Any) -> str:
    if isinstance(value, ArraySpec | ArrayValue):
        return str(value)
    if isinstance(value, list):
        return f"[{', '.join(map(_format_item, value))}]"
    if isinstance(value, tuple):
        return f"({', '.join(map(_format_item, value))}{',' if len(value) == 1 else ''})"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key!r}: {_format_item(item)}" for key, item in value.items()) + "}"
    return repr(value)


def leaves_of(inputs: Inputs) -> list[Any]:
    """Every leaf, in the order of the call."""
    found: list[Any] = []
    for value in (*inputs.args, *(inputs.kwargs or {}).values()):
        map_leaves(value, found.append)
    return found


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


def _array(node: ast.Subscript, spec: str) -> ArraySpec | ArrayValue:
    if isinstance(node.value, ast.Name) and node.value.id == _VALUES:
        return _array_value(node.slice, spec)
    dims = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    sizes = [dim.value for dim in dims if isinstance(dim, ast.Constant) and isinstance(dim.value, int)]
    if not isinstance(node.value, ast.Name) or node.value.id not in _KINDS or len(sizes) != len(dims):
        raise _unreadable(spec)
    return ArraySpec(node.value.id, tuple(sizes))


def _array_value(node: ast.expr, spec: str) -> ArrayValue:
    values = _literal(node, spec)
    values = list(values) if isinstance(values, tuple) else [values]
    try:
        kind = np.asarray(values).dtype.kind
    except ValueError:  # rows of different lengths
        raise _unreadable(spec) from None
    if kind not in "biufc":
        raise _unreadable(spec)
    return ArrayValue(values)


def _bounded(node: ast.Compare, spec: str) -> ArraySpec:
    """`int[4]<7` or `1<=int[4]<7`."""
    parts = [node.left, *node.comparators]
    operators = [type(op) for op in node.ops]
    low = _literal(parts.pop(0), spec) if operators == [ast.LtE, ast.Lt] else 0
    if operators not in ([ast.Lt], [ast.LtE, ast.Lt]) or not isinstance(parts[0], ast.Subscript):
        raise _unreadable(spec)
    found, high = _array(parts[0], spec), _literal(parts[1], spec)
    if not (isinstance(found, ArraySpec) and found.kind == "int" and type(low) is type(high) is int and low < high):
        raise _unreadable(spec)
    return ArraySpec("int", found.shape, high, low)


def _unreadable(spec: str) -> InputError:
    kinds = ", ".join(f"{kind}[...]" for kind in _KINDS)
    return InputError(
        f"can't read the input {spec!r}: write an array as one of {kinds} (int[4,10]<100 sets the bound), "
        "its values as array[1, 2], a keyword as name=f32[4,3], or a Python literal as =3"
    )
