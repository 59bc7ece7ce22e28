"""Views that can be followed: expressions of which is known for certain which part of which array they are.

``x[:, 0]``, ``x.view(-1)``, ``x.t()[1]``: what is written into such an expression can be put back into ``x``, and
what it shows of ``x`` can be read again after ``x`` has changed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import Free, Kind, Mapping, NoneKind, Number, Sequence, Tensor, is_box, options, without_none
from torch2jax.source.nodes import dotted_name, walk

if TYPE_CHECKING:
    from torch2jax.infer.frame import Frame

# Methods whose result has the same elements in the same order as the tensor.
SAME_ORDER = frozenset("view view_as unsqueeze squeeze unflatten".split())
# Methods that give the tensor itself.
SAME = frozenset(("detach",))
# Methods that undo themselves.
SWAPS = frozenset("t transpose swapaxes swapdims".split())
SLICES = frozenset("select narrow".split())
FOLLOWED = SAME_ORDER | SAME | SWAPS | SLICES


@dataclass(frozen=True, slots=True)
class View:
    """A value is what ``node`` gives; ``root`` is the place at its bottom, ``names`` all that the expression reads."""

    node: cst.BaseExpression
    root: str
    names: frozenset[str]


def attribute_key(name: str) -> str:
    """The key under which the environment knows ``self.x``: names have no ``@``."""
    return "@" + name.replace(".", ":")


def view_of(frame: Frame, node: cst.CSTNode | None) -> View | None:
    """The view that an expression is, if it is one that can be followed."""
    node = written(frame, node)
    root = root_of(frame, node) if node is not None else None
    if root is None or not isinstance(node, cst.BaseExpression):
        return None
    names = {root}
    for part in walk(node):
        if type(part) is cst.Name:
            names.add(part.value)
        elif type(part) is cst.Attribute and (name := dotted_name(part)) is not None:
            names.add(attribute_key(name))
        elif type(part) is cst.Call and written(frame, part) is not part:
            return None
    frame.viewed |= names
    return View(node, root, frozenset(names))


def written(frame: Frame, node: cst.CSTNode | None) -> cst.CSTNode | None:
    """``x`` for ``x.add_(1)``, and for ``f(x)`` where ``f`` changes and returns it."""
    while type(node) is cst.Call:
        fact, returned = frame.facts.calls.get(node), frame.facts.returned.get(node)
        if isinstance(fact, RuleCall) and fact.target is not None:
            node = fact.target
        elif returned is not None and not returned.sole:
            node = returned.places[0]
        else:
            break
    return node


def root_of(frame: Frame, node: cst.CSTNode) -> str | None:
    """The name or attribute that a followed view looks into; None for what can't be followed."""
    if node in frame.facts.relayouts and not _is_state(frame, node):
        return None
    if type(node) is cst.Name:
        return node.value if _known(frame, node) else None
    if type(node) is cst.Attribute:
        return _attribute_root(frame, node)
    if type(node) is cst.Subscript:
        return _subscript_root(frame, node)
    if type(node) is cst.Call:
        place = written(frame, node)
        inner = place if place is not node else viewed(frame, node)
        return root_of(frame, inner) if inner is not None else None
    return None


def _known(frame: Frame, node: cst.Name) -> bool:
    return not isinstance(frame.facts.calls.get(node), RuleCall) and node.value not in ("None", "True", "False")


def _is_state(frame: Frame, node: cst.CSTNode) -> bool:
    """Whether it is a Variable of a layer: what is written into it is brought into the order of flax."""
    kind = without_none(frame.facts.kinds.get(node, Tensor()))
    return isinstance(node, cst.Attribute) and isinstance(kind, Tensor) and kind.variable


def _attribute_root(frame: Frame, node: cst.Attribute) -> str | None:
    inner = same_as(frame, node)
    if inner is not None:
        return root_of(frame, inner)
    if node in frame.facts.calls:
        return None
    name = dotted_name(node)
    kind = without_none(frame.facts.kinds.get(node, Tensor()))
    held = isinstance(kind, Tensor) or is_box(kind)
    return attribute_key(name) if name is not None and held else None


