"""A checkpoint of one framework as one of the other, for the same model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from torch2jax.checkpoints.errors import CheckpointError
from torch2jax.checkpoints.flax_paths import dotted, paths_of
from torch2jax.checkpoints.orbax_folders import OrbaxFolder
from torch2jax.checkpoints.request import Progress, Request, Summary
from torch2jax.checkpoints.safetensors_files import SafetensorsFile
from torch2jax.checkpoints.skeletons import Skeleton, Translation
from torch2jax.checkpoints.sources import Source, TorchCheckpoint, as_torch_checkpoint, open_source
from torch2jax.checkpoints.to_flax import to_flax
from torch2jax.checkpoints.to_torch import to_torch
from torch2jax.weights.walk import slots


def transfer(request: Request, place: Path, progress: Progress) -> Summary:
    """Write the checkpoint that is asked for to ``place``, whose folder takes what is too large for memory.

    Raises:
        CheckpointError: a checkpoint can't be read or written. UnfitError: it does not fit the model.
        CaseError: the model can't be built. OSError, UnicodeDecodeError: the translation can't be read.
    """
    source = open_source(request.source)
    skeletons = list(Translation(request.translation).skeletons(request.case))
    if _direction(request, source, skeletons) == "torch":
        if isinstance(source, TorchCheckpoint):
            raise CheckpointError(f"{request.source}: is a checkpoint of torch already; choose an output for flax")
        return to_torch(request, source, skeletons, place, progress)
    if isinstance(source, OrbaxFolder):
        raise CheckpointError(f"{request.source}: is a checkpoint of flax already; choose an output for torch")
    return to_flax(request, as_torch_checkpoint(request.source, source), skeletons, place, progress)


def _direction(request: Request, source: Source, skeletons: Sequence[Skeleton]) -> Literal["flax", "torch"]:
    """Which framework the output is for: its format says it, or the source, or the names in the source."""
    if request.format != "safetensors":
        return "flax" if request.format == "orbax" else "torch"
    if not isinstance(source, SafetensorsFile):
        return "torch" if isinstance(source, OrbaxFolder) else "flax"
    if request.to is not None:
        return request.to
    if source.written_by in ("pt", "flax"):
        return "flax" if source.written_by == "pt" else "torch"
    of_torch = max(_found(source, [slot.name for slot in slots(s.model)]) for s in skeletons)
    of_flax = max(_found(source, [dotted(path) for path in _paths(s)]) for s in skeletons)
    if of_torch == of_flax:
        raise CheckpointError(f"{request.source}: does not say whose names it has; pass --to flax or --to torch")
    return "flax" if of_torch > of_flax else "torch"


def _found(source: SafetensorsFile, names: Sequence[str]) -> int:
    return sum(name in source.tensors for name in names)


def _paths(skeleton: Skeleton) -> list[tuple[str, ...]]:
    paths = paths_of(skeleton.model)
    return [paths.of(slot) for slot in slots(skeleton.model)]
