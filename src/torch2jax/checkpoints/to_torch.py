"""A checkpoint of the translated model as a state dict of torch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from torch2jax.checkpoints.flax_paths import FlaxPath, dotted, paths_of
from torch2jax.checkpoints.orbax_folders import OrbaxFolder, StoredArray
from torch2jax.checkpoints.order import ambiguous
from torch2jax.checkpoints.request import Progress, Request, Summary
from torch2jax.checkpoints.safetensors_files import SafetensorsFile, write_safetensors
from torch2jax.checkpoints.scratch import Scratch
from torch2jax.checkpoints.skeletons import Skeleton
from torch2jax.checkpoints.sources import TorchCheckpoint, open_torch
from torch2jax.checkpoints.tables import Choice, Table, choose
from torch2jax.checkpoints.torch_files import write_torch
from torch2jax.checkpoints.unfit import LISTED, unfit
from torch2jax.weights.arrays import Array, as_numpy
from torch2jax.weights.fit import Problems, is_counter, tied_to
from torch2jax.weights.walk import Slot, slots

FlaxCheckpoint: TypeAlias = "OrbaxFolder | SafetensorsFile"


@dataclass(frozen=True, slots=True)
class _Attempt:
    """A model, the part of the checkpoint that is meant for it, the names that are wanted, and how it fits."""

    skeleton: Skeleton
    choice: Choice[Any]
    places: Mapping[FlaxPath, list[Slot]]
    like: Mapping[str, Array]
    left_out: tuple[str, ...]
    problems: Problems


def to_torch(
    request: Request, checkpoint: FlaxCheckpoint, skeletons: Iterable[Skeleton], place: Path, progress: Progress
) -> Summary:
    """Write the state dict of the first model that the checkpoint fits to ``place``.

    Raises UnfitError where it fits none, CheckpointError for what can't be read or written.
    """
    found = _fitting(request, checkpoint, skeletons)
    scratch = Scratch(place.parent)
    arrays: dict[str, Array] = {}
    wanted = [path for path in found.places if dotted(path) in found.choice.arrays]
    for number, (path, array) in enumerate(_read(checkpoint, found.choice, wanted), 1):
        arrays |= _torch_arrays(found.places[path], array, scratch)
        progress(number, len(wanted))
    arrays = _named_like(found, arrays)
    if request.format == "safetensors":
        write_safetensors(arrays, place, framework="pt")
    else:
        write_torch(arrays, place)
    return Summary(
        found.skeleton.case.title,
        "torch",
        len(arrays),
        sum({id(array): array.nbytes for array in arrays.values()}.values()),
        found.choice.place,
        found.choice.prefix,
        found.choice.rivals,
        found.left_out,
        tuple(found.problems.lines(LISTED)),
    )


def _fitting(request: Request, checkpoint: FlaxCheckpoint, skeletons: Iterable[Skeleton]) -> _Attempt:
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
    request: Request, checkpoint: FlaxCheckpoint, skeleton: Skeleton, like: TorchCheckpoint | None
) -> _Attempt:
    state = {} if like is None else _state_like(like, skeleton)
    paths = paths_of(skeleton.model)
    places: dict[FlaxPath, list[Slot]] = {}
    for slot in slots(skeleton.model, list(state) or None):
        places.setdefault(paths.of(slot), []).append(slot)
    choice = choose([_table(checkpoint, request.key)], [dotted(path) for path in places], request.key)
    transient = frozenset(map(dotted, paths.beside(places)))
    known = frozenset(map(dotted, places))
    unexpected = [name for name in choice.arrays if name not in known | transient]
    left_out = [*(name for name in choice.arrays if name in transient), *_heads(choice.beside)]
    named, nameless, unplaced = _names_like(places, state) if state else (places, [], [])
    problems = Problems(
        (*_missing(places, choice.arrays), *(f"{name} (in {request.like})" for name in nameless)),
        (*unexpected, *(f"{name} (in {request.like})" for name in unplaced)),
        (
            *_wrong_shapes(places, choice.arrays),
            *(() if like is None or like.ordered else ambiguous(skeleton.model, state, like.path)),
        ),
    )
    return _Attempt(skeleton, choice, named, state, tuple(left_out), problems)


def _state_like(like: TorchCheckpoint, skeleton: Skeleton) -> dict[str, Array]:
    """The state dict whose names are wanted."""
    chosen = choose(like.tables, [slot.name for slot in slots(skeleton.model)]).arrays
    return {name: as_numpy(tensor) for name, tensor in chosen.items()}


def _names_like(
    places: Mapping[FlaxPath, list[Slot]], state: Mapping[str, Array]
) -> tuple[Mapping[FlaxPath, list[Slot]], list[str], list[str]]:
    """The places under those of their names that are wanted, arrays without such a name, and names without an array.

    An array that is shared has several names, and torch may know only some of them.
    """
    named = {path: [slot for slot in found if slot.name in state] or found for path, found in places.items()}
    names = [slot.name for found in named.values() for slot in found]
    nameless = [name for name in names if name not in state]
    placed = set(names)
    unplaced = [n for n in state if n not in placed and not is_counter(n) and tied_to(n, state, names) is None]
    return named, nameless, unplaced


def _table(checkpoint: FlaxCheckpoint, key: str | None) -> Table[Any]:
    """The arrays of a checkpoint by dotted path, below the key where there is one."""
    if isinstance(checkpoint, OrbaxFolder):
        arrays: dict[str, Any] = {dotted(array.path): array for array in checkpoint.arrays}
    else:
        arrays = dict(checkpoint.tensors)
    if key is None or not any(name.startswith(f"{key}.") for name in arrays):
        return Table("", arrays)
    return Table(key, {name.removeprefix(f"{key}."): a for name, a in arrays.items() if name.startswith(f"{key}.")})


def _missing(places: Mapping[FlaxPath, Sequence[Slot]], arrays: Mapping[str, Any]) -> Iterator[str]:
    for path, found in places.items():
        if dotted(path) not in arrays:
            yield f"{dotted(path)} (for {found[0].name})"


def _wrong_shapes(places: Mapping[FlaxPath, Sequence[Slot]], arrays: Mapping[str, Any]) -> Iterator[str]:
    for path, (slot, *_) in places.items():
        shape = tuple(arrays[dotted(path)].shape) if dotted(path) in arrays else slot.shape
        if shape != slot.shape:
            yield f"{dotted(path)} has shape {shape}, and {slot.name} of shape {slot.torch_shape} needs {slot.shape}"


def _heads(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def _read(
    checkpoint: FlaxCheckpoint, choice: Choice[Any], wanted: Sequence[FlaxPath]
) -> Iterator[tuple[FlaxPath, Array]]:
    """The arrays of the checkpoint, one after the other."""
    if isinstance(checkpoint, OrbaxFolder):
        stored: dict[StoredArray, FlaxPath] = {choice.arrays[dotted(path)]: path for path in wanted}
        yield from ((stored[array], value) for array, value in checkpoint.read(stored))
    else:
        yield from ((path, as_numpy(choice.arrays[dotted(path)])) for path in wanted)


def _torch_arrays(places: Sequence[Slot], array: Array, scratch: Scratch) -> dict[str, Array]:
    """One array under each of its names in torch; those with the same axis order share it."""
    kept: dict[Any, Array] = {}
    for slot in places:
        if slot.entry.axes not in kept:
            kept[slot.entry.axes] = scratch.keep(slot.to_torch(array))
    return {slot.name: kept[slot.entry.axes] for slot in places}


def _named_like(found: _Attempt, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays in the order of the wanted state dict, with its tied names and its counters."""
    named: dict[str, Array] = {}
    for name, value in found.like.items():
        other = name if name in arrays else tied_to(name, found.like, arrays)
        if other is not None:
            named[name] = arrays[other]
        elif is_counter(name):
            named[name] = value
    return {**named, **{name: array for name, array in arrays.items() if name not in named}}
