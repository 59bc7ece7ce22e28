"""Arrays that are kept in a file, so that a model need not fit into memory to be written."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from torch2jax.weights.arrays import Array


class Scratch:
    """A file in ``folder`` that grows with each array that is put into it. The folder's owner removes it."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "arrays"
        self._path.touch()
        self._size = 0

    def keep(self, array: Array) -> Array:
        """A copy in C order that lies in the file."""
        if not array.size:
            return np.empty(array.shape, array.dtype)
        kept = np.memmap(self._path, array.dtype, "r+", self._size, array.shape)
        kept[...] = array
        self._size += array.nbytes
        return kept.view(np.ndarray)

    def contiguous(self, array: Array) -> Array:
        """The array itself where it is in C order, else a copy in the file."""
        return array if array.flags.c_contiguous else self.keep(array)
