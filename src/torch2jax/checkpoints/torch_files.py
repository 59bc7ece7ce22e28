"""PyTorch's own checkpoint files, read without running code from them and without loading them into memory."""

from __future__ import annotations

import re
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from torch2jax.checkpoints.errors import CheckpointError
from torch2jax.weights.arrays import Array, as_torch

_REFUSED = re.compile(r"GLOBAL (\S+)")


def read_torch(path: Path) -> Any:
    """What `torch.save` wrote, with tensors that are mapped from the file where its format allows that.

    Only tensors and plain containers are read (`weights_only`). Raises CheckpointError for anything else, and for
    files that are damaged or of another kind.
    """
    try:
        mappable = zipfile.is_zipfile(path)  # files from before torch 1.6 are plain pickles
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location="cpu", weights_only=True, mmap=mappable)
    except FileNotFoundError:
        raise CheckpointError(f"{path}: there is no such file") from None
    except OSError as error:
        raise CheckpointError(f"{path}: can't be read: {error.strerror or error}") from None
    except Exception as error:  # a damaged pickle can raise anything
        raise CheckpointError(f"{path}: {_reason(str(error))}") from None


def write_torch(arrays: Mapping[str, Array], path: Path) -> None:
    """Write a state dict. Names that have the same array share their memory when they are loaded, too."""
    tensors: dict[int, torch.Tensor] = {}
    state = {name: tensors.setdefault(id(array), as_torch(array)) for name, array in arrays.items()}
    torch.save(state, path)


def _reason(message: str) -> str:
    refused = _REFUSED.search(message)
    if refused is not None:
        return (
            f"holds pickled objects ({refused[1]}), which could run any code when they are loaded; if you trust the "
            "file, load it yourself and save its state dict alone: torch.save(model.state_dict(), 'weights.pt')"
        )
    if "TorchScript" in message:
        return (
            "is a TorchScript archive; save its state dict: torch.save(torch.jit.load(path).state_dict(), 'weights.pt')"
        )
    return "is damaged, or no checkpoint of torch"
