"""Parameters that a program picks one by one, by name or number of axes: whose they are."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import UNKNOWN, Source, Tensor, without_none
from torch2jax.source.nodes import dotted_name, walk

_WALKS = frozenset("parameters named_parameters modules named_modules children named_children".split())
_ADDS = frozenset("append extend add update insert setdefault".split())


def module_of(frame: Frame, lists: Iterable[cst.BaseExpression]) -> Source | None:
    """The module that all parameters in some lists come from; None where that can't be told.

    Follows what their variables are given, and what is added to them, back to ``named_parameters()`` and its like. The
    output looks for each of them in that module, so that a wrong guess can't go unnoticed.
    """
    flows = _flows(frame.fn.node)
    loops = [part for part in walk(frame.fn.node) if isinstance(part, cst.For | cst.CompFor)]
    in_turn = {name for loop in loops for name in _held_by(loop.target)}
    found: dict[str, cst.BaseExpression] = {}
    waiting: list[cst.CSTNode] = list(lists)
    seen: set[str] = set()
    while waiting:
        for part in walk(waiting.pop()):
            if isinstance(part, cst.Name) and part.value not in seen:
                seen.add(part.value)
                waiting += flows.get(part.value, ())
            if isinstance(part, cst.Name | cst.Attribute) and _is_parameter(frame, part):
                path = dotted_name(part) or ""
                if path.partition(".")[0] in in_turn:
                    continue
                if not isinstance(part, cst.Attribute):
                    return None  # a parameter of no module
                found[path.rpartition(".")[0]] = part.value
            fact = frame.facts.special.get(part)
            if not isinstance(fact, tuple) or fact[0] != "module_method" or fact[1] not in _WALKS:
                continue
            assert isinstance(part, cst.Call)
            assert isinstance(part.func, cst.Attribute)
            holder = part.func.value
            spelled = dotted_name(holder)
            if spelled is None:
                return None
            if _comes_from_a_walk(frame, spelled, flows):
                continue
            if spelled.partition(".")[0] in in_turn:
                return None
            found[spelled] = holder
    whole = [name for name in found if all(other == name or other.startswith(f"{name}.") for other in found)]
    if len(whole) != 1:
        return None
    holder = found[whole[0]]
    return Source(holder, without_none(frame.facts.kinds.get(holder, UNKNOWN)))


def _is_parameter(frame: Frame, node: cst.BaseExpression) -> bool:
    kind = without_none(frame.facts.kinds.get(node, UNKNOWN))
    return isinstance(kind, Tensor) and kind.variable


def _comes_from_a_walk(frame: Frame, name: str, flows: dict[str, list[cst.BaseExpression]]) -> bool:
    """Whether a name is that of the modules in a loop over all modules of another."""
    facts = (frame.facts.special.get(value) for value in flows.get(name, ()) if isinstance(value, cst.Call))
    return any(isinstance(fact, tuple) and fact[0] == "module_method" and fact[1] in _WALKS for fact in facts)


def _flows(function: cst.CSTNode) -> dict[str, list[cst.BaseExpression]]:
    """What the variables of a function are given, by their names: values, items of what is gone through, additions."""
    flows: dict[str, list[cst.BaseExpression]] = {}
    for part in walk(function):
        for names, value in _given(part):
            for name in names:
                flows.setdefault(name, []).append(value)
    return flows


def _given(part: Any) -> Iterator[tuple[Iterable[str], cst.BaseExpression]]:
    match part:
        case cst.Assign(targets=targets, value=value):
            yield [name for each in targets for name in _held_by(each.target)], value
        case cst.AnnAssign(target=target, value=cst.BaseExpression() as value):
            yield _held_by(target), value
        case cst.AugAssign(target=target, value=value) | cst.NamedExpr(target=target, value=value):
            yield _held_by(target), value
        case cst.For(target=target, iter=value) | cst.CompFor(target=target, iter=value):
            yield _held_by(target), value
        case cst.Call(func=cst.Attribute(value=cst.Name(value=name), attr=cst.Name(value=method)), args=args):
            if method in _ADDS:
                yield from (((name,), arg.value) for arg in args)


def _held_by(target: cst.BaseExpression) -> list[str]:
    """The variables that a target gives something to; ``groups["decay"]`` gives it to ``groups``."""
    if isinstance(target, cst.Tuple | cst.List):
        return [name for element in target.elements for name in _held_by(element.value)]
    while isinstance(target, cst.Subscript):
        target = target.value
    return [target.value] if isinstance(target, cst.Name) else []
