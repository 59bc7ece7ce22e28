"""Loops over arrays that are written out: ``for p in (w, b): p -= lr * p.grad`` as a line for each.

The gradient of an array is a variable of its own in JAX, which has to be named where it is used.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.source.assigned import assigned_names
from torch2jax.source.inlining import Inlined, Substitution, Tracing
from torch2jax.source.nodes import walk

_MOST = 8
_EXITS = cst.Break | cst.Continue | cst.Return | cst.Yield | cst.FunctionDef | cst.Lambda


def unrolled(tree: cst.Module, origins: dict[cst.CSTNode, cst.CSTNode]) -> Inlined:
    """A file with such loops over names written out; ``origins`` as in `Inlined`."""
    return Inlined(tree.visit(_Unrolling(origins)), origins)


class _Unrolling(Tracing):
    def leave_For(self, original_node: cst.For, updated_node: cst.For) -> Any:
        names = _names(updated_node)
        if not names:
            return updated_node
        assert isinstance(updated_node.target, cst.Name)
        lines: list[Any] = []
        for at, name in enumerate(names):
            for statement in updated_node.body.body:
                copy: Any = statement.deep_clone()
                for before, after in zip(walk(statement), walk(copy), strict=True):
                    self.origins[after] = self.origins.get(before, before)
                self.origins[copy] = self.origins.get(statement, statement)
                copy = copy.visit(_WithoutComments(self.origins)) if at else copy
                lines.append(copy.visit(Substitution({updated_node.target.value: cst.Name(name)}, self.origins)))
        first = lines[0].with_changes(leading_lines=[*updated_node.leading_lines, *lines[0].leading_lines])
        self.origins[first] = self.origins.get(lines[0], lines[0])
        return cst.FlattenSentinel([first, *lines[1:]])


class _WithoutComments(Tracing):
    """Comments stand in the first of the copies."""

    def leave_EmptyLine(self, original_node: cst.EmptyLine, updated_node: cst.EmptyLine) -> Any:
        return cst.RemoveFromParent() if updated_node.comment is not None else updated_node

    def leave_TrailingWhitespace(
        self, original_node: cst.TrailingWhitespace, updated_node: cst.TrailingWhitespace
    ) -> cst.TrailingWhitespace:
        is_plain = updated_node.comment is None
        return updated_node if is_plain else cst.TrailingWhitespace(newline=updated_node.newline)


def _names(node: cst.For) -> list[str]:
    """The names that a loop goes through, where it uses the gradient of each."""
    match node:
        case cst.For(
            target=cst.Name(target),
            iter=cst.Tuple(elements=elements) | cst.List(elements=elements),
            body=cst.IndentedBlock() as body,
            orelse=None,
        ):
            names = [element.value.value for element in elements if isinstance(element.value, cst.Name)]
        case _:
            return []
    parts = list(walk(body))
    grads = [part for part in parts if isinstance(part, cst.Attribute) and part.attr.value == "grad"]
    uses = any(isinstance(part.value, cst.Name) and part.value.value == target for part in grads)
    if len(names) != len(elements) or len(names) > _MOST or not uses or any(isinstance(p, _EXITS) for p in parts):
        return []
    rebound = any(isinstance(part, cst.AssignTarget) and part.target.deep_equals(cst.Name(target)) for part in parts)
    return [] if rebound or set(names) & (assigned_names(body) - {target}) else names