def same_as(frame: Frame, node: cst.Attribute) -> cst.BaseExpression | None:
    """What ``x.data`` and ``x.T`` look at."""
    note = frame.facts.special.get(node)
    if note is not None and note[0] in ("data", "write_data"):
        return node.value
    fact = frame.facts.calls.get(node)
    return node.value if isinstance(fact, RuleCall) and node.attr.value in ("data", "T") else None


def _subscript_root(frame: Frame, node: cst.Subscript) -> str | None:
    base = without_none(frame.facts.kinds.get(node.value, Tensor()))
    if isinstance(base, Tensor):
        follows = (base.layout is None or base.variable) and all(
            _is_basic(frame, element.slice) for element in node.slice
        )
    elif isinstance(base, Free):
        follows = is_of_array(node) and all(_is_basic(frame, element.slice) for element in node.slice)
    elif all(isinstance(o, Mapping) or (isinstance(o, Sequence) and o.type == "list") for o in options(base)):
        index = node.slice[0].slice
        follows = isinstance(index, cst.Index) and _is_pure(frame, index.value)
    else:
        follows = False
    return root_of(frame, node.value) if follows else None


def is_of_array(node: cst.Subscript) -> bool:
    """Whether only an array takes such an index: ``x[:, 0]``, ``x[..., 1]``."""
    parts = [element.slice for element in node.slice]
    return (any(isinstance(part, cst.Slice) for part in parts[:1]) and len(parts) > 1) or any(
        isinstance(part, cst.Index) and isinstance(part.value, cst.Ellipsis) for part in parts
    )


def _is_basic(frame: Frame, index: cst.BaseSlice) -> bool:
    """An index that gives a view: numbers, slices, ``None`` and ``...``, whose value can be read again."""
    if isinstance(index, cst.Slice):
        bounds = (index.lower, index.upper, index.step)
        return all(bound is None or _is_pure(frame, bound) for bound in bounds)
    if not isinstance(index, cst.Index):
        return False
    value = index.value
    if isinstance(value, cst.Tuple):
        return all(_is_basic(frame, cst.Index(e.value)) for e in value.elements)
    if isinstance(value, cst.Ellipsis):
        return True
    kind: Kind = frame.facts.kinds.get(value, Number("int"))
    number = isinstance(kind, Number) and kind.type == "int"
    return (number or isinstance(kind, NoneKind)) and _is_pure(frame, value)


def _is_pure(frame: Frame, node: cst.CSTNode) -> bool:
    """Whether an index has the same value when it is read again, as long as its names are not bound anew."""
    for part in walk(node):
        if isinstance(part, cst.Call):
            fact = frame.facts.calls.get(part)
            measured = isinstance(fact, RuleCall) and fact.rule.result in ("int", "Shape")
            builtin = isinstance(part.func, cst.Name) and part.func.value in ("len", "min", "max", "int")
            if not measured and not builtin:
                return False
        elif isinstance(part, cst.NamedExpr | cst.Await | cst.Yield | cst.Lambda | cst.BaseComp):
            return False
        kind = frame.facts.kinds.get(part)
        if isinstance(part, cst.Subscript) and any(isinstance(o, Tensor) for o in options(kind or Number("int"))):
            return False
    return True


def method_of(fact: RuleCall) -> str:
    """The name of the operation that a rule translates."""
    names = {name.rpartition(".")[2] for name in fact.rule.names}
    return str(min(names & FOLLOWED or names))


def viewed(frame: Frame, node: cst.Call) -> cst.BaseExpression | None:
    """The expression that a call gives a followed view of: ``x`` in ``x.view(-1)``, in ``x.add_(1)`` too."""
    fact = frame.facts.calls.get(node)
    if not isinstance(fact, RuleCall):
        return None
    if fact.target is not None:
        return fact.target
    method = method_of(fact)
    if method not in FOLLOWED or fact.receiver is None or fact.overrides or fact.moved:
        return None
    if (method in SLICES and not _is_slice(fact)) or "dtype" in fact.bound.args:
        return None
    if any(not _is_pure(frame, arg.value) for arg in node.args):
        return None
    return fact.receiver


def _is_slice(fact: RuleCall) -> bool:
    """Whether ``select`` and ``narrow`` name their axis by a literal from the front."""
    dim: Any = fact.bound.args["dim"].value if "dim" in fact.bound.args else None
    return isinstance(dim, int) and dim >= 0
