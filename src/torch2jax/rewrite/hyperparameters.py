"""Hyperparameters that change while an optimizer is used: they are arrays in its state, under optax's names."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import Number, Optimizer, options, without_none
from torch2jax.rewrite.fill import FillArg
from torch2jax.rewrite.precedence import PRIMARY, literal, parenthesize
from torch2jax.rewrite.rewriter import Rewriter, argument, attribute, call
from torch2jax.rewrite.rule_calls import argument_values, bind_before, filled_template, flag
from torch2jax.rules import expr as ex
from torch2jax.rules.model import UNKNOWN
from torch2jax.source.nodes import walk


@dataclass(frozen=True, slots=True)
class _Changed:
    """A hyperparameter that changes: optax's name of it, and what it is at first."""

    name: str
    first: cst.BaseExpression


def injected(rewriter: Rewriter, node: cst.Call, fact: RuleCall, changed: Collection[str]) -> cst.BaseExpression:
    """``optax.inject_hyperparams(optax.sgd)(learning_rate=0.1)``, or the same of a function that chains several."""
    values = argument_values(rewriter, fact)
    found = [
        _replaced(rewriter, node, fact, values, name) for name in ("lr", "momentum", "weight_decay") if name in changed
    ]
    held = [each for each in found if each is not None]
    names = {each.name for each in held}
    for name, value in values.items():
        mentioned = {part.value for part in walk(value.node) if isinstance(part, cst.Name)} if value.node else set()
        if name not in changed and mentioned & names and not _is_whole_pair(value, names):
            bind_before(rewriter, values, name, fact)
    inject = attribute(rewriter.root("optax"), "inject_hyperparams")
    transform = filled_template(rewriter, fact, values)
    rewriter.tally.translated += 1
    rewriter.trace.append((fact.rule, fact.choice.branch))
    firsts = {each.name: each.first for each in held}
    if isinstance(transform, cst.Call) and not _is_chain(transform):
        return call(call(inject, [transform.func]), [_by_keyword(arg, firsts) for arg in transform.args])
    params = cst.Parameters([cst.Param(cst.Name(name)) for name in firsts])
    made = cst.Lambda(params, transform)
    return call(call(inject, [made]), [argument(first, name) for name, first in firsts.items()])


def _is_chain(transform: cst.Call) -> bool:
    return isinstance(transform.func, cst.Attribute) and transform.func.attr.value == "chain"


def _by_keyword(arg: cst.Arg, firsts: dict[str, cst.BaseExpression]) -> cst.Arg:
    """The argument of an optimizer, the rate being its first, with what a changed one is at first."""
    name = arg.keyword.value if arg.keyword is not None else "learning_rate"
    return argument(firsts.get(name, arg.value), name)


def _is_whole_pair(value: FillArg, names: set[str]) -> bool:
    """Whether it is the pair of betas with the name of the first in its place already."""
    node = value.node
    first = node.elements[0].value if isinstance(node, cst.Tuple) and len(node.elements) == 2 else None
    return isinstance(first, cst.Name) and first.value in names


def _replaced(
    rewriter: Rewriter, node: cst.Call, fact: RuleCall, values: dict[str, FillArg], name: str
) -> _Changed | None:
    """Put a name in the place of a hyperparameter that changes, and give what it is at first."""
    of_betas = name == "momentum" and "betas" in values
    parameter = "betas" if of_betas else name
    if parameter not in ex.params_of(fact.choice.branch.template):
        what = f"the program changes the {name.replace('_', ' ')} of an optimizer that is built without"
        flag(rewriter, node, "T2J103", what, f"give `{name}=` where the optimizer is built")
        return None
    value = values[parameter]
    given = fact.bound.args[parameter].arg
    kind = rewriter.kind(given.node) if given is not None else None
    if of_betas:
        first, second = _pair(value)
        pair = cst.Tuple(
            [cst.Element(cst.Name("b1")), cst.Element(second)], lpar=[cst.LeftParen()], rpar=[cst.RightParen()]
        )
        values[parameter] = FillArg(node=pair, annotation=value.annotation)
        return _Changed("b1", first)
    optax_name = {"lr": "learning_rate"}.get(name, name)
    values[parameter] = FillArg(node=cst.Name(optax_name), annotation=value.annotation)
    return _Changed(optax_name, _floating(_node(value), isinstance(kind, Number) and kind.type == "float"))


def _pair(value: FillArg) -> tuple[cst.BaseExpression, cst.BaseExpression]:
    node = _node(value)
    if isinstance(node, cst.Tuple | cst.List) and len(node.elements) == 2:
        return node.elements[0].value, node.elements[1].value
    whole = parenthesize(node, PRIMARY)
    first, second = (cst.Subscript(whole, [cst.SubscriptElement(cst.Index(cst.Integer(at)))]) for at in "01")
    return first, second


def _node(value: FillArg) -> cst.BaseExpression:
    return value.node if value.node is not None else cst.parse_expression(repr(value.value))


def _floating(node: cst.BaseExpression, known: bool) -> cst.BaseExpression:
    """A number as a float: an array of an integer would cut off what is put into it later."""
    number = literal(node)
    if number is not UNKNOWN and isinstance(number, int):
        return cst.Float(f"{number}.0")
    return node if known or isinstance(number, float) else call(cst.Name("float"), [node])


# --- param_groups --------------------------------------------------------------------------------------------------


def parameter_groups(rewriter: Rewriter, node: cst.Attribute) -> cst.BaseExpression:
    """``optimizer.param_groups`` as ``hyperparams(optimizer)``."""
    rewriter.tally.translated += 1
    return call(rewriter.helper("hyperparams"), [rewriter.expr(node.value)])


def group_of_parameters(rewriter: Rewriter, node: cst.Subscript) -> Any:
    """``optimizer.param_groups[0]``: ``optimizer.opt_state.hyperparams`` where there is one group only."""
    assert isinstance(node.value, cst.Attribute)
    kind = rewriter.kind(node.value.value)
    alternatives = options(without_none(kind)) if kind is not None else ()
    index = node.slice[0].slice
    first = isinstance(index, cst.Index) and literal(index.value) == 0
    single = all(isinstance(o, Optimizer) and len(o.groups) == 1 and not o.picked for o in alternatives)
    if first and alternatives and single:
        rewriter.tally.translated += 1
        return attribute(attribute(rewriter.expr(node.value.value), "opt_state"), "hyperparams")
    return rewriter.generic(node)


def hyperparameter(rewriter: Rewriter, node: cst.Subscript, name: str) -> cst.BaseExpression:
    """``group["lr"]`` as ``group["learning_rate"][...]``."""
    held = parenthesize(rewriter.expr(node.value), PRIMARY)
    variable = cst.Subscript(held, [cst.SubscriptElement(cst.Index(cst.SimpleString(f'"{name}"')))])
    return cst.Subscript(variable, [cst.SubscriptElement(cst.Index(cst.Ellipsis()))])
