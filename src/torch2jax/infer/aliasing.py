"""Memory that several names share: arrays of JAX are values, so a write through one name must not be missed by another.

Each name carries the storages its tensor may lie in. After a write, every other name of the same storage is stale:
reading it is an error of the translation, which is reported instead of computed.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import Container, Kind, Layer, Tensor, options, without_none

if TYPE_CHECKING:
    from torch2jax.infer.frame import Frame

Storage = frozenset[Any]
# Operations that return their argument itself where there is nothing to do.
MAY_BE_THE_SAME = frozenset(
    "contiguous to type type_as float double half bfloat16 int long bool cpu cuda as_tensor asarray from_numpy numpy "
    "reshape flatten ravel requires_grad_ detach".split()
)
HINT = "write the change out as an assignment in the source, so that each name gets the value it should have"


def storage_of(frame: Frame, node: cst.CSTNode | None) -> Storage:
    """Where the tensor that an expression gives may lie; empty for a fresh one."""
    if isinstance(node, cst.Name):
        value = frame.env.get(node.value)
        return value.storage if value is not None else frozenset()
    if isinstance(node, cst.Attribute):
        return _of_attribute(frame, node)
    if isinstance(node, cst.Subscript):
        return _of_subscript(frame, node)
    if isinstance(node, cst.IfExp):
        return storage_of(frame, node.body) | storage_of(frame, node.orelse)
    if isinstance(node, cst.Call):
        return _of_call(frame, node)
    return frozenset()


def _of_attribute(frame: Frame, node: cst.Attribute) -> Storage:
    fact = frame.facts.calls.get(node)
    if isinstance(fact, RuleCall):
        return storage_of(frame, node.value) if fact.rule.result == "Tensor" else frozenset()
    note = frame.facts.special.get(node)
    if note is not None and note[0] == "data":
        return storage_of(frame, node.value)
    kind = without_none(frame.facts.kinds.get(node, Tensor()))
    if isinstance(kind, Tensor) and isinstance(node.value, cst.Name):
        token = ("attribute", node.value.value, node.attr.value)
        return frozenset((token,)) | frame.attribute_storage.get(token, frozenset())
    return frozenset()


def _of_subscript(frame: Frame, node: cst.Subscript) -> Storage:
    for element in node.slice:
        if isinstance(element.slice, cst.Index):
            kind = without_none(frame.facts.kinds.get(element.slice.value, Tensor()))
            if isinstance(kind, Tensor) or isinstance(element.slice.value, cst.List):
                return frozenset()
    base = without_none(frame.facts.kinds.get(node.value, Tensor()))
    return storage_of(frame, node.value) if isinstance(base, Tensor) else frozenset()


def _of_call(frame: Frame, node: cst.Call) -> Storage:
    fact = frame.facts.calls.get(node)
    if not isinstance(fact, RuleCall):
        return frozenset()
    if fact.target is not None:
        return storage_of(frame, fact.target)
    names = {name.rpartition(".")[2] for name in fact.rule.names}
    if not fact.rule.view and fact.rule.mode != "permute" and not names & MAY_BE_THE_SAME:
        return frozenset()
    if fact.receiver is not None:
        return storage_of(frame, fact.receiver)
    first = next((bound.arg for bound in fact.bound.args.values() if bound.arg is not None), None)
    return storage_of(frame, first.node) if first is not None else frozenset()


def note_write(frame: Frame, target: cst.CSTNode, statement: cst.CSTNode, storage: Storage) -> None:
    """The memory of ``storage`` changes through ``target``: all other names of it are stale from here on."""
    own = target.value if isinstance(target, cst.Name) else None
    for name, value in list(frame.env.items()):
        if name != own and value.storage & storage and _is_array(value.kind):
            frame.env[name] = replace(value, stale=True)
    for token in storage:
        if token in frame.escaped:
            frame.report(
                "T2J105",
                statement,
                "what is changed in place here is also held in a list, dictionary or attribute",
                HINT,
            )
        elif isinstance(token, tuple) and token[0] == "attribute" and isinstance(target, cst.Name):
            frame.report(
                "T2J105", statement, f"`{own}` shares memory with `{token[1]}.{token[2]}`, which would change too", HINT
            )
        elif isinstance(token, tuple) and token[0] == "parameter":
            if token[1] not in frame.fn.mutates:
                frame.fn.mutates.add(token[1])
                frame.program.dirty.update(frame.fn.callers)
            frame.report(
                "T2J201",
                statement,
                f"assumed that the caller does not go on using the array it passed as `{token[1]}`, "
                "which PyTorch changes in place",
            )


def note_escape(frame: Frame, node: cst.CSTNode) -> None:
    """A tensor is put where names can't follow it."""
    frame.escaped |= storage_of(frame, node)


def _is_array(kind: Kind) -> bool:
    return isinstance(without_none(kind), Tensor)


def note_inplace_layer(frame: Frame, layer: Kind, node: cst.CSTNode) -> None:
    """``nn.ReLU(inplace=True)`` changes its input as well: whoever reads that afterwards sees another value."""
    for option in options(layer):
        if isinstance(option, Container) and option.items:
            option = option.items[0]
        if isinstance(option, Layer) and option.inplace:
            mark_stale(frame, node)
            return


def mark_stale(frame: Frame, node: cst.CSTNode) -> None:
    """Names of the same memory as ``node``, itself included, no longer have the value they would have in PyTorch."""
    storage = storage_of(frame, node)
    for name, value in list(frame.env.items()):
        same = isinstance(node, cst.Name) and name == node.value
        if (same or value.storage & storage) and _is_array(value.kind):
            frame.env[name] = replace(value, stale=True)
