"""Orbax checkpoints of one pytree, array by array."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orbax.checkpoint as ocp
from orbax.checkpoint import type_handlers

from torch2jax.checkpoints.errors import CheckpointError
from torch2jax.weights.arrays import Array

_TREE = "_METADATA"
_VALUE = "value"
"""The level that flax has below a Variable when it saves the state of a module."""

_BATCH = 2**26  # bytes that are read at once

logging.getLogger("absl").setLevel(logging.ERROR)  # Orbax warns of what is meant here


@dataclass(frozen=True, slots=True)
class StoredArray:
    """An array that has not been read: its path in the tree, without flax's `value`, its shape and dtype."""

    path: tuple[str, ...]
    keys: tuple[str, ...]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def is_orbax(folder: Path) -> bool:
    """Whether a folder is a checkpoint of one pytree."""
    return (folder / _TREE).is_file()


def orbax_in(folder: Path) -> Path:
    """The checkpoint that a path means: itself, or the only item of one step of a CheckpointManager.

    Raises CheckpointError where there is none, or several.
    """
    if is_orbax(folder):
        return folder
    inside = [item for item in sorted(folder.iterdir()) if item.is_dir() and is_orbax(item)]
    if len(inside) == 1:
        return inside[0]
    if inside:
        names = ", ".join(item.name for item in inside)
        raise CheckpointError(f"{folder}: holds several checkpoints ({names}); name one of them")
    steps = sorted((item.name for item in folder.iterdir() if item.name.isdigit()), key=int)
    hint = f"; it seems to hold steps: name one, such as {folder / steps[-1]}" if steps else ""
    raise CheckpointError(f"{folder}: is no checkpoint of Orbax, nor a folder with one of torch{hint}")


class OrbaxFolder:
    """An existing checkpoint. Raises CheckpointError where it is damaged."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._reader = ocp.PyTreeCheckpointer()
        try:
            tree = self._reader.metadata(self._folder).item_metadata.tree
        except Exception as error:
            raise _damaged(folder, error) from None
        self.arrays = [_stored(keys, leaf) for keys, leaf in _leaves(tree) if hasattr(leaf, "shape")]

    def read(self, arrays: Iterable[StoredArray]) -> Iterator[tuple[StoredArray, Array]]:
        """The values of some of the arrays, a part of them in memory at a time."""
        for batch in _batches(arrays):
            try:
                item = _nested((array.keys, 0) for array in batch)
                args = _nested((array.keys, ocp.RestoreArgs(restore_type=np.ndarray)) for array in batch)
                request = ocp.args.PyTreeRestore(item=item, restore_args=args, partial_restore=True)
                tree = self._reader.restore(self._folder, args=request)
            except Exception as error:
                raise _damaged(self._folder, error) from None
            found = dict(_leaves(tree))
            yield from ((array, np.asarray(found[array.keys])) for array in batch)


def write_orbax(arrays: Mapping[tuple[str, ...], Array], folder: Path) -> None:
    """Write the arrays as flax writes the state of a module. Raises CheckpointError for what Orbax can't keep."""
    empty = next((path for path, array in arrays.items() if not array.size), None)
    if empty is not None:
        raise CheckpointError(
            f"Orbax can't keep {'.'.join(empty)}, which has no elements (shape {arrays[empty].shape}); "
            "choose --format safetensors"
        )
    # Without OCDBT and without a copy of each array, memory holds what is being compressed and not the whole model.
    numpy_handler = type_handlers.NumpyHandler(deepcopy_host_arrays=False)
    registry = type_handlers.create_type_handler_registry((np.ndarray, numpy_handler))
    handler = ocp.PyTreeCheckpointHandler(use_ocdbt=False, type_handler_registry=registry)
    with ocp.Checkpointer(handler) as writer:
        writer.save(folder.resolve(), args=ocp.args.PyTreeSave(_nested(((*p, _VALUE), a) for p, a in arrays.items())))


def _stored(keys: tuple[str, ...], leaf: Any) -> StoredArray:
    path = keys[:-1] if len(keys) > 1 and keys[-1] == _VALUE else keys
    return StoredArray(path, keys, tuple(leaf.shape), np.dtype(leaf.dtype))


def _leaves(tree: Any, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """The leaves of nested dicts and lists, with the keys that lead to them."""
    if isinstance(tree, Mapping):
        for key, child in tree.items():
            yield from _leaves(child, (*above, str(key)))
    elif isinstance(tree, list | tuple):
        for index, child in enumerate(tree):
            yield from _leaves(child, (*above, str(index)))
    else:
        yield above, tree


def _nested(leaves: Iterable[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for keys, value in leaves:
        here = root
        for key in keys[:-1]:
            here = here.setdefault(key, {})
        here[keys[-1]] = value
    return root


def _batches(arrays: Iterable[StoredArray]) -> Iterator[list[StoredArray]]:
    batch: list[StoredArray] = []
    size = 0
    for array in arrays:
        batch.append(array)
        size += array.dtype.itemsize * int(np.prod(array.shape))
        if size >= _BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _damaged(folder: Path, error: Exception) -> CheckpointError:
    first = str(error).strip().partition("\n")[0][:200]
    return CheckpointError(f"{folder}: the Orbax checkpoint is damaged: {type(error).__name__}: {first}")
