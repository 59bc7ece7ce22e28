"""States of modules whose entries somebody looks at: dictionaries of Variables instead of an `nnx.State`."""

from __future__ import annotations

import libcst as cst

from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import UNKNOWN, Kind, State, options, without_none

_NAMES = "Flax has other names and axis orders: `torch2jax.to_state_dict(module)` gives PyTorch's"
_METHODS = ("items", "keys", "values", "update", "copy", "get", "pop")


def look_into(frame: Frame, node: cst.CSTNode, kind: Kind, what: str = "a walk over a state dict") -> None:
    """The entries of what ``node`` gives are looked at: a module's state is a dictionary, where that can be.

    A state of an optimizer has none of PyTorch's entries. What was loaded may be whatever was saved.
    """
    states = [option for option in options(without_none(kind)) if isinstance(option, State) and not option.loaded]
    if any(not state.sites for state in states) or (states and are_tied(frame)):
        frame.report("T2J108", node, f"{what} has no translation", _NAMES)
        return
    for site in (site for state in states for site in state.sites):
        frame.program.entries[site].add(frame.fn.node)


def state_entry(frame: Frame, node: cst.Subscript, kind: State) -> Kind:
    """``state[name]``; one with a literal name is one layer's, in an order that is not known here."""
    if _is_literal(node) and not kind.loaded:
        frame.report("T2J108", node, "an entry of a state dict has no translation", "read the parameter itself")
    else:
        look_into(frame, node, kind, "an entry of a state dict")
    return kind if kind.loaded else UNKNOWN


def _is_literal(node: cst.Subscript) -> bool:
    index = node.slice[0].slice
    return isinstance(index, cst.Index) and isinstance(index.value, cst.SimpleString)


def state_attribute(frame: Frame, node: cst.Attribute, kind: State, name: str) -> Kind:
    """What is inside a state has other names than in PyTorch."""
    if name in _METHODS:
        look_into(frame, node, kind, f"`.{name}` of a state dict")
    elif not kind.loaded:
        frame.report("T2J108", node, f"`.{name}` of a state dict has no translation", _NAMES)
    return UNKNOWN


def are_tied(frame: Frame) -> bool:
    """Whether a layer has the parameter of another, which has one name in Flax."""
    return any(cls.tied for cls in frame.program.classes.values())
