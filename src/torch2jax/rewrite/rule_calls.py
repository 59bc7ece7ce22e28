"""Filling rules: a torch call becomes its template."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.facts import FactoryCall, RuleCall
from torch2jax.infer.rule_layers import default_branch
from torch2jax.rewrite.added_axes import (
    Lost,
    image_param,
    lone_arrays,
    loses_first_axis,
    lost_axis,
    subscript,
    without_axis,
)
from torch2jax.rewrite.fill import FillArg, FillContext, fill, fill_args
from torch2jax.rewrite.gradients import is_gradient
from torch2jax.rewrite.precedence import is_pure, is_simple, literal
from torch2jax.rewrite.rewriter import (
    Rewriter,
    argument,
    assignment,
    attribute,
    call,
    number,
    statement,
)
from torch2jax.rules.bind import Arg
from torch2jax.rules.model import UNKNOWN, Rule
from torch2jax.source.nodes import dotted_name, walk


def rule_call(rewriter: Rewriter, node: cst.BaseExpression, fact: RuleCall) -> cst.BaseExpression:
    """The filled template of a call, attribute or constant."""
    if fact.overrides and fact.overrides[0][1] == "drop":
        assert fact.receiver is not None or fact.bound.order
        rewriter.tally.translated += 1
        return _first_argument(rewriter, fact)
    if fact.overrides and fact.overrides[0][0] == "":  # a permutation, from the order in which the array lies
        rewriter.tally.translated += 1
        rewriter.tally.transposes += 1
        return rewriter.transposed(_first_argument(rewriter, fact), fact.overrides[0][1])
    values = argument_values(rewriter, fact)
    expression = filled_template(rewriter, fact, values)
    rewriter.tally.translated += 1
    rewriter.trace.append((fact.rule, fact.choice.branch))
    if (lost := lost_axis(rewriter, fact)) is not None:
        return without_axis(expression, lost)
    if fact.moved:
        rewriter.tally.transposes += 2
        jnp = rewriter.root("jnp")
        expression = call(attribute(jnp, "moveaxis"), [expression, number(-1), number(1)])
    if node in rewriter.program.hooked_sites:
        return call(rewriter.helper("FunctionLayer"), [expression])
    return _without_needless_stop(rewriter, node, expression)


# What they give depends on no array.
_WITHOUT_GRADIENT = frozenset(
    "jnp.zeros jnp.ones jnp.eye jnp.arange jnp.zeros_like jnp.ones_like rngs.normal rngs.uniform rngs.randint".split()
)


def _without_needless_stop(rewriter: Rewriter, node: cst.CSTNode, expression: cst.BaseExpression) -> cst.BaseExpression:
    """``lax.stop_gradient(jnp.zeros(3))`` is ``jnp.zeros(3)``, through which nothing flows; so are gradients."""
    match node:
        case cst.Call(func=cst.Attribute(value=receiver, attr=cst.Name("detach"))) if is_gradient(rewriter, receiver):
            assert isinstance(expression, cst.Call)
            return expression.args[0].value
    match expression:
        case cst.Call(func=cst.Attribute(attr=cst.Name("stop_gradient")), args=[cst.Arg(value=cst.Call() as inner)]):
            if dotted_name(inner.func) in _WITHOUT_GRADIENT:
                return inner
    return expression


def _first_argument(rewriter: Rewriter, fact: RuleCall) -> cst.BaseExpression:
    first = next(iter(fact.bound.args.values()))
    arg = first.arg if first.arg is not None else first.items[0]
    result: cst.BaseExpression = rewriter.expr(arg.node)
    return result


def argument_values(rewriter: Rewriter, fact: RuleCall) -> dict[str, FillArg]:
    """What stands for each parameter of a rule's template."""
    moved_param = image_param(fact) if fact.moved else None
    alone = lone_arrays(rewriter, fact)

    def rewrite(arg: Arg) -> cst.BaseExpression:
        node = rewriter.expr(arg.node)
        if any(arg is image for image in alone):
            inner = rewriter.facts.calls.get(arg.node)
            if isinstance(inner, RuleCall) and isinstance(node, cst.Subscript) and loses_first_axis(rewriter, inner):
                return node.value  # it has just lost the axis
            return subscript(node, cst.Name("None"))
        if moved_param is not None and arg is moved_param:
            jnp = rewriter.root("jnp")
            node = call(attribute(jnp, "moveaxis"), [node, number(1), number(-1)])
        return node  # type: ignore[no-any-return]

    values = fill_args(fact.bound, rewrite)
    for name, found in fact.bound.args.items():
        if found.arg is not None and any(found.arg is one for one in alone):
            values[name].rank = None if found.arg.rank is None else found.arg.rank + 1
    if "keepdim" in values and lost_axis(rewriter, fact) is Lost.REDUCED:
        values["keepdim"] = FillArg(value=False, explicit=False, default=("const", False))
    for value in values.values():  # a named constant stays a name
        if value.node is not None and literal(value.node) is UNKNOWN:
            value.value = UNKNOWN
    for name, value in fact.overrides:
        node = _literal(value)
        values[name] = FillArg(node=node, value=value, type=type(value).__name__, annotation="Axis")
    return values


