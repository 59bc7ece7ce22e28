"""The arrays of a module under the paths that flax gives them in its state."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from flax import nnx

from torch2jax.weights.walk import Slot

FlaxPath: TypeAlias = tuple[str, ...]
"""The keys that lead to an array, as text: Orbax and safetensors know no others."""


@dataclass(frozen=True, slots=True)
class Paths:
    """Every Variable of a module by identity, with the one path under which `nnx.state` lists it."""

    _by_variable: Mapping[int, FlaxPath]

    def of(self, slot: Slot) -> FlaxPath:
        """Where flax's state has the array of a slot; an array that is shared is there once."""
        return self._by_variable[id(slot.variable)]

    def beside(self, places: Iterable[FlaxPath]) -> frozenset[FlaxPath]:
        """The paths of all other Variables: random state, and buffers that torch does not save."""
        return frozenset(self._by_variable.values()).difference(places)


def paths_of(module: nnx.Module) -> Paths:
    """The paths of a module, which may be abstract."""
    found: dict[int, FlaxPath] = {}
    for path, node in nnx.iter_graph(module):
        if isinstance(node, nnx.Variable):
            found[id(node)] = tuple(map(str, path))
    return Paths(found)


def dotted(path: Iterable[Any]) -> str:
    """A path as one name."""
    return ".".join(map(str, path))
