"""Every array of an NNX module together with the name that torch's state dict gives it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flax import nnx

from torch2jax.weights.arrays import Array
from torch2jax.weights.layer_maps import Entry, candidates, choose

_TRANSIENT = (nnx.RngState, nnx.Intermediate, nnx.Cache, nnx.OptState)
_HOLDERS = (nnx.Variable, nnx.Pytree, Mapping, list, tuple)


@dataclass(frozen=True, slots=True)
class Slot:
    """One array: torch's dotted ``name``, the flax ``path``, its Variable, and how the axes correspond."""

    name: str
    path: str
    variable: nnx.Variable[Any]
    entry: Entry

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of flax's array."""
        return tuple(self.variable.get_value().shape)

    @property
    def torch_shape(self) -> tuple[int, ...]:
        """The shape that torch's array has when it fits."""
        order = self.entry.permutation(len(self.shape))
        return tuple(size for _, size in sorted(zip(order, self.shape, strict=True)))

    def from_torch(self, array: Array) -> Array:
        """Torch's array in flax's axis order."""
        return self.entry.from_torch(array)

    def to_torch(self, array: Array) -> Array:
        """Flax's array in torch's axis order."""
        return self.entry.to_torch(array)


def slots(node: Any, names: Sequence[str] | None = None) -> list[Slot]:
    """The persistent arrays of a module in the order of its attributes.

    ``names`` are the state dict's names. They are needed where flax does not keep torch's: the children of
    `nnx.Sequential` are matched in order of appearance; without ``names`` they are called by their position.
    """
    return list(_walk(node, None if names is None else list(names), frozenset()))


def _walk(node: Any, names: list[str] | None, above: frozenset[int]) -> Iterator[Slot]:
    """Slots with names and paths relative to ``node``; ``above`` are the nodes it is part of (cycles end there)."""
    if isinstance(node, nnx.Variable):
        if _is_persistent(node):
            yield Slot("", "", node, Entry((), ""))
    elif id(node) not in above:
        above = above | {id(node)}
        if isinstance(node, nnx.Sequential):
            yield from _sequential(node, names, above)
        else:
            yield from _layer(node, names, above)


def _layer(node: Any, names: list[str] | None, above: frozenset[int]) -> Iterator[Slot]:
    """A layer that the rule book maps, then the remaining attributes under their own names."""
    maps = candidates(type(node))
    mapped: dict[tuple[str, ...], Entry] = {}
    if maps:
        arrays = dict(_own_arrays(node))
        ranks = {path: len(variable.get_value().shape) for path, variable in arrays.items()}
        for entry in choose(maps, ranks, names):
            if entry.flax in arrays:
                mapped[entry.flax] = entry
                yield Slot(entry.torch, ".".join(entry.flax), arrays[entry.flax], entry)
    for key, child in _children(node):
        for slot in _walk(child, _below(names, _torch_name(node, key)), above):
            if tuple(_join(key, slot.path).split(".")) not in mapped:
                yield replace(slot, name=_join(_torch_name(node, key), slot.name), path=_join(key, slot.path))


def _torch_name(node: Any, key: str) -> str:
    """Torch's name of an attribute: `mask_` stands for one that the flax class uses itself, as nnx.Conv does `mask`."""
    return key[:-1] if key.endswith("_") and key[:-1] in getattr(node, "__dict__", {}) else key


def _sequential(node: nnx.Sequential, names: list[str] | None, above: frozenset[int]) -> Iterator[Slot]:
    """Children of a Sequential under torch's names for them, then what a subclass holds beside them."""
    layers = list(node.layers)
    own = [(key, child) for key, child in _children(node) if key != "layers"]
    taken = {key for key, _ in own}
    child_names = None if names is None else [n for n in _heads(names) if n not in taken]
    bearing = [index for index, layer in enumerate(layers) if _bears_state(layer, above)]
    called = _names_of_children(bearing, child_names)
    for index in bearing:
        key = called[index]
        for slot in _walk(layers[index], _below(names, key), above):
            yield replace(slot, name=_join(key, slot.name), path=_join(f"layers.{index}", slot.path))
    for key, child in own:
        for slot in _walk(child, _below(names, key), above):
            yield replace(slot, name=_join(key, slot.name), path=_join(key, slot.path))


def _names_of_children(bearing: list[int], torch_names: list[str] | None) -> dict[int, str]:
    """By position where torch's names say so too (or are not known); in order of appearance otherwise."""
    by_position = {index: str(index) for index in bearing}
    if torch_names is None or set(by_position.values()) == set(torch_names) or len(bearing) != len(torch_names):
        return by_position
    return dict(zip(bearing, torch_names, strict=True))


def _bears_state(layer: Any, above: frozenset[int]) -> bool:
    return next(_walk(layer, None, above), None) is not None


def _own_arrays(node: Any, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], nnx.Variable[Any]]]:
    for key, child in _children(node):
        if isinstance(child, nnx.Variable):
            if _is_persistent(child):
                yield (*prefix, key), child
        elif len(prefix) < 3:
            yield from _own_arrays(child, (*prefix, key))


def _children(node: Any) -> Iterator[tuple[str, Any]]:
    """Named parts that can hold arrays: attributes of modules, elements of lists, tuples and dicts."""
    if isinstance(node, nnx.Pytree):
        items: Iterator[tuple[Any, Any]] = iter(vars(node).items())
    elif isinstance(node, Mapping):
        items = iter(node.items())
    elif isinstance(node, list | tuple):
        items = enumerate(node)
    else:
        return
    for key, child in items:
        if isinstance(child, _HOLDERS) and not str(key).startswith("_pytree__"):
            yield str(key), child


def _is_persistent(variable: nnx.Variable[Any]) -> bool:
    if isinstance(variable, _TRANSIENT) or not variable.get_metadata().get("persistent", True):
        return False
    return hasattr(variable.get_value(), "shape")


def _heads(names: Sequence[str]) -> list[str]:
    """The first components of dotted names, each once, in order."""
    return list(dict.fromkeys(name.partition(".")[0] for name in names))


def _below(names: list[str] | None, key: str) -> list[str] | None:
    if names is None:
        return None
    prefix = f"{key}."
    return [name.removeprefix(prefix) for name in names if name.startswith(prefix)]


def _join(head: str, tail: str) -> str:
    return f"{head}.{tail}" if tail else head
