"""What a module may keep in an attribute: flax refuses plain lists and dictionaries of modules and arrays."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.kinds import (
    Kind,
    Mapping,
    NoneKind,
    Object,
    Sequence,
    Tensor,
    Tuple,
    is_module,
    options,
    without_none,
)
from torch2jax.rewrite.rewriter import Rewriter, attribute, call
from torch2jax.source.nodes import walk


def kept(rewriter: Rewriter, target: cst.Attribute, kind: Kind, value: Any) -> Any:
    """The value in the form that an attribute of an nnx.Module takes."""
    plain = without_none(kind)
    nnx = "nnx"
    if isinstance(plain, Sequence) and holds_state(rewriter.program.heap[plain.site].kind):
        return call(attribute(rewriter.root(nnx), "List"), [value])
    if isinstance(plain, Mapping) and holds_state(rewriter.program.heap[plain.site].kind):
        return call(attribute(rewriter.root(nnx), "Dict"), [value])
    if isinstance(plain, Tuple) and any(holds_state(item) for item in plain.items):
        return call(attribute(rewriter.root(nnx), "data"), [value])
    if isinstance(plain, Object):  # of the helpers' classes, which hold arrays
        return call(attribute(rewriter.root(nnx), "data"), [value])
    if isinstance(kind, NoneKind) and _filled_later(rewriter, target):
        return call(attribute(rewriter.root(nnx), "data"), [value])
    return value


def holds_state(kind: Kind) -> bool:
    """Whether some alternative is an array or a module, which flax keeps in an `nnx.List` or an `nnx.Dict`."""
    return any(isinstance(option, Tensor) or is_module(option) for option in options(kind))


def _filled_later(rewriter: Rewriter, target: cst.Attribute) -> bool:
    """Whether an attribute that starts as None becomes an array or a module further down or in another method."""
    owner = rewriter.owner
    if owner is None or rewriter.function.name != "__init__":
        return False
    holder = owner.attr_owner(target.attr.value)
    if holder is None:
        return False
    kind = holder.attrs[target.attr.value].kind
    if not any(isinstance(option, Tensor) or is_module(option) for option in options(kind)):
        return False
    return target.attr.value in holder.assigned_later or _assigned_below(rewriter.function.node, target)


def _assigned_below(function: cst.CSTNode, target: cst.Attribute) -> bool:
    """Whether statements that may run after an assignment assign to the same attribute again."""
    for part in walk(function):
        if not isinstance(part, cst.IndentedBlock | cst.SimpleStatementSuite | cst.SimpleStatementLine):
            continue
        at = next((i for i, line in enumerate(part.body) if any(inner is target for inner in walk(line))), None)
        after = part.body[at + 1 :] if at is not None else ()
        if any(_assigns(line, target) for line in after):
            return True
    return False


def _assigns(node: cst.CSTNode, target: cst.Attribute) -> bool:
    return any(
        isinstance(other.target, cst.Attribute) and other.target.deep_equals(target)
        for part in walk(node)
        if isinstance(part, cst.Assign)
        for other in part.targets
    )
