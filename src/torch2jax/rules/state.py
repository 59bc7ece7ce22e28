"""The `.state` functions of rules, and what is known of one flax class from all of them."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Final

from torch2jax.rules.model import StateEntry, StateMap, StateOp
from torch2jax.rules.templates import Scope

_FORM: Final = "a `.state` statement is `flax.<path> = torch.<path>` with `.T` or `.transpose(2, 3, 1, 0)` on the right"


def parse_state(node: ast.FunctionDef, scope: Scope) -> StateMap:
    """The map of a function `def _(torch, flax)`. Raises RuleError."""
    if [argument.arg for argument in node.args.args] != ["torch", "flax"]:
        raise scope.error(node, "a `.state` function is `def _(torch, flax):`")
    entries: list[StateEntry] = []
    for position, statement in enumerate(node.body):
        if position == 0 and isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
            continue
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            raise scope.error(statement, _FORM)
        entry = _entry(statement.targets[0], statement.value, scope)
        if any(entry.flax == other.flax for other in entries):
            raise scope.error(statement, f"`flax.{entry.flax}` is assigned twice")
        entries.append(entry)
    if not entries:
        raise scope.error(node, f"an empty `.state` function: leave it out where names and axes are equal; {_FORM}")
    return StateMap(tuple(entries))


def _entry(target: ast.expr, value: ast.expr, scope: Scope) -> StateEntry:
    flax = _path(target, "flax", scope)
    ops: list[StateOp] = []
    while True:
        if isinstance(value, ast.Attribute) and value.attr == "T":
            ops.insert(0, "T")
            value = value.value
        elif isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute) and value.func.attr == "transpose":
            ops.insert(0, ("transpose", _axes(value, scope)))
            value = value.func.value
        else:
            break
    ranks = {len(op[1]) for op in ops if op != "T"}
    if len(ranks) > 1:
        raise scope.error(value, "the transpositions are for different numbers of axes")
    return StateEntry(flax, _path(value, "torch", scope), tuple(ops), ranks.pop() if ranks else None)


def _axes(call: ast.Call, scope: Scope) -> tuple[int, ...]:
    axes = tuple(argument.value for argument in call.args if isinstance(argument, ast.Constant))
    if call.keywords or sorted(map(str, axes)) != [str(axis) for axis in range(len(call.args))] or not axes:
        raise scope.error(call, "`.transpose(...)` takes a permutation of the axes, as in `.transpose(2, 3, 1, 0)`")
    return tuple(int(str(axis)) for axis in axes)


def _path(node: ast.expr, root: str, scope: Scope) -> str:
    names: list[str] = []
    here = node
    while isinstance(here, ast.Attribute | ast.Subscript):
        if isinstance(here, ast.Attribute):
            names.append(here.attr)
        elif isinstance(here.slice, ast.Constant) and type(here.slice.value) is int:
            names.append(str(here.slice.value))
        else:
            raise scope.error(node, "only numbers select parts of a path")
        here = here.value
    if not isinstance(here, ast.Name) or here.id != root or not names:
        raise scope.error(node, f"expected `{root}.<path>`: {_FORM}")
    return ".".join(reversed(names))


def merge(maps: Iterable[StateMap]) -> StateMap | str:
    """One map of all; or the flax path on which two of them disagree for arrays of one rank."""
    entries: list[StateEntry] = []
    for state in maps:
        for entry in state.entries:
            for other in entries:
                same_rank = entry.rank is None or other.rank is None or entry.rank == other.rank
                if entry.flax == other.flax and same_rank and entry != other:
                    return entry.flax
            if entry not in entries:
                entries.append(entry)
    return StateMap(tuple(entries))
