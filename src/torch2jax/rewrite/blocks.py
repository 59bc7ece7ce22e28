"""Blocks: their statements one by one, each with what has to come before it and the errors in it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torch2jax.rewrite.comments import comments_of, with_lost_comments
from torch2jax.rewrite.derivatives import derivative_lines
from torch2jax.rewrite.rewriter import STATEMENTS, Rewriter, statement
from torch2jax.rewrite.steps import (
    accumulated,
    before_accumulation,
    copy_of,
    returned,
    stepped,
    training_step,
    without_blank_before,
)
from torch2jax.source.nodes import walk


def body(rewriter: Rewriter, nodes: Sequence[Any], *, of_file: bool = False) -> list[Any]:
    """The statements of a block; in a file, each behind the functions that were made of parts of it."""
    result: list[Any] = []
    pending: list[cst.EmptyLine] = []
    skipped: set[Any] = set()
    for node in nodes:
        if node in skipped:
            continue
        region = rewriter.program.regions.get(node)
        added = rewriter.program.accumulations.get(node)
        closure = rewriter.program.closures.get(node)
        copies = _copies(rewriter, (node, *(region.statements if region is not None else ())))
        if region is not None and node not in rewriter.entered:
            rewriter.entered.add(node)
            skipped.update(region.statements)
            new = training_step(rewriter, region, body)
        elif node in rewriter.program.moved and node not in rewriter.moving:
            continue
        elif node in rewriter.program.dropped:
            new = []
        elif node in rewriter.program.derivatives and node not in rewriter.moving:
            new = derivative_lines(rewriter, rewriter.program.derivatives[node], body)
        elif added is not None and added.loop is not node:
            new = accumulated(rewriter, added, node)
        elif closure is not None and node in closure.steps and not closure.calls_itself:
            new = stepped(rewriter, closure, node)
        elif closure is not None and node is closure.returns:
            new = returned(closure, one(rewriter, node))
        else:
            new = one(rewriter, node)
        new = [*copies, *new]
        if added is not None and added.loop is node:
            new = [before_accumulation(added), *new]
        if of_file and rewriter.hoisted:
            new = _behind(rewriter, new)
        if new and pending:
            new[0] = new[0].with_changes(leading_lines=[*pending, *new[0].leading_lines])
            pending = []
        if not new:
            pending += comments_of(node)
        result += new if result or node is nodes[0] or of_file else without_blank_before(new)
    rewriter.unplaced = pending
    return result


def _copies(rewriter: Rewriter, nodes: Sequence[Any]) -> list[Any]:
    """Copies of models in front of statements that will be run once more."""
    if not rewriter.program.copies:
        return []
    new = [node for node in dict.fromkeys(nodes) if node not in rewriter.copied]
    places = [place for node in new for place in rewriter.program.copies.get(node, ())]
    rewriter.copied.update(nodes)
    return [copy_of(rewriter, name, model) for name, model in places]


_TWO_BLANKS = [cst.EmptyLine(indent=False)] * 2


def _behind(rewriter: Rewriter, new: list[Any]) -> list[Any]:
    """Statements of a file with functions in front, two blank lines around each."""
    functions = [fn.with_changes(leading_lines=[*_TWO_BLANKS, *fn.leading_lines]) for fn in rewriter.hoisted]
    rewriter.hoisted = []
    lines = list(new[0].leading_lines)
    while lines and lines[0].comment is None:
        del lines[0]
    return [*functions, new[0].with_changes(leading_lines=[*_TWO_BLANKS, *lines]), *new[1:]]


def _has_comments(rewriter: Rewriter, node: cst.SimpleStatementLine) -> bool:
    return rewriter.comments_inside or node.trailing_whitespace.comment is not None


def one(rewriter: Rewriter, node: Any) -> list[Any]:
    """One statement, with what has to come before it."""
    held, rewriter.before = rewriter.before, []
    handler = STATEMENTS.get(type(node))
    new: list[Any] = handler(rewriter, node) if handler is not None else [rewriter.generic(node)]
    if isinstance(node, cst.SimpleStatementLine) and new != [node] and _has_comments(rewriter, node):
        new = with_lost_comments(node, new)
    before, rewriter.before = rewriter.before, held
    marks = error_comments(rewriter, own_parts(node))
    if marks and (before or new):
        first = before or new
        first[0] = first[0].with_changes(leading_lines=[*getattr(first[0], "leading_lines", ()), *marks])
    if before:
        lines = [*getattr(node, "leading_lines", ()), *marks]
        before[0] = before[0].with_changes(leading_lines=lines)
        if new and new[0] is not None and hasattr(new[0], "leading_lines"):
            new[0] = new[0].with_changes(leading_lines=[])
    result = [*before, *new]
    return result if rewriter.line_marks is None else rewriter.line_marks.marked(node, result)


_HEADERS: dict[type, tuple[str, ...]] = {
    cst.If: ("test",),
    cst.While: ("test",),
    cst.For: ("iter",),
    cst.With: ("items",),
    cst.FunctionDef: ("params", "decorators"),
    cst.ClassDef: ("bases", "keywords", "decorators"),
    cst.Match: ("subject",),
    cst.MatchCase: ("pattern", "guard"),
    cst.ExceptHandler: ("type",),
    cst.ExceptStarHandler: ("type",),
}


def own_parts(node: Any) -> list[Any]:
    """A simple statement, or the header of a compound one, whose body has statements of its own."""
    if isinstance(node, cst.SimpleStatementLine):
        return [node]
    parts: list[Any] = []
    for name in _HEADERS.get(type(node), ()):
        value = getattr(node, name)
        parts += value if isinstance(value, list | tuple) else [value] if value is not None else []
    return parts


def error_comments(rewriter: Rewriter, parts: Sequence[Any]) -> list[cst.EmptyLine]:
    """A comment above a statement for each error in it."""
    errors = rewriter.errors()
    if not errors:
        return []
    found: dict[str, None] = {}
    for part in parts:
        for inner in walk(part):
            for table in errors:
                for finding in table.get(inner, ()):
                    found[f"# TODO(torch2jax): {finding.code} {finding.message}"] = None
    return [cst.EmptyLine(comment=cst.Comment(" ".join(text.split()))) for text in found]


def suite(rewriter: Rewriter, node: Any, prefix: Sequence[Any] = ()) -> Any:
    """A block with statements in front."""
    if isinstance(node, cst.SimpleStatementSuite):
        lines = body(rewriter, [cst.SimpleStatementLine(node.body)])
        if not prefix and len(lines) == 1 and isinstance(lines[0], cst.SimpleStatementLine):
            return node.with_changes(body=lines[0].body)
        return cst.IndentedBlock([*prefix, *(lines or [statement(cst.Pass())])])
    new = [*prefix, *body(rewriter, node.body)]
    if new and isinstance(new[0], cst.FunctionDef) and not isinstance(node.body[0], cst.FunctionDef):
        new[0] = new[0].with_changes(leading_lines=[line for line in new[0].leading_lines if line.comment is not None])
    if not new:
        return node.with_changes(body=[statement(cst.Pass()).with_changes(leading_lines=rewriter.unplaced)])
    if rewriter.unplaced:
        node = node.with_changes(footer=[*rewriter.unplaced, *node.footer])
    if all(a is b for a, b in zip(new, node.body, strict=False)) and len(new) == len(node.body):
        return node
    return node.with_changes(body=new)
