"""Functions that give one of their arguments: `def default(value, other): return value if exists(value) else other`.

What such a function gives depends on the call alone, where one result for all calls would mix sizes with arrays.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import libcst as cst

from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    Function,
    Kind,
    NoneKind,
    Number,
    Str,
    is_module,
    options,
    union,
    widened,
    without_none,
)
from torch2jax.infer.program import FunctionInfo


def chosen_argument(frame: Frame, fn: FunctionInfo, given: dict[str, Kind], result: Kind) -> Kind:
    """What this call gives, where that is known better than ``result``, that of all calls together.

    given: the arguments by the names of the parameters.
    """
    names = list(_choices(fn))
    if not names or any(name not in given for name, _ in names):
        return result
    kinds = []
    for name, called in names:
        for option in options(given[name]):
            makes = called and isinstance(option, Function)
            kinds.append(option.info.result.read(frame.fn) if makes and isinstance(option, Function) else option)
    kind = widened(union(kinds))
    if not any(isinstance(option, NoneKind) for option in options(result)):
        kind = without_none(kind)
    return kind if all(_is_apart(option) for option in options(kind)) else result


def _is_apart(kind: Kind) -> bool:
    """Whether it is no array, and nothing that may hold one, whose axis order is that of the function's parameter."""
    return isinstance(kind, Number | Str) or is_module(kind)


def _choices(fn: FunctionInfo) -> Iterator[tuple[str, bool]]:
    """The parameters that a function chooses from; True if it calls them first. Empty if it does anything else."""
    node = fn.node
    if not isinstance(node, cst.FunctionDef) or fn.decorators or fn.is_method or node.asynchronous is not None:
        return
    found = [*_returned(node.body.body)]
    params = fn.parameters()
    names = [p.name.value for p in (*params.posonly_params, *params.params)] if params is not None else []
    if found and all(name in names for name, _ in found):
        yield from found


def _returned(body: Sequence[cst.CSTNode]) -> Iterator[tuple[str, bool]]:
    """The names that statements return; an empty name for whatever is something else."""
    for statement in body:
        match statement:
            case cst.SimpleStatementLine(body=[cst.Return(value=value)]) if value is not None:
                yield from _named(value)
            case cst.Return(value=value) if value is not None:
                yield from _named(value)
            case cst.If(body=block, orelse=other):
                yield from _returned(block.body)
                if isinstance(other, cst.Else):
                    yield from _returned(other.body.body)
                elif other is not None:
                    yield from _returned([other])
            case cst.SimpleStatementLine(body=[cst.Expr(value=cst.SimpleString())]):
                pass  # the docstring
            case _:
                yield "", False


def _named(value: cst.BaseExpression) -> Iterator[tuple[str, bool]]:
    match value:
        case cst.Name(value=name):
            yield name, False
        case cst.IfExp(body=body, orelse=other):
            yield from _named(body)
            yield from _named(other)
        case cst.BooleanOperation(left=left, right=right, operator=cst.Or()):
            yield from _named(left)
            yield from _named(right)
        case cst.Call(func=cst.Name(value=name), args=[]):
            yield name, True
        case _:
            yield "", False
