"""Writes: in-place methods, item assignment, assignment to Variables."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import libcst as cst

from torch2jax.infer.derived import kept_name
from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import UNKNOWN, NoneKind, Number, Tensor, is_box, may_be_tensor, options, without_none
from torch2jax.infer.layout import Layout, conversion
from torch2jax.infer.rule_calls import is_overwritten
from torch2jax.infer.views import FOLLOWED, SAME, SAME_ORDER, SWAPS, method_of
from torch2jax.rewrite.detached import in_region, written
from torch2jax.rewrite.fill import fill
from torch2jax.rewrite.gradients import gradient
from torch2jax.rewrite.masks import masked_update
from torch2jax.rewrite.precedence import parenthesize
from torch2jax.rewrite.resolve import FillArg
from torch2jax.rewrite.rewriter import (
    PRIMARY,
    Rewriter,
    assignment,
    attribute,
    method_call,
    number,
    read_variable,
    statement,
)
from torch2jax.rewrite.rule_calls import argument_values, context, rule_call

ELLIPSIS = [cst.SubscriptElement(cst.Index(cst.Ellipsis()))]


@dataclass(frozen=True, slots=True)
class Place:
    """Something that can be assigned: the expression, whether it is a Variable, and the order of its axes.

    ``unseen``: what the original writes to, where autograd does not see the write.
    """

    node: cst.BaseExpression
    variable: bool
    layout: Layout = None
    unseen: cst.BaseExpression | None = None

    @property
    def held(self) -> cst.BaseExpression:
        """The array that is there."""
        return cst.Subscript(self.node, ELLIPSIS) if self.variable else self.node


def is_place(node: cst.BaseExpression) -> bool:
    """Whether a new value can be assigned to the expression."""
    if isinstance(node, cst.Name):
        return True
    if isinstance(node, cst.Attribute | cst.Subscript):
        return isinstance(node.value, cst.Name | cst.Attribute | cst.Subscript)
    return False


def can_put(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Whether a new value can be written into the expression: a place, or a followed view of one."""
    while True:
        if isinstance(node, cst.Call):
            fact = rewriter.facts.calls.get(node)
            if not isinstance(fact, RuleCall):
                return False
            inner = fact.target if fact.target is not None else fact.receiver
            if inner is None or (fact.target is None and method_of(fact) not in FOLLOWED):
                return False
            node = inner
        elif isinstance(node, cst.Subscript) or isinstance(rewriter.facts.calls.get(node), RuleCall):
            node = node.value  # type: ignore[attr-defined]
        else:
            return is_place(node)


def place_of(rewriter: Rewriter, node: cst.BaseExpression) -> Place:
    """Where a write to ``node`` goes."""
    note = rewriter.facts.special.get(node)
    if isinstance(node, cst.Attribute) and note is not None and note[0] in ("data", "write_data"):
        return replace(place_of(rewriter, node.value), unseen=node.value)
    if node in rewriter.program.gradients:
        kind = without_none(rewriter.kind(node) or UNKNOWN)
        return Place(gradient(rewriter, node), True, kind.layout if isinstance(kind, Tensor) else None)
    if isinstance(node, cst.Attribute) and node.attr.value == "data":
        return replace(place_of(rewriter, node.value), unseen=node.value)
    place = _place(rewriter, node, note)
    kinds = [kind for kind in options(rewriter.kind(node) or Tensor()) if isinstance(kind, Tensor)]
    unseen = any(kind.detached for kind in kinds) or in_region(rewriter, node, variable=place.variable)
    return replace(place, unseen=node) if unseen else place


def _place(rewriter: Rewriter, node: cst.BaseExpression, note: Any) -> Place:
    kinds = [without_none(k) for k in options(rewriter.kind(node) or Tensor())]
    variable = any(isinstance(kind, Tensor) and kind.variable for kind in kinds)
    layout = next((kind.layout for kind in kinds if isinstance(kind, Tensor) and kind.variable), None)
    if isinstance(node, cst.Attribute):
        matrix = rewriter.tied_matrix(node.value) if note is not None and note[1:2] == ("kernel",) else None
        if matrix is not None:
            return Place(attribute(matrix, "embedding"), True)
        if note is not None and note[0] == "state":
            inner = parenthesize(rewriter.expr(node.value), PRIMARY)
            return Place(node.with_changes(value=inner, attr=cst.Name(note[1])), True, layout)
        name = kept_name(rewriter.program, rewriter.kind(node.value), node.attr.value)
        return Place(node.with_changes(value=rewriter.expr(node.value), attr=cst.Name(name)), variable, layout)
    return Place(rewriter.generic(node) if holds_variable(rewriter, node) else node, variable, layout)


