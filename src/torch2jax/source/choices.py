"""Calls of a method of one of two things, ``(a if test else b).append(x)``, as an ``if`` with a call in each branch."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.source.inlining import Inlined, Tracing
from torch2jax.source.nodes import walk


def branched(tree: cst.Module, origins: dict[cst.CSTNode, cst.CSTNode]) -> Inlined:
    """A file with such statements as branches; ``origins`` as in `Inlined`."""
    return Inlined(tree.visit(_Branching(origins)), origins)


class _Branching(Tracing):
    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        match updated_node.body:
            case [
                cst.Expr(
                    value=cst.Call(
                        func=cst.Attribute(value=cst.IfExp(test=test, body=body, orelse=other)) as func
                    ) as call
                )
            ]:
                lines = [self._line(original_node, updated_node, call, func, each) for each in (body, other)]
                first, second = (cst.IndentedBlock([line]) for line in lines)
                return cst.If(test, first, cst.Else(second), leading_lines=updated_node.leading_lines)
        return updated_node

    def _line(
        self,
        origin: cst.SimpleStatementLine,
        line: cst.SimpleStatementLine,
        call: cst.Call,
        func: cst.Attribute,
        receiver: cst.BaseExpression,
    ) -> cst.SimpleStatementLine:
        """The statement with one of the two receivers, of nodes of its own."""
        method = func.with_changes(value=receiver)
        called = call.with_changes(func=method)
        chosen = line.with_changes(body=[cst.Expr(called)], leading_lines=[])
        stands_for = {method: func, called: call, chosen.body[0]: line.body[0]}
        copy = chosen.deep_clone()
        for before, after in zip(walk(chosen), walk(copy), strict=True):
            held = stands_for.get(before, before)
            self.origins[after] = self.origins.get(held, held)
        self.origins[copy] = self.origins.get(origin, origin)
        return copy
