"""What a state dict has too little, too much, or in another shape for a module."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from flax import nnx

from torch2jax.weights.arrays import Array
from torch2jax.weights.walk import Slot, slots

LISTED = 12
"""Names shown per kind of problem, unless said otherwise."""


@dataclass(frozen=True, slots=True)
class Problems:
    """What does not fit.

    missing: arrays of the module that the state dict lacks. unexpected: entries that the module has no place for.
    mismatched: shapes that differ, or tied entries whose values differ, as sentences.
    """

    missing: tuple[str, ...] = ()
    unexpected: tuple[str, ...] = ()
    mismatched: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.missing) + len(self.unexpected) + len(self.mismatched)

    def lines(self, listed: int = LISTED) -> Iterator[str]:
        """The problems by kind, at most so many of each."""
        kinds = (("missing", self.missing), ("unexpected", self.unexpected), ("mismatched", self.mismatched))
        for title, problems in kinds:
            for problem in problems[:listed]:
                yield f"{title}: {problem}"
            if len(problems) > listed:
                yield f"{title}: ... and {len(problems) - listed} more"


@dataclass(frozen=True, slots=True)
class Fit:
    """The places of a module under the names of a state dict, and what does not fit."""

    places: tuple[Slot, ...]
    problems: Problems


def fit(module: nnx.Module, arrays: Mapping[str, Array]) -> Fit:
    """Compare the names and shapes of a state dict with those of a module, which may be abstract.

    Values are looked at only where entries may be tied.
    """
    places = tuple(slots(module, list(arrays)))
    named = {slot.name for slot in places}
    filled = {id(slot.variable) for slot in places if slot.name in arrays}
    missing = [f"{slot.name} (for {slot.path})" for slot in places if id(slot.variable) not in filled]
    unexpected = [name for name in arrays if name not in named and not _is_dispensable(name, arrays, named)]
    mismatched = [*_wrong_shapes(places, arrays), *_untied(places, arrays)]
    return Fit(places, Problems(tuple(missing), tuple(unexpected), tuple(mismatched)))


def is_counter(name: str) -> bool:
    """Whether an entry is the count of batches that torch's batch norms keep and flax's need not."""
    return name.rpartition(".")[2] == "num_batches_tracked"


def tied_to(name: str, arrays: Mapping[str, Array], others: Iterable[str]) -> str | None:
    """The first of the ``others`` that is the same array as ``name``, if there is one."""
    array = arrays[name]
    return next((other for other in others if other in arrays and _are_tied(array, arrays[other])), None)


def _is_dispensable(name: str, arrays: Mapping[str, Array], loaded: set[str]) -> bool:
    """Whether an entry without a place of its own needs none: a counter, or an array tied to one that is loaded."""
    return is_counter(name) or tied_to(name, arrays, loaded) is not None


def _are_tied(a: Array, b: Array) -> bool:
    """The same memory, or equal matrices that are not just a constant (two zero biases are equal by chance)."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.size and a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides:
        return True
    return a.ndim >= 2 and bool((a != a.flat[0]).any()) and np.array_equal(a, b)


def _wrong_shapes(places: Sequence[Slot], arrays: Mapping[str, Array]) -> Iterable[str]:
    for slot in places:
        array = arrays.get(slot.name)
        if array is not None and array.shape != slot.torch_shape:
            yield (
                f"{slot.name} has shape {array.shape}, and {slot.path} of shape {slot.shape} needs {slot.torch_shape}"
            )


def _untied(places: Sequence[Slot], arrays: Mapping[str, Any]) -> Iterable[str]:
    """Entries that share one Variable in the module but differ in the state dict."""
    first: dict[int, Slot] = {}
    for slot in places:
        other = first.setdefault(id(slot.variable), slot)
        if other is slot or not {slot.name, other.name} <= arrays.keys():
            continue
        mine, theirs = slot.from_torch(arrays[slot.name]), other.from_torch(arrays[other.name])
        if mine.shape == theirs.shape and not np.array_equal(mine, theirs):
            yield f"{slot.name} and {other.name} are one array in the module, but differ in the state dict"
