"""Which statement gave an array the value that it has after its object is built."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from torch2jax.verify.tracing import LayerCall, Moment
from torch2jax.weights.arrays import Array


def writer(events: Iterable[Moment | LayerCall], value: Array) -> Moment | None:
    """The first statement that left the value somewhere; None where none did, or where the value says nothing.

    events: in the order in which the statements ended, so that the innermost of several is found. An array of one
    number is no evidence: any other layer may hold the same.
    """
    if value.size < 2 or (value == value.flat[0]).all():
        return None
    for event in events:
        if isinstance(event, Moment) and not event.entry and any(_holds(kept, value) for kept in event.values.values()):
            return event
    return None


def _holds(kept: dict[str, object], value: Array) -> bool:
    arrays = [array for array in kept.values() if getattr(array, "shape", None) == value.shape]
    return any(np.array_equal(np.asarray(array), value) for array in arrays)
