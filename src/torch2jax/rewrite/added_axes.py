"""Arrays that lack an axis that a rule's template counts on: they get it, and the result loses it.

PyTorch's layers take one example without an axis for the batch (``layer(x[None])[0]``), and its functions along an axis
take a number without axes (``jnp.cumsum(x[None], axis=0)[0]``).
"""

from __future__ import annotations

import enum
from typing import Any

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import Layer, Tensor, array_of
from torch2jax.infer.rule_layers import lacks_batch
from torch2jax.rewrite.precedence import parenthesize
from torch2jax.rewrite.rewriter import PRIMARY, Rewriter, call, number
from torch2jax.rules.bind import Arg
from torch2jax.rules.model import UNKNOWN


class Lost(enum.Enum):
    """How the result of a call whose arrays got an axis loses it."""

    REDUCED = "it is reduced over that axis, which it does not keep"
    FIRST = "the axis is the first of the result"
    FIRST_OF_EACH = "the axis is the first of several results"


def lone_arrays(rewriter: Rewriter, fact: RuleCall) -> list[Arg]:
    """The arguments of a call that must get an axis in front."""
    if lacks_batch_axis(rewriter, fact):
        return _images(fact)
    return _numbers(rewriter, fact) if lost_axis(rewriter, fact) is not None else []


def lost_axis(rewriter: Rewriter, fact: RuleCall) -> Lost | None:
    """How the result loses the axis that the arrays of the call got; None where they get none."""
    if lacks_batch_axis(rewriter, fact):
        return Lost.FIRST_OF_EACH if isinstance(fact.signature.result, tuple) else Lost.FIRST
    if not _works_along_an_axis(fact) or not _numbers(rewriter, fact):
        return None
    if fact.signature is fact.rule and fact.rule.mode == "reduce":
        return Lost.REDUCED
    return Lost.FIRST_OF_EACH if isinstance(fact.signature.result, tuple) else Lost.FIRST


def loses_first_axis(rewriter: Rewriter, fact: RuleCall) -> bool:
    """Whether the translation of a call ends in ``[0]``, because its arrays got an axis."""
    return lost_axis(rewriter, fact) is Lost.FIRST


def without_axis(expression: cst.BaseExpression, lost: Lost) -> cst.BaseExpression:
    """The result of a call as it is without the axis."""
    if lost is Lost.REDUCED:
        return expression
    if lost is Lost.FIRST:
        return subscript(expression, number(0))
    part = cst.Name("part")
    each = cst.CompFor(target=part, iter=expression)
    inner = cst.GeneratorExp(subscript(part, number(0)), each, lpar=[], rpar=[])
    return call(cst.Name("tuple"), [inner])


def subscript(value: cst.BaseExpression, index: cst.BaseExpression) -> cst.BaseExpression:
    """``value[index]``."""
    return cst.Subscript(parenthesize(value, PRIMARY), [cst.SubscriptElement(cst.Index(index))])


def image_param(fact: RuleCall) -> Arg | None:
    """The first argument that is an array."""
    for param in fact.signature.params:
        if param.annotation in ("Tensor", "Tensors"):
            found = fact.bound.args.get(param.name)
            if found is not None and found.arg is not None:
                return found.arg  # type: ignore[no-any-return]
    return None


def lacks_batch_axis(rewriter: Rewriter, fact: RuleCall) -> bool:
    """Whether the array has all axes of the rule's layout but the first: PyTorch's layers take one example alone."""
    image = image_param(fact)
    if image is None or not _results(fact) <= {None, "Tensor"}:
        return False
    layer = rewriter.kind(fact.receiver) if fact.receiver is not None else None
    rank = _rank(rewriter, image)
    return lacks_batch(fact.rule, rank, layer.flax if isinstance(layer, Layer) else "")


def _images(fact: RuleCall) -> list[Arg]:
    """The arguments that lie in the order that the rule wants."""
    others = (fact.bound.args.get(param.name) for param in fact.signature.params if param.annotation == "Image")
    found = [image_param(fact), *(other.arg for other in others if other is not None)]
    return [arg for arg in found if arg is not None]


def _numbers(rewriter: Rewriter, fact: RuleCall) -> list[Arg]:
    """The arrays of a call, if it is known that the first of them has no axes."""
    first = image_param(fact)
    if first is None or _rank(rewriter, first) != 0:
        return []
    names = [param.name for param in fact.signature.params if param.annotation == "Tensor"]
    given = [found.arg for name in names if (found := fact.bound.args.get(name)) is not None]
    return [arg for arg in given if arg is not None and _rank(rewriter, arg) == 0]


def _rank(rewriter: Rewriter, arg: Arg) -> int | None:
    kind: Any = array_of(rewriter.kind(arg.node) or Tensor())
    return kind.rank if isinstance(kind, Tensor) else None


def _results(fact: RuleCall) -> set[str | None]:
    """What kinds of results a call has."""
    result = fact.signature.result
    return set(result) if isinstance(result, tuple) else {result}


def _works_along_an_axis(fact: RuleCall) -> bool:
    """Whether a call surely works along an axis, and gives arrays."""
    result = fact.signature.result
    if fact.signature is not fact.rule:  # a layer is called
        return fact.rule.mode == "along" and result in (None, "Tensor")
    if fact.rule.mode not in ("along", "reduce") or _results(fact) != {"Tensor"}:
        return False
    axes = [fact.bound.args[param.name] for param in fact.signature.params if param.annotation == "Axis"]
    unsaid = (UNKNOWN, None) if fact.rule.mode == "reduce" else (UNKNOWN,)
    return bool(axes) and all(axis.type == "int" or axis.value not in (*unsaid, (), []) for axis in axes)
