"""Statements about the gradients of single arrays: that begin them, and that forget them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst


def prepares(statement: Any, inputs: Sequence[str]) -> bool:
    """``x.requires_grad = True``, ``x.requires_grad_()``, ``x.grad.zero_()``, ``x.grad = None`` and their like."""
    return any(forgets(statement, name) or begins_gradients(statement, name) for name in inputs)


def begins_gradients(statement: Any, name: str) -> bool:
    """``x.requires_grad = True`` and ``x.requires_grad_()``."""
    small = only(statement)
    if isinstance(small, cst.Assign) and len(small.targets) == 1:
        return _is_attribute(small.targets[0].target, name, "requires_grad")
    call = small.value if isinstance(small, cst.Expr) else None
    methods = ("requires_grad_", "retain_grad")
    return isinstance(call, cst.Call) and any(_is_attribute(call.func, name, method) for method in methods)


def forgets(statement: Any, name: str) -> bool:
    """``x.grad = None``, ``x.grad.zero_()`` and ``x.grad.data.zero_()``."""
    small = only(statement)
    if isinstance(small, cst.Assign) and len(small.targets) == 1:
        is_none = isinstance(small.value, cst.Name) and small.value.value == "None"
        return is_none and _is_attribute(small.targets[0].target, name, "grad")
    call = small.value if isinstance(small, cst.Expr) else None
    if not isinstance(call, cst.Call) or not isinstance(call.func, cst.Attribute) or call.func.attr.value != "zero_":
        return False
    value = call.func.value
    if isinstance(value, cst.Attribute) and value.attr.value == "data":
        value = value.value
    return _is_attribute(value, name, "grad")


def only(statement: Any) -> Any:
    """The small statement of a line that has one; None for anything else."""
    is_one = isinstance(statement, cst.SimpleStatementLine) and len(statement.body) == 1
    return statement.body[0] if is_one else None


def _is_attribute(node: cst.CSTNode, name: str, attr: str) -> bool:
    return (
        isinstance(node, cst.Attribute)
        and node.attr.value == attr
        and isinstance(node.value, cst.Name)
        and node.value.value == name
    )
