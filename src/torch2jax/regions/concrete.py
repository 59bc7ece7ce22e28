"""Numbers of Python whose values are needed in a training step: ``math.exp(-step)``, ``if step > 100:``.

What changes from step to step is an array inside a compiled function, and has no value while that is traced. A
statement that computes numbers of numbers alone can stand in front of the step instead.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Api, Free, Function, Kind, Namespace, Number, Tensor, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.callees import callees
from torch2jax.regions.compiling import obstacle
from torch2jax.regions.paths import Access
from torch2jax.source.nodes import walk

_OF_VALUES = frozenset(f"builtins.{name}" for name in "min max round range int float str bool format divmod".split())
_DEEP = 4


@dataclass(frozen=True, slots=True)
class Ahead:
    """``statements``: those to run in front of the step. ``cause``: why it can't be compiled; empty if it can."""

    statements: tuple[Any, ...] = ()
    cause: str = ""


def ahead_of_step(
    program: Program,
    fn: FunctionInfo,
    code: Sequence[Any],
    worked: Collection[Any],
    access: Mapping[Any, Access],
    varying: Collection[str],
    again: Collection[Any],
    between: Sequence[Any],
) -> Ahead:
    """Which statements of a step need values of numbers that vary, and can run before it.

    code: the statements in order; worked: those that depend on a model; varying: what changes from step to step;
    again: statements that are run a second time, so that none can move; between: all statements up to the update, with
    those that will follow the step.
    """
    tainted = {path for path in varying if "." not in path}
    moved: list[Any] = []
    for statement in code:
        if not _needs(program, fn, statement, tainted):
            tainted |= _numbers_set(fn, statement, tainted)
            continue
        wanted = _with_sources(statement, code, access)
        if not again and all(_may_move(program, fn, each, between, worked, access, wanted) for each in wanted):
            moved += [each for each in wanted if each not in moved]
            continue
        return Ahead(cause=_needs(program, fn, statement, tainted))
    return Ahead(tuple(each for each in code if each in moved))


def _with_sources(statement: Any, code: Sequence[Any], access: Mapping[Any, Access]) -> list[Any]:
    """A statement, and those in front of it that set what it reads."""
    found, wanted = [statement], set(access[statement].reads)
    for other in reversed(code[: code.index(statement)]):
        if wanted & set(access[other].writes):
            found.append(other)
            wanted |= set(access[other].reads)
    return found


def _may_move(
    program: Program,
    fn: FunctionInfo,
    statement: Any,
    between: Sequence[Any],
    worked: Collection[Any],
    access: Mapping[Any, Access],
    together: Collection[Any],
) -> bool:
    """Whether a statement sets names to numbers, of numbers alone, and no other minds when."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.Assign(targets=[cst.AssignTarget(target=cst.Name())], value=value)]):
            kind = fn.facts.kinds.get(value)
        case _:
            return False
    if statement in worked or kind is None or not all(isinstance(o, Number | Free) for o in options(kind)):
        return False
    if obstacle(program, fn, [statement]) or not all(
        _is_number(read) or isinstance(read, Function | Api | Namespace)
        for read in (fn.facts.kinds.get(node) for node in access[statement].reads.values())
    ):
        return False
    does = access[statement]
    others = [other for other in between if other not in together and other in access]
    place = between.index(statement)
    read_before = any(does.writes.keys() & access[o].reads.keys() for o in others if between.index(o) < place)
    changed = {path for other in others for path in access[other].writes}
    return not read_before and not changed & {*does.reads, *does.writes}


def _numbers_set(fn: FunctionInfo, statement: Any, tainted: Collection[str]) -> set[str]:
    """The names that a statement sets to numbers made of those that vary."""
    found = set()
    for node in walk(statement):
        if isinstance(node, cst.Assign) and _is_of(fn, node.value, tainted):
            found |= {each.target.value for each in node.targets if isinstance(each.target, cst.Name)}
    return found


def _is_of(fn: FunctionInfo, node: cst.CSTNode, tainted: Collection[str]) -> bool:
    """Whether an expression is a number made of what varies."""
    kind = fn.facts.kinds.get(node)
    if kind is None or not _is_number(kind):
        return False
    names = (part for part in walk(node) if isinstance(part, cst.Name) and part.value in tainted)
    return any(_is_number(fn.facts.kinds.get(name)) for name in names)


def _is_number(kind: Kind | None) -> bool:
    found = options(without_none(kind)) if kind is not None else ()
    return bool(found) and all(isinstance(o, Number) for o in found)


def _needs(program: Program, fn: FunctionInfo, statement: cst.CSTNode, tainted: Collection[str]) -> str:
    """What in a statement needs the value of a number that varies, in a few words; empty if nothing does."""
    return next(_needing(program, fn, [statement], tainted, _DEEP), "")


def _needing(
    program: Program, fn: FunctionInfo, roots: Iterable[cst.CSTNode], tainted: Collection[str], depth: int
) -> Iterator[str]:
    for node in (part for root in roots for part in walk(root)):
        for used in _used_by_value(fn, node):
            if _touches(fn, used, tainted):
                yield f"`{cst.Module([]).code_for_node(used).strip()}` needs the value of a number that changes"
        if isinstance(node, cst.Call) and depth:
            for callee in callees(fn.facts, node):
                yield from _inside(program, fn, node, callee, tainted, depth)


def _used_by_value(fn: FunctionInfo, node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    """Parts of an expression that Python has to know."""
    match node:
        case cst.If(test=test) | cst.While(test=test) | cst.IfExp(test=test) | cst.Assert(test=test):
            yield test
        case cst.BooleanOperation(left=left):
            yield left
        case cst.Call(func=func, args=args):
            kind = fn.facts.kinds.get(func)
            name = kind.name if isinstance(kind, Api) else ""
            if name in _OF_VALUES or name.startswith(("math.", "builtins.math.")):
                yield from (arg.value for arg in args)
        case cst.Slice(lower=lower, upper=upper):
            yield from (part for part in (lower, upper) if part is not None)


def _touches(fn: FunctionInfo, node: cst.BaseExpression, tainted: Collection[str]) -> bool:
    """Whether an expression that is no array has a number in it that varies."""
    kind = fn.facts.kinds.get(node)
    if kind is not None and any(isinstance(o, Tensor) for o in options(without_none(kind))):
        return False
    names = (part for part in walk(node) if isinstance(part, cst.Name) and part.value in tainted)
    return any(_is_number(fn.facts.kinds.get(name)) for name in names)


def _inside(
    program: Program, fn: FunctionInfo, call: cst.Call, callee: FunctionInfo, tainted: Collection[str], depth: int
) -> Iterator[str]:
    """What a function of the project needs of the numbers that it is given."""
    params = callee.parameters()
    if params is None or callee.is_method or any(arg.star for arg in call.args):
        return
    names = [param.name.value for param in params.params]
    positional = [arg.value for arg in call.args if arg.keyword is None]
    given = dict(zip(names, positional, strict=False))
    given |= {arg.keyword.value: arg.value for arg in call.args if arg.keyword is not None}
    inner = {name for name, node in given.items() if _is_of(fn, node, tainted)}
    if inner:
        for statement in walk(callee.node):
            inner |= _numbers_set(callee, statement, inner) if isinstance(statement, cst.Assign) else set()
        yield from _needing(program, callee, [callee.node], inner, depth - 1)
