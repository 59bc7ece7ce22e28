"""Which statements zero gradients, compute them, change them, and use them up."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.facts import Facts
from torch2jax.infer.kinds import (
    UNKNOWN,
    Api,
    Free,
    Optimizer,
    Scaler,
    Tensor,
    Unknown,
    is_module,
    options,
    without_none,
)
from torch2jax.regions.region import Marked, NoRegionError, Role

CLIPS = frozenset(
    {
        "torch.nn.utils.clip_grad_norm_",
        "torch.nn.utils.clip_grad_norm",
        "torch.nn.utils.clip_grad_value_",
        "torch.nn.utils.clip_grad.clip_grad_norm_",
        "torch.nn.utils.clip_grad.clip_grad_value_",
    }
)


def role_of(statement: Any, facts: Facts) -> Marked | None:
    """The role of a statement in a training step, if it has one."""
    if not isinstance(statement, cst.SimpleStatementLine) or len(statement.body) != 1:
        return None
    small = statement.body[0]
    if isinstance(small, cst.Assign):
        return _norm(small, facts)
    node = small.value if isinstance(small, cst.Expr) else None
    if not isinstance(node, cst.Call):
        return None
    if isinstance(node.func, cst.Attribute):
        receiver = node.func.value
        scaled = _scaled(node, node.func, facts)
        if scaled is not None:
            return scaled
        role = _ROLES.get(node.func.attr.value)
        if role is not None and _fits(role, facts.kinds.get(receiver)):
            return Marked(role, node, receiver)
    kind = facts.kinds.get(node.func)
    if isinstance(kind, Api) and kind.name in CLIPS and node.args:
        return Marked(Role.CLIP, node, node.args[0].value)
    return None


def _norm(node: cst.Assign, facts: Facts) -> Marked | None:
    """``norm = clip_grad_norm_(model.parameters(), 1.0)``, which gives the norm of the gradients as they were."""
    match node:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name))], value=cst.Call(args=[first, *_]) as call):
            kind = facts.kinds.get(call.func)
            if isinstance(kind, Api) and kind.name in CLIPS and "norm" in kind.name.rpartition(".")[2]:
                return Marked(Role.CLIP, call, first.value, name)
    return None


def _scaled(node: cst.Call, func: cst.Attribute, facts: Facts) -> Marked | None:
    """``scaler.scale(loss).backward()``, ``scaler.step(optimizer)``; what else a scaler does has no effect."""
    inner = func.value
    if func.attr.value == "backward" and isinstance(inner, cst.Call) and isinstance(inner.func, cst.Attribute):
        of_scaler = isinstance(without_none(facts.kinds.get(inner.func.value) or UNKNOWN), Scaler)
        if of_scaler and inner.func.attr.value == "scale" and len(inner.args) == 1:
            return Marked(Role.BACKWARD, node, inner.args[0].value)
    if not isinstance(without_none(facts.kinds.get(inner) or UNKNOWN), Scaler):
        return None
    if func.attr.value == "step" and len(node.args) == 1:
        return Marked(Role.STEP, node, node.args[0].value)
    return Marked(Role.SCALE, node, inner) if func.attr.value in ("update", "unscale_") else None


_ROLES = {"zero_grad": Role.ZERO, "backward": Role.BACKWARD, "step": Role.STEP}


def _fits(role: Role, kind: Any) -> bool:
    """Whether the receiver of a method is what has that role: an optimizer, a module, an array."""
    if kind is None:
        return False
    found = list(options(without_none(kind)))
    if role is Role.BACKWARD:
        return any(isinstance(option, Tensor | Free | Unknown) for option in found)
    if role is Role.ZERO and all(is_module(option) or isinstance(option, Free | Unknown) for option in found):
        return True
    return bool(found) and all(isinstance(option, Optimizer) for option in found)


def checked(marked: Marked) -> Marked:
    """The statement, where its arguments are ones that a step has a place for."""
    if marked.role is Role.SCALE or (marked.role is Role.STEP and _is_argument(marked)):
        return marked
    allowed = {Role.BACKWARD: {"retain_graph"}, Role.ZERO: {"set_to_none"}, Role.STEP: set()}.get(marked.role)
    if allowed is None:
        names = [argument.keyword.value if argument.keyword else None for argument in marked.node.args]
        if names[1:] not in ([None], ["max_norm"], ["clip_value"]) or any(a.star for a in marked.node.args):
            raise NoRegionError("gradients are clipped with arguments that have no translation yet", marked.node)
        return marked
    for argument in marked.node.args:
        name = argument.keyword.value if argument.keyword is not None else None
        if name in allowed or (marked.role is Role.ZERO and name is None):
            continue
        what = f"`{name}=`" if name is not None else "an argument"
        method = marked.role.name.lower() if marked.role is not Role.ZERO else "zero_grad"
        raise NoRegionError(f"{method} with {what} has no translation yet", marked.node)
    return marked


def _is_argument(marked: Marked) -> bool:
    """Whether the optimizer is an argument of the call: a scaler makes the step."""
    return any(argument.value is marked.subject for argument in marked.node.args)
