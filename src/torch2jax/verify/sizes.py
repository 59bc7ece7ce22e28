"""A second set of input sizes: as many of the dimensions as the original lets vary, changed at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from torch2jax.verify.inputs import ArraySpec, Inputs

_ATTEMPTS = 80
"""How often the original may be called."""

Axis = tuple[int, int]
"""The number of an array among the inputs, and one of its axes."""


@dataclass(frozen=True, slots=True)
class OtherSizes:
    """Inputs of other sizes, and what was changed, for people: `input shapes (3, 3, 33, 35)`."""

    inputs: Inputs
    shapes: str


def other_sizes(inputs: Inputs, accepts: Callable[[Inputs], bool]) -> OtherSizes | None:
    """Inputs whose sizes differ wherever the original takes other ones; None where it takes none.

    Sizes become different from each other where they may. ``accepts`` tells whether the original runs with some inputs.
    """
    specs = _specs(inputs)
    changed: dict[Axis, int] = {}
    attempts = 0
    for axes in _groups(specs):
        if any(axis in changed for axis in axes):
            continue
        size = specs[axes[0][0]].shape[axes[0][1]]
        taken = {size for spec in _specs(_resized(inputs, changed)) for size in spec.shape}
        for other in sorted(_others(size), key=taken.__contains__):
            attempts += 1
            candidate = {**changed, **dict.fromkeys(axes, other)}
            if attempts <= _ATTEMPTS and accepts(_resized(inputs, candidate)):
                changed = candidate
                break
    if not changed:
        return None
    shapes = ", ".join(str(spec.shape) for spec in _specs(_resized(inputs, changed)))
    return OtherSizes(_resized(inputs, changed), shapes)


def _groups(specs: list[ArraySpec]) -> Iterator[list[Axis]]:
    """Axes to change together: the first axes of one size, each other axis, then all axes of one size."""
    everywhere = [((number, axis), size) for number, spec in enumerate(specs) for axis, size in enumerate(spec.shape)]
    everywhere = [(axis, size) for axis, size in everywhere if size > 0]
    first = [(axis, size) for axis, size in everywhere if axis[1] == 0]
    others = [item for item in everywhere if item not in first]
    for size in dict.fromkeys(size for _, size in first):
        yield [axis for axis, its_size in first if its_size == size]
    yield from ([axis] for axis, _ in [*others, *first])
    for some in (others, everywhere):
        for size in dict.fromkeys(size for _, size in some):
            yield [axis for axis, its_size in some if its_size == size]


def _others(size: int) -> Iterator[int]:
    """Sizes to try in place of one: near ones, then those that keep a divisor. An axis of 1 would only be stretched."""
    yield from dict.fromkeys(
        n for n in (size + 1, size - 1, size * 2, size // 2, size + size // 2) if n > 1 and n != size
    )


def _specs(inputs: Inputs) -> list[ArraySpec]:
    found: list[ArraySpec] = []
    _in_order(inputs, lambda leaf: found.append(leaf) if isinstance(leaf, ArraySpec) else None)
    return found


def _resized(inputs: Inputs, sizes: Mapping[Axis, int]) -> Inputs:
    number = -1

    def resize(leaf: object) -> object:
        nonlocal number
        if not isinstance(leaf, ArraySpec):
            return leaf
        number += 1
        return replace(leaf, shape=tuple(sizes.get((number, axis), size) for axis, size in enumerate(leaf.shape)))

    return _in_order(inputs, resize)


def _in_order(inputs: Inputs, transform: Callable[[Any], Any]) -> Inputs:
    """`inputs.map`, positional arguments first."""
    return Inputs(Inputs(inputs.args).map(transform).args, Inputs((), inputs.kwargs).map(transform).kwargs)
