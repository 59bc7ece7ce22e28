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
from jax._src.ad_util import Zero
from jax._src.interpreters.ad import JVPTracer
from torch.autograd import forward_ad

from torch2jax.verify.compare import AGREEMENT, leaves
from torch2jax.verify.found import Departure
from torch2jax.weights.arrays import Array, as_numpy

MOVES = " (derivative)"
"""Behind the path of a value: how it moves, where the programs run in forward mode."""
_LARGEST = 2**26
"""Elements above which an array is not kept."""


def kept(value: Any) -> dict[str, Any]:
    """The arrays and numbers in a value by path, as they are now, and how they move; what holds none is left out."""
    found: dict[str, Any] = {}
    for path, leaf in leaves(value):
        if isinstance(leaf, nnx.Variable):
            leaf = leaf.get_value()
        if isinstance(leaf, torch.Tensor):
            found |= _tensor(path, leaf)
        elif isinstance(leaf, jax.Array | np.ndarray):
            found |= _array(path, leaf)
        elif isinstance(leaf, bool | int | float) or leaf is None:
            found[path] = leaf
        elif isinstance(leaf, slice):
            found |= {f"{path}.{name}": getattr(leaf, name) for name in ("start", "stop", "step")}
    return found


def _tensor(path: str, leaf: torch.Tensor) -> dict[str, Any]:
    if leaf.layout is not torch.strided or leaf.numel() > _LARGEST:
        return {}
    if forward_ad._current_level < 0 or not leaf.is_floating_point():
        return {path: as_numpy(leaf.detach()).copy()}
    primal, tangent = forward_ad.unpack_dual(leaf)  # type: ignore[no-untyped-call]
    moves = torch.zeros_like(primal) if tangent is None else tangent
    return {path: as_numpy(primal.detach()).copy(), f"{path}{MOVES}": as_numpy(moves.detach()).copy()}


def _array(path: str, leaf: Any) -> dict[str, Any]:
    if jnp.issubdtype(leaf.dtype, jax.dtypes.extended) or leaf.size > _LARGEST:
        return {}
    if not isinstance(leaf, JVPTracer):
        return {} if isinstance(leaf, jax.core.Tracer) else {path: leaf}
    primal, tangent = leaf.primal, leaf.tangent
    if isinstance(primal, jax.core.Tracer):
        return {}
    moves = np.zeros(primal.shape) if isinstance(tangent, Zero) else tangent
    return {path: primal} | ({f"{path}{MOVES}": moves} if jnp.issubdtype(primal.dtype, jnp.inexact) else {})


def departure(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Departure | None:
    """The first leaf that both have and that is not alike; None where there is none."""
    actual = _standing(expected, actual)
    shared = [path for path in expected if path in actual and expected[path] is not None]
    if expected and actual and not expected.keys() & actual.keys():
        return Departure("", ((), ()), problem=f"{_structure(expected)} in torch and {_structure(actual)} in jax")
    for path in shared:
        if actual[path] is None:
            return Departure(path, ((), ()), problem="None in jax")
    if len(expected) != len(actual) and all(map(_is_number, [*expected.values(), *actual.values()])) and shared:
        return Departure("", ((), ()), problem=f"{len(expected)} numbers in torch and {len(actual)} in jax")
    if all(isinstance(expected[path], int) and isinstance(actual[path], int) for path in shared):
        alike = sorted(expected[path] for path in shared) == sorted(actual[path] for path in shared)
        return None if alike else _numbers(shared, expected, actual)  # sizes, in either order
    for path in shared:
        found = between(path, *_initialised(np.asarray(expected[path]), np.asarray(actual[path])))
        if found.problem or found.max_rel > AGREEMENT:
            return found
    return None


def largest_error(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Departure | None:
    """The leaf that is furthest from its counterpart, alike or not; None where both have no array in common."""
    shared = [path for path, leaf in expected.items() if path in actual and not isinstance(leaf, int | None)]
    shared = [path for path in shared if actual[path] is not None]
    found = [between(path, np.asarray(expected[path]), np.asarray(actual[path])) for path in shared]
    return max(found, key=lambda apart: (bool(apart.problem), apart.max_rel), default=None)


def is_turned(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> bool:
    """Whether values that are alike are so in an order of axes that no convention explains.

    Conventions put the channels first or last; heads, rows or tokens at another place are probably a mistake.
    """
    for path, value in expected.items():
        if value is None or actual.get(path) is None:
            continue
        a, b = _initialised(np.asarray(value), np.asarray(actual.get(path, 0)))
        if a.ndim < 2 or a.ndim != b.ndim or a.dtype.kind not in "fci":
            continue
        axes = list(range(a.ndim))
        conventions = (axes, [0, *axes[2:], 1], [0, axes[-1], *axes[1:-1]])
        fitting = [b.transpose(order) for order in conventions if b.transpose(order).shape == a.shape]
        found = [_errors(path, a, c, (a.shape, b.shape)) for c in fitting]
        if not any(not how.problem and how.max_rel <= AGREEMENT for how in found):
            return True
    return False


def same_order(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> bool:
    """Whether arrays that are alike in some order of axes have the same shapes."""
    return all(np.shape(value) == np.shape(actual[path]) for path, value in expected.items() if path in actual)


def apart(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> tuple[str, Departure] | None:
    """The first place with another value on the other side, by name; the result of a function has a name too.

    What holds nothing that can be compared, such as a module, has no value.
    """
    known = set(actual)
    expected, actual = ({place: value for place, value in side.items() if value} for side in (expected, actual))
    if len(expected) == len(actual) == 1 and known.isdisjoint(expected):  # whatever each side calls it
        actual = dict(zip(expected, actual.values(), strict=True))
    for place, value in expected.items():
        other = actual.get(place)
        how = departure(value, other) if other is not None else None
        if how is not None:
            return f"{place}{how.path}", how
    return None


def _standing(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Mapping[str, Any]:
    """With zeros for how values move that don't depend on what was moved: such a one is no longer traced."""
    still = {
        path: np.zeros(np.shape(actual[path.removesuffix(MOVES)]))
        for path in expected
        if path.endswith(MOVES) and path not in actual and path.removesuffix(MOVES) in actual
    }
    return {**actual, **still} if still else actual


def _is_number(leaf: Any) -> bool:
    return isinstance(leaf, bool | int | float)


def _structure(found: Mapping[str, Any]) -> str:
    """What a value is, by the paths of what it holds."""
    if "" not in found:
        return "a container of " + ", ".join(found)
    leaf = found[""]
    return f"an array of shape {np.shape(leaf)}" if np.ndim(leaf) else str(leaf)


def _numbers(shared: list[str], expected: Mapping[str, Any], actual: Mapping[str, Any]) -> Departure | None:
    for path in shared:
        if expected[path] != actual[path]:
            return Departure(path, ((), ()), problem=f"{expected[path]} in torch and {actual[path]} in jax")
    return None


def _initialised(expected: Array, actual: Array) -> tuple[Array, Array]:
    """Both without what torch has not initialised: memory that is marked as NaN, or as the largest integer."""
    if expected.dtype.kind not in "fi" or expected.shape != actual.shape:
        return expected, actual
    marked = np.isnan(expected) if expected.dtype.kind == "f" else expected == np.iinfo(expected.dtype).max
    return (np.where(marked, 0, expected), np.where(marked, 0, actual)) if marked.any() else (expected, actual)


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
