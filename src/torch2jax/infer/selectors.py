"""Functions that only choose among their arguments, such as ``default(value, fallback)``.

What others have given such a function says nothing of what it gives here: a layer's class in one place, an array in
another. So a call gives what this call may choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import libcst as cst

from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    FREE,
    NONE,
    UNKNOWN,
    Api,
    ClassRef,
    Dtype,
    Free,
    Function,
    Kind,
    NoneKind,
    Number,
    Str,
    Tensor,
    Tuple,
    Unknown,
    options,
    union,
    without_none,
)
from torch2jax.infer.program import FunctionInfo
from torch2jax.source.nodes import walk

CALLED = frozenset({"inspect.isfunction", "builtins.callable", "inspect.ismethod", "types.LambdaType"})
_DEEP = 3


@dataclass(frozen=True, slots=True)
class _Test:
    """A test that must come out as ``truth`` for something to be chosen."""

    node: cst.BaseExpression
    truth: bool


@dataclass(frozen=True, slots=True)
class _Choice:
    """A parameter that a function may give; ``is_called``: what it returns when it is called without arguments."""

    name: str
    is_called: bool
    tests: tuple[_Test, ...]


def selected(frame: Frame, fn: FunctionInfo, given: Mapping[str, Kind], result: Kind) -> Kind:
    """What a call gives, of ``result``, which it has given anywhere; ``given``: the arguments of this call."""
    choices = _choices(fn)
    if choices is None or isinstance(result, Free):
        return result
    found: list[Kind] = []
    for choice in choices:
        kinds = _given(fn, given)
        if not all(_assume(fn, test.node, test.truth, kinds) for test in choice.tests):
            continue
        kind = kinds[choice.name]
        if choice.is_called:
            called = [_called(frame, part) for part in options(kind)]
            if any(isinstance(part, Unknown) for part in called):
                return result
            kind = union(called)
        if any(isinstance(part, Unknown) for part in options(kind)):
            return result
        found.append(kind)
    return union(_as_given(part, result) for kind in found for part in options(kind)) if found else result


def _called(frame: Frame, kind: Kind) -> Kind:
    """What an argument gives when it is called."""
    match kind:
        case Function(info=info):
            return info.result.read(frame.fn)
        case Free():
            return FREE
    return UNKNOWN


def _as_given(kind: Kind, result: Kind) -> Kind:
    """A kind as the function gives it: arrays in the axis order that it has for all."""
    arrays = [part for part in options(result) if isinstance(part, Tensor)]
    if not isinstance(kind, Tensor) or not arrays or any(part.layout == kind.layout for part in arrays):
        return kind
    return union(arrays)


def _given(fn: FunctionInfo, given: Mapping[str, Kind]) -> dict[str, Kind]:
    """The kinds of all parameters in one call."""
    params = fn.parameters()
    assert params is not None
    kinds: dict[str, Kind] = {}
    for param in params.params:
        name = param.name.value
        is_none = isinstance(param.default, cst.Name) and param.default.value == "None"
        kinds[name] = given.get(name) or (NONE if is_none else fn.params[name].kind)
    return kinds


# --- what a function may choose --------------------------------------------------------------------------------------


def _choices(fn: FunctionInfo) -> list[_Choice] | None:
    """What a function may give; None if it gives anything but its parameters, or does anything but choose."""
    params = fn.parameters()
    if params is None or fn.is_method or fn.decorators or params.kwonly_params or params.posonly_params:
        return None
    if isinstance(params.star_arg, cst.Param) or params.star_kwarg is not None:
        return None
    names = {param.name.value for param in params.params}
    if isinstance(fn.node, cst.Lambda):
        return _of_expression(fn.node.body, names, ())
    if not isinstance(fn.node, cst.FunctionDef) or fn.node.asynchronous is not None:
        return None
    return _of_statements(fn.node.body, names, ())


def _of_statements(
    body: cst.BaseSuite | cst.BaseStatement, names: set[str], tests: tuple[_Test, ...]
) -> list[_Choice] | None:
    """The choices of statements, of which the last path must end with a return."""
    found: list[_Choice] = []
    for statement in body.body if isinstance(body, cst.BaseSuite) else [body]:
        if isinstance(statement, cst.If) and _is_pure(statement.test):
            inner = _of_statements(statement.body, names, (*tests, _Test(statement.test, True)))
            tests = (*tests, _Test(statement.test, False))
            if inner is None:
                return None
            found += inner
            match statement.orelse:
                case None:
                    continue
                case cst.Else(body=other):
                    rest = _of_statements(other, names, tests)
                case chained:
                    rest = _of_statements(chained, names, tests)
            return None if rest is None else found + rest
        if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
            return None
        match statement.body[0]:
            case cst.Return(value=cst.BaseExpression() as value):
                rest = _of_expression(value, names, tests)
                return None if rest is None else found + rest
            case cst.Expr(value=cst.SimpleString()):
                continue
            case _:
                return None
    return None


def _of_expression(node: cst.BaseExpression, names: set[str], tests: tuple[_Test, ...]) -> list[_Choice] | None:
    match node:
        case cst.Name(value=name) if name in names:
            return [_Choice(name, False, tests)]
        case cst.Call(func=cst.Name(value=name), args=()) if name in names:
            return [_Choice(name, True, tests)]
        case cst.IfExp(test=test) if _is_pure(test):
            then = _of_expression(node.body, names, (*tests, _Test(test, True)))
            other = _of_expression(node.orelse, names, (*tests, _Test(test, False)))
        case cst.BooleanOperation(left=cst.Name() as left, operator=operator):
            is_or = isinstance(operator, cst.Or)
            then = _of_expression(left, names, (*tests, _Test(left, is_or)))
            other = _of_expression(node.right, names, (*tests, _Test(left, not is_or)))
        case _:
            return None
    return None if then is None or other is None else then + other


def _is_pure(test: cst.BaseExpression) -> bool:
    return not any(isinstance(part, cst.NamedExpr | cst.Await | cst.Yield) for part in walk(test))


# --- what a test says ------------------------------------------------------------------------------------------------


def _assume(fn: FunctionInfo, test: cst.BaseExpression, truth: bool, kinds: dict[str, Kind], depth: int = 0) -> bool:
    """Narrow ``kinds`` to a test that comes out as ``truth``; False if it can't."""
    match test:
        case cst.UnaryOperation(operator=cst.Not(), expression=inner):
            return _assume(fn, inner, not truth, kinds, depth)
        case cst.BooleanOperation(left=left, operator=operator, right=right):
            if isinstance(operator, cst.And) == truth:
                return _assume(fn, left, truth, kinds, depth) and _assume(fn, right, truth, kinds, depth)
        case cst.Name(value=name) if name in kinds:
            return not truth or _narrow_none(name, False, kinds)
        case cst.Comparison(left=cst.Name(value=name), comparisons=[target]) if name in kinds:
            if isinstance(target.comparator, cst.Name) and target.comparator.value == "None":
                if isinstance(target.operator, cst.Is | cst.Equal):
                    return _narrow_none(name, truth, kinds)
                if isinstance(target.operator, cst.IsNot | cst.NotEqual):
                    return _narrow_none(name, not truth, kinds)
        case cst.Call(func=cst.Name(value=callee), args=[cst.Arg(value=cst.Name(value=name), star="")]):
            if name in kinds:
                cell = fn.file.names.get(callee)
                return cell is None or _assume_call(fn, cell.kind, name, truth, kinds, depth)
    return True