def _literal(value: Any) -> cst.BaseExpression:
    if isinstance(value, tuple):
        elements = [cst.Element(number(item)) for item in value]
        return cst.Tuple(elements, lpar=[cst.LeftParen()], rpar=[cst.RightParen()])
    return number(value)


def context(rewriter: Rewriter) -> FillContext:
    """How templates spell what they need at this place."""
    renamed = {name: cst.Name(local) for name, local in rewriter.helper_names.items()}
    return FillContext(rngs=rewriter.rngs(), helpers=renamed)


def filled_template(
    rewriter: Rewriter, fact: RuleCall, values: dict[str, FillArg], template: Any = None
) -> cst.BaseExpression:
    """The template of a call, or another one, with these arguments."""
    template = fact.choice.branch.template if template is None else template
    filled = fill(template, values, context(rewriter))
    if rewriter.conditional and rewriter.can_name and len(filled.needs_binding) == 1:
        named = _named_inside(rewriter, template, values, filled.needs_binding[0])
        if named is not None:
            return named
    for name in filled.needs_binding:
        bind_before(rewriter, values, name, fact)
    if filled.needs_binding:
        filled = fill(template, values, context(rewriter))
    rewriter.names |= filled.names
    rewriter.helpers |= filled.helpers
    return filled.expression


def bind_before(rewriter: Rewriter, values: dict[str, FillArg], name: str, fact: RuleCall) -> None:
    """Give an argument that the template uses twice, or out of order, a name first."""
    value = values[name]
    if value.node is None or is_simple(value.node):
        return
    if rewriter.conditional:
        if not is_pure(value.node):
            given = fact.bound.args.get(name)
            place = given.arg.node if given is not None and given.arg is not None else fact.receiver
            message = "this value is needed twice in an expression"
            flag(rewriter, place or value.node, "T2J105", message, "give it a name first")
        return
    local = cst.Name(fresh_name(rewriter, name))
    rewriter.before.append(statement(assignment(local, value.node)))
    value.node = local


def _named_inside(
    rewriter: Rewriter, template: Any, values: dict[str, FillArg], name: str
) -> cst.BaseExpression | None:
    """``f(y := x.sum(), y.shape)``, where no statement may stand before; None if it need not or can't be named."""
    value = values[name]
    if value.node is None or is_simple(value.node) or is_pure(value.node):
        return None
    local, held = fresh_name(rewriter, name), value.node
    filled = fill(template, {**values, name: replace(value, node=cst.Name(local))}, context(rewriter))
    parts = list(walk(filled.expression))
    if any(isinstance(part, cst.IfExp | cst.Lambda | cst.BaseComp | cst.BooleanOperation) for part in parts):
        return None  # which use comes first is not the order on the page
    first = next(part for part in parts if isinstance(part, cst.Name) and part.value == local)
    rewriter.names |= filled.names
    rewriter.helpers |= filled.helpers
    parens: dict[str, Any] = {"lpar": [cst.LeftParen()], "rpar": [cst.RightParen()]}
    return filled.expression.deep_replace(first, cst.NamedExpr(first, held, **parens))


def fresh_name(rewriter: Rewriter, wanted: str) -> str:
    """A name that the function does not use."""
    taken = rewriter.taken
    name = wanted if wanted not in ("input", "self") else "value"
    while name in taken:
        name += "_"
    taken.add(name)
    return name


def factory_call(rewriter: Rewriter, node: cst.Call, fact: FactoryCall) -> cst.BaseExpression:
    """``norm_layer(dim)``: the arguments of the layer it stands for, on the variable itself."""
    func: cst.BaseExpression = rewriter.expr(node.func)
    rewriter.tally.translated += 1
    if not fact.rules:
        args = [rewriter.expr(arg) for arg in node.args]
        return call(func, [*args, argument(rewriter.rngs(), "rngs")] if fact.rngs else args)
    translated = [_on_variable(rewriter, node, func, rule) for rule in fact.rules]
    empty = cst.Module([])
    spelled = {empty.code_for_node(item) for item in translated if item is not None}
    if len(spelled) != 1 or any(item is None for item in translated):
        flag(
            rewriter, node, "T2J107", "the layers this may build take different arguments in Flax", "build each by name"
        )
    first = translated[0]
    return first if first is not None else node


def flag(rewriter: Rewriter, node: cst.CSTNode, code: str, message: str, hint: str = "") -> None:
    """A finding of the rewriting stage."""
    from torch2jax.infer.facts import Finding

    rewriter.findings.append(Finding(code, node, message, hint))


def flag_refused(rewriter: Rewriter, node: cst.CSTNode, name: str) -> bool:
    """Flag a name of torch that no rule translates in any use, with the reason; False if that is not so."""
    refusal = rewriter.program.book.refusal(name)
    if refusal is None:
        return False
    flag(rewriter, node, "T2J103", f"{name}: {refusal.reason}", refusal.hint)
    return True


