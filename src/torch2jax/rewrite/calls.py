"""Calls, by the facts that the interpreter left for them."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from typing import Any

import libcst as cst

from torch2jax.infer.facts import FactoryCall, HostCall, ModuleCall, OptimizerCall, RuleCall, UserCall
from torch2jax.infer.kinds import Api, Tensor
from torch2jax.rewrite.derived import applied
from torch2jax.rewrite.handed import giving_gradients
from torch2jax.rewrite.host import host_call
from torch2jax.rewrite.module_calls import special_call
from torch2jax.rewrite.mutation import assign_result, can_put, take_back
from torch2jax.rewrite.optimizers import optimizer_call
from torch2jax.rewrite.orders import in_any_order, iterated
from torch2jax.rewrite.references import class_reference, direct, is_any_module
from torch2jax.rewrite.rewriter import EXPRESSIONS, Rewriter, argument, attribute, call, method_call, number, rewrites
from torch2jax.rewrite.rule_calls import factory_call, flag, fresh_name, rule_call
from torch2jax.rewrite.seeds import seeded

_NUMBERS = frozenset(("builtins.int", "builtins.float"))


@rewrites(EXPRESSIONS, cst.Call)
def call_expression(rewriter: Rewriter, node: cst.Call) -> Any:
    """``f(...)``, by the fact that the interpreter left for it."""
    fact = rewriter.facts.calls.get(node)
    note = rewriter.facts.special.get(node)
    in_any_order(rewriter, node)
    return iterated(rewriter, node, _translated(rewriter, node, note, fact))


def _translated(rewriter: Rewriter, node: cst.Call, note: Any, fact: Any) -> Any:
    if node in rewriter.function.seeds:
        return seeded(rewriter, node)
    if node in rewriter.program.deferred and isinstance(node.func, cst.Attribute):
        rewriter.tally.translated += 1
        return rewriter.expr(node.func.value)
    if note is not None:
        result = special_call(rewriter, node, note, fact)
        if result is not None:
            return result
    tied = rewriter.tied_to(node.func)
    if tied is not None:
        return method_call(tied, "attend", [rewriter.expr(arg).with_changes(keyword=None) for arg in node.args])
    match fact:
        case RuleCall(target=None):
            filled = rule_call(rewriter, node, fact)
            if node in rewriter.program.numpy.changed:  # what JAX gives is read-only
                return method_call(filled, "copy", [])
            if isinstance(filled, cst.Call) and rewriter.facts.special.get(node.func, ("",))[0] == "super_forward":
                return applied(filled.func, filled.args)
            return filled
        case RuleCall():
            return mutation(rewriter, node, fact)
        case OptimizerCall():
            return optimizer_call(rewriter, node, fact)
        case FactoryCall():
            return factory_call(rewriter, node, fact)
        case UserCall():
            return user_call(rewriter, node, fact)
        case HostCall():
            return host_call(rewriter, node, fact)
        case ModuleCall(moved=True):
            return moved_call(rewriter, node)
        case ModuleCall():
            return module_call(rewriter, node)
        case _:
            return _untranslated(rewriter, node)


def _of_rank(test: cst.Call, rank: int) -> cst.BooleanOperation:
    """``isinstance(m, nnx.Conv) and len(m.kernel_size) == 2``: convolutions of all ranks are one class in Flax."""
    size = call(cst.Name("len"), [attribute(test.args[0].value, "kernel_size")])
    same = cst.Comparison(size, [cst.ComparisonTarget(cst.Equal(), number(rank))])
    return cst.BooleanOperation(test, cst.And(), same)


def _untranslated(rewriter: Rewriter, node: cst.Call) -> Any:
    if isinstance(node.func, cst.Name) and node.func.value in ("isinstance", "issubclass") and len(node.args) == 2:
        first, second = node.args
        if node.func.value == "isinstance" and is_any_module(rewriter, second.value, rewriter.kind(first.value)):
            return call(cst.Name("callable"), [rewriter.expr(first.value)])
        tested = node.with_changes(
            args=[rewriter.expr(first), second.with_changes(value=class_reference(rewriter, second.value))]
        )
        note = rewriter.facts.special.get(node)
        return _of_rank(tested, note[1]) if note is not None and note[0] == "rank" else tested
    note = rewriter.facts.special.get(node)
    if note is not None and note[0] == "has":
        return _has_attribute(rewriter, node, note[1])
    kind = rewriter.kind(node.func)
    func = node.func
    if (
        isinstance(kind, Api)
        and direct(rewriter, func)
        and kind.name.partition(".")[0] in ("torch", "torchvision", "timm")
    ):
        rewriter.tally.flagged += 1
        args = [rewriter.expr(arg) for arg in node.args]
        return node.with_changes(args=args)
    if isinstance(kind, Api) and kind.name in _NUMBERS and len(node.args) == 1:
        given = rewriter.kind(node.args[0].value)
        if isinstance(given, Tensor) and given.rank:  # Python takes no array with axes for a number
            held = rewriter.expr(node.args[0])
            return node.with_changes(args=[held.with_changes(value=method_call(held.value, "item", []))])
    return rewriter.generic(node)


def _has_attribute(rewriter: Rewriter, node: cst.Call, names: Seq[str]) -> cst.BaseExpression:
    """``hasattr(m, "kernel")``; with ``any`` where the parameter has another name in each layer."""
    rewriter.tally.translated += 1
    owner: cst.BaseExpression = rewriter.expr(node.args[0].value)
    texts: list[cst.BaseExpression] = [cst.SimpleString(f'"{name}"') for name in names]
    if len(texts) == 1:
        return call(cst.Name("hasattr"), [owner, texts[0]])
    each = cst.Name(fresh_name(rewriter, "name"))
    listed = cst.Tuple([cst.Element(text) for text in texts])
    tests = cst.GeneratorExp(call(cst.Name("hasattr"), [owner, each]), cst.CompFor(each, listed), lpar=[], rpar=[])
    return call(cst.Name("any"), [tests])


def mutation(rewriter: Rewriter, node: cst.Call, fact: RuleCall) -> Any:
    """An in-place call inside an expression: assign first, then read."""
    if fact.target is None or not can_put(rewriter, fact.target):
        return rule_call(rewriter, node, fact)
    _refuse_moving(rewriter, node)
    rewriter.before += assign_result(rewriter, node, fact)
    return rewriter.expr(fact.target)


def moved_call(rewriter: Rewriter, node: cst.Call) -> Any:
    """A call of channel-last layers on an array of any rank: its axis 1 goes to the end, and comes back."""
    rewriter.tally.transposes += 2
    moveaxis = attribute(rewriter.root("jnp"), "moveaxis")
    result: Any = module_call(rewriter, node)
    moved = call(moveaxis, [result.args[0].value, number(1), number(-1)])
    return call(moveaxis, [result.with_changes(args=[cst.Arg(moved)]), number(-1), number(1)])


def _refuse_moving(rewriter: Rewriter, node: cst.BaseExpression) -> None:
    """A change in a part of an expression that runs only perhaps, or several times, is no line before it."""
    if rewriter.conditional:
        flag(
            rewriter,
            node,
            "T2J105",
            "an array is changed in place inside of an expression that may not run just once",
            "write the change as a statement of its own, under an `if` or in a loop",
        )


def user_call(rewriter: Rewriter, node: cst.Call, fact: UserCall) -> Any:
    """A call inside the project: the same, with ``rngs`` passed on."""
    result: Any = rewriter.generic(node)
    if node in rewriter.program.handed_calls:
        result = giving_gradients(rewriter, node, result)
    func = result.func if isinstance(result, cst.Call) else result
    called = isinstance(func, cst.Attribute) and func.attr.value == "forward"
    if called and isinstance(func, cst.Attribute) and all(target.is_forward for target in fact.targets):
        result = result.with_changes(func=without_forward(func))
    if fact.rngs:
        result = with_keyword(result, "rngs", rewriter.rngs())
    returned = rewriter.facts.returned.get(node)
    if returned is not None and rewriter.taken_back is not node:
        _refuse_moving(rewriter, node)
        rewriter.before += take_back(rewriter, node, result)
        return rewriter.expr(returned.places[0])
    return result


def without_forward(func: cst.Attribute) -> cst.BaseExpression:
    """``m.forward`` is ``m``; ``super().forward`` is ``super().__call__``."""
    value = func.value
    if isinstance(value, cst.Call) and isinstance(value.func, cst.Name) and value.func.value == "super":
        return func.with_changes(attr=cst.Name("__call__"))
    if isinstance(value, cst.Name) and value.value[:1].isupper():
        return func.with_changes(attr=cst.Name("__call__"))
    return value


def module_call(rewriter: Rewriter, node: cst.Call) -> Any:
    """A call of an object."""
    result: Any = rewriter.generic(node)
    if isinstance(result.func, cst.Attribute) and result.func.attr.value == "forward":
        result = result.with_changes(func=without_forward(result.func))
    return result


def with_keyword(node: cst.Call, keyword: str, value: cst.BaseExpression) -> cst.Call:
    """One more keyword, before ``**kwargs``, laid out as the arguments are."""
    if any(arg.keyword is not None and arg.keyword.value == keyword for arg in node.args):
        return node
    args = list(node.args)
    new = argument(value, keyword)
    at = next((i for i, arg in enumerate(args) if arg.star == "**"), len(args))
    multiline = bool(args) and isinstance(args[-1].comma, cst.Comma) and at == len(args)
    if args and at == len(args) and not isinstance(args[-1].comma, cst.Comma):
        last = args[-1]
        trailing = last.whitespace_after_arg
        args[-1] = last.with_changes(comma=_comma_like(args), whitespace_after_arg=cst.SimpleWhitespace(""))
        new = new.with_changes(whitespace_after_arg=trailing)
    elif multiline:
        closing = args[-1].comma
        args[-1] = args[-1].with_changes(comma=_comma_like(args))
        new = new.with_changes(comma=closing)
    elif at < len(args):
        new = new.with_changes(comma=cst.Comma(whitespace_after=cst.SimpleWhitespace(" ")))
    args.insert(at, new)
    return node.with_changes(args=args)


def _comma_like(args: Seq[cst.Arg]) -> cst.Comma:
    for arg in args[:-1]:
        if isinstance(arg.comma, cst.Comma):
            return arg.comma
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