def _assume_call(fn: FunctionInfo, callee: Kind, name: str, truth: bool, kinds: dict[str, Kind], depth: int) -> bool:
    """``exists(x)``, a function that is a test itself, and ``callable(x)``."""
    match callee:
        case Function(info=info) if depth < _DEEP:
            params, test = info.parameters(), _returned(info)
            if params is None or len(params.params) != 1 or test is None:
                return True
            inner = params.params[0].name.value
            known = {inner: kinds[name]}
            possible = _assume(info, test, truth, known, depth + 1)
            kinds[name] = known[inner]
            return possible
        case Api(name=test_name) if test_name in CALLED:
            left = [part for part in options(kinds[name]) if is_called(part, test_name) in (truth, None)]
            if left:
                kinds[name] = union(left)
            return bool(left)
    return True


def _returned(fn: FunctionInfo) -> cst.BaseExpression | None:
    """The one expression that a function consists of."""
    if isinstance(fn.node, cst.Lambda):
        return fn.node.body
    if isinstance(fn.node, cst.FunctionDef):
        lines = [line for line in _lines(fn.node.body) if not isinstance(line, cst.Expr)]
        if len(lines) == 1 and isinstance(lines[0], cst.Return):
            return lines[0].value
    return None


def _lines(body: cst.BaseSuite) -> Iterator[cst.CSTNode]:
    for statement in body.body:
        if isinstance(statement, cst.SimpleStatementLine):
            yield from statement.body
        else:
            yield statement


def _narrow_none(name: str, is_none: bool, kinds: dict[str, Kind]) -> bool:
    kind = kinds[name]
    parts = options(kind)
    if not is_none:
        kinds[name] = without_none(kind)
        return not isinstance(kind, NoneKind)
    if any(isinstance(part, NoneKind | Free | Unknown) for part in parts):
        kinds[name] = NONE
        return True
    return False


def is_called(kind: Kind, test: str) -> bool | None:
    """Whether ``callable`` or ``inspect.isfunction`` say yes; None if that can't be told."""
    match kind:
        case Function():
            return True if test != "inspect.ismethod" else None
        case ClassRef():
            return test == "builtins.callable"
        case Api(name=name) if test != "builtins.callable" and name.rpartition(".")[2][:1].isupper():  # a class
            return False
        case NoneKind() | Number() | Str() | Tensor() | Tuple() | Dtype():
            return False
    return None
