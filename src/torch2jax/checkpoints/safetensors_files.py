"""Files in the safetensors format, read by mapping."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from torch2jax.checkpoints.errors import CheckpointError
from torch2jax.weights.arrays import Array


@dataclass(frozen=True, slots=True)
class SafetensorsFile:
    """The tensors of a file, mapped, and what the file says who wrote them: "pt", "flax", or something else."""

    tensors: dict[str, torch.Tensor]
    written_by: str


def read_safetensors(path: Path) -> SafetensorsFile:
    """Open a file. Raises CheckpointError where it is missing or damaged."""
    try:
        # torch's tensors lie in the mapped file, and it has every dtype of the format; NumPy's would be copies.
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
            return SafetensorsFile(tensors, (file.metadata() or {}).get("format", ""))
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file") from None
    except OSError as error:
        raise CheckpointError(f"{path}: can't be read: {error.strerror or error}") from None
    except SafetensorError as error:
        raise CheckpointError(f"{path}: is damaged, or no safetensors file: {error}") from None


def write_safetensors(arrays: Mapping[str, Array], path: Path, *, framework: str) -> None:
    """Write arrays, which must be in C order. Raises CheckpointError for a dtype that the format lacks."""
    assert all(array.flags.c_contiguous for array in arrays.values()), "the format stores memory as it is"
    try:
        save_file(dict(arrays), path, metadata={"format": framework})
    except SafetensorError as error:
        raise CheckpointError(f"{path.name}: can't be written as safetensors: {error}") from None
