"""Writes: in-place methods, item assignment, assignment to Variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import libcst as cst

from torch2jax.infer.derived import kept_name
from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import UNKNOWN, NoneKind, Number, Tensor, may_be_tensor, options, without_none
from torch2jax.infer.layout import Layout, conversion
from torch2jax.infer.rule_calls import is_overwritten
from torch2jax.rewrite.fill import fill
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
from torch2jax.rewrite.rule_calls import _values, context, rule_call

ELLIPSIS = [cst.SubscriptElement(cst.Index(cst.Ellipsis()))]


@dataclass(frozen=True, slots=True)
class Place:
    """Something that can be assigned: the expression, whether it is a Variable, and the order of its axes."""

    node: cst.BaseExpression
    variable: bool
    layout: Layout = None


def is_place(node: cst.BaseExpression) -> bool:
    """Whether a new value can be assigned to the expression."""
    if isinstance(node, cst.Name):
        return True
    if isinstance(node, cst.Attribute | cst.Subscript):
        return isinstance(node.value, cst.Name | cst.Attribute | cst.Subscript)
    return False


def place_of(rewriter: Rewriter, node: cst.BaseExpression) -> Place:
    """Where a write to ``node`` goes."""
    note = rewriter.facts.special.get(node)
    if isinstance(node, cst.Attribute) and note is not None and note[0] in ("data", "write_data"):
        return place_of(rewriter, node.value)
    if isinstance(node, cst.Attribute) and node.attr.value == "data":
        return place_of(rewriter, node.value)
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
    return Place(node, variable, layout)


def store(place: Place, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    """``x = value`` or ``p[...] = value``, of a value in the order of the place."""
    target = cst.Subscript(place.node, ELLIPSIS) if place.variable else place.node
    return statement(assignment(target, value))


def assign_result(rewriter: Rewriter, node: cst.Call, fact: RuleCall) -> list[cst.SimpleStatementLine]:
    """``x.add_(y)`` as ``x = x + y``."""
    target = fact.target
    assert target is not None
    if isinstance(target, cst.Subscript):
        return [_item_result(rewriter, target, rule_call(rewriter, node, fact))]
    place = place_of(rewriter, target)
    raw = place.variable and _is_overwritten(rewriter, fact, target)
    if fact.rule.mode == "init" or raw:
        return [store(place, _initial_value(rewriter, fact, place, place.node))]
    if place.variable and fact.receiver not in (None, target) and _scales(rewriter, fact):
        held = cst.Subscript(place.node, ELLIPSIS)  # what is written through `p.detach()` and its like
        return [store(place, _initial_value(rewriter, fact, place, held))]
    value = rule_call(rewriter, node, fact)
    relayout = rewriter.facts.relayouts.get(node)
    if relayout is not None and not isinstance(target, cst.Name):
        value = rewriter.transposed(value, conversion(relayout.source, relayout.target, relayout.rank or 0))
    return [store(place, value)]


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
    values = _values(rewriter, fact)
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


def _item_result(rewriter: Rewriter, target: cst.Subscript, value: cst.BaseExpression) -> cst.SimpleStatementLine:
    return item_update(rewriter, target, "set", value)


def item_update(
    rewriter: Rewriter, target: cst.Subscript, method: str, value: cst.BaseExpression
) -> cst.SimpleStatementLine:
    """``x = x.at[i].set(value)``."""
    place = place_of(rewriter, target.value)
    holder = target.value
    base: cst.BaseExpression
    outer = rewriter.kind(holder.value) if isinstance(holder, cst.Subscript) else None
    if isinstance(holder, cst.Subscript) and (outer is None or may_be_tensor(outer)):
        return _nested_update(rewriter, holder, target, method, value)
    base = place.node
    if place.variable:
        base = read_variable(holder, place.node, rewriter.facts)
    relayout = rewriter.facts.relayouts.get(holder)
    if relayout is not None:
        base = rewriter.expr(holder)
    elements = [rewriter.generic(element) for element in target.slice]
    updated: cst.BaseExpression = method_call(cst.Subscript(attribute(base, "at"), elements), method, [value])
    if relayout is not None and place.layout is not None:
        updated = rewriter.transposed(updated, conversion(relayout.target, relayout.source, relayout.rank or 0))
    return store(place, updated)


def _nested_update(
    rewriter: Rewriter, holder: cst.Subscript, target: cst.Subscript, method: str, value: cst.BaseExpression
) -> cst.SimpleStatementLine:
    """``x[a][b] = v``: the inner view is updated and put back."""
    inner = rewriter.expr(holder)
    elements = [rewriter.generic(element) for element in target.slice]
    updated = method_call(cst.Subscript(attribute(inner, "at"), elements), method, [value])
    return item_update(rewriter, holder, "set", updated)
