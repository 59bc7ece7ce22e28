"""Functions that get gradients as an argument, and the calls that give them."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.program import FunctionInfo
from torch2jax.regions.handed import Given
from torch2jax.rewrite.gradients import gradients_given
from torch2jax.rewrite.rewriter import Rewriter

_SPACE = cst.SimpleWhitespace(" ")


def with_gradients(rewriter: Rewriter, info: FunctionInfo, params: cst.Parameters) -> cst.Parameters:
    """The parameter with the gradients, behind the one with the model or in its place; of a method it is the first."""
    handed = rewriter.program.handed.get(info)
    if handed is None:
        return params
    new = cst.Param(cst.Name(handed.name), comma=cst.Comma(whitespace_after=_SPACE))
    for kind in ("params", "posonly_params", "kwonly_params"):
        group = list(getattr(params, kind))
        names = [param.name.value for param in group]
        at = 0 if "." in handed.root else names.index(handed.root) if handed.root in names else None
        if at is None:
            continue
        if handed.instead:
            group[at] = group[at].with_changes(name=cst.Name(handed.name), annotation=None)
            return params.with_changes(**{kind: group})
        if group[at].default is not None:
            new = new.with_changes(default=cst.Name("None"), equal=cst.AssignEqual(*[cst.SimpleWhitespace("")] * 2))
        is_last = not isinstance(group[at].comma, cst.Comma)
        group[at] = group[at].with_changes(comma=new.comma if is_last else group[at].comma)
        group.insert(at + 1, new.with_changes(comma=cst.MaybeSentinel.DEFAULT if is_last else new.comma))
        return params.with_changes(**{kind: group})
    return params


def giving_gradients(rewriter: Rewriter, node: cst.Call, result: cst.Call) -> cst.Call:
    """A call with the gradients among its arguments."""
    given: Given = rewriter.program.handed_calls[node]
    value = gradients_given(rewriter, given.value)
    args: list[Any] = list(result.args)
    comma = cst.Comma(whitespace_after=_SPACE)
    if given.beside is None:
        return result.with_changes(args=[cst.Arg(value, comma=comma if args else cst.MaybeSentinel.DEFAULT), *args])
    at = list(node.args).index(given.beside)
    keyword = cst.Name(given.handed.name) if args[at].keyword is not None else None
    if given.handed.instead:
        args[at] = args[at].with_changes(value=value, keyword=keyword)
        return result.with_changes(args=args)
    equal = cst.AssignEqual(*[cst.SimpleWhitespace("")] * 2) if keyword is not None else cst.MaybeSentinel.DEFAULT
    is_last = not isinstance(args[at].comma, cst.Comma)
    args[at] = args[at].with_changes(comma=comma if is_last else args[at].comma)
    new = cst.Arg(value, keyword=keyword, equal=equal, comma=cst.MaybeSentinel.DEFAULT if is_last else comma)
    args.insert(at + 1, new)
    return result.with_changes(args=args)
