"""The rule book: all rule files compiled into one `marshal` file, from which single rules are built on lookup."""

from __future__ import annotations

import copy
import marshal
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from torch2jax.rules import store
from torch2jax.rules.aliases import canonical, tensor_only
from torch2jax.rules.model import Refusal, Rule, StateMap, decode, decode_state, encode_state
from torch2jax.rules.signatures import HELPERS_DIR, SNAPSHOT, helper_files

__all__ = ["RuleBook", "builtin_rules_dir", "canonical", "load_book"]

_METHOD: Final = "torch.Tensor."
_PACKAGE: Final = Path(__file__).resolve().parent.parent


class RuleBook:
    """All rules, by qualified torch name. `load_book` makes it; rules are built when they are first looked up."""

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self._rules: Sequence[bytes] = compiled["rules"]
        self._index: Mapping[str, tuple[int, ...]] = compiled["index"]
        self._states: Mapping[str, Sequence[tuple[Any, ...]]] = compiled["states"]
        self._attributes: Sequence[str] = compiled["attributes"]
        self._built: dict[int, Rule] = {}
        self._found: dict[str, tuple[Rule, ...]] = {}

    def lookup(self, name: str) -> tuple[Rule, ...]:
        """The rules of a qualified name (canonical or not), overloads in the order they are tried; empty if none."""
        found = self._found.get(name)
        if found is None:
            numbers = self._index.get(name) or self._index.get(canonical(name)) or ()
            found = tuple(self._build(number) for number in numbers)
            if found:
                self._found[name] = found
        return found

    def family(self, name: str) -> tuple[Rule, ...]:
        """The rule of the nearest namespace that is refused whole, `torch.distributed.*`; empty if none."""
        for space in (name, canonical(name)):
            while space := space.rpartition(".")[0]:
                found = self._index.get(f"{space}.*")
                if found:
                    return tuple(self._build(number) for number in found)
        return ()

    def refusal(self, name: str) -> Refusal | None:
        """Why no use of a name is translated, and what to do instead; None if some are, or nothing is said of it."""
        rules = self.lookup(name) or self.family(name)
        refusals = [branch.refusal for rule in rules for branch in rule.branches]
        return refusals[-1] if refusals and None not in refusals else None

    def methods(self, name: str) -> tuple[Rule, ...]:
        """The rules of the tensor method `name`."""
        return self.lookup(_METHOD + name)

    def names(self) -> tuple[str, ...]:
        """All qualified names that have a rule, sorted."""
        return tuple(sorted(self._index))

    def rules(self) -> tuple[Rule, ...]:
        """All rules, in file order."""
        return tuple(self._build(number) for number in range(len(self._rules)))

    @cached_property
    def attributes(self) -> frozenset[str]:
        """Names of the tensor attributes that have a rule, without `torch.Tensor.`."""
        return frozenset(self._attributes)

    @cached_property
    def method_names(self) -> frozenset[str]:
        """Names of the tensor methods that have a rule, without `torch.Tensor.`."""
        own = {name.removeprefix(_METHOD) for name in self._index if name.startswith(_METHOD)}
        return frozenset(own) - self.attributes

    @cached_property
    def tensor_only_methods(self) -> frozenset[str]:
        """Tensor methods whose name alone says that the receiver is a tensor, with their in-place twins."""
        names = tensor_only(self.method_names)
        return names | {f"{name}_" for name in names if not name.endswith("_")}

    def state_maps(self, flax_class: str) -> tuple[StateMap, ...]:
        """The state maps of the rules that build a flax class: `nnx.Conv` has one for each number of axes."""
        return tuple(decode_state(state) for state in self._states.get(flax_class.removeprefix("helpers."), ()))

    def names_in_flax(self, name: str) -> tuple[str, ...]:
        """What torch's name of a parameter or buffer of a layer may be in Flax; empty if it is always the same."""
        found = {
            entry.flax
            for flax_class in self._states
            for state in self.state_maps(flax_class)
            for entry in state.entries
            if entry.torch == name and "." not in entry.flax
        }
        return tuple(sorted(found)) if found - {name} else ()

    def state_of(self, flax_class: str) -> StateMap | None:
        """How torch's state becomes that of `nnx.Linear`, or of the helper class `BatchNorm`; None: names are equal."""
        maps = self.state_maps(flax_class)
        if not maps:
            return None
        entries = {entry: None for state in maps for entry in state.entries}
        return StateMap(tuple(entries))

    def with_rule(self, rule: Rule, by: Rule) -> RuleBook:
        """The same book with one rule replaced by another of the same names; so is its map of state."""
        other = copy.copy(self)
        number = next(number for number in self._index[rule.name] if self._build(number) == rule)
        other._built, other._found = self._built | {number: by}, {}
        if rule.state is not None and by.state is not None and rule.state != by.state:
            before, after = encode_state(rule.state), encode_state(by.state)
            other._states = {
                name: [after if state == before else state for state in maps] for name, maps in self._states.items()
            }
        return other

    def _build(self, number: int) -> Rule:
        rule = self._built.get(number)
        if rule is None:
            rule = self._built[number] = decode(marshal.loads(self._rules[number]))  # noqa: S302 - our own cache file
        return rule


def builtin_rules_dir() -> Path:
    """`torch2jax/_rules` in an installed package, `rules/` at the root of a checkout."""
    shipped = _PACKAGE / "_rules"
    return shipped if shipped.is_dir() else _PACKAGE.parent.parent / "rules"


def load_book(dirs: Sequence[Path] | None = None) -> RuleBook:
    """The built-in rules, and those of extra directories, which override built-in rules of the same name.

    Raises RuleError for the first mistake in a rule file, FileNotFoundError for a directory that does not exist.
    """
    directories = [builtin_rules_dir(), *(dirs or ())]
    files = [_read(directory) for directory in directories]
    return RuleBook(store.cached("rules", store.fingerprint(_sources(files)), lambda: _compile(files)))


def _compile(files: Sequence[Sequence[tuple[str, bytes]]]) -> dict[str, Any]:
    from torch2jax.rules.compile import compile_book  # not needed where the cache has the book

    return compile_book(files)


def _sources(files: Iterable[Iterable[tuple[str, bytes]]]) -> Iterator[tuple[str, bytes]]:
    """Everything the compiled book depends on: the rules, the helpers, the snapshot and this package."""
    for path in [*sorted(Path(__file__).parent.glob("*.py")), *helper_files(HELPERS_DIR), SNAPSHOT]:
        if path.exists():
            yield path.name, path.read_bytes()
    for directory in files:
        yield "directory", b""
        yield from directory


def _read(directory: Path) -> list[tuple[str, bytes]]:
    if not directory.is_dir():
        raise FileNotFoundError(f"there is no rules directory {directory}")
    paths = sorted(path for path in directory.rglob("*.py") if "__pycache__" not in path.parts)
    return [(str(path), path.read_bytes()) for path in paths]