def _on_variable(
    rewriter: Rewriter, node: cst.Call, func: cst.BaseExpression, fact: RuleCall
) -> cst.BaseExpression | None:
    filled = filled_template(rewriter, fact, argument_values(rewriter, fact), as_function(fact.choice.branch.template))
    rewriter.trace.append((fact.rule, fact.choice.branch))
    if isinstance(filled, cst.Name | cst.Attribute):
        return func if fact.rule.result == "Module" else call(func, [filled])
    if not isinstance(filled, cst.Call):
        return None
    known = {_spelling(arg) for arg in reference_arguments(rewriter, fact.rule)}
    args = [arg for arg in filled.args if not _mentions_given(arg) and _spelling(arg) not in known]
    args = [arg.with_changes(comma=cst.MaybeSentinel.DEFAULT) for arg in args]
    if isinstance(filled.func, cst.Name) and filled.func.value == "partial":
        return call(filled.func, [func, *args[1:]]) if len(args) > 1 else func
    return call(func, args)


def _spelling(arg: cst.Arg) -> str:
    return cst.Module([]).code_for_node(arg.with_changes(comma=cst.MaybeSentinel.DEFAULT))


def _mentions_given(arg: cst.Arg) -> bool:
    from torch2jax.source.nodes import walk

    return any(isinstance(part, cst.Name) and part.value == "given" for part in walk(arg.value))


def reference_arguments(rewriter: Rewriter, rule: Rule) -> list[cst.Arg]:
    """The keywords that a layer's class as a value must carry, because torch's defaults are not Flax's."""
    reference = reference_form(rewriter, rule)
    if isinstance(reference, cst.Call):
        return [arg for arg in reference.args if arg.keyword is not None]
    return []


# Methods of arrays that are functions of jax.numpy with the array first and the same parameters.
_FUNCTIONS = frozenset(
    "all any argmax argmin argsort clip conj cumprod cumsum diagonal dot max mean min prod ravel repeat round sort "
    "squeeze std sum swapaxes take trace var".split()
)


def as_function(template: Any) -> Any:
    """``x.sum(axis=1)`` as ``jnp.sum(x, axis=1)``: a value that is called needs a name for the function."""
    match template:
        case ("call", ("attr", ("param", _) as array, name), arguments) if name in _FUNCTIONS:
            return ("call", ("attr", ("name", "jnp"), name), (("", None, array), *arguments))
    return template


def reference_form(rewriter: Rewriter, rule: Rule, given: dict[str, Arg] | None = None) -> cst.BaseExpression | None:
    """A class of layers, or a function, as a value: ``nnx.relu``, ``partial(nnx.LayerNorm, epsilon=1e-5)``."""
    branch = default_branch(rule, given)
    if branch is None or branch.template is None:
        return None
    values: dict[str, FillArg] = {}
    for param in rule.params:
        if given is not None and param.name in given:
            values[param.name] = FillArg(node=rewriter.expr(given[param.name].node), annotation=param.annotation)
        elif param.default is not None and not param.required:
            from torch2jax.rules.expr import literal

            values[param.name] = FillArg(
                value=literal(param.default), explicit=False, annotation=param.annotation, default=param.default
            )
        elif param.kind in ("var_pos",):
            values[param.name] = FillArg(items=(), annotation=param.annotation, explicit=False)
        else:
            values[param.name] = FillArg(node=cst.Name("given"), annotation=param.annotation)
    filled = fill(as_function(branch.template), values, context(rewriter))
    rewriter.names |= filled.names
    expression = filled.expression
    if rule.result != "Module" and isinstance(expression, cst.Name) and expression.value == "given":
        return attribute(rewriter.root("nnx"), "identity")
    kept = _without_given(expression)
    used = {name for name in filled.helpers if kept is not None and _uses(kept, name)}
    rewriter.helpers |= used
    if (
        kept is not None
        and isinstance(kept, cst.Call)
        and isinstance(kept.func, cst.Name)
        and kept.func.value == "partial"
    ):
        rewriter.names.add("partial")
    return kept


def _uses(node: cst.BaseExpression, name: str) -> bool:
    from torch2jax.source.nodes import walk

    return any(isinstance(part, cst.Name) and part.value == name for part in walk(node))


def _without_given(expression: cst.BaseExpression) -> cst.BaseExpression | None:
    if isinstance(expression, cst.Name | cst.Attribute):
        return None if _mentions_given(cst.Arg(expression)) else expression
    if not isinstance(expression, cst.Call):
        return None
    kept = [
        arg
        for arg in expression.args
        if not _mentions_given(arg) and not (arg.keyword is not None and arg.keyword.value == "rngs")
    ]
    if isinstance(expression.func, cst.Name) and expression.func.value == "partial":
        return kept[0].value if len(kept) == 1 else call(expression.func, _spaced(kept))
    if any(arg.keyword is None and arg.star == "" for arg in kept):
        return None
    if _mentions_given(cst.Arg(expression.func)):
        return None
    if not kept:
        return expression.func
    return call(cst.Name("partial"), [argument(expression.func), *_spaced(kept)])


def _spaced(args: list[cst.Arg]) -> list[cst.Arg]:
    return [arg.with_changes(comma=cst.MaybeSentinel.DEFAULT) for arg in args]
