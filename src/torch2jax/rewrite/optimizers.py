"""Optimizers: an nnx.Optimizer of the modules whose parameters it holds, with the transform that the rule gives."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.facts import OptimizerCall
from torch2jax.infer.kinds import Source, Tensor
from torch2jax.rewrite.hyperparameters import injected
from torch2jax.rewrite.rewriter import Rewriter, argument, attribute, call, number
from torch2jax.rewrite.rule_calls import flag, rule_call


def optimizer_call(rewriter: Rewriter, node: cst.Call, fact: OptimizerCall) -> cst.Call:
    """``nnx.Optimizer(model, optax.sgd(0.1), wrt=nnx.Param)``."""
    changed = rewriter.program.changed_hyperparameters(node)
    transforms = [
        injected(rewriter, node, transform, changed) if changed else rule_call(rewriter, node, transform)
        for transform in fact.transforms
    ]
    if fact.transforms[0].rule.name.endswith(".LBFGS"):
        return _calling(rewriter, node, trained(rewriter, fact.groups), transforms[0], changed)
    transform: cst.BaseExpression
    if fact.lists:
        transform = _picked(rewriter, fact, transforms)
    else:
        transform = transforms[0] if len(transforms) == 1 else _partition(rewriter, transforms)
    nnx = rewriter.root("nnx")
    wrt = argument(attribute(nnx, "Param"), "wrt")
    return call(attribute(nnx, "Optimizer"), [trained(rewriter, fact.groups), transform, wrt])


def _calling(
    rewriter: Rewriter, node: cst.Call, held: cst.BaseExpression, made: cst.BaseExpression, changed: set[str]
) -> cst.Call:
    """``LBFGS(model, lr=0.1)``: an object that calls the closure."""
    if changed:
        flag(rewriter, node, "T2J103", "the program changes the rate of an optimizer that calls the loss by itself")
    assert isinstance(made, cst.Call)
    return made.with_changes(args=[cst.Arg(held), *made.args])


def trained(rewriter: Rewriter, groups: Sequence[Sequence[Source]]) -> Any:
    """What an nnx.Optimizer is built for and updates: the one module, else a tuple with an item for each group."""
    if len(groups) > 1:
        return _tuple([_group(rewriter, sources) for sources in groups])
    sources = groups[0]
    if len(sources) == 1 and isinstance(sources[0].kind, Tensor):
        item = rewriter.expr(sources[0].node)
        return _tuple([item]).with_changes(elements=[cst.Element(item, cst.Comma())])
    return _group(rewriter, sources)


def _group(rewriter: Rewriter, sources: Sequence[Source]) -> Any:
    held = [rewriter.expr(source.node) for source in sources]
    return held[0] if len(held) == 1 else _tuple(held)


def _tuple(items: Sequence[cst.BaseExpression]) -> cst.Tuple:
    return cst.Tuple([cst.Element(item) for item in items], lpar=[cst.LeftParen()], rpar=[cst.RightParen()])


def _partition(rewriter: Rewriter, transforms: Sequence[cst.BaseExpression]) -> cst.Call:
    """``optax.partition({0: optax.sgd(0.1), 1: optax.sgd(0.01)}, by_group)``."""
    by_number = cst.Dict([cst.DictElement(number(index), each) for index, each in enumerate(transforms)])
    return call(attribute(rewriter.root("optax"), "partition"), [by_number, rewriter.helper("by_group")])


def _picked(rewriter: Rewriter, fact: OptimizerCall, transforms: Sequence[cst.BaseExpression]) -> cst.Call:
    """``optax.partition({0: ..., 1: ..., -1: optax.set_to_zero()}, group_labels(model, [decayed, others]))``."""
    optax = rewriter.root("optax")
    rest = cst.UnaryOperation(cst.Minus(), cst.Integer("1"))
    by_number = [cst.DictElement(number(index), each) for index, each in enumerate(transforms)]
    by_number.append(cst.DictElement(rest, call(attribute(optax, "set_to_zero"), [])))
    lists = cst.List([cst.Element(rewriter.expr(each)) for each in fact.lists])
    labels = call(rewriter.helper("group_labels"), [_group(rewriter, fact.groups[0]), lists])
    return call(attribute(optax, "partition"), [cst.Dict(by_number), labels])
