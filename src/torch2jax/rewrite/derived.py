"""Classes that derive from a layer of torch: their base in Flax, the constructor and the call that they inherit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.derived import (
    base_layer,
    constructor_of,
    function_form,
    inherits_call,
    is_class,
    keeps_torch_order,
    reset_of,
    root_of,
    rule_of,
    stored_calls,
)
from torch2jax.infer.facts import RuleCall, UserCall
from torch2jax.infer.kinds import Layer
from torch2jax.infer.program import ClassInfo, FunctionInfo
from torch2jax.rewrite.precedence import parenthesize
from torch2jax.rewrite.rewriter import (
    PRIMARY,
    Rewriter,
    argument,
    assignment,
    attribute,
    call,
    method_call,
    number,
    statement,
)
from torch2jax.rewrite.rule_calls import flag, rule_call
from torch2jax.rules.expr import unparse
from torch2jax.rules.model import Param

_SELF = "self"
MISSING = cst.MaybeSentinel.DEFAULT


def flax_base(rewriter: Rewriter, cls: ClassInfo) -> cst.BaseExpression:
    """What a class derives from in the place of torch's layer."""
    layer = base_layer(rewriter.program, cls)
    if layer is None or not is_class(layer):
        return attribute(rewriter.root("nnx"), "Module")
    return flax_class(rewriter, layer)


def flax_class(rewriter: Rewriter, layer: Layer) -> cst.BaseExpression:
    """The class of a flax layer, imported or carried along."""
    root, dot, name = layer.flax.partition(".")
    return attribute(rewriter.root(root), name) if dot else rewriter.helper(root)


def inherited_constructor(rewriter: Rewriter, cls: ClassInfo, prefix: Sequence[Any]) -> cst.FunctionDef | None:
    """The constructor with torch's parameters, where a class has that of the layer."""
    rule = rule_of(rewriter.program, cls)
    constructor = constructor_of(rewriter.program, cls)
    if rule is None or constructor is None:
        return None
    for name in constructor.choice.unused:
        flag(rewriter, cls.node.name, "T2J102", f"{rule.name}: argument `{name}=` has no translation")
    for assumption in constructor.choice.assumptions:
        flag(rewriter, cls.node.name, "T2J201", f"{rule.name}: assumed that {assumption}")
    lines: list[Any]
    if is_class(constructor.layer):
        fact = RuleCall(rule, rule, constructor.bound, constructor.choice)
        filled: Any = rule_call(rewriter, cls.node.name, fact)
        parent = call(cst.Name("super"), [])
        lines = [statement(cst.Expr(method_call(parent, "__init__", filled.args)))]
    else:
        lines = stored(rewriter, stored_calls(rule, constructor.bound))
    reset = reset_of(cls)
    if reset is not None:
        lines.append(statement(cst.Expr(reset_call(rewriter, reset.takes_rngs))))
    params = [cst.Param(cst.Name(_SELF)), *(parameter(p) for p in constructor.params if p.kind != "kw_only")]
    keywords = [parameter(p) for p in constructor.params if p.kind == "kw_only"]
    return _method("__init__", cst.Parameters(params, kwonly_params=keywords), [*lines, *prefix])


def inherited_call(rewriter: Rewriter, cls: ClassInfo) -> cst.FunctionDef | None:
    """The call of a layer that is a function in Flax, or that takes images in another order than the class."""
    layer = inherits_call(rewriter.program, cls)
    if layer is None or root_of(cls) is not cls:
        return None
    x: cst.BaseExpression = cst.Name("x")
    reorders = keeps_torch_order(rewriter.program, cls)
    if reorders:
        x = _reordered(rewriter, x, layer, into=True)
    form = None if is_class(layer) else function_form(rewriter.program, cls, layer.rule)
    result: cst.BaseExpression
    if form is not None:
        for assumption in form.choice.assumptions:
            flag(rewriter, cls.node.name, "T2J201", f"{layer.name}: assumed that {assumption}")
        result = applied(rule_call(rewriter, cls.node.name, form), [cst.Arg(x)])
    elif reorders:
        result = method_call(call(cst.Name("super"), []), "__call__", [x])
    else:
        return None
    if reorders:
        result = _reordered(rewriter, result, layer, into=False)
    params = [cst.Param(cst.Name(_SELF)), cst.Param(cst.Name("x"))]
    return _method("__call__", cst.Parameters(params), [statement(cst.Return(result))])


