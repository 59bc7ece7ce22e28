"""The state that a constructor makes, compared on both sides: shapes, precision, values from shared random numbers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from torch2jax.verify.compare import category
from torch2jax.verify.randomness import Draws
from torch2jax.weights.arrays import Array

_SINGLE = 1e-5
"""Largest relative error of initial values: flax draws in float32, whose rounding stays far below it."""


@dataclass(frozen=True, slots=True)
class Initial:
    """The arrays of a new module under torch's names, and the random numbers that were drawn for them.

    buffers: names of those that are no parameters. Flax keeps running statistics in float32 whatever the dtype.
    """

    state: Mapping[str, Array]
    draws: Draws
    buffers: tuple[str, ...] = ()


def initial_problem(original: Initial, translation: Initial) -> str:
    """How the initial states differ, empty if they do not.

    Torch's constructors may overwrite what they drew (that of `nn.Transformer` does): then only the kinds of the draws
    are compared, and not the values.
    """
    more = translation.draws.log - original.draws.log
    if more:
        shown = ", ".join(f"{kind} {sizes}" for kind, sizes in sorted(more))
        return f"initial state: the translation draws {shown} and the original does not"
    same_draws = translation.draws.log == original.draws.log and not _overwrites(original)
    for name, theirs in original.state.items():
        ours = translation.state.get(name)
        if ours is None or category(theirs.dtype) != "float":
            continue
        if theirs.shape != ours.shape:
            return f"initial state: {name} has shape {theirs.shape} in torch and {ours.shape} in jax"
        if _is_half(theirs) != _is_half(ours) and name not in original.buffers:
            return f"initial state: {name} has dtype {theirs.dtype} in torch and {ours.dtype} in jax"
        if not same_draws or _is_half(theirs) or _is_half(ours):
            continue
        error, scale = float(np.abs(theirs - ours).max(initial=0)), float(np.abs(theirs).max(initial=0))
        if not error <= _SINGLE * scale:
            return f"initial state: {name} differs by {error:.1e}"
    return ""


def _overwrites(initial: Initial) -> bool:
    """Whether more numbers were drawn than the state holds."""
    drawn = sum(count * math.prod(sizes) for (_, sizes), count in initial.draws.log.items())
    return drawn > sum(array.size for array in initial.state.values())


def _is_half(array: Array) -> bool:
    return bool(array.dtype.itemsize < 4)
