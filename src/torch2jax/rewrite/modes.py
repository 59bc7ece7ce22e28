"""``model.eval()`` and ``model.train()``: statements in Flax, where their methods return nothing."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.rewrite.rewriter import Rewriter, assignment, attribute, call, expression_line, statement
from torch2jax.rewrite.rule_calls import flag, fresh_name
from torch2jax.source.nodes import dotted_name

MODES = ("eval", "train")
WITHOUT_EFFECT = ("to", "cuda", "cpu", "float", "share_memory")
"""Methods of modules that Flax needs no counterpart of."""


def mode_lines(rewriter: Rewriter, node: cst.Call, receiver: cst.BaseExpression) -> list[Any]:
    """The statements for ``model.eval()`` and ``model.train(mode)``: Flax has a method for each mode."""
    func = cst.ensure_type(node.func, cst.Attribute)
    on, off = (expression_line(call(attribute(receiver, name), [])) for name in ("train", "eval"))
    if func.attr.value == "eval":
        return [off]
    mode = node.args[0].value if node.args else cst.Name("True")
    if isinstance(mode, cst.Name) and mode.value in ("True", "False"):
        return [on if mode.value == "True" else off]
    return [cst.If(rewriter.expr(mode), cst.IndentedBlock([on]), cst.Else(cst.IndentedBlock([off])))]


def assigned_mode(rewriter: Rewriter, node: cst.Assign) -> tuple[cst.Assign, cst.Call] | None:
    """``net = Net().eval()``: the assignment of what the method is called on, and the call; None for other values."""
    value: Any = node.value
    dropped = 0
    while (name := _module_method(rewriter, value)) in WITHOUT_EFFECT:
        value = value.func.value
        dropped += 1
    if name not in MODES or len(node.targets) > 1 or dotted_name(node.targets[0].target) is None:
        return None
    rewriter.tally.dropped += dropped
    return node.with_changes(value=value.func.value), value


def _module_method(rewriter: Rewriter, node: cst.CSTNode) -> str:
    note = rewriter.facts.special.get(node)
    return note[1] if note is not None and note[0] == "module_method" else ""


def with_mode(rewriter: Rewriter, node: cst.Call) -> Any:
    """``f(net.eval())``: statements in front of the one with the call, which gets the module."""
    func = cst.ensure_type(node.func, cst.Attribute)
    if rewriter.conditional:
        flag(
            rewriter,
            node,
            "T2J107",
            f"Module.{func.attr.value} returns nothing in Flax",
            "call it in a statement of its own",
        )
        return None
    receiver: Any = rewriter.expr(func.value)
    if dotted_name(receiver) is None:
        local = cst.Name(fresh_name(rewriter, "model"))
        rewriter.before.append(statement(assignment(local, receiver)))
        receiver = local
    rewriter.before += mode_lines(rewriter, node, receiver)
    return receiver
