"""The statements of a file: which one a line belongs to, and which places it may change."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, or the header of a compound one.

    line, end: where it begins and ends, from 1. places: dotted names whose values it may have changed.
    """

    line: int
    end: int
    places: tuple[str, ...] = ()


def statements_of(source: str) -> dict[int, Statement]:
    """The innermost statement for each line that one covers. Raises SyntaxError."""
    found: dict[int, Statement] = {}
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.stmt):
            statement = _statement(node)
            for line in range(statement.line, statement.end + 1):
                held = found.get(line)
                if held is None or held.line <= statement.line:
                    found[line] = statement
    return found


def _statement(node: ast.stmt) -> Statement:
    body = getattr(node, "body", None)
    end = node.end_lineno or node.lineno
    if isinstance(body, list) and body:
        first = body[0].lineno - len(getattr(body[0], "decorator_list", ()))
        end = max(node.lineno, min(end, first - 1))
    return Statement(node.lineno, end, tuple(dict.fromkeys(_places(node))))


def _places(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _bound(target)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            yield from _bound(target)
        case ast.With(items=items):
            for item in items:
                yield from _bound(item.optional_vars) if item.optional_vars is not None else ()
    if not isinstance(node, _FUNCTIONS) and not hasattr(node, "body"):
        yield from _receivers(node)


def _bound(target: ast.expr) -> Iterator[str]:
    """The names and attributes that a target binds or writes into."""
    if isinstance(target, ast.Tuple | ast.List):
        for element in target.elts:
            yield from _bound(element)
    elif isinstance(target, ast.Starred | ast.Subscript):
        yield from _bound(target.value)
    elif isinstance(target, ast.Call) and isinstance(target.func, ast.Attribute):
        yield from _bound(target.func.value)
    elif (name := dotted(target)) is not None:
        yield name.removesuffix(".data")


def _receivers(node: ast.stmt) -> Iterator[str]:
    """What methods are called on, and what a call statement is given: these may change in place."""
    for part in ast.walk(node):
        if isinstance(part, ast.Call) and isinstance(part.func, ast.Attribute) and part.func.attr.endswith("_"):
            yield from _bound(part.func.value)
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        for argument in node.value.args:
            yield from _bound(argument)


def dotted(node: ast.expr) -> str | None:
    """``a.b.c`` as text; None for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        head = dotted(node.value)
        return f"{head}.{node.attr}" if head is not None else None
    return None
