"""Load a PyTorch state dict into an NNX module, and write one from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import jax.numpy as jnp
import numpy as np
from flax import nnx

from torch2jax.weights.arrays import Array, as_numpy
from torch2jax.weights.fit import Problems, fit
from torch2jax.weights.walk import slots


class StateDictError(ValueError):
    """A state dict does not fit a module. The lists name every problem; nothing was loaded.

    ``missing``: arrays of the module that the state dict lacks. ``unexpected``: entries that the module has no place
    for. ``mismatched``: shapes that differ, or tied entries whose values differ, as sentences.
    """

    def __init__(self, problems: Problems) -> None:
        self.missing = problems.missing
        self.unexpected = problems.unexpected
        self.mismatched = problems.mismatched
        lines = [f"  {line}" for line in problems.lines()]
        if self.unexpected and all(name.startswith("module.") for name in self.unexpected):
            lines.append("  every name starts with 'module.' (saved from nn.DataParallel): remove that prefix")
        super().__init__("\n".join(["the state dict does not fit the module", *lines]))


def load_state_dict(module: nnx.Module, state_dict: Mapping[str, Any], *, strict: bool = True) -> None:
    """Copy the arrays of a PyTorch state dict into ``module``, in place.

    Values may be torch tensors, NumPy or JAX arrays. Each is brought into flax's axis order and cast to the dtype that
    the module's Variable has. Modules made with `nnx.eval_shape` are filled too. Entries tied in torch that have no
    place of their own (`lm_head.weight` where flax calls `wte.attend`) are accepted when they equal the array they are
    tied to; `num_batches_tracked` is skipped where flax does not count. Children of an `nn.Sequential` that were given
    names are matched in the order of the state dict, which safetensors files do not keep.

    Raises:
        StateDictError: entries are missing or unexpected (only when ``strict``), or shapes differ. Nothing is changed
            then.
    """
    arrays = {name: as_numpy(value) for name, value in state_dict.items()}
    found = fit(module, arrays)
    problems = found.problems
    if problems.mismatched or (strict and problems):
        raise StateDictError(problems)
    for slot in found.places:
        if slot.name in arrays:
            # a copy that NumPy makes: JAX shares the memory of what it gets, or reads it later, when torch may have
            # written to it
            value = np.array(slot.from_torch(arrays[slot.name]))
            slot.variable.set_value(jnp.asarray(value, slot.variable.get_value().dtype))


def to_state_dict(module: nnx.Module, *, like: Iterable[str] | None = None) -> dict[str, Array]:
    """The arrays of ``module`` under torch's names and in torch's axis order, as NumPy.

    The children of `nnx.Sequential` are named by position; ``like``, the names of an existing state dict, restores
    names that were given to them.
    """
    names = None if like is None else list(like)
    return {slot.name: slot.to_torch(np.array(slot.variable.get_value())) for slot in slots(module, names)}
