"""Arrays of NumPy that a program changes in place: those that JAX gives are read-only, so that it needs copies of them.

Each name of such an array carries the calls that its memory may come from. A write to it, or to a view of it, marks
these calls; what else lies in the memory that PyTorch shares with the array is out of date then, as after every write.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import libcst as cst

from torch2jax.infer.aliasing import note_write
from torch2jax.infer.facts import RuleCall, UserCall
from torch2jax.infer.kinds import Api, Kind, Numpy, options

if TYPE_CHECKING:
    from torch2jax.infer.frame import Frame

Origins = frozenset[cst.Call]
_NONE: Origins = frozenset()

_VIEWS = frozenset("squeeze reshape ravel transpose swapaxes view diagonal".split())
_FUNCTIONS_FOR_VIEWS = frozenset(
    "asarray squeeze reshape ravel transpose swapaxes moveaxis rollaxis expand_dims flip atleast_1d atleast_2d".split()
)
_CHANGING_METHODS = frozenset("sort fill put partition resize setfield".split())
_CHANGING_FUNCTIONS = frozenset("copyto put place putmask fill_diagonal put_along_axis random.shuffle".split())


@dataclass(slots=True)
class NumpyArrays:
    """Where arrays come from, by the definition of their names and by the functions that return them.

    changed: the calls whose arrays are written to.
    """

    origins: dict[Any, Origins] = field(default_factory=dict)
    returned: dict[Any, Origins] = field(default_factory=dict)
    changed: set[cst.Call] = field(default_factory=set)


def may_be_numpy(kind: Kind | None) -> bool:
    """Whether something may be an array of NumPy."""
    return kind is not None and any(isinstance(option, Numpy) for option in options(kind))


def note_definition(frame: Frame, definition: Any, value: cst.CSTNode) -> None:
    """A name is given an array."""
    found = origins_of(frame, value)
    if found:
        known = frame.program.numpy.origins
        known[definition] = known.get(definition, _NONE) | found


def note_returned(frame: Frame, value: cst.CSTNode | None) -> None:
    """The function returns an array."""
    found = origins_of(frame, value)
    if found:
        known = frame.program.numpy.returned
        known[frame.fn] = known.get(frame.fn, _NONE) | found


def note_change(frame: Frame, place: cst.BaseExpression, node: cst.CSTNode) -> None:
    """The array at ``place`` changes at ``node``."""
    found = origins_of(frame, place)
    if found:
        frame.program.numpy.changed |= found
        note_write(frame, node, place)


def note_numpy_call(frame: Frame, node: cst.Call) -> None:
    """A function or method of NumPy is called, which may change an array: ``a.sort()``, ``np.random.shuffle(a)``."""
    for argument in node.args:
        if argument.keyword is not None and argument.keyword.value == "out":
            note_change(frame, argument.value, node)
    if isinstance(node.func, cst.Attribute) and may_be_numpy(frame.facts.kinds.get(node.func.value)):
        if node.func.attr.value in _CHANGING_METHODS:
            note_change(frame, node.func.value, node)
    elif _function_of(frame, node) in _CHANGING_FUNCTIONS and node.args:
        note_change(frame, node.args[0].value, node)


def origins_of(frame: Frame, node: cst.CSTNode | None) -> Origins:
    """The calls that the memory of an expression may come from."""
    match node:
        case cst.Name():
            held, known = frame.env.get(node.value), frame.program.numpy.origins
            return _NONE.union(*(known.get(definition, _NONE) for definition in held.definitions)) if held else _NONE
        case cst.Subscript() | cst.NamedExpr():
            return origins_of(frame, node.value)
        case cst.Attribute() if may_be_numpy(frame.facts.kinds.get(node.value)):
            return origins_of(frame, node.value)
        case cst.IfExp():
            return origins_of(frame, node.body) | origins_of(frame, node.orelse)
        case cst.Call():
            return _of_call(frame, node)
        case _:
            return _NONE


def _of_call(frame: Frame, node: cst.Call) -> Origins:
    fact = frame.facts.calls.get(node)
    if isinstance(fact, RuleCall):
        return frozenset((node,)) if fact.rule.result == "NDArray" else _NONE
    if isinstance(fact, UserCall):
        return _NONE.union(*(frame.program.numpy.returned.get(fn, _NONE) for fn in fact.targets))
    if _function_of(frame, node) in _FUNCTIONS_FOR_VIEWS and node.args:
        return origins_of(frame, node.args[0].value)
    if isinstance(node.func, cst.Attribute) and node.func.attr.value in _VIEWS:
        return origins_of(frame, node.func.value)
    return _NONE


def _function_of(frame: Frame, node: cst.Call) -> str | None:
    """The name of a function of NumPy."""
    kind = frame.facts.kinds.get(node.func)
    return kind.name.removeprefix("numpy.") if isinstance(kind, Api) and kind.name.startswith("numpy.") else None
