"""The last net: names of torch that a translation still reads, and that nothing was said about.

Every construct of Python should be understood by then. Where one is not, the output would import torch again, or
compare with its objects and find none equal; so what is left over becomes an error with a mark.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Finding
from torch2jax.rules.cache import RuleBook
from torch2jax.source.nodes import FIELDS, children
from torch2jax.source.scope import Binding, Scope

_STILL_IMPORTED = re.compile(r"^\s*(import|from)\s+(torch|torchvision|torchaudio|timm)\b", re.MULTILINE)
_STATEMENTS = frozenset(
    kind for kind in FIELDS if "leading_lines" in {f.name for f in fields(kind)} and kind is not cst.Decorator
)
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")
_WITH_BLOCKS = (
    cst.Module,
    cst.IndentedBlock,
    cst.BaseCompoundStatement,
    cst.Else,
    cst.Finally,
    cst.ExceptHandler,
    cst.ExceptStarHandler,
    cst.MatchCase,
)
_FAMILY = ("torch", "torchvision", "torchaudio", "timm")


def may_hold_leftovers(code: str) -> bool:
    """Whether a translation still imports torch: all others need no look at their trees."""
    return _STILL_IMPORTED.search(code) is not None


def flag_leftovers(
    original: cst.Module,
    rewritten: cst.Module,
    binding: Binding,
    flagged: Collection[cst.CSTNode],
    book: RuleBook,
    meant: Collection[int] = (),
) -> tuple[cst.Module, list[Finding]]:
    """The rewritten file with a mark above each statement that still reads torch unflagged, and the findings.

    flagged: nodes of the original that errors were reported at; the statements that hold them have their marks.
    meant: nodes that are to read torch, by identity.
    """
    names = {found.name for found in binding.import_list if _is_torch(found.qualified) and not found.level}
    kept = [(node, statement) for node, statement, _ in _located(rewritten) if _value(node) in names]
    if not kept:
        return rewritten, []
    flagged_ids = {id(node) for node in flagged}
    places = list(_located(original, binding))
    explained = {id(statement) for node, statement, _ in places if id(node) in flagged_ids}
    kept_ids = {id(node) for node, _ in kept}
    found: dict[int, Finding] = {}
    seen: set[int] = set()
    for node, statement, scope in places:
        root = _root(node)
        if root is None or root.value not in names or id(root) in seen or id(root) in meant:
            continue
        seen.add(id(root))  # parents come first, so this is the longest chain on it
        qualified = binding.qualify(scope or binding.module, node)
        if qualified is not None and _is_torch(qualified) and id(root) in kept_ids and id(statement) not in explained:
            code = "T2J103" if book.lookup(qualified) else "T2J101"
            found[id(root)] = Finding(code, node, f"{qualified} is not translated here", "write it by hand")
    if not found:
        return rewritten, []
    marks: dict[int, dict[str, None]] = {}
    for node, statement in kept:
        if id(node) in found and statement is not None:
            finding = found[id(node)]
            marks.setdefault(id(statement), {})[f"# TODO(torch2jax): {finding.code} {finding.message}"] = None
    return _marked(rewritten, marks), list(found.values())


def _is_torch(qualified: str) -> bool:
    return qualified.partition(".")[0] in _FAMILY


def _value(node: cst.CSTNode) -> str | None:
    return node.value if type(node) is cst.Name else None


def _marked(node: Any, marks: Mapping[int, Iterable[str]]) -> Any:
    """A statement or block with comments above the statements in it that have some."""
    changes: dict[str, Any] = {}
    for name in _BLOCKS if isinstance(node, _WITH_BLOCKS) else ():
        part = getattr(node, name, None)
        if isinstance(part, list | tuple):
            parts = [_marked(each, marks) for each in part]
            if any(a is not b for a, b in zip(parts, part, strict=True)):
                changes[name] = parts
        elif part is not None:
            new = _marked(part, marks)
            if new is not part:
                changes[name] = new
    if id(node) in marks:
        lines = [cst.EmptyLine(comment=cst.Comment(text)) for text in marks[id(node)]]
        changes["leading_lines"] = [*node.leading_lines, *lines]
    return node.with_changes(**changes) if changes else node


def _located(
    module: cst.Module, binding: Binding | None = None
) -> Iterator[tuple[cst.CSTNode, cst.CSTNode | None, Scope | None]]:
    """Every node outside imports, parents first, with the innermost statement and scope around it."""
    stack: list[tuple[cst.CSTNode, cst.CSTNode | None, Scope | None]] = [(module, None, None)]
    while stack:
        node, statement, scope = stack.pop()
        if type(node) in (cst.Import, cst.ImportFrom):
            continue
        if type(node) in _STATEMENTS:
            statement = node
        if binding is not None:
            scope = binding.scope_of.get(node, scope)
        yield node, statement, scope
        stack.extend((child, statement, scope) for child in reversed(children(node)))


def _root(node: cst.CSTNode) -> cst.Name | None:
    """The name that a dotted expression begins with."""
    while isinstance(node, cst.Attribute):
        node = node.value
    return node if isinstance(node, cst.Name) else None
