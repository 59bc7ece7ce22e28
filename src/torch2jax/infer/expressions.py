"""Literals, names, displays, comprehensions, lambdas."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.contents import copy_items, heap_write, is_setting
from torch2jax.infer.frame import Frame, Value, evaluates
from torch2jax.infer.host import note_leak
from torch2jax.infer.items import iterated, logical_shape
from torch2jax.infer.kinds import (
    FLOAT,
    FREE,
    NONE,
    STR,
    UNKNOWN,
    Api,
    Iterator_,
    Kind,
    Mapping,
    Number,
    Sequence,
    Shape,
    Str,
    Tuple,
    without_none,
)
from torch2jax.infer.loops import loop_storage
from torch2jax.infer.narrowing import condition, narrow
from torch2jax.infer.storage import storage_of
from torch2jax.infer.targets import store
from torch2jax.infer.views import view_of
from torch2jax.source.nodes import walk

_CONSTANTS: dict[str, Kind] = {"None": NONE, "True": Number("bool", True), "False": Number("bool", False)}
_NUMBERS = {f"{module}.{name}" for module in ("math", "numpy") for name in ("pi", "e", "inf", "nan")} | {"math.tau"}
"""Names of other modules that are numbers; left as they are, whatever their value."""


@evaluates(cst.Integer)
def integer(frame: Frame, node: cst.Integer) -> Kind:
    """An integer literal."""
    return Number("int", int(node.value, 0))


@evaluates(cst.Float)
def floating(frame: Frame, node: cst.Float) -> Kind:
    """A float literal."""
    return Number("float", float(node.value.replace("_", "")))


@evaluates(cst.Imaginary)
def imaginary(frame: Frame, node: cst.Imaginary) -> Kind:
    """An imaginary literal."""
    return Number("complex")


@evaluates(cst.SimpleString)
def string(frame: Frame, node: cst.SimpleString) -> Kind:
    """A string literal; bytes are unknown."""
    if "b" in node.prefix.lower():
        return UNKNOWN
    return Str(node.evaluated_value)


@evaluates(cst.ConcatenatedString)
def strings(frame: Frame, node: cst.ConcatenatedString) -> Kind:
    """Adjacent string literals."""
    frame.eval(node.left)
    frame.eval(node.right)
    return STR


@evaluates(cst.FormattedString)
def formatted(frame: Frame, node: cst.FormattedString) -> Kind:
    """An f-string: arrays in it are shown in torch's order."""
    for part in node.parts:
        if isinstance(part, cst.FormattedStringExpression):
            kind = frame.eval(part.expression)
            frame.use(part.expression, kind)
            if isinstance(kind, Shape):
                logical_shape(frame, part.expression, kind, shown=True)
    return STR


@evaluates(cst.Ellipsis)
def ellipsis(frame: Frame, node: cst.Ellipsis) -> Kind:
    """``...`` outside a subscript."""
    return UNKNOWN


@evaluates(cst.Name)
def name(frame: Frame, node: cst.Name) -> Kind:
    """A name: a constant of Python, what the scopes bind, or a builtin."""
    if node.value in _CONSTANTS:
        return _CONSTANTS[node.value]
    kind = frame.lookup(node.value, node)
    if kind is not None and frame.program.hosting and node.value not in frame.env:
        note_leak(frame, node, kind, node.value)
    if kind is None:
        kind = Api(f"builtins.{node.value}")
    if isinstance(kind, Api):
        frame.facts.special.pop(node, None)
        return constant_of(frame, node, kind)
    return kind


def constant_of(frame: Frame, node: cst.BaseExpression, kind: Api) -> Kind:
    """A constant (a dtype, pi), or the API itself."""
    from torch2jax.infer.arguments import Arguments
    from torch2jax.infer.rule_calls import apply

    rules = [rule for rule in frame.program.book.lookup(kind.name) if rule.kind == "constant"]
    if rules:
        return apply(frame, node, kind.name, rules, Arguments([], {}))
    return FLOAT if kind.name in _NUMBERS else kind


@evaluates(cst.Tuple)
def tuple_(frame: Frame, node: cst.Tuple) -> Kind:
    """``(a, b)``: the items one by one, unless one is starred."""
    if any(isinstance(element, cst.StarredElement) for element in node.elements):
        return _display(frame, node, "tuple")
    return Tuple(tuple(_element(frame, e.value) for e in node.elements))


def _element(frame: Frame, node: cst.BaseExpression) -> Kind:
    kind = frame.read(node, frame.eval(node))
    if isinstance(kind, Shape):
        logical_shape(frame, node, kind)
        return Shape(kind.rank)
    return kind


