"""What the targets of an assignment or a loop are bound to, whole or unpacked."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer import attributes, items
from torch2jax.infer.aliasing import HINT, kept_data
from torch2jax.infer.crossings import received
from torch2jax.infer.facts import RuleCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import INT, UNKNOWN, HostTensor, Kind, Number, Shape, Tensor, options, without_none
from torch2jax.infer.liveness import stored
from torch2jax.infer.storage import part_of, storage_of
from torch2jax.infer.views import View, attribute_key, view_of
from torch2jax.source.nodes import dotted_name, walk


def is_number(kind: Kind) -> bool:
    """Whether a value is a number, which has no memory to share."""
    return all(isinstance(option, Number) for option in options(kind))


def store(
    frame: Frame,
    target: cst.BaseExpression,
    kind: Kind,
    value: cst.CSTNode | None,
    storage: frozenset[Any] | None = None,
    view: View | None = None,
) -> None:
    """Assign a kind to any target. ``value`` is the source expression where there is one of its own."""
    if frame.program.touches_host or isinstance(kind, HostTensor):
        kind = received(frame, target, kind)
        storage = None if target in frame.facts.received else storage
    if isinstance(target, cst.Name):
        kind = kept_data(frame, value, kind, followed=True)
        frame.bind(target.value, kind, target, value, storage or None, view)
        if isinstance(value, cst.BaseExpression):
            frame.facts.assigned[target] = value
    elif isinstance(target, cst.Attribute):
        attributes.assign(frame, target, kept_data(frame, value, kind, followed=False), value)
    elif isinstance(target, cst.Subscript):
        items.assign_item(frame, target, kind, value, None)
    elif isinstance(target, cst.Tuple | cst.List):
        unpack(frame, target, kind, value, storage)
    elif isinstance(target, cst.StarredElement):
        store(frame, target.value, UNKNOWN, None, storage)


def unpack(
    frame: Frame,
    target: cst.Tuple | cst.List,
    kind: Kind,
    value: cst.CSTNode | None,
    storage: frozenset[Any] | None = None,
) -> None:
    """``a, b = value``."""
    elements = target.elements
    plain = without_none(kind)
    shared = (storage_of(frame, value) if value is not None else None) or storage or frozenset()
    starred = any(isinstance(element, cst.StarredElement) for element in elements)
    if isinstance(plain, Shape):
        if plain.layout is not None and value is not None:
            mixed = len(elements) != len(plain.layout)  # of another length, or of several orders
            if starred or mixed or not _plain_names(elements):
                items.logical_shape(frame, value, plain)
            else:
                frame.facts.special[target] = ("unpack_shape", plain.layout)
        if not starred and plain.rank is None:
            _learn_rank(frame, value, len(elements))
        for element in elements:
            inner = element.value
            store(frame, inner, items.SHAPE_ITEMS if isinstance(element, cst.StarredElement) else INT, None)
        return
    if isinstance(value, cst.Tuple | cst.List) and len(value.elements) == len(elements) and not starred:
        kinds = [_as_read(frame, e.value) for e in value.elements]
        lies = [(storage_of(frame, e.value) or None, view_of(frame, e.value)) for e in value.elements]
        order = tuple("first" if not where else "late" if view is not None else "open" for where, view in lies)
        frame.facts.special[target] = ("one_by_one", order)
        old = {name for name, held in frame.env.items() if held.stale}
        for element, source, item, (where, view) in zip(elements, value.elements, kinds, lies, strict=True):
            _note_late_read(frame, source.value, old)
            store(frame, element.value, item, source.value, where, view)
        bound = {name for element in elements for name in stored(element.value)}
        bound |= {attribute_key(name) for e in elements if (name := dotted_name(e.value)) is not None and "." in name}
        for name in bound & frame.env.keys():  # all values were read before any name was bound
            held = frame.env[name]
            if held.view is not None and held.view.names & bound:
                frame.env[name] = replace(held, view=None)
        return
    if isinstance(plain, Tensor) and value is not None:
        plain = frame.use(value, plain)
    for index, element in enumerate(elements):
        if isinstance(element, cst.StarredElement):
            store(frame, element.value, items.tail(frame, plain, index), None, shared)
        else:
            item = items.item_at(frame, plain, index if not starred else (index if index == 0 else None))
            where = _piece(frame, shared, plain, value, index)
            store(frame, element.value, item, None, where, _piece_view(frame, plain, value, index))


def _as_read(frame: Frame, node: cst.BaseExpression) -> Kind:
    """The kind of an item of a display, where Variables are read."""
    kind = frame.facts.kinds.get(node, UNKNOWN)
    return (
        replace(kind, variable=False, detached=False)
        if isinstance(kind, Tensor) and node in frame.facts.reads
        else kind
    )


def _piece_view(frame: Frame, kind: Kind, value: cst.CSTNode | None, index: int) -> View | None:
    """``a, b = x`` gives ``x[0]`` and ``x[1]``; so does ``x.unbind()``."""
    fact = frame.facts.calls.get(value) if value is not None else None
    base: cst.BaseExpression | None = value if isinstance(kind, Tensor) and isinstance(value, cst.Name) else None
    if isinstance(value, cst.Call) and isinstance(fact, RuleCall) and fact.rule.name.endswith(".unbind"):
        base = fact.receiver if not value.args or fact.bound.args["dim"].value == 0 else None
    if base is None:
        return None
    part = frame.items_of.setdefault((base, index), item_of(base, index))
    return view_of(frame, part)


def item_of(base: cst.BaseExpression, index: int) -> cst.Subscript:
    """``base[index]``, as source."""
    return cst.Subscript(base, [cst.SubscriptElement(cst.Index(cst.Integer(str(index))))])


def _note_late_read(frame: Frame, node: cst.BaseExpression, old: set[str]) -> None:
    """``x[0], y = v, x[1]``: a view on the right side is read after the writes before it."""
    for part in walk(node):
        held = frame.env.get(part.value) if isinstance(part, cst.Name) else None
        if held is not None and held.stale and isinstance(part, cst.Name) and part.value not in old:
            frame.report("T2J105", node, "an earlier target of this assignment changes what is read here", HINT)


def _piece(frame: Frame, shared: frozenset[Any], kind: Kind, value: cst.CSTNode | None, index: int) -> frozenset[Any]:
    """Where an item of what is unpacked lies: rows of an array and pieces of a split have no memory in common."""
    fact = frame.facts.calls.get(value) if isinstance(value, cst.Call) else None
    pieces = isinstance(fact, RuleCall) and (fact.rule.result == "Tensors" or isinstance(fact.rule.result, tuple))
    return part_of(shared, value, index) if isinstance(kind, Tensor) or pieces else shared


def _learn_rank(frame: Frame, value: cst.CSTNode | None, rank: int) -> None:
    """``b, c, h, w = x.shape`` says that x has four axes."""
    holder = value.func if isinstance(value, cst.Call) else value
    if isinstance(holder, cst.Attribute) and isinstance(holder.value, cst.Name):
        held = frame.env.get(holder.value.value)
        kind = without_none(held.kind) if held is not None else None
        if held is not None and isinstance(kind, Tensor) and kind.rank is None and kind.layout is None:
            known = replace(kind, rank=rank)
            for definition in held.definitions:
                if definition in frame.facts.natural:
                    frame.facts.natural[definition] = (None, rank)
            frame.env[holder.value.value] = replace(held, kind=known)


def _plain_names(elements: Seq[cst.BaseElement]) -> bool:
    return all(isinstance(element.value, cst.Name) for element in elements)
