"""Memory that several names share: arrays of JAX are values, so a write through one name must not be missed by another.

Each name carries the storages that what it holds may lie in, arrays in lists and dictionaries included. After a write,
a name of the same storage is out of date. Where it is known for certain which part of which array it is (`views`), and
it is looked at again (`liveness`), the translation brings it up to date; otherwise reading it is reported.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

import libcst as cst

from torch2jax.infer.facts import RuleCall, Update
from torch2jax.infer.kinds import (
    Container,
    Free,
    Instance,
    Kind,
    Numpy,
    Tensor,
    is_box,
    without_none,
)
from torch2jax.infer.liveness import killed
from torch2jax.infer.storage import Storage, is_value, order_of_token, shares, storage_of
from torch2jax.infer.views import View, attribute_key, root_of
from torch2jax.source.nodes import dotted_name, walk

if TYPE_CHECKING:
    from torch2jax.infer.frame import Frame, Value

HINT = "write the change out as an assignment in the source, so that each name gets the value it should have"


def note_write(
    frame: Frame,
    node: cst.CSTNode,
    target: cst.CSTNode,
    *,
    quiet: bool = False,
    kept: bool = True,
    also: tuple[Update, ...] = (),
) -> None:
    """The memory of ``target`` changes at ``node``: bring the other names up to date, or note that they are not.

    ``quiet``: a function that changes its argument as a side effect, which its caller is not told of as an assumption.
    ``kept``: the translation assigns the new value to ``target``.
    """
    storage = storage_of(frame, target)
    frame.facts.updates.pop(node, None)
    if also:
        frame.facts.updates[node] = also
    if not storage:
        return
    _note_consumed(frame, node, storage)
    root = root_of(frame, target) if kept else None
    seen = _names_of_numpy(frame) if isinstance(frame.facts.kinds.get(target), Numpy) else frozenset[str]()
    current = _synchronise(frame, node, storage, root, seen)
    held = frame.env.get(root) if root is not None else None
    variable = held is not None and _is_variable(held) and (held.tied or not str(root).startswith("@"))
    _note_outside(frame, node, storage, current, quiet, by_variable=variable)


def _note_outside(
    frame: Frame, node: cst.CSTNode, storage: Storage, current: set[str], quiet: bool, *, by_variable: bool = False
) -> None:
    """What the caller, other functions and containers without a name see of a write; ``current``: places that see it.

    ``by_variable``: the write goes to the Variable itself, which its module holds too.
    """
    for token in sorted(storage, key=order_of_token):
        if token in frame.escaped:
            frame.report(
                "T2J105", node, "what is changed in place here is also held in a list, dictionary or attribute", HINT
            )
        if not isinstance(token, tuple):
            continue
        if token[0] in ("parameter", "outer", "attribute"):
            frame.note_effect(token)
        if token[0] == "parameter" and not quiet:
            frame.report("T2J201", node, _ASSUMED.format(name=token[1]))
        elif token[0] == "attribute" and not by_variable and _sees(frame, node, attribute_key(token[1]), current):
            frame.report("T2J105", node, f"`{token[1]}` may change here as well", HINT)
        elif token[0] == "outer" and token[1] not in current:
            frame.report("T2J105", node, f"`{token[1]}` of the scope around may change here as well", HINT)


def _sees(frame: Frame, node: cst.CSTNode, key: str, current: set[str]) -> bool:
    """Whether someone may look at an attribute that has not got the new value."""
    return key not in current and is_live(frame, node, key)


def _is_own_object(frame: Frame, key: str) -> bool:
    """Whether an attribute is one of an object that only this function has a name for."""
    held = frame.env.get(key[1:].partition(":")[0])
    return held is not None and not any(
        isinstance(token, tuple) and token[0] in ("parameter", "outer", "attribute") for token in held.storage
    )


_ASSUMED = (
    "assumed that the caller does not go on using the array it passed as `{name}`, which PyTorch changes in place"
)


def _names_of_numpy(frame: Frame) -> frozenset[str]:
    """Names of arrays that see what is written to another view of their memory."""
    return frozenset(name for name, value in frame.env.items() if isinstance(value.kind, Numpy))


def _synchronise(
    frame: Frame, node: cst.CSTNode, storage: Storage, root: str | None, seen: Collection[str] = ()
) -> set[str]:
    """After a write through ``root``: put views back, read others again, mark the rest. The places that are current.

    ``seen``: names that are current by themselves.
    """
    env = frame.env
    own = env.get(root) if root is not None else None
    touched = [
        name
        for name, value in env.items()
        if name != root
        and name not in seen
        and shares(value.storage, storage)
        and _holds(value)
        and not _is_elsewhere(own, value)
    ]
    updates: list[Update] = []
    current = {root} if root is not None else set()
    needed = _needed(frame, node, touched)
    place = root
    while place is not None and (held := env.get(place)) is not None and _follows(frame, held.view):
        view = held.view
        assert view is not None
        if view.root in current or _is_out_of_date(env.get(view.root)) or not _laid_plainly(held):
            break
        if not _is_wanted(frame, node, view.root, needed):
            break
        if not _is_one_variable(frame, held, view):
            updates.append(Update("put", place, view.node, _is_variable(held)))
        current.add(view.root)
        place = view.root
    progress = True
    while progress:
        progress = False
        for name in touched:
            held = env[name]
            view = held.view
            if name in current or name not in needed or view is None or view.root not in current:
                continue
            if not _follows(frame, view) or not _laid_plainly(held) or held.stale:
                continue
            if not _is_one_variable(frame, held, view):
                updates.append(Update("get", name, view.node, _is_variable(held)))
            current.add(name)
            progress = True
    if updates:
        frame.facts.updates[node] = (*frame.facts.updates.get(node, ()), *updates)
    for name in touched:
        if name not in current:
            mark_out_of_date(frame, node, name)
    for name in current:
        held = env.get(name)
        if held is not None and held.entangled and not isinstance(without_none(held.kind), Tensor | Free):
            mark_out_of_date(frame, node, name)
    return current


def _is_elsewhere(one: Value | None, other: Value) -> bool:
    """Whether two values are different items of one array or list: ``x[0]`` and ``x[1]``."""
    if one is None or one.view is None or other.view is None or one.view.root != other.view.root:
        return False
    nodes = one.view.node, other.view.node
    if not all(isinstance(node, cst.Subscript) and isinstance(node.value, cst.Name) for node in nodes):
        return False
    indices = [_literal_index(node) for node in nodes]
    return None not in indices and indices[0] != indices[1]


def _literal_index(node: cst.BaseExpression) -> str | None:
    assert isinstance(node, cst.Subscript)
    index = node.slice[0].slice
    if isinstance(index, cst.Index) and isinstance(index.value, cst.Integer):
        return index.value.value
    return None


def _needed(frame: Frame, node: cst.CSTNode, touched: list[str]) -> set[str]:
    """Names that are looked at again, or that others of them look into."""
    needed = {name for name in touched if is_live(frame, node, name)}
    pending = list(needed)
    while pending:
        held = frame.env.get(pending.pop())
        if held is not None and held.view is not None and held.view.root not in needed:
            needed.add(held.view.root)
            pending.append(held.view.root)
    return needed


def _is_wanted(frame: Frame, node: cst.CSTNode, name: str, needed: set[str]) -> bool:
    """Whether somebody looks at a place, or at what it is a view of."""
    seen: set[str] = set()
    place: str | None = name
    while place is not None and place not in seen:
        if place in needed or is_live(frame, node, place):
            return True
        seen.add(place)
        held = frame.env.get(place)
        place = held.view.root if held is not None and held.view is not None else None
    return False


def is_live(frame: Frame, node: cst.CSTNode, name: str) -> bool:
    """Whether what a name holds may be looked at after the write at ``node``."""
    if name in frame.scope.captured or isinstance(frame.fn.node, cst.Module):
        return True
    if name.startswith("@"):
        return not _is_own_object(frame, name) or is_live(frame, node, name[1:].partition(":")[0])
    if name not in frame.env:
        return True
    if name.startswith("%"):
        return False
    statement = frame.statement
    if statement is None or statement not in frame.live.after:
        return True
    if name in frame.live.after[statement] - killed(statement):
        return True
    if not isinstance(statement, cst.BaseSmallStatement):
        return True
    written = set(walk(node))
    return any(
        isinstance(part, cst.Name) and part.value == name and part not in written for part in _loads_of(statement)
    )


def is_looked_at(frame: Frame, node: cst.CSTNode, place: cst.BaseExpression) -> bool:
    """Whether anyone looks at an array again after it was changed in place."""
    root = root_of(frame, place)
    if root is None or is_live(frame, node, root):
        return True
    storage = storage_of(frame, place)
    return any(shares(value.storage, storage) and is_live(frame, node, name) for name, value in frame.env.items())


def _loads_of(statement: cst.CSTNode) -> list[cst.CSTNode]:
    """The nodes of a statement without the names that it binds."""
    if isinstance(statement, cst.Assign):
        targets = [t.target for t in statement.targets if not isinstance(t.target, cst.Name)]
        return [part for root in (statement.value, *targets) for part in walk(root)]
    return list(walk(statement))


def _holds(value: Value) -> bool:
    """Whether a value may have memory of its own: an array, something that contains arrays, or something unknown."""
    plain = without_none(value.kind)
    module = isinstance(plain, Instance) and plain.cls.is_module
    return not is_value(value.kind) and not module and not isinstance(plain, Container)


def _follows(frame: Frame, view: View | None) -> bool:
    return view is not None and all(part not in frame.facts.relayouts for part in walk(view.node))


def _laid_plainly(value: Value) -> bool:
    kind = without_none(value.kind)
    return not isinstance(kind, Tensor) or kind.layout is None


def _is_variable(value: Value) -> bool:
    kind = without_none(value.kind)
    return isinstance(kind, Tensor) and kind.variable


def _is_out_of_date(value: Value | None) -> bool:
    return value is not None and value.stale


def _is_one_variable(frame: Frame, value: Value, view: View) -> bool:
    """Whether a name and what it looks at are one Variable, or one list, in the translation too."""
    node: cst.BaseExpression = view.node
    while isinstance(node, cst.Attribute) and (frame.facts.special.get(node) or ("",))[0] in ("data", "write_data"):
        node = node.value
    if not isinstance(node, cst.Name | cst.Attribute) or isinstance(frame.facts.calls.get(node), RuleCall):
        return False
    kind = without_none(value.kind)
    if isinstance(kind, Tensor):
        seen = without_none(frame.facts.kinds.get(node, Tensor()))
        return kind.variable and isinstance(seen, Tensor) and seen.variable
    return is_box(kind) or isinstance(kind, Instance)


def mark_out_of_date(frame: Frame, node: cst.CSTNode, name: str) -> None:
    """A name has not the value it would have in PyTorch; where others can read it, that is reported at once."""
    frame.env[name] = replace(frame.env[name], stale=True)
    shown = name.removeprefix("@").replace(":", ".")
    if (name.startswith("@") and is_live(frame, node, name)) or name in frame.scope.captured:
        frame.report("T2J105", node, f"`{shown}` shares memory with what is changed in place here", HINT)


def mark_stale(frame: Frame, node: cst.CSTNode, at: cst.CSTNode | None = None) -> None:
    """Names of the same memory as ``node``, itself included, no longer have the value they would have in PyTorch."""
    storage = storage_of(frame, node)
    for token in sorted(storage, key=order_of_token):
        if isinstance(token, tuple) and token[0] in ("parameter", "outer", "attribute"):
            frame.note_effect(token)
        if isinstance(token, tuple) and token[0] in ("outer", "attribute"):
            frame.report("T2J105", at or node, f"`{token[1]}` is changed in place here", HINT)
    for name, value in list(frame.env.items()):
        if shares(value.storage, storage) and _holds(value):
            mark_out_of_date(frame, at or node, name)


def kept_data(frame: Frame, node: cst.CSTNode | None, kind: Kind, *, followed: bool) -> Kind:
    """``p.data`` that is kept: its array, where some parameter of the program gets other memory, else the Variable.

    ``followed``: by a name, whose memory is known for certain to be that of the parameter.
    """
    if node is None or not frame.program.refilled or frame.facts.special.get(node) != ("data",):
        return kind
    if not followed:
        what = "assumed that the parameter does not change in place while its old value is kept here"
        frame.report("T2J201", node, what)
    return frame.read(node, kind)


def note_filled(frame: Frame, target: cst.CSTNode, value: cst.CSTNode | None) -> None:
    """``parameter.data = y``: who holds the Variable sees it, who holds the old array keeps that, as in PyTorch.

    From here on the parameter lies where ``y`` does, so that later writes to one are missed by the other.
    """
    if not frame.program.refilled:
        frame.program.refilled = True
        frame.program.dirty.update(frame.program.data_readers)
    for token in storage_of(frame, target):
        if isinstance(token, tuple) and token[0] in ("parameter", "outer", "attribute"):
            frame.note_effect(token)
    root = root_of(frame, target)
    if root is not None and root in frame.env:
        frame.env[root] = replace(frame.env[root], storage=frame.env[root].storage | storage_of(frame, value))


def note_replaced(frame: Frame, node: cst.CSTNode, target: cst.CSTNode) -> None:
    """``x.data = y``: the tensor gets other memory; views of the old one stay, other names of the tensor do not."""
    storage = storage_of(frame, target)
    root = root_of(frame, target)
    _note_outside(frame, node, storage, {root} if root is not None else set(), False)
    for name, value in list(frame.env.items()):
        whole = value.view is None or isinstance(value.view.node, cst.Name | cst.Attribute)
        own = isinstance(target, cst.Name) and name == target.value
        followed = value.view is not None and _is_one_variable(frame, value, value.view)
        if not own and whole and not followed and value.storage & storage and _holds(value):
            mark_out_of_date(frame, node, name)


# order of evaluation


def _note_consumed(frame: Frame, node: cst.CSTNode, storage: Storage) -> None:
    """What the same statement computed from the memory before the write would be computed after it."""
    around = {id(part) for part in frame.stack}
    if not frame.reads or node is frame.statement or not isinstance(node, cst.Call):
        return
    inside = {id(part) for part in walk(node)}
    for name, consumer, held in frame.reads:
        if shares(held, storage) and id(consumer) not in around and id(name) not in inside:
            frame.report(
                "T2J105",
                node,
                f"`{dotted_name(name)}` is used in this statement before it is changed in place",
                "write the change as a statement of its own, which it becomes in JAX",
            )


# containers


def note_escape(frame: Frame, node: cst.CSTNode) -> None:
    """Something is put where names can't follow it."""
    frame.escaped |= storage_of(frame, node)


def note_put(frame: Frame, holder: cst.CSTNode, item: cst.CSTNode) -> None:
    """``holder`` (a list, dictionary or object with a name) holds ``item`` from here on."""
    storage = storage_of(frame, item)
    if not storage:
        return
    boxes = storage_of(frame, holder)
    held_somewhere = False
    for name, value in list(frame.env.items()):
        if shares(value.storage, boxes) and not isinstance(without_none(value.kind), Tensor):
            tangled = value.entangled or shares(value.storage, storage)
            frame.env[name] = replace(value, storage=value.storage | storage, entangled=tangled)
            held_somewhere = True
    frame.note_links(boxes, storage)
    dotted = dotted_name(holder)
    if isinstance(holder, cst.Attribute) and dotted is not None:
        frame.put_attribute(dotted, storage)
    elif not held_somewhere:
        frame.escaped |= storage
