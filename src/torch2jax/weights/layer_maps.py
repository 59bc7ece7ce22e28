"""How the arrays of one flax layer correspond to the entries of a torch layer: the `.state` maps of the rule book."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Literal, TypeAlias

import numpy as np

from torch2jax.rules.cache import RuleBook, load_book
from torch2jax.rules.model import StateEntry
from torch2jax.weights.arrays import Array


@dataclass(frozen=True, slots=True)
class Entry:
    """One array: its path in the flax layer, its name in the torch layer, and how torch's axes become flax's.

    ``axes`` is None where both have the same order, ``"reversed"`` for a transpose of any rank; else
    ``flax = torch.transpose(axes)``.
    """

    flax: tuple[str, ...]
    torch: str
    axes: tuple[int, ...] | Literal["reversed"] | None = None

    def permutation(self, rank: int) -> tuple[int, ...]:
        """Torch's axis at each place of flax's array, for arrays of ``rank`` axes."""
        if self.axes is None:
            return tuple(range(rank))
        return tuple(reversed(range(rank))) if self.axes == "reversed" else self.axes

    def from_torch(self, array: Array) -> Array:
        """Torch's array in flax's axis order."""
        return np.transpose(array, self.permutation(array.ndim))

    def to_torch(self, array: Array) -> Array:
        """Flax's array in torch's axis order."""
        return np.transpose(array, np.argsort(self.permutation(array.ndim)))

    def fits(self, rank: int) -> bool:
        """Whether an array of this rank can be meant (a Conv1d kernel is not a Conv2d kernel)."""
        return not isinstance(self.axes, tuple) or len(self.axes) == rank


LayerMap: TypeAlias = tuple[Entry, ...]


def candidates(cls: type) -> tuple[LayerMap, ...]:
    """The maps that may describe a layer of this class: those of the nearest class along its MRO that has any.

    Several torch layers can become one flax class: `Conv1d`, `Conv2d` and `Conv3d` are all `nnx.Conv`.
    """
    for base in cls.__mro__:
        maps = _maps_of(_rule_key(base))
        if maps:
            return maps
    return ()


def choose(maps: Sequence[LayerMap], ranks: dict[tuple[str, ...], int], names: Iterable[str] | None) -> LayerMap:
    """The map whose flax paths exist with ranks that fit; of several, the one that explains most of torch's names.

    ``ranks`` gives the rank of each array that the flax layer holds, by path.
    """
    fitting = [m for m in maps if _fits(m, ranks)]
    if not fitting:
        return ()
    known = set(names or ())
    return max(fitting, key=lambda m: sum(entry.torch in known for entry in m))


def _fits(layer_map: LayerMap, ranks: dict[tuple[str, ...], int]) -> bool:
    present = [entry for entry in layer_map if entry.flax in ranks]
    return bool(present) and all(entry.fits(ranks[entry.flax]) for entry in present)


def _rule_key(cls: type) -> str:
    """The rule book's name of a class: `nnx.Linear`, or `helpers.LSTM` for one that was copied into the output."""
    return f"nnx.{cls.__name__}" if cls.__module__.startswith("flax.nnx") else f"helpers.{cls.__name__}"


@contextmanager
def maps_from(book: RuleBook) -> Iterator[None]:
    """Inside, layers map as the rules of this book say, in place of the built-in ones."""
    _BOOKS.append(book)
    try:
        yield
    finally:
        _BOOKS.pop()


_BOOKS: list[RuleBook] = []


def _maps_of(key: str) -> tuple[LayerMap, ...]:
    return _maps_in(_BOOKS[-1], key) if _BOOKS else _builtin_maps(key)


@cache
def _builtin_maps(key: str) -> tuple[LayerMap, ...]:
    return _maps_in(_book(), key)


def _maps_in(book: RuleBook, key: str) -> tuple[LayerMap, ...]:
    maps = book.state_maps(key)
    return tuple(tuple(_entry(entry) for entry in state.entries) for state in maps) or _STOCK.get(key, ())


@cache
def _book() -> RuleBook:
    return load_book()


def _entry(entry: StateEntry) -> Entry:
    """The rule's `.T` and `.transpose(...)`, one after the other, as one permutation."""
    path = tuple(entry.flax.split("."))
    steps = [op[1] for op in entry.ops if op != "T"]
    reverses = sum(op == "T" for op in entry.ops)
    if not steps:
        return Entry(path, entry.torch, "reversed" if reverses % 2 else None)
    axes = tuple(range(len(steps[0])))
    for op in entry.ops:
        axes = axes[::-1] if op == "T" else tuple(axes[axis] for axis in op[1])
    return Entry(path, entry.torch, axes)


# A flax layer that no rule builds (its running variance is not torch's), for models that were written by hand.
_STOCK: dict[str, tuple[LayerMap, ...]] = {
    "nnx.BatchNorm": (
        (
            Entry(("scale",), "weight"),
            Entry(("bias",), "bias"),
            Entry(("mean",), "running_mean"),
            Entry(("var",), "running_var"),
        ),
    ),
}
