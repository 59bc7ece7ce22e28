"""The functions that stand for classes of ``autograd.Function``, where others refer to them."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.autograd import plan_of
from torch2jax.infer.kinds import ClassRef, CustomGradient
from torch2jax.infer.program import ClassInfo
from torch2jax.rewrite.rewriter import Rewriter
from torch2jax.rewrite.rule_calls import flag


def function_reference(rewriter: Rewriter, node: cst.Attribute, cls: ClassInfo) -> cst.BaseExpression:
    """``X.apply`` as the function's name."""
    plan = plan_of(rewriter.program, cls)
    if plan.cause:
        flag(rewriter, node, "T2J103", plan.cause, "write it with jax.custom_vjp")
        return node
    if isinstance(node.value, cst.Attribute):
        return node.value.with_changes(value=rewriter.expr(node.value.value), attr=cst.Name(plan.name))
    assert isinstance(node.value, cst.Name)
    if node.value.value != cls.name or _keeps_name(rewriter, cls):
        return node.value
    return cst.Name(plan.name)


def refuse_class(rewriter: Rewriter, node: cst.Name, cls: ClassInfo) -> None:
    """The class itself as a value: there is only a function."""
    cause = plan_of(rewriter.program, cls).cause or "an autograd.Function that is used otherwise than by `apply`"
    flag(rewriter, node, "T2J103", cause, "jax.custom_vjp makes a function, which is called")


def _keeps_name(rewriter: Rewriter, cls: ClassInfo) -> bool:
    """Whether this file imports the function under the class's name, since it uses the function's for another thing."""
    return cls.file is not rewriter.file and plan_of(rewriter.program, cls).name in rewriter.file.names


def import_from(rewriter: Rewriter, node: cst.ImportFrom) -> cst.ImportFrom:
    """Imports of such classes are imports of the functions."""
    if isinstance(node.names, cst.ImportStar):
        return node
    aliases = [_alias(rewriter, alias) for alias in node.names]
    return node if all(a is b for a, b in zip(aliases, node.names, strict=True)) else node.with_changes(names=aliases)


def _alias(rewriter: Rewriter, alias: cst.ImportAlias) -> cst.ImportAlias:
    local: Any = alias.asname.name if alias.asname is not None else alias.name
    cell = rewriter.file.names.get(local.value) if isinstance(local, cst.Name) else None
    if cell is None or not isinstance(cell.kind, ClassRef) or not cell.kind.cls.is_function:
        return alias
    cls = cell.kind.cls
    plan = plan_of(rewriter.program, cls)
    if plan.cause or not isinstance(alias.name, cst.Name) or alias.name.value != cls.name:
        return alias
    asname = alias.asname
    if asname is None and _keeps_name(rewriter, cls):
        asname = cst.AsName(cst.Name(cls.name))
    return alias.with_changes(name=cst.Name(plan.name), asname=asname)


def names_itself(rewriter: Rewriter, node: cst.Assign) -> bool:
    """Whether ``swish = Swish.apply`` gives the function the name that it has already."""
    kind = rewriter.kind(node.value)
    if not isinstance(kind, CustomGradient) or len(node.targets) != 1:
        return False
    target = node.targets[0].target
    if not isinstance(target, cst.Name) or not isinstance(node.value, cst.Attribute):
        return False
    plan = plan_of(rewriter.program, kind.cls)
    at_home = kind.cls.file is rewriter.file and isinstance(rewriter.function.node, cst.Module)
    return at_home and not plan.cause and target.value == plan.name
