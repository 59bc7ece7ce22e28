"""Where in a checkpoint the weights of a model are: one of its dicts, perhaps below a prefix that a wrapper added."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from torch2jax.checkpoints.errors import CheckpointError

Value = TypeVar("Value")

# Usual keys of the weights that were trained, where several dicts fit; averages (ema, swa) are for those who ask.
_PREFERRED = ("", "state_dict", "model_state_dict", "model", "module", "net", "network", "params", "weights")
_COMPILED = "_orig_mod"
_PARALLEL = "module"


@dataclass(frozen=True, slots=True)
class Table(Generic[Value]):
    """One dict of arrays in a checkpoint: its dotted place ("" for the whole), and what it holds by name."""

    place: str
    arrays: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Choice(Generic[Value]):
    """The arrays that are meant for a model, under the model's names.

    place: the dict they were in, and prefix: what was taken off their names, both for the user to read. beside: names
    in the same dict that have not the prefix. rivals: places of other dicts that would have fitted as well.
    """

    arrays: dict[str, Value]
    place: str
    prefix: str
    beside: tuple[str, ...] = ()
    rivals: tuple[str, ...] = ()


def tables_of(content: Any, is_array: Callable[[Any], bool], place: str = "") -> Iterator[Table[Any]]:
    """Every dict that holds arrays itself, from the outside in."""
    if not isinstance(content, Mapping):
        return
    arrays = {str(name): value for name, value in content.items() if is_array(value)}
    if arrays:
        yield Table(place, arrays)
    for key, value in content.items():
        yield from tables_of(value, is_array, f"{place}.{key}" if place else str(key))


def choose(tables: Sequence[Table[Value]], wanted: Collection[str], key: str | None = None) -> Choice[Value]:
    """The dict, and the prefix in it, under which most of the wanted names are found.

    key: the dotted place that the user chose. Names lose the `_orig_mod` of torch.compile wherever it stands, and
    `module.` of DataParallel even where no wanted name is found. Raises CheckpointError where there is no such place.
    """
    places = [table.place for table in tables]
    if key is not None:
        tables = [table for table in tables if table.place == key]
        if not tables:
            known = ", ".join(place or "(the whole)" for place in places[:12])
            raise CheckpointError(f"there is no dict of arrays at {key!r}; there are: {known}")
    names = frozenset(wanted)
    stripped = [Table(table.place, {_uncompiled(n): a for n, a in table.arrays.items()}) for table in tables]
    votes = Counter(vote for number, table in enumerate(stripped) for vote in _votes(number, table, names))
    if not votes:
        table = max(stripped, key=lambda table: len(table.arrays))
        return _below(table, _parallel_prefix(table.arrays), ())
    best = max(votes.values())
    fitting = [vote for vote, count in votes.items() if count == best]

    def preference(vote: tuple[int, str]) -> tuple[int, int, int, int]:
        return _rank(stripped[vote[0]].place), _rank(vote[1].rstrip(".")), len(vote[1]), vote[0]

    number, prefix = min(fitting, key=preference)
    rivals = dict.fromkeys(stripped[other].place for other, _ in fitting if other != number)
    return _below(stripped[number], prefix, tuple(rivals))


def _votes(number: int, table: Table[Any], wanted: frozenset[str]) -> Iterator[tuple[int, str]]:
    """The number of the table with each prefix that makes a wanted name of a name, once a name."""
    for name in table.arrays:
        parts = name.split(".")
        for depth in range(len(parts)):
            if ".".join(parts[depth:]) in wanted:
                yield number, "".join(f"{part}." for part in parts[:depth])


def _below(table: Table[Value], prefix: str, rivals: tuple[str, ...]) -> Choice[Value]:
    arrays = {n.removeprefix(prefix): array for n, array in table.arrays.items() if n.startswith(prefix)}
    beside = tuple(name for name in table.arrays if not name.startswith(prefix))
    return Choice(arrays, table.place, prefix, beside, rivals)


def _rank(place: str) -> int:
    return _PREFERRED.index(place) if place in _PREFERRED else len(_PREFERRED)


def _uncompiled(name: str) -> str:
    return ".".join(part for part in name.split(".") if part != _COMPILED)


def _parallel_prefix(names: Collection[str]) -> str:
    return f"{_PARALLEL}." if all(name.startswith(f"{_PARALLEL}.") for name in names) else ""
