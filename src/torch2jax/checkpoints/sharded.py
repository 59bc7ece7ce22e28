"""Checkpoints that are spread over several files, with an index that says which tensor is where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch2jax.checkpoints.errors import CheckpointError
from torch2jax.checkpoints.safetensors_files import read_safetensors
from torch2jax.checkpoints.torch_files import read_torch

INDEX = ".index.json"

# What a folder of Hugging Face holds, in the order in which its library looks.
_IN_FOLDER = ("model.safetensors", f"model.safetensors{INDEX}", "pytorch_model.bin", f"pytorch_model.bin{INDEX}")


def checkpoint_in(folder: Path) -> Path | None:
    """The checkpoint of a folder as `save_pretrained` writes it."""
    return next((folder / name for name in _IN_FOLDER if (folder / name).is_file()), None)


def read_sharded(index: Path) -> dict[str, Any]:
    """The tensors of all shards, mapped. Raises CheckpointError where one is missing, or lacks what it should hold."""
    weight_map = _weight_map(index)
    tensors: dict[str, Any] = {}
    for shard in dict.fromkeys(weight_map.values()):
        path = index.parent / shard
        if Path(shard).name != shard:
            raise CheckpointError(f"{index}: names the shard {shard!r}, which is not a file beside it")
        if not path.is_file():
            raise CheckpointError(f"{index}: the shard {shard} is not beside it")
        held = read_safetensors(path).tensors if path.suffix == ".safetensors" else read_torch(path)
        names = [name for name, where in weight_map.items() if where == shard]
        absent = [name for name in names if not isinstance(held, dict) or name not in held]
        if absent:
            raise CheckpointError(f"{path}: lacks {absent[0]}, which {index.name} says is in it")
        tensors.update((name, held[name]) for name in names)
    return {name: tensors[name] for name in weight_map}


def _weight_map(index: Path) -> dict[str, str]:
    try:
        content = json.loads(index.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{index}: can't be read: {error.strerror or error}") from None
    except ValueError:
        raise CheckpointError(f"{index}: is not valid JSON") from None
    weight_map = content.get("weight_map") if isinstance(content, dict) else None
    if not isinstance(weight_map, dict) or not all(isinstance(shard, str) for shard in weight_map.values()):
        raise CheckpointError(f"{index}: has no `weight_map` that says which shard holds which tensor")
    return weight_map
