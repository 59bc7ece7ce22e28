"""Axis orders of arrays, as permutations.

A layout says how the array in the output lies relative to the tensor of the source: ``layout[i]`` is the source's
axis that the output has at place ``i``. ``None`` is the source's own order.
"""

from __future__ import annotations

from collections.abc import Sequence

Layout = tuple[int, ...] | None

# The layout of a parameter that may be that of layers with different axis orders.
MIXED: Layout = ()

AXIS_NAMES = {2: "N C", 3: "N C L", 4: "N C H W", 5: "N C D H W"}


def channel_last(rank: int) -> Layout:
    """The layout in which axis 1 of the source comes last: (0, 2, ..., rank - 1, 1)."""
    return normal((0, *range(2, rank), 1)) if rank >= 2 else None


def normal(layout: Sequence[int] | None) -> Layout:
    """``None`` for the identity, else the permutation as a tuple."""
    if layout is None:
        return None
    layout = tuple(layout)
    return None if layout == tuple(range(len(layout))) else layout


def place(layout: Layout, axis: int, rank: int | None) -> int:
    """Where the source's ``axis`` (may be negative) lies in the output."""
    if not layout:
        return axis
    axis = axis % len(layout)
    return layout.index(axis)


def conversion(source: Layout, target: Layout, rank: int) -> tuple[int, ...]:
    """The argument of ``transpose`` that takes an array laid out as ``source`` to ``target``."""
    have = source or tuple(range(rank))
    want = target or tuple(range(rank))
    return tuple(have.index(axis) for axis in want)


def permuted(layout: Layout, permutation: Sequence[int]) -> Layout:
    """Layout of the same data after the source permuted its axes: new axis ``j`` is old axis ``permutation[j]``."""
    have = layout or tuple(range(len(permutation)))
    return normal(tuple(list(permutation).index(axis) for axis in have))


def without(layout: Layout, axes: Sequence[int]) -> Layout:
    """Layout after the source's ``axes`` have gone."""
    if not layout:
        return None
    gone = {axis % len(layout) for axis in axes}
    kept = sorted(set(range(len(layout))) - gone)
    return normal(tuple(kept.index(axis) for axis in layout if axis not in gone))


def describe(layout: Layout, rank: int) -> str:
    """Axis letters in the order of the output, such as ``N H W C``."""
    names = AXIS_NAMES.get(rank, " ".join(f"D{i}" for i in range(rank))).split()
    return " ".join(names[axis] for axis in (layout or range(rank)))
