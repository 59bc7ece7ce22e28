"""The JAX helpers that an output may carry: read as text from `torch2jax/helpers`, never imported.

A helper is a top-level function, class or constant. What it uses of its neighbours is found by name; the file of a name
comes from a scan for unindented definitions, so that only files of helpers in use are parsed.
"""

from __future__ import annotations

import ast
import re
import symtable
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from torch2jax.rewrite.requirements import Requirement

DIRECTORY: Final = Path(__file__).parent.parent / "helpers"
_TOP_LEVEL: Final = re.compile(r"^(?:(?:async )?def (\w+)|class (\w+)|(\w+)(?:: [^=\n]+)? = )", re.MULTILINE)
_PRIVATE: Final = re.compile(r"\b_\w+")


class UnknownHelperError(LookupError):
    """A rule or the engine asked for a helper that no file defines."""


@dataclass(frozen=True, slots=True, eq=False)
class Definition:
    """One helper.

    Attributes:
        name: what it is called in the library.
        file: stem of the file that defines it ("norm").
        source: its text, with decorators and the comment above it.
        uses: names of helpers that it mentions anywhere.
        uses_at_import: the part of `uses` that must exist when the definition is executed (bases, decorators,
            defaults, annotations, values of constants).
        requirements: the imports that it needs.
        is_block: whether it is a function or class, which blank lines set apart.
    """

    name: str
    file: str
    source: str
    uses: tuple[str, ...]
    uses_at_import: frozenset[str]
    requirements: frozenset[Requirement]
    is_block: bool


@dataclass(frozen=True, slots=True)
class Helpers:
    """Definitions, each after those that it needs, and the imports of all of them."""

    definitions: tuple[Definition, ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names in order of definition."""
        return tuple(definition.name for definition in self.definitions)

    @property
    def requirements(self) -> frozenset[Requirement]:
        """All imports that the definitions need."""
        return frozenset[Requirement]().union(*(definition.requirements for definition in self.definitions))


@dataclass(slots=True)
class HelperLibrary:
    """The helpers in one directory of Python files."""

    directory: Path
    files: dict[str, str] = field(default_factory=dict)  # helper -> stem of its file
    private: frozenset[str] = frozenset()  # every name with a leading underscore that the files contain
    _texts: dict[str, str] = field(default_factory=dict)
    _definitions: dict[str, Definition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for path in sorted(self.directory.glob("*.py")):
            text = path.read_text(encoding="utf-8")
            self._texts[path.stem] = text
            self.private = self.private.union(_PRIVATE.findall(text))
            for found in _TOP_LEVEL.finditer(text):
                self.files.setdefault(found[1] or found[2] or found[3], path.stem)

    def definition(self, name: str) -> Definition:
        """The helper called `name`.

        Raises:
            UnknownHelperError: when there is none.
        """
        if name not in self._definitions and name in self.files:
            self._parse(self.files[name])
        found = self._definitions.get(name)
        if found is None:
            raise UnknownHelperError(f"no helper is called `{name}`: define it in a file of {self.directory}")
        return found

    def closure(self, names: Iterable[str]) -> Helpers:
        """The helpers `names` and all that they use, dependencies first."""
        preferred: dict[str, Definition] = {}

        def collect(name: str, open_: frozenset[str]) -> None:
            if name in preferred or name in open_:
                return
            definition = self.definition(name)
            for used in definition.uses:
                collect(used, open_ | {name})
            preferred[name] = definition

        for name in sorted(set(names)):
            collect(name, frozenset())
        return Helpers(tuple(_in_order_of_execution(preferred)))

    def _parse(self, stem: str) -> None:
        text = self._texts[stem]
        lines = text.splitlines()
        tree = ast.parse(text)
        imported = {name: requirement for node in tree.body for name, requirement in _imports(node)}
        own = {name for node in tree.body for name in _names_defined(node)}
        for node in tree.body:
            for name in _names_defined(node):
                if self.files.get(name) == stem:
                    source = _source_of(node, lines)
                    self._definitions[name] = self._define(name, stem, node, source, own, imported)

    def _define(
        self,
        name: str,
        stem: str,
        node: ast.stmt,
        source: str,
        own: Collection[str],
        imported: Mapping[str, Requirement | str],
    ) -> Definition:
        free = _free_names(source)
        helpers = {n for n in free if n in own or isinstance(imported.get(n), str)} - {name}
        return Definition(
            name,
            stem,
            source,
            uses=tuple(sorted(helpers)),
            uses_at_import=frozenset(helpers.intersection(_import_time_names(node))),
            requirements=frozenset(r for n in free if isinstance(r := imported.get(n), Requirement)),
            is_block=isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)),
        )


@cache
def library() -> HelperLibrary:
    """The helpers that come with this package."""
    return HelperLibrary(DIRECTORY)


def _in_order_of_execution(definitions: Mapping[str, Definition]) -> Iterator[Definition]:
    """The definitions in their given order, but each after all that it needs when it is executed.

    Functions may use each other in circles; what a definition *runs* when it is executed may not.
    """
    done: set[str] = set()

    def emit(name: str, open_: frozenset[str], with_all: bool) -> Iterator[Definition]:
        if name in done or name in open_:
            return
        definition = definitions[name]
        for used in definition.uses:
            # a function that is called while a definition is executed needs everything that it uses itself
            if with_all or used in definition.uses_at_import:
                yield from emit(used, open_ | {name}, True)
        if name not in done:
            done.add(name)
            yield definition

    for name in definitions:
        yield from emit(name, frozenset(), False)


def _names_defined(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _imports(node: ast.stmt) -> Iterator[tuple[str, Requirement | str]]:
    """Local names that an import binds: to what they require, or to the helper of another file."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            found = Requirement(alias.name, alias=alias.asname)
            yield found.local, found
    elif isinstance(node, ast.ImportFrom):
        module = node.module or ""
        ours = bool(node.level) or module.startswith("torch2jax.helpers")
        for alias in node.names:
            found = Requirement(module, alias.name, alias.asname)
            yield found.local, alias.name if ours else found


def _source_of(node: ast.stmt, lines: list[str]) -> str:
    """The lines of a statement with its decorators and the comment right above it."""
    decorators = getattr(node, "decorator_list", [])
    start = min([node.lineno, *(decorator.lineno for decorator in decorators)]) - 1
    while start > 0 and lines[start - 1].startswith("#"):
        start -= 1
    return "\n".join(lines[start : node.end_lineno])


def _free_names(source: str) -> set[str]:
    """Names that a definition looks up in its module (or among the builtins)."""

    def of(table: symtable.SymbolTable) -> set[str]:
        top = table.get_type() == "module"
        found = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
        return found.union(*(of(child) for child in table.get_children()))

    return of(symtable.symtable(source, "<helper>", "exec"))


def _import_time_names(node: ast.AST) -> Iterator[str]:
    """Names that are looked up while the statement is executed, so not in the bodies of functions."""
    if isinstance(node, ast.Name):
        yield node.id
    skipped: list[ast.AST] = []
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
        skipped = list(node.body)
    elif isinstance(node, ast.Lambda):
        skipped = [node.body]
    for child in ast.iter_child_nodes(node):
        if child not in skipped:
            yield from _import_time_names(child)
