"""Derivatives with respect to arrays: a function in front of the statement, and ``jax.grad`` of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Free, Layer, Unknown, is_module, options, without_none
from torch2jax.regions.derivatives import Derivative
from torch2jax.regions.paths import access_of_all, among
from torch2jax.rewrite.comments import comments_of
from torch2jax.rewrite.rewriter import (
    Rewriter,
    argument,
    assignment,
    attribute,
    call,
    method_call,
    number,
    statement,
)
from torch2jax.source.nodes import dotted_name, walk


def derivative_lines(rewriter: Rewriter, derivative: Derivative, body: Any) -> list[Any]:
    """The function, and the statement that asks for its derivative. ``body`` translates statements in a row."""
    if derivative.params:
        return _shared(rewriter, derivative, body)
    rewriter.moving.update((derivative.sink, *derivative.forward, *derivative.after))
    lines = body(rewriter, derivative.forward)
    held, rewriter.before = rewriter.before, []
    output = rewriter.expr(derivative.output)
    lines += rewriter.before
    rewriter.before = held
    value = _weighted(rewriter, derivative, output)
    during = access_of_all([*lines, value], among(derivative.kinds))
    aux = [path for path in during.writes if path in derivative.live]
    with_value = derivative.weight is None and dotted_name(output) in aux
    aux = [path for path in aux if not with_value or path != dotted_name(output)]
    stateful = [path for path in during.reads if _is_stateful(derivative, path, lines, value)]
    given = [*derivative.inputs, *(path for path in stateful if "." not in path)]
    root = rewriter.root("nnx" if stateful else "jax")
    gradient = _gradient(derivative, given, attribute(root, "value_and_grad" if with_value else "grad"), bool(aux))
    function = _function(derivative, given, lines, value, aux)
    value_name = output if with_value else None
    results = _results(rewriter, derivative, gradient, value_name, aux, body)
    return [function, *results, *body(rewriter, derivative.after)]


def _shared(rewriter: Rewriter, derivative: Derivative, body: Any) -> list[Any]:
    """The statement with the derivative of a function that others use too, behind the function where it comes first."""
    key = (rewriter.function, derivative.name)
    function: list[Any] = []
    if key not in rewriter.shared:
        again = {node for node in derivative.forward if node not in rewriter.program.derivatives}
        moved = again - rewriter.moving
        rewriter.moving |= moved
        lines = [_bare(line) for node in derivative.forward for line in body(rewriter, [node])]
        rewriter.moving -= moved
        value = _weighted(rewriter, derivative, rewriter.expr(derivative.output))
        during = access_of_all([*lines, value], among(derivative.kinds))
        called = [rewriter.program.derivatives[node] for node in derivative.forward if node not in again]
        passed = {
            path for each in called for path in rewriter.shared[rewriter.function, each.name][0][len(each.params) :]
        }
        stateful = [path for path in during.reads if path in passed or _is_stateful(derivative, path, lines, value)]
        given = [*derivative.params, *(path for path in stateful if "." not in path)]
        rewriter.shared[key] = (given, bool(stateful))
        function = [_function(derivative, given, lines, value, ())]
    given, is_stateful = rewriter.shared[key]
    func = attribute(rewriter.root("nnx" if is_stateful else "jax"), "grad")
    gradient = _gradient(derivative, given, func, False)
    rewriter.replaced[_place(derivative)] = _stopped(rewriter, gradient) if derivative.is_detached else gradient
    rewriter.moving.add(derivative.sink)
    later = body(rewriter, [derivative.sink])
    rewriter.moving.discard(derivative.sink)
    if function and later:
        later[0] = later[0].with_changes(leading_lines=[cst.EmptyLine(indent=False), *later[0].leading_lines])
    return [*function, *later]


def _bare(line: Any) -> Any:
    """A statement that stands elsewhere too, without the comments around it."""
    if not isinstance(line, cst.SimpleStatementLine):
        return line
    return line.with_changes(leading_lines=[], trailing_whitespace=cst.TrailingWhitespace())


def _weighted(rewriter: Rewriter, derivative: Derivative, output: cst.BaseExpression) -> cst.BaseExpression:
    """The number whose gradient is asked for: the output, its sum, or its sum with weights."""
    weight = derivative.weight
    if weight is None:
        return output
    if isinstance(weight, cst.BaseExpression):
        product = cst.BinaryOperation(output, cst.Multiply(), rewriter.expr(weight))
        output = product.with_changes(lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return method_call(output, "sum", [])


def _is_stateful(derivative: Derivative, path: str, lines: Sequence[Any], value: cst.CSTNode) -> bool:
    """Whether a place holds an object with Variables, which the function has to get as an argument."""
    if path == "rngs":
        return True
    kind = derivative.kinds.get(path)
    found = list(options(without_none(kind))) if kind is not None else []
    if found and all(isinstance(option, Free | Unknown) for option in found):
        nodes = (part for line in (*lines, value) for part in walk(line))
        return any(isinstance(part, cst.Call) and dotted_name(part.func) == path for part in nodes)
    return any(is_module(o) and not (isinstance(o, Layer) and o.stateless) for o in found)


def _function(
    derivative: Derivative, given: Sequence[str], lines: Sequence[Any], value: cst.BaseExpression, aux: Sequence[str]
) -> cst.FunctionDef:
    result = value
    if aux:
        names = [cst.Name(path) for path in aux]
        result = _tuple([value, names[0] if len(names) == 1 else _tuple(names, brackets=True)])
    block = cst.IndentedBlock([*lines, statement(cst.Return(result))])
    params = cst.Parameters([cst.Param(cst.Name(name)) for name in given])
    return cst.FunctionDef(
        cst.Name(derivative.name),
        params,
        block,
        leading_lines=[cst.EmptyLine(indent=False)],
        lines_after_decorators=[],
    )


def _gradient(derivative: Derivative, given: Sequence[str], func: cst.Attribute, has_aux: bool) -> cst.Call:
    """``jax.grad(y_fn)(x)``; nnx's where the function changes Variables."""
    options_: list[cst.Arg] = [cst.Arg(cst.Name(derivative.name))]
    places = [given.index(path) for path in derivative.inputs]
    if not _takes_first(derivative):
        numbers = _tuple([number(i) for i in places], brackets=True)
        if len(places) == 1:
            numbers = numbers.with_changes(elements=[cst.Element(number(places[0]), cst.Comma())])
        options_.append(argument(numbers, "argnums"))
    elif places != [0]:
        options_.append(argument(number(places[0]), "argnums"))
    if has_aux:
        options_.append(argument(cst.Name("True"), "has_aux"))
    return call(call(func, options_), [cst.Name(name) for name in given])


