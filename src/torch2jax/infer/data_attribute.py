"""`x.data` where nothing says what `x` is: a tensor's, or that of a batch, of settings or of an answer from the web."""

from __future__ import annotations

import libcst as cst

from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import Api, array_of, is_tensor
from torch2jax.source.nodes import dotted_name, walk


def is_of_tensor(frame: Frame, node: cst.Attribute) -> bool:
    """Whether an unknown's ``data`` is taken for a tensor's, which is said; also where only nothing speaks against it.

    Its use beside tensors shows it, and other attributes of the same thing, which tensors have not, show the contrary.
    """
    if dotted_name(node.value) is None or _has_other_attributes(frame, node.value):
        return False
    if _is_beside_tensors(frame, node):
        frame.report("T2J202", node, "assumed that what has `.data` here is a tensor", "annotate it as torch.Tensor")
        return True
    if isinstance(node.value, cst.Name) and node.value.value in frame.env:
        message = "assumed that what has `.data` here is no tensor: JAX arrays have no such attribute"
        frame.report("T2J202", node, message, "annotate it as torch.Tensor if it is one")
    return False


def _has_other_attributes(frame: Frame, base: cst.BaseExpression) -> bool:
    book = frame.program.book
    known = book.attributes | book.method_names
    name = dotted_name(base)
    for other in walk(frame.fn.node):
        if isinstance(other, cst.Attribute) and dotted_name(other.value) == name:
            method = other.attr.value
            if method not in known and method.removesuffix("_") not in known:
                return True
    return False


def _is_beside_tensors(frame: Frame, node: cst.Attribute) -> bool:
    """Whether a tensor's method is called on it, a function of torch takes it, or it is computed with tensors."""
    from torch2jax.infer.calls import METHODS_OF_OTHERS

    parent = frame.stack[-2] if len(frame.stack) > 1 else None
    match parent:
        case cst.Attribute(attr=cst.Name(value=method)):
            return method in frame.program.book.method_names - METHODS_OF_OTHERS
        case cst.Call(func=func):
            callee = frame.facts.kinds.get(func)
            return isinstance(callee, Api) and callee.name.startswith("torch.")
        case cst.BinaryOperation(left=left, right=right):
            others = [left, right]
        case cst.Comparison(left=left, comparisons=targets):
            others = [left, *(target.comparator for target in targets)]
        case _:
            return False
    kinds = [frame.facts.kinds.get(other) for other in others if other is not node]
    return any(kind is not None and is_tensor(array_of(kind)) for kind in kinds)
