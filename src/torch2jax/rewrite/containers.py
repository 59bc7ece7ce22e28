"""What a module may keep in an attribute: flax refuses plain lists and dictionaries of modules and arrays."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Kind, Mapping, NoneKind, Sequence, Tensor, Tuple, is_module, options, without_none
from torch2jax.rewrite.rewriter import Rewriter, attribute, call


def kept(rewriter: Rewriter, target: cst.Attribute, kind: Kind, value: Any) -> Any:
    """The value in the form that an attribute of an nnx.Module takes."""
    plain = without_none(kind)
    nnx = "nnx"
    if isinstance(plain, Sequence) and _holds_state(rewriter.program.heap[plain.site].kind):
        return call(attribute(rewriter.root(nnx), "List"), [value])
    if isinstance(plain, Mapping) and _holds_state(rewriter.program.heap[plain.site].kind):
        return call(attribute(rewriter.root(nnx), "Dict"), [value])
    if isinstance(plain, Tuple) and any(_holds_state(item) for item in plain.items):
        return call(attribute(rewriter.root(nnx), "data"), [value])
    if isinstance(kind, NoneKind) and _filled_later(rewriter, target):
        return call(attribute(rewriter.root(nnx), "data"), [value])
    return value


def _holds_state(kind: Kind) -> bool:
    return any(isinstance(option, Tensor) or is_module(option) for option in options(kind))


def _filled_later(rewriter: Rewriter, target: cst.Attribute) -> bool:
    """Whether an attribute that starts as None becomes an array or a module in another method."""
    owner = rewriter.owner
    if owner is None or rewriter.function.name != "__init__":
        return False
    holder = owner.attr_owner(target.attr.value)
    if holder is None:
        return False
    kind = holder.attrs[target.attr.value].kind
    return any(isinstance(option, Tensor) or is_module(option) for option in options(kind)) and target.attr.value in (
        holder.assigned_later
    )