def _takes_first(derivative: Derivative) -> bool:
    """Whether only the gradient of the one input is wanted, and not a tuple."""
    if len(derivative.inputs) > 1:
        return False
    if derivative.gradients or derivative.is_list:
        return True
    return _place(derivative) is not derivative.call


def _place(derivative: Derivative) -> cst.CSTNode:
    """What the gradient stands for: the call, or ``grad(...)[0]`` where there is one input."""
    for part in () if derivative.is_list else walk(derivative.sink):
        of_call = isinstance(part, cst.Subscript) and part.value is derivative.call
        if of_call and len(derivative.inputs) == 1 and isinstance(part, cst.Subscript) and _is_zero(part):
            return part
    return derivative.call


def _is_zero(node: cst.Subscript) -> bool:
    index = node.slice[0].slice if len(node.slice) == 1 else None
    return isinstance(index, cst.Index) and isinstance(index.value, cst.Integer) and index.value.value == "0"


def _results(
    rewriter: Rewriter,
    derivative: Derivative,
    gradient: cst.Call,
    value: cst.BaseExpression | None,
    aux: Sequence[str],
    body: Any,
) -> list[Any]:
    """The statement with the gradient in the place of the call. ``value``: the name of the output, if it is wanted."""
    lead = [cst.EmptyLine(indent=False)]
    others: list[cst.BaseExpression] = [cst.Name(path) for path in aux]
    packed = [others[0] if len(others) == 1 else _tuple(others, brackets=True)] if others else []
    if derivative.gradients:
        names: list[Any] = [cst.Name(name) for name in derivative.gradients]
        target = names[0] if len(names) == 1 else _tuple(names, brackets=bool(packed or value))
        line = statement(assignment(_target(target, value, packed), gradient))
        stops = [statement(assignment(name, _stopped(rewriter, name))) for name in names if derivative.is_detached]
        return [line.with_changes(leading_lines=[*lead, *comments_of(derivative.sink)]), *stops]
    first: list[Any] = []
    result: cst.BaseExpression = gradient
    if packed or value is not None:
        result = cst.Name(f"{derivative.name.removesuffix('_fn')}_grads")
        line = statement(assignment(_target(result, value, packed), gradient))
        first = [line.with_changes(leading_lines=lead)]
    rewriter.replaced[_place(derivative)] = _stopped(rewriter, result) if derivative.is_detached else result
    later = body(rewriter, [derivative.sink])
    if later and not first:
        later[0] = later[0].with_changes(leading_lines=[*lead, *later[0].leading_lines])
    return [*first, *later]


def _target(
    gradients: cst.BaseExpression, value: cst.BaseExpression | None, packed: Sequence[cst.BaseExpression]
) -> cst.BaseExpression:
    """``gradients``, ``(gradients, aux)``, ``(value, gradients)`` or ``((value, aux), gradients)``."""
    if value is None:
        return _tuple([gradients, *packed]) if packed else gradients
    return _tuple([_tuple([value, *packed], brackets=True) if packed else value, gradients])


def _stopped(rewriter: Rewriter, value: cst.BaseExpression) -> cst.Call:
    return call(attribute(attribute(rewriter.root("jax"), "lax"), "stop_gradient"), [value])


def _tuple(items: Sequence[cst.BaseExpression], *, brackets: bool = False) -> cst.Tuple:
    lpar, rpar = ([cst.LeftParen()], [cst.RightParen()]) if brackets else ([], [])
    return cst.Tuple([cst.Element(item) for item in items], lpar=lpar, rpar=rpar)
