"""The statements of a file: which one a line belongs to, and which places it may change."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
}
_REGISTERS = ("register_buffer", "register_parameter", "register_module", "add_module")
Default = float | tuple[Any, ...]
"""A number, or a tuple of such."""
_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement, or the header of a compound one.

    line, end: where it begins and ends, from 1. places: dotted names whose values it may have changed. names: dotted
    names that it uses. parts: of an `if` or a loop, the lines of its body and of its `else`. defaults: of a function,
    the numbers, and tuples of them, that its parameters have by default. first: the line of its first decorator.
    receivers: of a call that nobody uses the result of, what its method belongs to.
    """

    line: int
    end: int
    places: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    parts: tuple[range, ...] = ()
    defaults: Mapping[str, Default] = field(default_factory=dict)
    is_loop: bool = False
    first: int = 0
    receivers: tuple[str, ...] = ()

    @property
    def attributes(self) -> tuple[str, ...]:
        """The attributes of `self` that it uses."""
        return tuple(name for name in self.names if name.startswith("self."))


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


def definitions_of(source: str) -> dict[int, int]:
    """The line of the `def` by the line of its first decorator."""
    return {
        node.decorator_list[0].lineno: node.lineno
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and node.decorator_list
    }


def _statement(node: ast.stmt) -> Statement:
    body = getattr(node, "body", None)
    end = node.end_lineno or node.lineno
    if isinstance(body, list) and body:
        first = body[0].lineno - len(getattr(body[0], "decorator_list", ()))
        end = max(node.lineno, min(end, first - 1))
    places, names = dict.fromkeys(_places(node)), dict.fromkeys(_names(node))
    return Statement(
        node.lineno,
        end,
        tuple(places),
        tuple(names),
        tuple(_parts(node)),
        _defaults(node),
        isinstance(node, ast.For | ast.While),
        min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", ()))]),
        _receiver(node),
    )


def _defaults(node: ast.stmt) -> dict[str, Default]:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return {}
    given = node.args
    positional = [*given.posonlyargs, *given.args]
    pairs = [*zip(positional[len(positional) - len(given.defaults) :], given.defaults, strict=True)]
    pairs += [(name, value) for name, value in zip(given.kwonlyargs, given.kw_defaults, strict=True) if value]
    found = {parameter.arg: _default(value) for parameter, value in pairs}
    return {name: default for name, default in found.items() if default is not None}


def _default(node: ast.expr) -> Default | None:
    if not isinstance(node, ast.Tuple | ast.List):
        return _number(node)
    numbers = [_default(element) for element in node.elts]
    return None if any(number is None for number in numbers) else tuple(numbers)


def _number(node: ast.expr) -> float | None:
    """The value of a number that is written out, or computed from such; None for all else."""
    match node:
        case ast.Constant(value=bool() | int() | float() as value):
            return value
        case ast.UnaryOp(op=ast.USub()):
            number = _number(node.operand)
            return None if number is None else -number
        case ast.BinOp() if type(node.op) in _ARITHMETIC:
            left, right = _number(node.left), _number(node.right)
            try:
                return None if left is None or right is None else _ARITHMETIC[type(node.op)](left, right)
            except ArithmeticError:
                return None
    return None


def _parts(node: ast.stmt) -> Iterator[range]:
    if isinstance(node, ast.If | ast.For | ast.While):
        for part in (node.body, node.orelse):
            yield range(part[0].lineno, (part[-1].end_lineno or part[-1].lineno) + 1) if part else range(0)


def _names(node: ast.stmt) -> Iterator[str]:
    """Names that a statement uses; of a compound one, that its header uses."""
    if isinstance(node, ast.AugAssign) and (target := dotted(node.target)) is not None:
        yield target
    inner = {id(statement) for name in ("body", "orelse", "finalbody") for statement in getattr(node, name, ())}
    pending: list[ast.AST] = [node]
    while pending:
        part = pending.pop()
        if isinstance(part, ast.Name | ast.Attribute) and isinstance(part.ctx, ast.Load):
            name = dotted(part)
            if name is not None:
                yield name
        pending += [child for child in ast.iter_child_nodes(part) if id(child) not in inner]


def _places(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.Assign(targets=targets):
            for target in targets:
                yield from _bound(target)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target) | ast.For(target=target):
            yield from _bound(target)
        case ast.Expr(
            value=ast.Call(func=ast.Attribute(value=owner, attr=method), args=[ast.Constant(value=str(name)), *_])
        ):
            if method in _REGISTERS and (prefix := dotted(owner)) is not None:
                yield f"{prefix}.{name}"
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
    elif (name := dotted(target)) is not None and name != "_":
        yield name.removesuffix(".data")


def _receiver(node: ast.stmt) -> tuple[str, ...]:
    match node:
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=owner))) if (name := dotted(owner)) is not None:
            return (name,)
    return ()


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