def _reordered(rewriter: Rewriter, x: cst.BaseExpression, layer: Layer, *, into: bool) -> cst.BaseExpression:
    """An image in the order that the layer takes, or back in torch's."""
    rewriter.tally.transposes += 1
    layout = layer.rule.layout
    if layout is not None and layout.rank is not None:
        order = layout.permutation(layout.rank)
        axes = order if into else [order.index(axis) for axis in range(layout.rank)]
        return rewriter.transposed(x, axes)
    ends = [number(1), number(-1)] if into else [number(-1), number(1)]
    return call(attribute(rewriter.root("jnp"), "moveaxis"), [x, *ends])


def _method(name: str, params: cst.Parameters, lines: Sequence[Any]) -> cst.FunctionDef:
    return cst.FunctionDef(
        cst.Name(name),
        params,
        cst.IndentedBlock(list(lines) or [statement(cst.Pass())]),
        leading_lines=[],
        lines_after_decorators=[],
    )


def parameter(param: Param) -> cst.Param:
    """A parameter of torch's constructor, with its default."""
    default = cst.parse_expression(unparse(param.default)) if param.default is not None else None
    tight = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Param(cst.Name(param.name), default=default, equal=tight if default is not None else MISSING)


def reset_call(rewriter: Rewriter, rngs: bool) -> cst.Call:
    """``self.reset_parameters()``, which torch's constructors do by themselves."""
    args = [argument(cst.Name("rngs"), "rngs")] if rngs else []
    return method_call(cst.Name(_SELF), "reset_parameters", args)


def stored(rewriter: Rewriter, calls: Sequence[tuple[str, RuleCall]]) -> list[Any]:
    """``self.kernel_size = kernel_size`` for each attribute of a layer that is a function in Flax."""
    return [
        statement(assignment(attribute(cst.Name(_SELF), name), rule_call(rewriter, cst.Name(name), fact)))
        for name, fact in calls
    ]


def after_super_init(rewriter: Rewriter, node: cst.Call) -> list[Any]:
    """What torch's constructor does with the methods of the class."""
    fact = rewriter.facts.calls.get(node.func)
    if not isinstance(fact, UserCall):
        return []
    return [statement(cst.Expr(reset_call(rewriter, fact.rngs)))]


def applied(form: cst.BaseExpression, args: Sequence[cst.Arg]) -> cst.BaseExpression:
    """The call of a callable value: ``partial(f, k=v)`` on ``x`` is ``f(x, k=v)``."""
    if isinstance(form, cst.Call) and isinstance(form.func, cst.Name) and form.func.value == "partial":
        function, *given = form.args
        if all(arg.keyword is not None for arg in given):
            plain = [arg.with_changes(comma=MISSING) for arg in (*args, *given)]
            return call(parenthesize(function.value, PRIMARY), plain)
    return call(parenthesize(form, PRIMARY), args)


def with_forwarded(info: FunctionInfo, params: cst.Parameters) -> cst.Parameters:
    """The layer's own parameters in the place of ``*args`` and ``**kwargs`` that only went on to it."""
    if not info.forwarded_stars:
        return params
    new = [parameter(param) for param in info.forwarded]
    positional = isinstance(params.star_arg, cst.Param) and params.star_arg.name.value in info.forwarded_stars
    if positional:
        plain = [p for p, source in zip(new, info.forwarded, strict=True) if source.kind != "kw_only"]
        rest = [p for p, source in zip(new, info.forwarded, strict=True) if source.kind == "kw_only"]
        params = params.with_changes(
            params=[*_spaced(params.params), *plain],
            star_arg=MISSING,
            kwonly_params=[*_spaced(params.kwonly_params), *rest],
        )
    else:
        params = params.with_changes(kwonly_params=[*_spaced(params.kwonly_params), *new])
    if params.star_kwarg is not None and params.star_kwarg.name.value in info.forwarded_stars:
        params = params.with_changes(star_kwarg=None)
    return params


def _spaced(params: Sequence[cst.Param]) -> list[cst.Param]:
    if not params:
        return []
    last = params[-1].with_changes(comma=MISSING, whitespace_after_param=cst.SimpleWhitespace(""))
    return [*params[:-1], last]
