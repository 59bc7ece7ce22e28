"""``requires_grad``: a parameter that is not trained is a Variable of another class."""

from __future__ import annotations

import libcst as cst

from torch2jax.rewrite.rewriter import Rewriter, call
from torch2jax.source.nodes import walk


def set_trainable(rewriter: Rewriter, target: cst.BaseExpression, value: cst.BaseExpression) -> cst.Call:
    """``p.requires_grad = value`` as ``freeze(p)``, ``unfreeze(p)`` or ``set_trainable(p, value)``."""
    rewriter.tally.translated += 1
    holder = rewriter.expr(target)
    known = {"False": "freeze", "True": "unfreeze"}.get(value.value) if isinstance(value, cst.Name) else None
    if known is not None:
        return call(rewriter.helper(known), [holder])
    return call(rewriter.helper("set_trainable"), [holder, rewriter.expr(value)])


def set_by_call(rewriter: Rewriter, node: cst.Call) -> cst.Call:
    """``p.requires_grad_(value)``, of a parameter or of a module."""
    assert isinstance(node.func, cst.Attribute)
    value = node.args[0].value if node.args else cst.Name("True")
    return set_trainable(rewriter, node.func.value, value)


def frozen_loop(rewriter: Rewriter, node: cst.For) -> cst.Call | None:
    """A loop that sets ``requires_grad`` of every parameter of a module, as one call for the module."""
    special = rewriter.facts.special
    if special.get(node.iter) != ("module_method", "parameters") or node.orelse is not None:
        return None
    body = node.body.body
    small = list(body[0].body) if len(body) == 1 and isinstance(body[0], cst.SimpleStatementLine) else list(body)
    if len(small) != 1 or not isinstance(node.iter, cst.Call) or not isinstance(node.iter.func, cst.Attribute):
        return None
    match small[0]:
        case cst.Assign(targets=[cst.AssignTarget(target=cst.Attribute() as target)], value=value):
            note, holder = special.get(target), target.value
        case cst.Expr(value=cst.Call(func=cst.Attribute(value=holder)) as called):
            note, value = special.get(called), called.args[0].value if called.args else cst.Name("True")
        case _:
            return None
    names = {part.value for part in walk(value) if isinstance(part, cst.Name)}
    plain = all(isinstance(part, cst.Name | cst.Attribute) for part in walk(value))
    if not isinstance(holder, cst.Name) or not isinstance(node.target, cst.Name):
        return None
    own = holder.value == node.target.value and holder.value not in names
    if note != ("trainable",) or not own or not plain:
        return None
    return set_trainable(rewriter, node.iter.func.value, value)
