"""What kind of checkpoint a path is, and its tables of arrays."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import torch

from torch2jax.checkpoints.errors import CheckpointError
from torch2jax.checkpoints.orbax_folders import OrbaxFolder, orbax_in
from torch2jax.checkpoints.safetensors_files import SafetensorsFile, read_safetensors
from torch2jax.checkpoints.sharded import INDEX, checkpoint_in, read_sharded
from torch2jax.checkpoints.tables import Table, tables_of
from torch2jax.checkpoints.torch_files import read_torch

Source: TypeAlias = "TorchCheckpoint | SafetensorsFile | OrbaxFolder"


class TorchCheckpoint:
    """What a checkpoint of torch holds: its tables, the keys at its top, and whether names have the module's order."""

    def __init__(self, path: Path, content: Any, *, ordered: bool) -> None:
        """Raises CheckpointError for content that has no dict with tensors in it."""
        self.path = path
        self.ordered = ordered
        if not isinstance(content, Mapping):
            raise CheckpointError(f"{path}: holds a {type(content).__name__}, and no state dict")
        self.keys = tuple(map(str, content))
        self.tables: list[Table[torch.Tensor]] = list(tables_of(content, lambda value: isinstance(value, torch.Tensor)))
        if not self.tables:
            raise CheckpointError(f"{path}: holds no tensors, only {', '.join(self.keys[:12]) or 'an empty dict'}")

    def beside(self, place: str) -> tuple[str, ...]:
        """What the checkpoint holds at its top beside the table of a place: optimizers, epochs, other tables."""
        inside = {place.partition(".")[0]}
        if not place:
            inside = {name for table in self.tables if not table.place for name in table.arrays}
        return tuple(key for key in self.keys if key not in inside)


def open_source(path: Path) -> Source:
    """Open a checkpoint: a file, the index of a sharded one, or a folder. Raises CheckpointError."""
    if path.is_dir():
        inside = checkpoint_in(path)
        if inside is None:
            return OrbaxFolder(orbax_in(path))
        path = inside
    if not path.exists():
        raise CheckpointError(f"{path}: there is no such file")
    if path.name.endswith(INDEX):
        return TorchCheckpoint(path, read_sharded(path), ordered=False)
    if path.suffix == ".safetensors":
        return read_safetensors(path)
    return TorchCheckpoint(path, read_torch(path), ordered=True)


def open_torch(path: Path) -> TorchCheckpoint:
    """Open a checkpoint that must be one of torch. Raises CheckpointError."""
    source = open_source(path)
    if isinstance(source, OrbaxFolder):
        raise CheckpointError(f"{path}: is a checkpoint of Orbax, and one of torch is needed")
    return as_torch_checkpoint(path, source)


def as_torch_checkpoint(path: Path, source: TorchCheckpoint | SafetensorsFile) -> TorchCheckpoint:
    """A source whose names are torch's."""
    return source if isinstance(source, TorchCheckpoint) else TorchCheckpoint(path, source.tensors, ordered=False)
