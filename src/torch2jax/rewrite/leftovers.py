"""The last net: names of torch that a translation still reads, and that nothing was said about.

Every construct of Python should be understood by then. Where one is not, the output would import torch again, or
compare with its objects and find none equal; so what is left over becomes an error with a mark.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping

import libcst as cst

from torch2jax.infer.facts import Finding
from torch2jax.rules.cache import RuleBook
from torch2jax.source.nodes import children
from torch2jax.source.scope import Binding, Scope

_STILL_IMPORTED = re.compile(r"^\s*(import|from)\s+(torch|torchvision|torchaudio|timm)\b", re.MULTILINE)
_FAMILY = ("torch", "torchvision", "torchaudio", "timm")


def may_hold_leftovers(code: str) -> bool:
    """Whether a translation still imports torch: all others need no look at their trees."""
    return _STILL_IMPORTED.search(code) is not None


def flag_leftovers(
    original: cst.Module, rewritten: cst.Module, binding: Binding, flagged: Collection[cst.CSTNode], book: RuleBook
) -> tuple[cst.Module, list[Finding]]:
    """The rewritten file with a mark above each statement that still reads torch unflagged, and the findings.

    flagged: nodes of the original that errors were reported at; the statements that hold them have their marks.
    """
    kept = {id(node) for node, _, _ in _located(rewritten)}
    places = list(_located(original, binding))
    explained = {id(statement) for node, statement, _ in places if node in flagged}
    found: dict[int, Finding] = {}
    seen: set[int] = set()
    for node, statement, scope in places:
        root = _root(node)
        if root is None or id(root) in seen:
            continue
        seen.add(id(root))  # parents come first, so this is the longest chain on it
        qualified = binding.qualify(scope or binding.module, node)
        if qualified is None or qualified.partition(".")[0] not in _FAMILY:
            continue
        if id(root) in kept and id(statement) not in explained:
            code = "T2J103" if book.lookup(qualified) else "T2J101"
            found[id(root)] = Finding(code, node, f"{qualified} is not translated here", "write it by hand")
    if not found:
        return rewritten, []
    marks: dict[cst.CSTNode, dict[str, None]] = {}
    for node, statement, _ in _located(rewritten):
        if id(node) in found and statement is not None:
            finding = found[id(node)]
            marks.setdefault(statement, {})[f"# TODO(torch2jax): {finding.code} {finding.message}"] = None
    marked = rewritten.visit(_Marks(marks))
    assert isinstance(marked, cst.Module)
    return marked, list(found.values())


def _located(
    module: cst.Module, binding: Binding | None = None
) -> Iterator[tuple[cst.CSTNode, cst.CSTNode | None, Scope | None]]:
    """Every node outside imports, parents first, with the innermost statement and scope around it."""
    stack: list[tuple[cst.CSTNode, cst.CSTNode | None, Scope | None]] = [(module, None, None)]
    while stack:
        node, statement, scope = stack.pop()
        if isinstance(node, cst.Import | cst.ImportFrom):
            continue
        if hasattr(node, "leading_lines") and not isinstance(node, cst.Decorator):
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


class _Marks(cst.CSTTransformer):
    """Puts comments above statements."""

    def __init__(self, marks: Mapping[cst.CSTNode, Iterable[str]]) -> None:
        super().__init__()
        self.marks = marks

    def on_leave(self, original_node: cst.CSTNode, updated_node: cst.CSTNode) -> cst.CSTNode:  # type: ignore[override]
        """Add those of one statement."""
        if original_node not in self.marks:
            return updated_node
        lines = [cst.EmptyLine(comment=cst.Comment(text)) for text in self.marks[original_node]]
        return updated_node.with_changes(leading_lines=[*updated_node.leading_lines, *lines])  # type: ignore[attr-defined]
