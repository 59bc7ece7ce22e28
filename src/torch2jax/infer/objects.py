"""Objects of torch's classes besides layers, such as distributions: their attributes and methods have rules."""

from __future__ import annotations

import libcst as cst

from torch2jax.infer.arguments import Arguments, use_all
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import FREE, BoundApi, Kind, Object
from torch2jax.infer.rule_calls import apply


def object_attribute(frame: Frame, node: cst.Attribute, receiver: Object, name: str) -> Kind:
    """``dist.mean`` by its rule, or a method before its call."""
    frame.facts.calls.pop(node, None)
    full = f"{receiver.name}.{name}"
    rules = frame.program.book.lookup(full)
    attributes = [rule for rule in rules if rule.kind == "attribute"]
    if attributes:
        return apply(frame, node, full, attributes, Arguments([], {}), (node.value, receiver))
    if rules:
        return BoundApi(receiver, name)
    if not name.startswith("__"):
        frame.report("T2J101", node, f"{full} has no rule")
    return FREE


def call_object_method(frame: Frame, node: cst.Call, receiver: Object, name: str, arguments: Arguments) -> Kind:
    """``dist.log_prob(x)`` by its rule."""
    full = f"{receiver.name}.{name}"
    rules = [rule for rule in frame.program.book.lookup(full) if rule.kind == "rule"]
    if rules and isinstance(node.func, cst.Attribute):
        return apply(frame, node, full, rules, arguments, (node.func.value, receiver))
    use_all(frame, arguments)
    frame.report("T2J101", node, f"{full} can't be called through a variable", "call it on the object")
    return FREE


def call_object(frame: Frame, node: cst.Call, callee: Object, arguments: Arguments) -> Kind:
    """``transform(x)`` by the rule of ``__call__``."""
    full = f"{callee.name}.__call__"
    rules = frame.program.book.lookup(full)
    if rules:
        return apply(frame, node, full, rules, arguments, (node.func, callee))
    use_all(frame, arguments)
    frame.report("T2J101", node, f"{full} has no rule")
    return FREE
