"""The imports that an output needs: what they bind, under which name, and how they are written and sorted."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import libcst as cst

from torch2jax.source.scope import Binding, ImportBinding, Scope

LINE_LENGTH: Final = 88  # where the usual formatters break a line


@dataclass(frozen=True, slots=True)
class Requirement:
    """One name that must be imported: `import module as alias`, or `from module import name as alias`.

    `level` counts the leading dots of a relative import.
    """

    module: str
    name: str | None = None
    alias: str | None = None
    level: int = 0

    @property
    def local(self) -> str:
        """The name that the import binds."""
        return self.alias or self.name or self.module.partition(".")[0]

    @property
    def qualified(self) -> str:
        """What the name stands for, as in `ImportBinding.qualified`."""
        return ".".join(part for part in (self.module, self.name) if part)

    def called(self, local: str) -> Requirement:
        """The same thing bound to the name `local`."""
        natural = self.name or self.module
        return replace(self, alias=None if local == natural else local)


ROOTS: Final[Mapping[str, Requirement]] = {
    "jax": Requirement("jax"),
    "jnp": Requirement("jax.numpy", alias="jnp"),
    "lax": Requirement("jax", "lax"),
    "nnx": Requirement("flax", "nnx"),
    "optax": Requirement("optax"),
    "np": Requirement("numpy", alias="np"),
    "math": Requirement("math"),
    "nullcontext": Requirement("contextlib", "nullcontext"),
    "partial": Requirement("functools", "partial"),
    "OrderedDict": Requirement("collections", "OrderedDict"),
    "einops": Requirement("einops"),
    "operator": Requirement("operator"),
    "torch": Requirement("torch"),
    "grain": Requirement("grain"),
}


def choose_aliases(
    binding: Binding, needed: Iterable[str | Requirement] = tuple(ROOTS), *, taken: Collection[str] = ()
) -> dict[str, str]:
    """The local name of each needed root in a file, as `{"jnp": "jnp", "nnx": "flax_nnx"}`.

    A file's own import of the same thing is reused under its own name; a root whose usual name means something else
    anywhere in the file gets another one.

    Args:
        binding: the scopes of the file before rewriting.
        needed: names of `ROOTS`, or further requirements (of helpers).
        taken: names that may not be used although the file does not bind them.
    """
    scopes = [binding.module, *(scope for scope in binding.scope_of.values() if scope is not binding.module)]
    holders: dict[str, list[Scope]] = {}
    for scope in scopes:
        for name in scope.names:
            holders.setdefault(name, []).append(scope)
    occupied = {*taken, *dir(builtins)}
    if any(not star.names for star in binding.star_imports):  # any name that nothing here binds may come from there
        occupied.update({name for scope in scopes for name in scope.reads} - holders.keys())
    chosen: dict[str, str] = {}
    for item in needed:
        requirement = ROOTS[item] if isinstance(item, str) else item
        root = item if isinstance(item, str) else item.local
        if root in chosen:
            continue
        for candidate in _candidates(binding, requirement):
            if candidate not in occupied and all(
                _means_only(scope, candidate, requirement) for scope in holders.get(candidate, ())
            ):
                chosen[root] = candidate
                occupied.add(candidate)
                break
    return chosen


def _candidates(binding: Binding, requirement: Requirement) -> Iterable[str]:
    """Local names to try, best first; endless."""
    own = [i.name for i in binding.import_list if is_plain_import_of(i, requirement) and i.scope is binding.module]
    if requirement.local in own:
        yield requirement.local
    yield from own
    yield requirement.local
    spelled = requirement.qualified.replace(".", "_")
    if spelled != requirement.local:
        yield spelled
    yield f"_{requirement.local}"
    number = 2
    while True:
        yield f"{spelled}_{number}"
        number += 1


def is_plain_import_of(found: ImportBinding, requirement: Requirement) -> bool:
    """Whether an import of the file binds the required thing whenever the file is loaded."""
    return not found.conditional and _same_thing(found, requirement)


def _same_thing(found: ImportBinding, requirement: Requirement) -> bool:
    return (found.qualified, found.level) == (requirement.qualified, requirement.level)


def _means_only(scope: Scope, name: str, requirement: Requirement) -> bool:
    """Whether everything that binds `name` in `scope` is an import of the required thing."""
    found = scope.imports.get(name)
    if found is None or not _same_thing(found, requirement):
        return False
    return all(isinstance(node, cst.ImportAlias) for node in scope.names[name])


# Sorting and writing, as isort does by default: plain imports first, then `from` imports, each by module.


def section_of(module: str, level: int = 0) -> int:
    """0 `__future__`, 1 standard library, 2 third party, 3 relative."""
    if level:
        return 3
    root = module.partition(".")[0]
    return 0 if root == "__future__" else 1 if root in sys.stdlib_module_names else 2


def sort_key(statement: cst.Import | cst.ImportFrom) -> tuple[bool, int, str]:
    """Where a statement stands among the imports of its section: farther packages first among relative ones."""
    if isinstance(statement, cst.Import):
        return (False, 0, dotted(statement.names[0].name).lower())
    return (True, -len(statement.relative), dotted(statement.module).lower())


def member_key(name: str) -> tuple[int, str]:
    """Order of the names in one `from` import: constants, classes, then the rest."""
    bare = name.lstrip("_")
    rank = 0 if len(bare) > 1 and bare.isupper() else 1 if bare[:1].isupper() else 2
    return rank, name


def dotted(node: cst.CSTNode | None) -> str:
    """The text of a dotted module name; empty for none."""
    if isinstance(node, cst.Attribute):
        return f"{dotted(node.value)}.{node.attr.value}"
    return node.value if isinstance(node, cst.Name) else ""


def import_statements(requirements: Iterable[Requirement]) -> list[cst.Import | cst.ImportFrom]:
    """The sorted statements that bind all `requirements` (of one section), one `from` import a module."""
    plain = {r for r in requirements if r.name is None}
    members: dict[tuple[str, int], set[Requirement]] = {}
    for requirement in requirements:
        if requirement.name is not None:
            members.setdefault((requirement.module, requirement.level), set()).add(requirement)
    statements: list[cst.Import | cst.ImportFrom] = [cst.Import(names=[alias_node(r)]) for r in plain]
    statements.extend(_from_import(module, level, found) for (module, level), found in members.items())
    return sorted(statements, key=sort_key)


def alias_node(requirement: Requirement) -> cst.ImportAlias:
    """The `name as alias` part of an import."""
    path = requirement.name or requirement.module
    name: cst.Name | cst.Attribute = cst.Name(path.partition(".")[0])
    for part in path.split(".")[1:]:
        name = cst.Attribute(name, cst.Name(part))
    asname = None if requirement.alias in (None, path) else cst.AsName(cst.Name(requirement.local))
    return cst.ImportAlias(name=name, asname=asname)


def _from_import(module: str, level: int, members: Collection[Requirement]) -> cst.ImportFrom:
    ordered = sorted(members, key=lambda member: (member_key(member.name or ""), member.local))
    statement = cst.ImportFrom(
        module=_module_node(module), names=[alias_node(member) for member in ordered], relative=[cst.Dot()] * level
    )
    return wrap_if_long(statement)


def _module_node(module: str) -> cst.Name | cst.Attribute | None:
    parts = [part for part in module.split(".") if part]
    if not parts:
        return None
    node: cst.Name | cst.Attribute = cst.Name(parts[0])
    for part in parts[1:]:
        node = cst.Attribute(node, cst.Name(part))
    return node


def wrap_if_long(statement: cst.ImportFrom) -> cst.ImportFrom:
    """The statement on one line where it fits, else with one name a line in parentheses."""
    if isinstance(statement.names, cst.ImportStar):
        return statement
    aliases: Sequence[cst.ImportAlias] = [a.with_changes(comma=cst.MaybeSentinel.DEFAULT) for a in statement.names]
    flat = statement.with_changes(names=aliases, lpar=None, rpar=None)
    if len(cst.Module([]).code_for_node(flat)) <= LINE_LENGTH:
        return flat
    indented = cst.ParenthesizedWhitespace(indent=True, last_line=cst.SimpleWhitespace("    "))
    closing = cst.ParenthesizedWhitespace(indent=True)
    commas = [cst.Comma(whitespace_after=indented)] * (len(aliases) - 1) + [cst.Comma(whitespace_after=closing)]
    return flat.with_changes(
        names=[alias.with_changes(comma=comma) for alias, comma in zip(aliases, commas, strict=True)],
        lpar=cst.LeftParen(whitespace_after=indented),
        rpar=cst.RightParen(),
    )