def holds_variable(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Whether an expression is an item of a list or dictionary, and that is a Variable of some module."""
    if not isinstance(node, cst.Subscript) or not is_box(rewriter.kind(node.value) or Tensor()):
        return False
    held = options(without_none(rewriter.kind(node) or UNKNOWN))
    return all(isinstance(kind, Tensor) and kind.variable for kind in held)


def store(rewriter: Rewriter, place: Place, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """``x = value`` or ``p[...] = value``, of a value in the order of the place."""
    if place.unseen is not None:
        value = written(rewriter, place.unseen, place.held, value)
    return statement(assignment(place.held, value))


def put(rewriter: Rewriter, target: cst.BaseExpression, value: cst.BaseExpression) -> cst.SimpleStatementLine | None:
    """Write into a view: the array at its bottom gets a new value. None for what is no view that can be followed."""
    if holds_variable(rewriter, target):
        return store(rewriter, place_of(rewriter, target), value)
    if isinstance(target, cst.Subscript):
        return item_update(rewriter, target, "set", value)
    if isinstance(target, cst.Call):
        inner, value = _before_view(rewriter, target, value)
        return put(rewriter, inner, value) if inner is not None else None
    if isinstance(target, cst.Attribute) and isinstance(rewriter.facts.calls.get(target), RuleCall):
        if target.attr.value == "T":
            return put(rewriter, target.value, attribute(value, "T"))
        return put(rewriter, target.value, _unseen(rewriter, target.value, value))
    return store(rewriter, place_of(rewriter, target), value) if is_place(target) else None


def _unseen(rewriter: Rewriter, node: cst.BaseExpression, value: cst.BaseExpression) -> cst.BaseExpression:
    """The value of an array after a write through ``x.data`` or ``x.detach()``."""
    return written(rewriter, node, _array(rewriter, node), value)


def _before_view(
    rewriter: Rewriter, node: cst.Call, value: cst.BaseExpression
) -> tuple[cst.BaseExpression | None, cst.BaseExpression]:
    """What a call is a view of, and what that would be if the view were ``value``."""
    fact = rewriter.facts.calls.get(node)
    if not isinstance(fact, RuleCall):
        return None, value
    if fact.target is not None:
        return fact.target, value
    method, inner = method_of(fact), fact.receiver
    if inner is None or method not in FOLLOWED:
        return None, value
    if method in SAME:
        return inner, _unseen(rewriter, inner, value)
    if method in SAME_ORDER:
        shape = attribute(rewriter.expr(inner), "shape")
        return inner, method_call(value, "reshape", [shape])
    if method == "t":
        return inner, attribute(value, "T")
    given = {name: bound.arg.node for name, bound in fact.bound.args.items() if bound.arg is not None}
    if method in SWAPS:
        axes = [rewriter.expr(argument) for name, argument in given.items() if argument is not inner]
        return inner, method_call(value, "swapaxes", axes)
    index: cst.BaseSlice
    if method == "select":
        index = cst.Index(rewriter.expr(given["index"]))
    else:
        start = rewriter.expr(given["start"])
        index = cst.Slice(start, _sum(start, rewriter.expr(given["length"])))
    return inner, _updated(rewriter.expr(inner), _on_axis(index, fact.bound.args["dim"].value), "set", value)


def _sum(left: cst.BaseExpression, right: cst.BaseExpression) -> cst.BaseExpression:
    if isinstance(left, cst.Integer) and isinstance(right, cst.Integer):
        return cst.Integer(str(int(left.value) + int(right.value)))
    return cst.BinaryOperation(parenthesize(left, 13), cst.Add(), parenthesize(right, 14))


def _on_axis(index: cst.BaseSlice, axis: int) -> list[cst.SubscriptElement]:
    """``[:, :, index]``."""
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return [
        *(cst.SubscriptElement(cst.Slice(None, None), comma=comma) for _ in range(axis)),
        cst.SubscriptElement(index),
    ]


def _updated(
    base: cst.BaseExpression, elements: Sequence[cst.SubscriptElement], method: str, value: cst.BaseExpression
) -> cst.BaseExpression:
    """``base.at[elements].method(value)``."""
    return method_call(cst.Subscript(attribute(base, "at"), elements), method, [value])


def updates_after(rewriter: Rewriter, node: cst.CSTNode) -> list[cst.SimpleStatementLine]:
    """After a write, the views of the same memory are put back and read again."""
    lines = []
    for update in rewriter.facts.updates.get(node, ()):
        name = _place_named(update.name)
        if update.action == "put":
            value = cst.Subscript(name, ELLIPSIS) if update.variable else name
            lines.append(put(rewriter, update.node, value))
        else:
            lines.append(store(rewriter, Place(name, update.variable), _array(rewriter, update.node)))
    return [line for line in lines if line is not None]


def _array(rewriter: Rewriter, node: cst.BaseExpression) -> cst.BaseExpression:
    """The value of an expression, read where it is a Variable: ``self.b[...]``."""
    value: cst.BaseExpression = rewriter.expr(node)
    kind = without_none(rewriter.kind(node) or Tensor())
    holds = isinstance(kind, Tensor) and kind.variable and node not in rewriter.facts.reads
    return cst.Subscript(parenthesize(value, PRIMARY), ELLIPSIS) if holds else value


def _place_named(name: str) -> cst.BaseExpression:
    return cst.parse_expression(name.removeprefix("@").replace(":", "."))


def take_back(rewriter: Rewriter, node: cst.BaseExpression, result: cst.BaseExpression) -> list[Any]:
    """``f(x)`` as ``x = f(x)``, where ``f`` returns what it changed."""
    places = rewriter.facts.returned[node].places
    if len(places) > 1:
        target = cst.Tuple([cst.Element(place) for place in places], lpar=[], rpar=[])
        lines: list[Any] = [statement(assignment(target, result))]
    else:
        line = put(rewriter, places[0], result)
        lines = [line] if line is not None else []
    return [*lines, *updates_after(rewriter, node)]


def assign_result(rewriter: Rewriter, node: cst.Call, fact: RuleCall) -> list[cst.SimpleStatementLine]:
    """``x.add_(y)`` as ``x = x + y``."""
    return [_result_line(rewriter, node, fact), *updates_after(rewriter, node)]


def _result_line(rewriter: Rewriter, node: cst.Call, fact: RuleCall) -> cst.SimpleStatementLine:
    whole = target = fact.target
    assert target is not None
    assert whole is not None
    while isinstance(target, cst.Attribute) and target.attr.value == "data":
        target = target.value
    is_whole = isinstance(target, cst.Name | cst.Attribute) or holds_variable(rewriter, target)
    if not is_whole or isinstance(rewriter.facts.calls.get(target), RuleCall):
        line = put(rewriter, target, rule_call(rewriter, node, fact))
        assert line is not None
        return line
    place = place_of(rewriter, whole)
    raw = place.variable and _is_overwritten(rewriter, fact, target)
    if fact.rule.mode == "init" or raw:
        return store(rewriter, place, _initial_value(rewriter, fact, place, place.node))
    if place.variable and fact.receiver not in (None, target) and _scales(rewriter, fact):
        held = cst.Subscript(place.node, ELLIPSIS)  # what is written through `p.detach()` and its like
        return store(rewriter, place, _initial_value(rewriter, fact, place, held))
    value = rule_call(rewriter, node, fact)
    relayout = rewriter.facts.relayouts.get(node)
    if relayout is not None and not isinstance(target, cst.Name):
        value = rewriter.transposed(value, conversion(relayout.source, relayout.target, relayout.rank or 0))
    return store(rewriter, place, _set_whole(rewriter, value) if place.variable else value)


def _set_whole(rewriter: Rewriter, value: cst.BaseExpression) -> cst.BaseExpression:
    """``p[...].at[...].set(v)`` is ``v`` where that has the shape and dtype of `p`: a sum of it and Variables."""
    match value:
        case cst.Call(
            func=cst.Attribute(
                value=cst.Subscript(value=cst.Attribute(value=held, attr=cst.Name("at")), slice=[index]),
                attr=cst.Name("set"),
            ),
            args=[cst.Arg(value=new, keyword=None)],
        ) if index.deep_equals(ELLIPSIS[0]):
            leaves = list(_operands(new))
            own = any(leaf.deep_equals(held) for leaf in leaves)
            if own and all(_is_read(leaf) or _is_number(rewriter, leaf) for leaf in leaves):
                return new.with_changes(lpar=[], rpar=[])
    return value


def _operands(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """What arithmetic is done with."""
    if isinstance(node, cst.BinaryOperation) and isinstance(
        node.operator, cst.Add | cst.Subtract | cst.Multiply | cst.Divide
    ):
        yield from _operands(node.left)
        yield from _operands(node.right)
    elif isinstance(node, cst.UnaryOperation) and isinstance(node.operator, cst.Minus):
        yield from _operands(node.expression)
    else:
        yield node


def _is_number(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    return isinstance(node, cst.Integer | cst.Float) or isinstance(rewriter.kind(node), Number)


def _is_read(node: cst.BaseExpression) -> bool:
    """Whether an expression reads a whole Variable: ``p[...]``."""
    return isinstance(node, cst.Subscript) and len(node.slice) == 1 and node.slice[0].deep_equals(ELLIPSIS[0])


def _is_overwritten(rewriter: Rewriter, fact: RuleCall, target: cst.BaseExpression) -> bool:
    """Whether the new value depends on nothing of the old one but its shape and dtype."""
    kinds = {arg.node: rewriter.kind(arg.node) or UNKNOWN for arg in _arguments(fact)}
    if fact.receiver is not None:
        kinds.pop(fact.receiver, None)
    kinds[target] = rewriter.kind(target) or UNKNOWN
    return is_overwritten(fact.rule, fact.signature, fact.choice, kinds, target)


def _scales(rewriter: Rewriter, fact: RuleCall) -> bool:
    """Whether each value depends on itself and numbers alone, so that the axis order does not matter."""
    others = [bound.arg for bound in list(fact.bound.args.values())[1:] if bound.arg is not None]
    return fact.rule.mode == "pointwise" and all(
        isinstance(rewriter.kind(arg.node), Number | NoneKind) for arg in others
    )


def _arguments(fact: RuleCall) -> list[Any]:
    found = []
    for bound in fact.bound.args.values():
        found += list(bound.items) if bound.items is not None else [bound.arg] if bound.arg is not None else []
    return found


def _first_param(fact: RuleCall) -> str:
    return str(fact.signature.params[0].name)


def _initial_value(rewriter: Rewriter, fact: RuleCall, place: Place, held: cst.BaseExpression) -> cst.BaseExpression:
    values = argument_values(rewriter, fact)
    values[_first_param(fact)] = FillArg(node=held, annotation="Tensor")
    for name, flax, own in (("in_axis", -2, 1), ("out_axis", -1, 0)):
        axis = own if place.layout is None else flax
        values[name] = FillArg(node=number(axis), value=axis)
    filled = fill(fact.choice.branch.template, values, context(rewriter))
    rewriter.names |= filled.names
    rewriter.helpers |= filled.helpers
    rewriter.tally.translated += 1
    rewriter.trace.append((fact.rule, fact.choice.branch))
    return filled.expression


def item_update(
    rewriter: Rewriter,
    target: cst.Subscript,
    method: str,
    value: cst.BaseExpression,
    source: cst.BaseExpression | None = None,
) -> cst.SimpleStatementLine:
    """``x = x.at[i].set(value)``; ``source``: the value in the original, where it has an expression of its own."""
    holder = target.value
    if is_box(rewriter.kind(holder) or Tensor()):
        return statement(assignment(rewriter.generic(target), value))
    base: cst.BaseExpression
    outer = rewriter.kind(holder.value) if isinstance(holder, cst.Subscript) else None
    if isinstance(holder, cst.Subscript) and (outer is None or may_be_tensor(outer)):
        return _nested_update(rewriter, holder, target, method, value)
    if isinstance(holder, cst.Call) or isinstance(rewriter.facts.calls.get(holder), RuleCall):
        elements = [rewriter.generic(element) for element in target.slice]
        line = put(rewriter, holder, _updated(rewriter.expr(holder), elements, method, value))
        return line if line is not None else statement(assignment(target, value))
    place = place_of(rewriter, holder)
    base = place.node
    if place.variable:
        base = read_variable(holder, place.node, rewriter.facts)
    relayout = rewriter.facts.relayouts.get(holder)
    if relayout is not None:
        base = rewriter.expr(holder)
    updated = masked_update(rewriter, target, base, value, source) if method == "set" else None
    if updated is None:
        elements = [rewriter.generic(element) for element in target.slice]
        updated = _updated(base, elements, method, value)
    if relayout is not None and place.layout is not None:
        updated = rewriter.transposed(updated, conversion(relayout.target, relayout.source, relayout.rank or 0))
    return store(rewriter, place, updated)


def _nested_update(
    rewriter: Rewriter, holder: cst.Subscript, target: cst.Subscript, method: str, value: cst.BaseExpression
) -> cst.SimpleStatementLine:
    """``x[a][b] = v``: the inner view is updated and put back."""
    inner = rewriter.expr(holder)
    elements = [rewriter.generic(element) for element in target.slice]
    return item_update(rewriter, holder, "set", _updated(inner, elements, method, value))
