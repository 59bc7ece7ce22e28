"""Simple statements; one may become several, or none."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.facts import Relayout
from torch2jax.infer.layout import conversion, describe
from torch2jax.rewrite.assignments import annotated_assign, assign, augmented_assign
from torch2jax.rewrite.expression_statements import expression_statement
from torch2jax.rewrite.gradient_names import import_from, names_itself
from torch2jax.rewrite.host import received_lines
from torch2jax.rewrite.references import annotated, annotation
from torch2jax.rewrite.rewriter import STATEMENTS, Rewriter, assignment, rewrites, statement
from torch2jax.source.nodes import walk


@rewrites(STATEMENTS, cst.SimpleStatementLine)
def simple_line(rewriter: Rewriter, node: cst.SimpleStatementLine) -> list[Any]:
    """A line of small statements: one may become several, or none."""
    small: list[Any] = []
    lines: list[Any] = []
    changed = False
    for part in node.body:
        new = small_statement(rewriter, part)
        if isinstance(new, list):
            changed = True
            lines += new
        else:
            changed = changed or new is not part
            small.append(new)
            lines.append(new)
        lines += _relayouts_after(rewriter, part)
        changed = changed or bool(lines and not isinstance(lines[-1], cst.BaseSmallStatement))
    if not changed:
        return [node]
    if len(small) == len(node.body) and len(lines) == len(small):
        return [node.with_changes(body=small)]
    whole = [
        line
        if not isinstance(line, cst.BaseSmallStatement)
        else statement(line.with_changes(semicolon=cst.MaybeSentinel.DEFAULT))
        for line in lines
    ]
    if whole:
        whole[0] = whole[0].with_changes(leading_lines=node.leading_lines)
        if isinstance(whole[-1], cst.SimpleStatementLine):
            whole[-1] = whole[-1].with_changes(trailing_whitespace=node.trailing_whitespace)
    return whole


def _relayouts_after(rewriter: Rewriter, node: cst.CSTNode) -> list[Any]:
    """Names whose new value has to lie otherwise from here on."""
    if not isinstance(node, cst.Assign | cst.AugAssign | cst.AnnAssign | cst.Expr):
        return []
    received = received_lines(rewriter, [target.target for target in getattr(node, "targets", ())])
    if not rewriter.facts.definitions:
        return received
    return [
        *received,
        *(
            transposition(rewriter, part, rewriter.facts.definitions[part])
            for part in walk(node)
            if part in rewriter.facts.definitions
        ),
    ]


def transposition(rewriter: Rewriter, target: Any, relayout: Relayout) -> cst.SimpleStatementLine:
    """``x = x.transpose(0, 2, 3, 1)``."""
    rewriter.placed.add(target)
    name = cst.Name(target.value if isinstance(target, cst.Name) else _defined_name(target))
    rewriter.tally.transposes += 1
    rank = relayout.rank or 0
    value = rewriter.transposed(name, conversion(relayout.source, relayout.target, rank))
    comment = f"# {describe(relayout.source, rank)} -> {describe(relayout.target, rank)}"
    line = statement(assignment(name, value))
    return line.with_changes(
        trailing_whitespace=cst.TrailingWhitespace(cst.SimpleWhitespace("  "), cst.Comment(comment))
    )


def _defined_name(node: Any) -> str:
    if isinstance(node, cst.Param):
        return node.name.value
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and isinstance(node.func.value, cst.Name):
        return node.func.value.value
    return "x"


def small_statement(rewriter: Rewriter, node: cst.BaseSmallStatement) -> Any:
    """A small statement: another one, or a list of lines."""
    if rewriter.gradient is not None:
        new = rewriter.gradient.statement(rewriter, node)
        if new is not None:
            return new
    if isinstance(node, cst.ImportFrom):
        return import_from(rewriter, node)
    if isinstance(node, cst.Assign) and names_itself(rewriter, node):
        return []
    match node:
        case cst.Expr():
            return expression_statement(rewriter, node)
        case cst.Assign():
            return assign(rewriter, node)
        case cst.AnnAssign() if node.value is not None:
            return annotated_assign(rewriter, node)
        case cst.AnnAssign():
            return node.with_changes(annotation=annotation(rewriter, node.annotation))
        case cst.AugAssign():
            return augmented_assign(rewriter, node)
        case cst.Import() | cst.ImportFrom():
            return node
        case cst.TypeAlias():
            return node.with_changes(value=annotated(rewriter, node.value))
        case _:
            return rewriter.generic(node)
