"""Assignment statements: plain, chained, annotated and augmented."""

from __future__ import annotations

import libcst as cst

from torch2jax.infer import attributes, items
from torch2jax.infer.aliasing import note_put
from torch2jax.infer.contents import copy_items
from torch2jax.infer.crossings import keep_value
from torch2jax.infer.frame import Frame, executes
from torch2jax.infer.kinds import (
    Container,
    Free,
    Iterator_,
    Kind,
    Number,
    Sequence,
    Tensor,
    Tuple,
    is_box,
    is_tensor,
    join,
    may_be_tensor,
    options,
    without_none,
)
from torch2jax.infer.leaves import made_parameter
from torch2jax.infer.liveness import stored
from torch2jax.infer.numpy_arrays import may_be_numpy, note_change
from torch2jax.infer.storage import storage_of
from torch2jax.infer.targets import is_number, store
from torch2jax.infer.views import view_of
from torch2jax.source.nodes import dotted_name, walk


@executes(cst.Assign)
def assign(frame: Frame, node: cst.Assign) -> None:
    """``a = b = value``: stores the value in each target."""
    if node in frame.program.hosted:
        keep_value(frame, node)
        return
    kind = frame.eval(node.value)
    parameter = made_parameter(frame, node, kind)
    if parameter is not None:
        store(frame, node.targets[0].target, parameter, node.value)
        return
    source: cst.CSTNode = node.value
    for target in node.targets:
        store(frame, target.target, kind, node.value, storage_of(frame, source) or None, view_of(frame, source))
        if type(target.target) in (cst.Name, cst.Attribute) and not is_number(kind):
            source = target.target  # `a = b = value`: one object under two names
    _note_several(frame, node)


def _note_several(frame: Frame, node: cst.Assign) -> None:
    """Chained and unpacking assignments that write into arrays become one line for each target."""
    frame.facts.special.pop(node, None)
    targets = [target.target for target in node.targets]
    whole = targets[0]
    if len(targets) > 1:
        if any(_writes(frame, target) for target in targets):
            frame.facts.special[node] = ("chained",)
        parts = [e.value for t in targets if isinstance(t, cst.Tuple | cst.List) for e in t.elements]
        allowed = not any(_writes(frame, part) for part in parts)
    elif isinstance(whole, cst.Tuple | cst.List) and any(_writes(frame, e.value) for e in whole.elements):
        note = frame.facts.special.get(whole, ("", ()))
        allowed = note[0] == "one_by_one" and "open" not in note[1] and not _rebinds_source(whole, node.value)
        frame.facts.special[node] = note
    else:
        return
    if not allowed:
        frame.facts.special.pop(node, None)
        frame.report("T2J105", node, "a chained or unpacking assignment writes into an array", "use one line each")


def _rebinds_source(whole: cst.Tuple | cst.List, value: cst.BaseExpression) -> bool:
    """Whether a target binds a name that a later value is read from: ``a, x[0] = b, a``."""
    bound: set[str | None] = set()
    for target, source in zip(whole.elements, getattr(value, "elements", ()), strict=False):
        read = {dotted_name(part) for part in walk(source) if isinstance(part, cst.Name | cst.Attribute)}
        if (read - {None}) & bound:
            return True
        bound |= {*stored(target.value), dotted_name(target.value)}
    return False


def _writes(frame: Frame, target: cst.CSTNode) -> bool:
    note = frame.facts.special.get(target)
    return note is not None and (
        note[0] in ("set_item", "write_variable", "write_data") or (note[0] == "state" and note[-1] == "write")
    )


@executes(cst.AnnAssign)
def annotated_assign(frame: Frame, node: cst.AnnAssign) -> None:
    """``name: type = value``; without a value nothing is bound."""
    if node.value is None:
        return
    store(frame, node.target, frame.eval(node.value), node.value)


@executes(cst.AugAssign)
def augmented_assign(frame: Frame, node: cst.AugAssign) -> None:
    """``x += value``: in place for arrays, a new binding otherwise."""
    from torch2jax.infer.operators import pointwise

    target = frame.eval(node.target)
    value = frame.eval(node.value)
    if may_be_numpy(target):
        note_change(frame, node.target, node)
    if not is_tensor(target) and not is_tensor(value):
        if isinstance(node.operator, cst.AddAssign):
            _extend(frame, target, node.value, value)
        if isinstance(node.target, cst.Name):
            joined = join(target, value) if isinstance(target, Number) else target
            if may_be_tensor(target) or (is_box(target) and not isinstance(target, Free)):
                frame.rebind(node.target.value, target, node.target)
                note_sum(frame, node)
            else:
                frame.bind(node.target.value, _without_value(joined), node.target)
        elif isinstance(node.target, cst.Attribute):
            attributes.assign(frame, node.target, _without_value(target), node.value, augmented=True)
        return
    if isinstance(node.operator, cst.MatrixMultiplyAssign):
        frame.use(node.target, target)
        frame.use(node.value, value)
        result: Kind = Tensor()
    else:
        result = pointwise(frame, [(node.target, target), (node.value, value)])
    if isinstance(node.target, cst.Name):
        plain = without_none(target)
        if isinstance(plain, Tensor) and plain.variable:  # the name stays that of the Variable
            items.mutated(frame, node.target, node)
        elif is_tensor(target):
            frame.rebind(node.target.value, result, node.target)
            items.mutated(frame, node.target, node)
        else:
            frame.bind(node.target.value, result, node.target)
    elif isinstance(node.target, cst.Attribute):
        attributes.assign(frame, node.target, result, node.value, augmented=True)
        if is_tensor(target):
            items.mutated(frame, node.target, node)
    elif isinstance(node.target, cst.Subscript):
        items.assign_item(frame, node.target, value, node.value, node)


def _extend(frame: Frame, target: Kind, node: cst.BaseExpression, value: Kind) -> None:
    """``layers += [...]``: a list gets the items of another."""
    from torch2jax.infer.building import extend

    for option in options(without_none(target)):
        if isinstance(option, Container):
            extend(frame, option, value)
        elif isinstance(option, Sequence) and isinstance(without_none(value), Sequence | Tuple | Iterator_ | Container):
            copy_items(frame, option.site, value, items.iterated(frame, node, value))


def note_sum(frame: Frame, node: cst.AugAssign) -> None:
    """``items += [x]``: the list holds more; what may be an array is changed in place."""
    if is_box(frame.facts.kinds[node.target]):
        note_put(frame, node.target, node.value)
    else:
        items.mutated(frame, node.target, node)


def _without_value(kind: Kind) -> Kind:
    return Number(kind.type) if isinstance(kind, Number) else kind
