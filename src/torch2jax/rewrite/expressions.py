"""Names, operators, attributes, subscripts, displays and lambdas."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from typing import Any

import libcst as cst

from torch2jax.infer.derived import kept_name
from torch2jax.infer.facts import RuleCall, UserCall
from torch2jax.infer.kinds import (
    Api,
    BoundApi,
    ClassRef,
    CustomGradient,
    Function,
    Instance,
    Namespace,
    Tensor,
    is_module,
)
from torch2jax.infer.narrowing import decided_test
from torch2jax.rewrite.calls import without_forward
from torch2jax.rewrite.construct import bare
from torch2jax.rewrite.gradient_names import function_reference, refuse_class
from torch2jax.rewrite.gradients import list_of_gradients
from torch2jax.rewrite.grain import added
from torch2jax.rewrite.hyperparameters import group_of_parameters, hyperparameter, parameter_groups
from torch2jax.rewrite.orders import put_in_order
from torch2jax.rewrite.precedence import parenthesize
from torch2jax.rewrite.references import reference
from torch2jax.rewrite.rewriter import EXPRESSIONS, PRIMARY, Rewriter, attribute, call, items_of, number, rewrites
from torch2jax.rewrite.rule_calls import flag, rule_call


@rewrites(EXPRESSIONS, cst.Name)
def name(rewriter: Rewriter, node: cst.Name) -> Any:
    """A name: a constant that a rule translates, or a reference."""
    fact = rewriter.facts.calls.get(node)
    if isinstance(fact, RuleCall):
        return rule_call(rewriter, node, fact)
    kind = rewriter.kind(node)
    if isinstance(kind, ClassRef) and kind.cls.is_function:
        refuse_class(rewriter, node, kind.cls)
        return node
    return reference(rewriter, node)


@rewrites(EXPRESSIONS, cst.UnaryOperation)
def unary(rewriter: Rewriter, node: cst.UnaryOperation) -> Any:
    """Unary operators; ``not not x`` that a template leaves behind is ``x``."""
    result: Any = rewriter.generic(node)
    if isinstance(result.operator, cst.Not):
        inner = result.expression
        if (
            isinstance(inner, cst.UnaryOperation)
            and isinstance(inner.operator, cst.Not)
            and inner is not node.expression
        ):
            return inner.expression
    return result


@rewrites(EXPRESSIONS, cst.BinaryOperation)
def binary(rewriter: Rewriter, node: cst.BinaryOperation) -> Any:
    """Operators between two operands; ``x ** y`` of two arrays has another gradient in JAX where both are 0."""
    if rewriter.program.uses_grain and (joined := added(rewriter, node)) is not None:
        return joined
    result: Any = rewriter.generic(node)
    if isinstance(node.operator, cst.Power) and all(_is_float_array(rewriter.kind(x)) for x in (node.left, node.right)):
        return call(rewriter.helper("power"), [bare(result.left), bare(result.right)])
    return result


def _is_float_array(kind: Any) -> bool:
    return isinstance(kind, Tensor) and kind.dtype in ("float", None) and not kind.assumed


@rewrites(EXPRESSIONS, cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp, cst.IfExp, cst.BooleanOperation)
def sometimes(rewriter: Rewriter, node: Any) -> Any:
    """Parts that run in a scope of their own, or not at all: nothing of them may be moved before the statement."""
    if rewriter.gradient is not None:
        reduced = rewriter.gradient.expression(rewriter, node)
        if reduced is not None:
            return reduced
    decided = decided_test(rewriter.facts.special, node.test) if isinstance(node, cst.IfExp) else None
    if decided is not None:
        taken = rewriter.expr(node.body if decided else node.orelse)
        return parenthesize(taken, PRIMARY) if node.lpar else taken
    can_name = rewriter.can_name
    rewriter.can_name = can_name and isinstance(node, cst.IfExp | cst.BooleanOperation)
    rewriter.conditional += 1
    result = rewriter.generic(node)
    rewriter.conditional -= 1
    rewriter.can_name = can_name
    return list_of_gradients(rewriter, node, result)


@rewrites(EXPRESSIONS, cst.Attribute)
def attribute_read(rewriter: Rewriter, node: cst.Attribute) -> Any:
    """``x.name``: translated by a rule, by what the interpreter noted, or kept."""
    if rewriter.gradient is not None:
        new = rewriter.gradient.attribute(node)
        if new is not None:
            return new
    applied = rewriter.kind(node)
    if isinstance(applied, CustomGradient) and isinstance(rewriter.kind(node.value), ClassRef):
        return function_reference(rewriter, node, applied.cls)
    fact = rewriter.facts.calls.get(node)
    if isinstance(fact, RuleCall):
        return rule_call(rewriter, node, fact)
    if isinstance(fact, UserCall):
        return rewriter.generic(node)
    kind = rewriter.kind(node)
    if isinstance(kind, Api) and isinstance(rewriter.kind(node.value), Namespace | Api):
        return reference(rewriter, node)
    note = rewriter.facts.special.get(node)
    if note is None and node.attr.value == "forward" and _is_forward_of_object(kind):
        return without_forward(rewriter.generic(node))
    if note is None:
        return own_attribute(rewriter, node)
    return _noted(rewriter, node, note)


def _is_forward_of_object(kind: Any) -> bool:
    """Whether a value is the ``forward`` of a module, which is the module itself in Flax."""
    if isinstance(kind, Function):
        return kind.info.is_forward and isinstance(kind.bound, Instance)
    return isinstance(kind, BoundApi) and is_module(kind.receiver)


def own_attribute(rewriter: Rewriter, node: cst.Attribute) -> cst.Attribute:
    """An attribute under the name that it has in the output."""
    result = rewriter.generic(node)
    name = kept_name(rewriter.program, rewriter.kind(node.value), node.attr.value)
    return result if name == node.attr.value else result.with_changes(attr=cst.Name(name))


def _noted(rewriter: Rewriter, node: cst.Attribute, note: Any) -> Any:
    match note[0]:
        case "param_groups":
            return parameter_groups(rewriter, node)
        case "training":
            receiver = rewriter.expr(node.value)
            return cst.UnaryOperation(cst.Not(), attribute(receiver, "deterministic"))
        case "is_trainable":
            rewriter.tally.translated += 1
            param = attribute(rewriter.root("nnx"), "Param")
            return call(cst.Name("isinstance"), [rewriter.expr(node.value), param])
        case "field":
            value = parenthesize(rewriter.expr(node.value), PRIMARY)
            return cst.Subscript(value, [cst.SubscriptElement(cst.Index(number(note[1])))])
        case "state" if note[1] == "kernel" and (matrix := rewriter.tied_matrix(node.value)) is not None:
            return attribute(matrix, "embedding")
        case "state":
            return node.with_changes(value=parenthesize(rewriter.expr(node.value), PRIMARY), attr=cst.Name(note[1]))
        case "named_layer":
            layers = attribute(rewriter.expr(node.value), "layers")
            return cst.Subscript(layers, [cst.SubscriptElement(cst.Index(number(note[1])))])
        case "super_forward" if note[1] is not None:
            return rule_call(rewriter, node, note[1])
        case "super_forward":
            return without_forward(rewriter.generic(node))
        case "data":
            return rewriter.expr(node.value)
        case "write_data" | "unwrapped":
            return rewriter.expr(node.value)
        case _:
            return own_attribute(rewriter, node)


@rewrites(EXPRESSIONS, cst.Subscript)
def subscript(rewriter: Rewriter, node: cst.Subscript) -> Any:
    """``x[...]``: axes in the order that the array has here."""
    note = rewriter.facts.special.get(node)
    if note is not None and note[0] == "hyperparameter":
        return hyperparameter(rewriter, node, note[1])
    if rewriter.facts.special.get(node.value) == ("param_groups",):
        return group_of_parameters(rewriter, node)
    result: Any = rewriter.generic(node)
    if note is None:
        return result
    match note[0]:
        case "axis":
            return result.with_changes(slice=[cst.SubscriptElement(cst.Index(number(note[1])))])
        case "axes":
            return items_of(result.value, note[1])
        case "reindex":
            return result.with_changes(slice=_reindexed(result, note[1]))
        case "sequential_item":
            layers = result.with_changes(value=attribute(result.value, "layers"))
            if note[1]:
                return call(attribute(rewriter.root("nnx"), "Sequential"), [cst.Arg(layers, star="*")])
            return layers
        case _:
            return result


def _reindexed(node: cst.Subscript, order: Seq[int | None]) -> list[cst.SubscriptElement]:
    """The same indices in the order of the array."""
    elements = [element.slice for element in node.slice]
    if len(elements) == 1 and isinstance(elements[0], cst.Index) and isinstance(elements[0].value, cst.Tuple):
        elements = [cst.Index(e.value) for e in elements[0].value.elements]
    full = cst.Slice(None, None)
    chosen: list[cst.BaseSlice] = [full if part is None else elements[part] for part in order]
    while len(chosen) > 1 and _is_full(chosen[-1]):
        chosen.pop()
    comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
    return [
        cst.SubscriptElement(item, comma=comma if i + 1 < len(chosen) else cst.MaybeSentinel.DEFAULT)
        for i, item in enumerate(chosen)
    ]


def _is_full(index: cst.BaseSlice) -> bool:
    return isinstance(index, cst.Slice) and index.lower is None and index.upper is None and index.step is None


@rewrites(EXPRESSIONS, cst.List)
def list_display(rewriter: Rewriter, node: cst.List) -> Any:
    """A list; one that stands for an array becomes ``jnp.array``."""
    result: Any = rewriter.generic(node)
    note = rewriter.facts.special.get(node)
    if note is not None and note[0] == "array_literal":
        return call(attribute(rewriter.root("jnp"), "array"), [result])
    return result


@rewrites(EXPRESSIONS, cst.CompFor)
def comprehension(rewriter: Rewriter, node: cst.CompFor) -> cst.CompFor:
    """``for name in self.heads`` in a comprehension."""
    result: cst.CompFor = rewriter.generic(node)
    return (
        result.with_changes(iter=iterable)
        if (iterable := put_in_order(rewriter, node.iter, result.iter)) is not result.iter
        else result
    )


@rewrites(EXPRESSIONS, cst.Lambda)
def lambda_(rewriter: Rewriter, node: cst.Lambda) -> Any:
    """A lambda: its body under its own facts."""
    params = rewriter.generic(node.params)
    inner = rewriter.program.functions.get(node)
    if inner is None:
        return rewriter.generic(node)
    outer, rewriter.function = rewriter.function, inner
    held, rewriter.before = rewriter.before, []
    can_name, rewriter.can_name = rewriter.can_name, True
    rewriter.conditional += 1
    body = rewriter.expr(node.body)
    rewriter.conditional -= 1
    rewriter.can_name = can_name
    if rewriter.before:
        flag(rewriter, node, "T2J105", "a lambda can't assign", "write it as a function")
    rewriter.before = held
    rewriter.function = outer
    return node.with_changes(params=params, body=body)


@rewrites(EXPRESSIONS, cst.FormattedString)
def formatted_string(rewriter: Rewriter, node: cst.FormattedString) -> Any:
    """An f-string; before Python 3.12 its own quotes must not appear in its expressions."""
    result = rewriter.generic(node)
    return result.visit(_OtherQuotes(node.end)) if result is not node and len(node.end) == 1 else result


class _OtherQuotes(cst.CSTTransformer):
    """Puts strings that have these quotes into the others."""

    def __init__(self, quotes: str) -> None:
        super().__init__()
        self.quotes, self.others = quotes, "'" if quotes == '"' else '"'

    def leave_SimpleString(self, original_node: cst.SimpleString, updated_node: cst.SimpleString) -> cst.BaseExpression:
        text = updated_node.raw_value
        if updated_node.quote != self.quotes or self.others in text or "\\" in text:
            return updated_node
        return updated_node.with_changes(value=f"{updated_node.prefix}{self.others}{text}{self.others}")
