"""A checkpoint of torch as one of the translated model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch2jax.checkpoints.errors import CheckpointError
from torch2jax.checkpoints.flax_paths import FlaxPath, dotted, paths_of
from torch2jax.checkpoints.orbax_folders import write_orbax
from torch2jax.checkpoints.order import ambiguous, in_order_of
from torch2jax.checkpoints.request import Progress, Request, Summary
from torch2jax.checkpoints.safetensors_files import write_safetensors
from torch2jax.checkpoints.scratch import Scratch
from torch2jax.checkpoints.skeletons import Skeleton
from torch2jax.checkpoints.sources import TorchCheckpoint, open_torch
from torch2jax.checkpoints.tables import Choice, choose
from torch2jax.checkpoints.unfit import LISTED, unfit
from torch2jax.weights.arrays import Array, as_numpy
from torch2jax.weights.fit import Problems, fit
from torch2jax.weights.walk import Slot, slots


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A model, the part of the checkpoint that is meant for it, and how it fits."""

    skeleton: Skeleton
    choice: Choice[Any]
    arrays: Mapping[str, Array]
    places: tuple[Slot, ...]
    problems: Problems


def to_flax(
    request: Request, checkpoint: TorchCheckpoint, skeletons: Iterable[Skeleton], place: Path, progress: Progress
) -> Summary:
    """Write the checkpoint for the first model that it fits to ``place``.

    Raises UnfitError where it fits none, CheckpointError for what can't be read or written.
    """
    found = _fitting(request, checkpoint, skeletons)
    arrays = _in_flax_order(found)
    if request.format == "orbax":
        write_orbax(arrays, place)
    else:
        scratch = Scratch(place.parent)
        ready: dict[str, Array] = {}
        for path, array in arrays.items():
            ready[dotted(path)] = scratch.contiguous(array)
            progress(len(ready), len(arrays))
        write_safetensors(ready, place, framework="flax")
    choice = found.choice
    return Summary(
        found.skeleton.case.title,
        "flax",
        len(arrays),
        sum(array.nbytes for array in arrays.values()),
        choice.place,
        choice.prefix,
        choice.rivals,
        checkpoint.beside(choice.place),
        tuple(found.problems.lines(LISTED)),
    )


def _fitting(request: Request, checkpoint: TorchCheckpoint, skeletons: Iterable[Skeleton]) -> _Attempt:
    """The first model that everything fits; with --partial the only one, as far as it fits."""
    like = None if request.like is None else open_torch(request.like)
    tried: list[_Attempt] = []
    for skeleton in skeletons:
        attempt = _attempt(request, checkpoint, skeleton, like)
        if not attempt.problems:
            return attempt
        tried.append(attempt)
    closest = min(tried, key=lambda attempt: len(attempt.problems))
    if request.partial and len(tried) == 1 and not closest.problems.mismatched:
        return closest
    raise unfit(request.source, closest.skeleton.case.title, closest.problems, len(tried))


def _attempt(
    request: Request, checkpoint: TorchCheckpoint, skeleton: Skeleton, like: TorchCheckpoint | None
) -> _Attempt:
    wanted = [slot.name for slot in slots(skeleton.model)]
    choice = choose(checkpoint.tables, wanted, request.key)
    arrays = {name: _array(name, tensor) for name, tensor in choice.arrays.items()}
    order = checkpoint
    if like is not None:
        arrays = in_order_of(choose(like.tables, wanted).arrays, arrays)
        order = like
    found = fit(skeleton.model, arrays)
    problems = replace(found.problems, unexpected=(*found.problems.unexpected, *choice.beside))
    if not order.ordered:
        mismatched = (*problems.mismatched, *ambiguous(skeleton.model, arrays, order.path))
        problems = replace(problems, mismatched=mismatched)
    return _Attempt(skeleton, choice, arrays, found.places, problems)


def _array(name: str, tensor: Any) -> Array:
    try:
        return as_numpy(tensor)
    except (RuntimeError, TypeError, NotImplementedError):
        raise CheckpointError(f"{name}: a tensor of {tensor.dtype} has no counterpart in JAX") from None


def _in_flax_order(found: _Attempt) -> dict[FlaxPath, Array]:
    """The arrays by flax's path, without a copy."""
    paths = paths_of(found.skeleton.model)
    return {paths.of(s): s.from_torch(found.arrays[s.name]) for s in found.places if s.name in found.arrays}
