"""Loops: what each turn binds, until nothing new is learned."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer import items
from torch2jax.infer.frame import Frame, Value, executes
from torch2jax.infer.host import gives_fresh
from torch2jax.infer.kinds import NONE, UNKNOWN, Kind, Tensor, Tuple, union, without_none
from torch2jax.infer.liveness import stored
from torch2jax.infer.narrowing import condition, narrow
from torch2jax.infer.storage import is_value, storage_of
from torch2jax.infer.targets import store


@executes(cst.For)
def for_(frame: Frame, node: cst.For) -> None:
    """``for``: each turn binds the target to an item."""
    iterable = frame.eval(node.iter)
    item = _variables_of(frame, node.iter) or items.iterated(frame, node.iter, iterable)

    hidden = f"%{id(node)}"
    parts = item.items if isinstance(item, Tuple) else (item,)
    lasting = all(is_value(part) or (isinstance(part, Tensor) and part.variable) for part in parts)
    frame.env[hidden] = Value(NONE if lasting else UNKNOWN, storage=loop_storage(frame, node.iter))

    def enter() -> None:
        head = frame.env[hidden]
        shared = head.storage
        if isinstance(node.target, cst.Tuple):
            for element in node.target.elements:
                each = _element_kind(frame, item, node.target, element)
                where = _place_of_element(frame, node, element)
                store(frame, element.value, each, None, shared if where is None else where)
        else:
            store(frame, node.target, item, None, shared)
        for name in stored(node.target) if head.stale else ():  # the iterator still goes through the old value
            if name in frame.env and not is_value(frame.env[name].kind):
                frame.env[name] = replace(frame.env[name], stale=True)

    loop(frame, enter, node.body)
    if node.orelse is not None:
        frame.execute((node.orelse,))


def _place_of_element(frame: Frame, node: cst.For, element: cst.BaseElement) -> frozenset[Any] | None:
    """Where an item of ``zip(a, b)`` lies: in its own argument."""
    assert isinstance(node.target, cst.Tuple)
    call = node.iter
    zipped = isinstance(call, cst.Call) and isinstance(call.func, cst.Name) and call.func.value == "zip"
    if not zipped or not isinstance(call, cst.Call) or len(call.args) != len(node.target.elements):
        return None
    if any(arg.star for arg in call.args):
        return None
    return loop_storage(frame, call.args[list(node.target.elements).index(element)].value)


def _variables_of(frame: Frame, node: cst.BaseExpression) -> Kind | None:
    """``for p in (self.a, self.b)``: the Variables themselves, so that they can be written to."""
    if not isinstance(node, cst.Tuple | cst.List) or not node.elements:
        return None
    kinds = [frame.facts.kinds.get(element.value, UNKNOWN) for element in node.elements]
    if not all(isinstance(kind, Tensor) and kind.variable for kind in kinds):
        return None
    for element in node.elements:
        frame.facts.reads.discard(element.value)
    return union(kinds)


def _element_kind(frame: Frame, item: Kind, target: cst.Tuple, element: cst.BaseElement) -> Kind:
    if isinstance(element, cst.StarredElement):
        return UNKNOWN
    starred = any(isinstance(e, cst.StarredElement) for e in target.elements)
    plain = without_none(item)
    return items.item_at(frame, plain, None if starred else list(target.elements).index(element))


def loop_storage(frame: Frame, node: cst.BaseExpression) -> frozenset[Any]:
    """The memory that a loop's variable looks into: rows of a tensor, pieces of a split."""
    given = [node, *(arg.value for arg in node.args)] if isinstance(node, cst.Call) else [node]
    if any(gives_fresh(frame.facts.kinds.get(part, UNKNOWN)) for part in given):
        return frozenset()
    wrappers = ("enumerate", "zip", "reversed", "list", "tuple")
    if isinstance(node, cst.Call) and isinstance(node.func, cst.Name) and node.func.value in wrappers:
        return frozenset().union(*(loop_storage(frame, arg.value) for arg in node.args))
    return storage_of(frame, node)


@executes(cst.While)
def while_(frame: Frame, node: cst.While) -> None:
    """``while``: each turn knows the test."""

    def enter() -> None:
        condition(frame, node.test, frame.eval(node.test), "while")
        narrow(frame, node.test, True)

    loop(frame, enter, node.body)
    if node.orelse is not None:
        frame.execute((node.orelse,))


def loop(frame: Frame, enter: Any, body: cst.CSTNode) -> None:
    """Run a loop's body until the environment at its head stands still."""
    outer_breaks, frame.breaks = frame.breaks, []
    frame.depth += 1
    head = dict(frame.env)
    known = frame.facts.mark()
    for _ in range(12):
        frame.facts.return_to(known)
        frame.env, frame.alive = dict(head), True
        frame.breaks = []
        enter()
        frame.execute((body,))
        flows = [head, *frame.breaks, *([frame.env] if frame.alive else [])]
        merged = frame.merge(*flows)
        if merged == head:
            break
        head = merged
    frame.env, frame.alive = dict(head), True
    frame.depth -= 1
    frame.breaks = outer_breaks
