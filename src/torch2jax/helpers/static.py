"""Arithmetic on shapes and flags in pure Python: evaluated at conversion where all arguments are literals."""

import math
from collections.abc import Sequence
from itertools import accumulate


def pad_widths(pad: Sequence[int], rank: int, channel_axis: int = 1) -> tuple[tuple[int, int], ...]:
    """(before, after) of every axis for `jnp.pad`; `pad` lists them pairwise from the last axis backwards.

    With `channel_axis` -1 the pairs are for the axes before the last one.
    """
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    channels = ((0, 0),) if channel_axis == -1 else ()
    return ((0, 0),) * (rank - len(pairs) - len(channels)) + tuple(reversed(pairs)) + channels


def split_points(sizes: Sequence[int]) -> tuple[int, ...]:
    """Where `jnp.split` has to cut to get parts of these sizes: (2, 3, 1) -> (2, 5)."""
    return tuple(accumulate(sizes[:-1]))


def expand_shape(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """`sizes` in which every -1 is replaced by the size that `shape` has there, counted from the last axis."""
    missing = len(sizes) - len(shape)
    return tuple(shape[i - missing] if size == -1 else size for i, size in enumerate(sizes))


def flatten_shape(shape: Sequence[int], start: int = 0, end: int = -1) -> tuple[int, ...]:
    """The shape after the axes `start` to `end` (inclusive) are merged into one; a scalar becomes (1,)."""
    rank = max(len(shape), 1)
    start, end = start % rank, end % rank
    return (*shape[:start], math.prod(shape[start : end + 1]), *shape[end + 1 :])


def unflatten_shape(shape: Sequence[int], axis: int, sizes: Sequence[int]) -> tuple[int, ...]:
    """The shape after `axis` is split into `sizes`, of which one may be -1."""
    axis %= len(shape)
    return (*shape[:axis], *sizes, *shape[axis + 1 :])


def legacy_reduction(size_average: bool | None = None, reduce: bool | None = None) -> str:
    """The reduction that PyTorch's older pair of flags asks for: "none" without `reduce`, else "mean" or "sum"."""
    if reduce is False:
        return "none"
    return "sum" if size_average is False else "mean"


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor by which PyTorch's initializers widen the distribution in front of a nonlinearity.

    ``param`` is the slope of "leaky_relu" below zero, 0.01 by default.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2 / (1 + slope**2))
    return {"relu": math.sqrt(2), "tanh": 5 / 3, "selu": 0.75}.get(nonlinearity, 1)


def variance_correction(unbiased: bool | None = None, correction: float | None = None) -> float:
    """What a variance subtracts from the number of elements: 1, or what either of two arguments asks for."""
    if correction is not None:
        return correction
    return 0 if unbiased is False else 1
