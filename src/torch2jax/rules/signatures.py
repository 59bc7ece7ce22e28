"""Parameter names and defaults of the functions that templates call.

Those of jax, flax and optax come from a committed snapshot (`snapshot.json`, written by
`python -m torch2jax.rules.snapshot`), those of the helpers from their source. A conversion needs no jax.
"""

from __future__ import annotations

import ast
import contextlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, TypeAlias

from torch2jax.rules import store
from torch2jax.rules.model import UNKNOWN

# The fields of a Signature.
Record: TypeAlias = tuple[tuple[str, ...], dict[str, object], int | None, bool]

HELPERS_DIR: Final = Path(__file__).resolve().parent.parent / "helpers"
SNAPSHOT: Final = Path(__file__).with_name("snapshot.json")
STATIC: Final = "static"

# Templates write `lax` for jax.lax and so on; the snapshot holds one spelling.
_SPELLINGS: Final = (("jax.numpy.", "jnp."), ("jax.lax.", "lax."))


@dataclass(frozen=True, slots=True)
class Signature:
    """Parameter names in order, defaults that are literals, and whether any keyword is taken.

    `most` is the number of positional arguments taken, None for any number.
    """

    names: tuple[str, ...]
    defaults: Mapping[str, object]
    most: int | None
    any_keyword: bool = False

    def accepts(self, keyword: str) -> bool:
        """Whether a call may have this keyword."""
        return self.any_keyword or keyword in self.names

    def is_default(self, keyword: str, value: object) -> bool:
        """Whether the value is the parameter's default: equal, and both or neither of them a bool."""
        default = self.defaults.get(keyword, UNKNOWN)
        if default is UNKNOWN or value is UNKNOWN or isinstance(default, bool) != isinstance(value, bool):
            return False
        if isinstance(default, (tuple, list)) and isinstance(value, (tuple, list)):
            return list(default) == list(value)
        return bool(default == value)


class Signatures:
    """All signatures a template can meet, from plain data: `library` and `helpers` map a name to a record or None."""

    def __init__(self, compiled: Mapping[str, Any]) -> None:
        self._library: Mapping[str, Sequence[Any]] = compiled["library"]
        self._namespaces: Mapping[str, str] = compiled["namespaces"]
        self.helpers: Mapping[str, Sequence[Any] | None] = compiled["helpers"]
        self.static_helpers: frozenset[str] = frozenset(compiled["static"])
        self._built: dict[str, Signature | None] = {}

    def of(self, name: str) -> Signature | None:
        """The signature of `jnp.sum`, `nnx.Linear`, `helpers.BatchNorm`, `Array.sum` (a method); None if unknown."""
        if name not in self._built:
            is_helper = name.startswith("helpers.")
            record = self.helpers.get(name[8:]) if is_helper else self._library.get(_spelling(name))
            self._built[name] = None if record is None else Signature(*record)
        return self._built[name]

    def members(self, namespace: str) -> frozenset[str]:
        """The public names of a library module, empty if the snapshot does not have the module."""
        return frozenset(self._namespaces.get(_spelling(namespace + ".")[:-1], "").split())

    def missing(self, name: str | None) -> str:
        """``jnp has no foo`` where the snapshot knows that it hasn't, an empty string otherwise."""
        if name is None or "." not in name:
            return ""
        namespace, _, member = name.rpartition(".")
        members = self.members(namespace)
        return f"`{namespace}` has no `{member}`" if members and member not in members else ""


def _spelling(name: str) -> str:
    for long, short in _SPELLINGS:
        if name.startswith(long):
            return short + name[len(long) :]
    return name


@cache
def default_signatures() -> Signatures:
    """The snapshot together with this installation's helpers."""
    files = [Path(__file__), SNAPSHOT, *helper_files(HELPERS_DIR)]
    key = store.fingerprint((path.name, path.read_bytes()) for path in files if path.exists())
    return Signatures(store.cached("signatures", key, lambda: compile_signatures(HELPERS_DIR)))


def compile_signatures(helpers_dir: Path) -> dict[str, Any]:
    """Plain data for `Signatures`; helper classes without `__init__` have the signature of their library base class."""
    snapshot: dict[str, Any] = {"signatures": {}, "namespaces": {}}
    if SNAPSHOT.exists():
        snapshot = json.loads(SNAPSHOT.read_text(encoding="utf-8"))
    library = {
        name: (tuple(names), {key: _thaw(value) for key, value in defaults.items()}, most, any_keyword)
        for name, (names, defaults, most, any_keyword) in snapshot["signatures"].items()
    }
    found = scan_helpers(helpers_dir)
    helpers: dict[str, Any] = dict(found.records)
    for name, base in found.inherited.items():
        seen = {name}
        while base in found.inherited and base not in seen:
            seen.add(base)
            base = found.inherited[base]
        helpers[name] = helpers.get(base) or library.get(base)
    return {
        "library": library,
        "namespaces": snapshot["namespaces"],
        "helpers": helpers,
        "static": sorted(found.static),
    }


def _thaw(value: object) -> object:
    return tuple(_thaw(item) for item in value) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class HelperScan:
    """Public names of the helper modules with records of their signatures.

    `inherited` names the base of a class without `__init__`; `static` has the functions of `static.py`.
    """

    records: Mapping[str, Record | None]
    inherited: Mapping[str, str]
    static: frozenset[str]


def helper_files(directory: Path) -> list[Path]:
    """The helper modules."""
    return sorted(directory.rglob("*.py")) if directory.is_dir() else []


def scan_helpers(directory: Path) -> HelperScan:
    """Read the helper modules with `ast`; the modules are not imported."""
    records: dict[str, Record | None] = {}
    inherited: dict[str, str] = {}
    static: set[str] = set()
    for path in helper_files(directory):
        for node in ast.parse(path.read_text(encoding="utf-8"), str(path)).body:
            if isinstance(node, ast.FunctionDef):
                records[node.name] = _from_arguments(node.args)
                if path.stem == STATIC:
                    static.add(node.name)
            elif isinstance(node, ast.ClassDef):
                _scan_class(node, records, inherited)
            elif isinstance(node, (ast.Assign, ast.AnnAssign)):
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                records.update({target.id: None for target in targets if isinstance(target, ast.Name)})
    public = {name: record for name, record in records.items() if not name.startswith("_")}
    return HelperScan(public, inherited, frozenset(static))


def _scan_class(node: ast.ClassDef, records: dict[str, Record | None], inherited: dict[str, str]) -> None:
    records[node.name] = None
    for statement in node.body:
        if isinstance(statement, ast.FunctionDef) and statement.name == "__init__":
            records[node.name] = _from_arguments(statement.args, skip=1)
            return
    if node.bases and not node.decorator_list:
        inherited[node.name] = ast.unparse(node.bases[0])


def _from_arguments(arguments: ast.arguments, skip: int = 0) -> Record:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults: dict[str, object] = {}
    for argument, default in zip(reversed(positional), reversed(arguments.defaults), strict=False):
        _note_default(defaults, argument.arg, default)
    for argument, keyword_default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        if keyword_default is not None:
            _note_default(defaults, argument.arg, keyword_default)
    names = [argument.arg for argument in [*arguments.args, *arguments.kwonlyargs]]
    if not arguments.posonlyargs:
        names = names[skip:]
    most = None if arguments.vararg else len(positional) - skip
    return tuple(names), defaults, most, arguments.kwarg is not None


def _note_default(defaults: dict[str, object], name: str, node: ast.expr) -> None:
    with contextlib.suppress(ValueError):  # nothing is ever equal to what is no literal
        defaults[name] = ast.literal_eval(node)