@evaluates(cst.List, cst.Set)
def list_(frame: Frame, node: Any) -> Kind:
    """``[a, b]`` or ``{a, b}``: items in the heap cell of the display."""
    return _display(frame, node, "list" if isinstance(node, cst.List) else "set")


def _display(frame: Frame, node: Any, kind: str) -> Kind:
    for element in node.elements:
        item = frame.eval(element.value)
        if isinstance(element, cst.StarredElement):
            copy_items(frame, node, item, iterated(frame, element.value, item))
        else:
            heap_write(frame, node, item, element.value)
    return Sequence(kind, node)


@evaluates(cst.StarredElement)
def starred(frame: Frame, node: cst.StarredElement) -> Kind:
    """``*x`` inside a display."""
    return frame.eval(node.value)


@evaluates(cst.Dict)
def dict_(frame: Frame, node: cst.Dict) -> Kind:
    """``{key: value}``: values in the heap cell of the display."""
    for element in node.elements:
        if isinstance(element, cst.DictElement):
            frame.eval(element.key)
            kind = frame.eval(element.value)
            heap_write(frame, node, kind, element.value)
            if isinstance(element.key, cst.SimpleString) and (frame.program.hosting or is_setting(kind)):
                frame.program.heap[node, element.key.evaluated_value].write(kind, frame.program)
        else:
            kind = without_none(frame.eval(element.value))
            if isinstance(kind, Mapping):
                copy_items(frame, node, kind, frame.program.heap[kind.site].read(frame.fn))
            else:
                heap_write(frame, node, FREE, None)
    keys = [
        e.key.evaluated_value if isinstance(e, cst.DictElement) and isinstance(e.key, cst.SimpleString) else None
        for e in node.elements
    ]
    known = None not in keys and node not in frame.program.grown
    return Mapping(node, tuple(str(key) for key in keys) if known else None)


@evaluates(cst.ListComp, cst.SetComp, cst.GeneratorExp)
def comprehension(frame: Frame, node: Any) -> Kind:
    """A list, set or generator comprehension: items of one kind."""
    saved = dict(frame.env)
    _clauses(frame, node.for_in)
    item = frame.eval(node.elt)
    frame.comprehended[node] = storage_of(frame, node.elt)
    if isinstance(node, cst.GeneratorExp):
        item = frame.use(node.elt, item)
        frame.env = saved
        return Iterator_(item)
    heap_write(frame, node, item, node.elt)
    frame.env = saved
    return Sequence("list" if isinstance(node, cst.ListComp) else "set", node)


@evaluates(cst.DictComp)
def dict_comprehension(frame: Frame, node: cst.DictComp) -> Kind:
    """A dict comprehension: values in its heap cell."""
    saved = dict(frame.env)
    _clauses(frame, node.for_in)
    frame.eval(node.key)
    kind = frame.eval(node.value)
    frame.comprehended[node] = storage_of(frame, node.value)
    heap_write(frame, node, kind, node.value)
    frame.env = saved
    return Mapping(node)


def _clauses(frame: Frame, clause: cst.CompFor | None) -> None:
    frame.depth += 1
    while clause is not None:
        item = iterated(frame, clause.iter, frame.eval(clause.iter))
        frame.facts.inline.update(walk(clause.target))
        store(frame, clause.target, item, None, loop_storage(frame, clause.iter))
        for test in clause.ifs:
            condition(frame, test.test, frame.eval(test.test), "condition")
            narrow(frame, test.test, True)
        clause = clause.inner_for_in
    frame.depth -= 1


@evaluates(cst.NamedExpr)
def walrus(frame: Frame, node: cst.NamedExpr) -> Kind:
    """``name := value``, which binds the name too."""
    kind = frame.use(node.value, frame.eval(node.value))
    if isinstance(node.target, cst.Name):
        storage, view = storage_of(frame, node.value), view_of(frame, node.value)
        view = None if view is not None and node.target.value in view.names else view
        frame.env[node.target.value] = Value(kind, storage=storage or frame.made_at(node), view=view)
    return kind


@evaluates(cst.Lambda)
def lambda_(frame: Frame, node: cst.Lambda) -> Kind:
    """A lambda: a function without a name."""
    from torch2jax.infer.definitions import define_lambda

    return define_lambda(frame, node)


@evaluates(cst.Await, cst.Yield)
def suspended(frame: Frame, node: Any) -> Kind:
    """``await`` and ``yield``: the value is used, the result unknown."""
    value = node.expression if isinstance(node, cst.Await) else node.value
    if isinstance(value, cst.From):
        kind = frame.eval(value.item)
        if isinstance(node, cst.Yield):
            frame.yields.append(iterated(frame, value.item, kind))
    elif value is not None:
        kind = frame.use(value, frame.eval(value))
        if isinstance(node, cst.Yield):
            frame.yields.append(kind)
    return UNKNOWN
