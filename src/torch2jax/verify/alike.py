"""Values from inside two programs: arrays may lie in another axis order on the way, and count as alike then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import permutations
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx

from torch2jax.verify.compare import AGREEMENT, leaves
from torch2jax.verify.found import Departure
from torch2jax.weights.arrays import Array, as_numpy

_LARGEST = 2**26
"""Elements above which an array is not kept."""


def kept(value: Any) -> dict[str, Any]:
    """The arrays and numbers in a value by path, as they are now; what holds none is left out."""
    found: dict[str, Any] = {}
    for path, leaf in leaves(value):
        if isinstance(leaf, nnx.Variable):
            leaf = leaf.get_value()
        if isinstance(leaf, torch.Tensor):
            if leaf.layout is torch.strided and leaf.numel() <= _LARGEST:
                found[path] = as_numpy(leaf.detach()).copy()
        elif isinstance(leaf, jax.Array | np.ndarray):
            if not jnp.issubdtype(leaf.dtype, jax.dtypes.extended) and leaf.size <= _LARGEST:
                found[path] = leaf
        elif isinstance(leaf, bool | int | float):
            found[path] = leaf
    return found


def departure(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Departure | None:
    """The first leaf that both have and that is not alike; None where there is none."""
    shared = [path for path in expected if path in actual]
    if all(isinstance(expected[path], int) and isinstance(actual[path], int) for path in shared):
        alike = sorted(expected[path] for path in shared) == sorted(actual[path] for path in shared)
        return None if alike else _numbers(shared, expected, actual)  # sizes, in either order
    for path in shared:
        found = between(path, np.asarray(expected[path]), np.asarray(actual[path]))
        if found.problem or found.max_rel > AGREEMENT:
            return found
    return None


def largest_error(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Departure | None:
    """The leaf that is furthest from its counterpart, alike or not; None where both have no array in common."""
    shared = [path for path in expected if path in actual and not isinstance(expected[path], int)]
    found = [between(path, np.asarray(expected[path]), np.asarray(actual[path])) for path in shared]
    return max(found, key=lambda apart: (bool(apart.problem), apart.max_rel), default=None)


def _numbers(shared: list[str], expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Departure | None:
    for path in shared:
        if expected[path] != actual[path]:
            return Departure(path, ((), ()), problem=f"{expected[path]} in torch and {actual[path]} in jax")
    return None


def between(path: str, expected: Array, actual: Array) -> Departure:
    """How far two arrays are apart, in the order of axes in which that is least."""
    shapes = (expected.shape, actual.shape)
    if sorted(expected.shape) != sorted(actual.shape):
        return Departure(path, shapes, problem=f"shape {expected.shape} in torch and {actual.shape} in jax")
    if (expected.dtype.kind in "fc") != (actual.dtype.kind in "fc"):
        return Departure(path, shapes, problem=f"dtype {expected.dtype} in torch and {actual.dtype} in jax")
    best: Departure | None = None
    for axes in orders(expected.shape, actual.shape):
        found = _errors(path, expected, actual.transpose(axes), shapes)
        best = found if best is None or found.max_rel < best.max_rel else best
        if best.max_rel <= AGREEMENT:
            break
    assert best is not None
    return best


def orders(wanted: tuple[int, ...], shape: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """The permutations that give a shape, that which moves nothing first."""
    for axes in permutations(range(len(shape))):
        if tuple(shape[axis] for axis in axes) == wanted:
            yield axes


def _errors(path: str, expected: Array, actual: Array, shapes: tuple[tuple[int, ...], tuple[int, ...]]) -> Departure:
    a = expected.astype(np.complex128 if expected.dtype.kind == "c" else np.float64)
    b = actual.astype(a.dtype)
    finite = np.isfinite(a)
    if not np.array_equal(finite, np.isfinite(b)):
        index = _first(finite != np.isfinite(b))
        return Departure(path, shapes, max_rel=float("inf"), index=index, problem="NaN or infinity on one side only")
    error = np.where(finite, np.abs(np.where(finite, a, 0) - np.where(finite, b, 0)), 0.0)
    if not error.size:
        return Departure(path, shapes, 0.0, 0.0)
    scale = float(np.abs(np.where(finite, a, 0)).max())
    largest = float(error.max())
    relative = largest / scale if scale else largest
    index = tuple(int(i) for i in np.unravel_index(int(error.argmax()), error.shape))
    return Departure(path, shapes, largest, relative, index)


def _first(mask: Array) -> tuple[int, ...]:
    return tuple(int(i) for i in np.argwhere(mask)[0])
