"""Load a PyTorch state dict into an NNX module, and write one from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from torch2jax.weights.arrays import Array, as_numpy
from torch2jax.weights.walk import Slot, slots

_LISTED = 12  # names shown per kind of problem


class StateDictError(ValueError):
    """A state dict does not fit a module. The lists name every problem; nothing was loaded.

    ``missing``: arrays of the module that the state dict lacks. ``unexpected``: entries that the module has no place
    for. ``mismatched``: shapes that differ, or tied entries whose values differ, as sentences.
    """

    def __init__(self, missing: Sequence[str], unexpected: Sequence[str], mismatched: Sequence[str]) -> None:
        self.missing = tuple(missing)
        self.unexpected = tuple(unexpected)
        self.mismatched = tuple(mismatched)
        super().__init__("\n".join(["the state dict does not fit the module", *self._lines()]))

    def _lines(self) -> Iterable[str]:
        for title, problems in (
            ("missing", self.missing),
            ("unexpected", self.unexpected),
            ("mismatched", self.mismatched),
        ):
            for problem in problems[:_LISTED]:
                yield f"  {title}: {problem}"
            if len(problems) > _LISTED:
                yield f"  {title}: ... and {len(problems) - _LISTED} more"
        if self.unexpected and all(name.startswith("module.") for name in self.unexpected):
            yield "  every name starts with 'module.' (saved from nn.DataParallel): remove that prefix"


def load_state_dict(module: nnx.Module, state_dict: Mapping[str, Any], *, strict: bool = True) -> None:
    """Copy the arrays of a PyTorch state dict into ``module``, in place.

    Values may be torch tensors, NumPy or JAX arrays. Each is brought into flax's axis order and cast to the dtype that
    the module's Variable has. Modules made with `nnx.eval_shape` are filled too. Entries tied in torch that have no
    place of their own (`lm_head.weight` where flax calls `wte.attend`) are accepted when they equal the array they are
    tied to; `num_batches_tracked` is skipped where flax does not count.

    Raises:
        StateDictError: entries are missing or unexpected (only when ``strict``), or shapes differ. Nothing is changed
            then.
    """
    arrays = {name: as_numpy(value) for name, value in state_dict.items()}
    places = slots(module, list(arrays))
    named = {slot.name for slot in places}
    filled = {id(slot.variable) for slot in places if slot.name in arrays}
    missing = [f"{slot.name} (for {slot.path})" for slot in places if id(slot.variable) not in filled]
    unexpected = [name for name in arrays if name not in named and not _is_dispensable(name, arrays, named)]
    mismatched = [*_wrong_shapes(places, arrays), *_untied(places, arrays)]
    if mismatched or (strict and (missing or unexpected)):
        raise StateDictError(missing, unexpected, mismatched)
    for slot in places:
        if slot.name in arrays:
            slot.variable.set_value(jnp.asarray(slot.from_torch(arrays[slot.name]), slot.variable.get_value().dtype))


def to_state_dict(module: nnx.Module, *, like: Iterable[str] | None = None) -> dict[str, Array]:
    """The arrays of ``module`` under torch's names and in torch's axis order, as NumPy.

    The children of `nnx.Sequential` are named by position; ``like``, the names of an existing state dict, restores
    names that were given to them.
    """
    names = None if like is None else list(like)
    return {slot.name: slot.to_torch(np.asarray(slot.variable.get_value())) for slot in slots(module, names)}


def _is_dispensable(name: str, arrays: Mapping[str, Array], loaded: set[str]) -> bool:
    """Whether an entry without a place of its own needs none: a counter, or an array tied to one that is loaded."""
    if name.rpartition(".")[2] == "num_batches_tracked":
        return True
    array = arrays[name]
    return any(_are_tied(array, arrays[other]) for other in arrays if other in loaded)


def _are_tied(a: Array, b: Array) -> bool:
    """The same memory, or equal matrices that are not just a constant (two zero biases are equal by chance)."""
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    if a.size and a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides:
        return True
    return a.ndim >= 2 and bool((a != a.flat[0]).any()) and np.array_equal(a, b)


def _wrong_shapes(places: Iterable[Slot], arrays: Mapping[str, Array]) -> Iterable[str]:
    for slot in places:
        array = arrays.get(slot.name)
        if array is not None and array.shape != slot.torch_shape:
            yield (
                f"{slot.name} has shape {array.shape}, and {slot.path} of shape {slot.shape} needs {slot.torch_shape}"
            )


def _untied(places: Iterable[Slot], arrays: Mapping[str, Array]) -> Iterable[str]:
    """Entries that share one Variable in the module but differ in the state dict."""
    first: dict[int, Slot] = {}
    for slot in places:
        other = first.setdefault(id(slot.variable), slot)
        if other is slot or not {slot.name, other.name} <= arrays.keys():
            continue
        mine, theirs = slot.from_torch(arrays[slot.name]), other.from_torch(arrays[other.name])
        if mine.shape == theirs.shape and not np.array_equal(mine, theirs):
            yield f"{slot.name} and {other.name} are one array in the module, but differ in the state dict"
