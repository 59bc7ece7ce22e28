"""Renaming the globals of a piece of source: by position in its text, so that the layout stays."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from typing import TypeAlias

_Function: TypeAlias = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_Comprehension: TypeAlias = ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp


def rename_globals(source: str, rename: Mapping[str, str]) -> str:
    """`source` with module-level names replaced, both where they are defined and where they are looked up.

    Parameters and local variables of the same spelling stay.

    Raises:
        ValueError: where a name's position is not known, as in f-strings that Python 3.11 parses without columns.
    """
    lines = source.splitlines(keepends=True)
    edits = {position: name for position, name in _positions(ast.parse(source), lines) if name in rename}
    for (line, column), name in sorted(edits.items(), reverse=True):
        text = lines[line]
        if not text.startswith(name, column):
            raise ValueError(f"cannot rename `{name}` in line {line + 1} of: {source.splitlines()[0]}")
        lines[line] = text[:column] + rename[name] + text[column + len(name) :]
    return "".join(lines)


def _positions(tree: ast.Module, lines: list[str]) -> Iterator[tuple[tuple[int, int], str]]:
    """(line, column) from 0 and spelling of every module-level name."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            row = node.lineno - 1
            found = re.compile(r"(?:def|class)\s+").search(lines[row])
            if found is not None:
                yield (row, found.end()), node.name
    for name in _globals(tree, frozenset()):
        row = name.lineno - 1
        yield (row, len(lines[row].encode()[: name.col_offset].decode())), name.id


def _globals(node: ast.AST, hidden: frozenset[str]) -> Iterator[ast.Name]:
    """The Name nodes that mean a module-level name, where `hidden` are the locals of the functions around."""
    if isinstance(node, ast.Name):
        if node.id not in hidden:
            yield node
    elif isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
        yield from _in_function(node, hidden)
    elif isinstance(node, (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        yield from _in_comprehension(node, hidden)
    else:
        for child in ast.iter_child_nodes(node):
            yield from _globals(child, hidden)


def _in_function(node: _Function, hidden: frozenset[str]) -> Iterator[ast.Name]:
    body = [node.body] if isinstance(node, ast.Lambda) else node.body
    for child in ast.iter_child_nodes(node):
        if child not in body:  # decorators, defaults and annotations belong to the scope around
            yield from _globals(child, hidden)
    arguments = node.args
    parameters = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs, arguments.vararg, arguments.kwarg]
    local = {parameter.arg for parameter in parameters if parameter is not None}
    for child in body:
        local.update(_stored(child))
    for child in body:
        yield from _globals(child, hidden | local)


def _in_comprehension(node: _Comprehension, hidden: frozenset[str]) -> Iterator[ast.Name]:
    yield from _globals(node.generators[0].iter, hidden)
    inner = hidden.union(*(_stored(generator.target) for generator in node.generators))
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.comprehension):
            parts = [child.target, *child.ifs, *([child.iter] if child is not node.generators[0] else [])]
            for part in parts:
                yield from _globals(part, inner)
        else:
            yield from _globals(child, inner)


def _stored(node: ast.AST) -> set[str]:
    """Names that a statement binds in its own function."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return {node.name}
    if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)):
        return {inner.target.id for inner in ast.walk(node) if isinstance(inner, ast.NamedExpr)}
    found = {node.id} if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) else set[str]()
    if isinstance(node, ast.alias):
        found = {node.asname or node.name.partition(".")[0]}
    elif isinstance(node, ast.ExceptHandler) and node.name:
        found = {node.name}
    return found.union(*(_stored(child) for child in ast.iter_child_nodes(node)))
