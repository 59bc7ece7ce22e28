"""Carrying helpers into an output: which ones, under which names, and as which text."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import libcst as cst

from torch2jax.rewrite.helper_index import Definition, HelperLibrary, Helpers, UnknownHelperError, library
from torch2jax.rewrite.helper_placement import Section, place
from torch2jax.rewrite.helper_renaming import rename_globals
from torch2jax.rewrite.requirements import Requirement, import_statements, section_of

__all__ = [
    "MODULE_NAME",
    "Definition",
    "HelperLibrary",
    "Helpers",
    "Section",
    "UnknownHelperError",
    "closure",
    "helper_requirements",
    "library",
    "place",
    "render_module",
    "render_section",
    "reserve",
]

MODULE_NAME: Final = "torch2jax_helpers"
MODULE_DOCSTRING: Final = (
    '"""What PyTorch has and neither JAX nor Flax nor optax: used by the modules of this package."""'
)


def closure(names: Iterable[str]) -> Helpers:
    """The packaged helpers `names` and all that they use, dependencies first."""
    return library().closure(names)


def reserve(names: Iterable[str], taken: Collection[str], *, source: HelperLibrary | None = None) -> dict[str, str]:
    """The name in the output of each helper in the closure of `names`: its own, or another where that one is taken.

    Args:
        names: helpers that the output may use.
        taken: every name that the user's file binds or looks up, in any scope.
        source: the library; the packaged one by default.
    """
    known = source or library()
    helpers = known.closure(names).names
    avoided = {*taken, *known.files, *known.private}
    chosen: dict[str, str] = {}
    for name in helpers:
        chosen[name] = name if name not in taken else next(c for c in _substitutes(name) if c not in avoided)
        avoided.add(chosen[name])
    return chosen


def render_section(
    names: Iterable[str], rename: Mapping[str, str] | None = None, *, source: HelperLibrary | None = None
) -> Section:
    """The helpers `names` and all that they use, as statements for `place`, and the imports that they need.

    Args:
        names: helpers that the file uses.
        rename: other names for helpers (from `reserve`) and for imported roots (from `choose_aliases`).
        source: the library; the packaged one by default.
    """
    replaced = {old: new for old, new in (rename or {}).items() if old != new}
    helpers = (source or library()).closure(names)
    texts = [rename_globals(d.source, replaced) if replaced else d.source for d in helpers.definitions]
    parsed = cst.parse_module(_joined(helpers.definitions, texts))
    statements = list(parsed.body)
    if statements:
        statements[0] = statements[0].with_changes(leading_lines=parsed.header)
    requirements = frozenset(r.called(replaced.get(r.local, r.local)) for r in helpers.requirements)
    local = [replaced.get(d.name, d.name) for d in helpers.definitions]
    uses = {replaced.get(d.name, d.name): frozenset(replaced.get(u, u) for u in d.uses) for d in helpers.definitions}
    return Section(requirements, dict(zip(local, statements, strict=True)), uses)


def render_module(names: Iterable[str], *, source: HelperLibrary | None = None) -> str:
    """A complete module with the helpers `names` and all that they use."""
    helpers = (source or library()).closure(names)
    sections: dict[int, list[Requirement]] = {}
    for requirement in helpers.requirements:
        sections.setdefault(section_of(requirement.module), []).append(requirement)
    empty = cst.Module([])
    blocks = [
        "\n".join(empty.code_for_node(statement) for statement in import_statements(sections[section]))
        for section in sorted(sections)
    ]
    head = "\n\n".join([MODULE_DOCSTRING, *blocks])
    return f"{head}\n\n\n{_joined(helpers.definitions, [d.source for d in helpers.definitions])}"


def _joined(definitions: Sequence[Definition], texts: Sequence[str]) -> str:
    """The texts in one, with two blank lines around functions and classes and none between constants."""
    parts: list[str] = []
    for index, (definition, text) in enumerate(zip(definitions, texts, strict=True)):
        if index:
            apart = definition.is_block or definitions[index - 1].is_block
            parts.append("\n\n\n" if apart else "\n")
        parts.append(text)
    return "".join(parts) + "\n" if parts else ""


def helper_requirements(
    names: Iterable[str], rename: Mapping[str, str] | None = None, *, module: str = MODULE_NAME, level: int = 1
) -> list[Requirement]:
    """What a file of a project imports from the project's helper module to use the helpers `names`."""
    return [
        Requirement(module, name, level=level).called((rename or {}).get(name, name)) for name in sorted(set(names))
    ]


def _substitutes(name: str) -> Iterator[str]:
    bare = name.lstrip("_")
    yield f"_{bare}"
    number = 2
    while True:
        yield f"_{bare}_{number}"
        number += 1
