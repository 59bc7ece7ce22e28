"""The docstring of a rule: its text and its `>>>` examples."""

from __future__ import annotations

import ast
import io
import tokenize
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from torch2jax.rules.model import Example
from torch2jax.rules.templates import Scope


@dataclass(frozen=True, slots=True)
class _Line:
    """One `>>>` line with its continuations; `fresh`: it follows a line that is no example."""

    source: str
    line: int
    fresh: bool


def parse_docstring(node: ast.FunctionDef, scope: Scope) -> tuple[str, tuple[Example, ...], Sequence[ast.stmt]]:
    """The text without its examples, the examples, and the statements behind the docstring."""
    first = node.body[0]
    if not (
        isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str)
    ):
        return "", (), node.body
    lines = first.value.value.splitlines()
    text = "\n".join(line.strip() for line in lines if not line.strip().startswith((">>>", "..."))).strip()
    return text, tuple(_examples(list(_example_lines(lines, first.lineno)), scope)), node.body[1:]


def _example_lines(lines: Sequence[str], start: int) -> Iterator[_Line]:
    current: list[str] = []
    began, fresh, gap = 0, True, True
    for number, raw in enumerate([*lines, ""], start):
        line = raw.strip()
        if line.startswith("...") and current:
            current.append(line[4:])
            continue
        if current:
            yield _Line("\n".join(current), began, fresh)
            current = []
        if line.startswith(">>>"):
            current, began, fresh = [line[4:]], number, gap
        gap = not line.startswith(">>>")


def _examples(lines: Sequence[_Line], scope: Scope) -> Iterator[Example]:
    """Lines that build on each other make one example: an assignment opens it, lines with its names belong to it."""
    group: list[_Line] = []
    assigned: set[str] = set()
    for line in lines:
        statement = _statement(line, scope)
        read = {name.id for name in _names(statement) if not _stored(name)}
        closed = bool(group) and isinstance(_statement(group[-1], scope), ast.Expr)
        if group and (line.fresh or (closed and not read & assigned)):
            yield _example(group, scope)
            group, assigned = [], set()
        group.append(line)
        assigned |= {name.id for name in _names(statement) if _stored(name)}
    if group:
        yield _example(group, scope)


def _names(statement: ast.stmt) -> Iterator[ast.Name]:
    return (node for node in ast.walk(statement) if isinstance(node, ast.Name))


def _stored(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store)


def _statement(line: _Line, scope: Scope) -> ast.stmt:
    try:
        body = ast.parse(line.source).body
    except SyntaxError as error:
        raise scope.error(_place(line), f"this example is not Python: {error.msg}") from None
    if len(body) != 1:
        raise scope.error(_place(line), "an example line is one expression or one assignment")
    return body[0]


def _place(line: _Line) -> ast.AST:
    return ast.Pass(lineno=line.line, col_offset=0)


def _has_effect(statement: ast.stmt) -> bool:
    """Whether a line in front of the last one is there for what it changes: `x.add_(1)`, `norm.eval()`."""
    if not isinstance(statement, ast.Expr):
        return True
    called = statement.value.func if isinstance(statement.value, ast.Call) else None
    name = called.attr if isinstance(called, ast.Attribute) else ""
    return name.endswith("_") or name in ("eval", "train", "flatten_parameters", "update", "reset")


def _example(group: Sequence[_Line], scope: Scope) -> Example:
    last = group[-1]
    if not isinstance(_statement(last, scope), ast.Expr):
        raise scope.error(_place(last), "the last line of an example is an expression: its value is compared")
    for line in group[:-1]:
        if not _has_effect(_statement(line, scope)):
            reason = "only the last expression of an example is compared: leave a blank line in front of the next"
            raise scope.error(_place(line), reason)
    comment = ""
    for token in tokenize.generate_tokens(io.StringIO(last.source).readline):
        if token.type == tokenize.COMMENT:
            comment = token.string.lstrip("# ").strip()
    return Example("\n".join(line.source for line in group), comment, group[0].line)
