"""Calls that rules translate: which overload, which branch, and what becomes of the arguments."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import replace
from itertools import product
from typing import Any

import libcst as cst

from torch2jax.infer.aliasing import is_looked_at, mark_stale
from torch2jax.infer.arguments import Arguments, as_arg, positional_args, spread, use_all
from torch2jax.infer.facts import Passed, RuleCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    FREE,
    UNKNOWN,
    Kind,
    Layer,
    Sequence,
    Tensor,
    options,
    without_none,
)
from torch2jax.infer.layout import MIXED, Layout
from torch2jax.infer.rule_layers import lacks_batch, uses_rngs
from torch2jax.infer.rule_results import call_result, plain_result
from torch2jax.infer.storage import storage_of
from torch2jax.infer.views import root_of
from torch2jax.rules.bind import Bound, Mismatch, bind
from torch2jax.rules.expr import reads_value
from torch2jax.rules.guards import Choice, choose
from torch2jax.rules.model import Refusal, Rule


def apply(
    frame: Frame,
    node: cst.BaseExpression,
    name: str,
    rules: Seq[Rule],
    arguments: Arguments,
    receiver: tuple[cst.BaseExpression, Kind] | None = None,
    target: cst.BaseExpression | None = None,
    *,
    doubting: bool = False,
) -> Kind:
    """Translate ``node`` by the first of ``rules`` that binds.

    doubting: what is called is surely this; an argument that it would refuse is taken for another than it seems.
    """
    arguments = spread(frame, arguments, rules)
    keywords = {key: as_arg(n, k) for key, (n, k) in arguments.keywords.items()}
    double = as_arg(*arguments.double_star) if arguments.double_star else None
    reasons: list[str] = []
    expansions = (False, True) if arguments.star is not None else (False,)
    for doubted, expand in product((False, True) if doubting else (False,), expansions):
        positional = positional_args(frame, arguments, expand)
        if receiver is not None:
            positional.insert(0, as_arg(*receiver))
        for rule in rules:
            bound = bind(rule, positional, keywords, None, double, doubting=doubted)
            if isinstance(bound, Mismatch):
                reasons.append(bound.reason)
                continue
            for assumption in bound.assumed:
                frame.report("T2J201", node, f"{name}: assumed that {assumption}")
            return _apply_bound(frame, node, name, rule, rule, bound, arguments, receiver, target)
    use_all(frame, arguments, receiver)
    frame.report("T2J102", node, f"{name}: {reasons[0] if reasons else 'the call fits no known signature'}")
    frame.facts.calls.pop(node, None)
    # what is not known yet must not spoil what a later pass finds out
    return Tensor() if rules and rules[0].result == "Tensor" else FREE


def _apply_bound(
    frame: Frame,
    node: cst.BaseExpression,
    name: str,
    rule: Rule,
    signature: Any,
    bound: Bound,
    arguments: Arguments,
    receiver: tuple[cst.BaseExpression, Kind] | None,
    target: cst.BaseExpression | None,
) -> Kind:
    choice = choose(signature, bound)
    if isinstance(choice, Refusal):
        use_all(frame, arguments, receiver)
        frame.facts.calls.pop(node, None)
        frame.report("T2J103", node, f"{name}: {choice.reason}", choice.hint)
        return plain_result(frame, node, rule)
    report_choice(frame, node, name, rule, signature, choice)
    kinds = dict(arguments.nodes()) | arguments.keywords_of_parts
    if receiver is not None:
        kinds[receiver[0]] = receiver[1]
    first = receiver[0] if receiver is not None else target
    overwritten: Tensor | None = None
    if target is not None and first is not None and is_overwritten(rule, signature, choice, kinds, first):
        overwritten = array if isinstance(array := without_none(kinds[first]), Tensor) else None
        kinds[first] = without_layout(kinds[first])
    result, overrides, moved = call_result(frame, node, name, rule, signature, bound, choice, kinds)
    if overwritten is not None and isinstance(result, Tensor) and overwritten.layout == MIXED:
        result = replace(result, layout=MIXED)
    if uses_rngs(choice.branch.template):
        frame.needs_rngs(builds=rule.result == "Module" or rule.mode == "init")
    frame.facts.calls[node] = RuleCall(
        rule, signature, bound, choice, receiver[0] if receiver else None, target, overrides, moved
    )
    for param in signature.params:
        given = bound.args[param.name]
        if param.annotation == "Out" and given.arg is not None and given.explicit and given.type != "none":
            kind = kinds.get(given.arg.node, UNKNOWN)
            return _written_out(frame, node, f"{name}: `{param.name}=`", given.arg.node, kind, result)
        if param.annotation == "Inplace" and given.value is not False and target is None:
            changed = next(iter(bound.args.values())).arg
            if changed is not None:
                return written_back(frame, node, changed.node, result, certain=given.value is True)
    return result


def _written_out(
    frame: Frame, node: cst.BaseExpression, what: str, out: cst.BaseExpression, kind: Kind, result: Kind
) -> Kind:
    """``torch.add(x, y, out=z)`` assigns to ``z``."""
    from torch2jax.infer.calls import mutate, written_place

    place = written_place(frame, out)
    plain, new = without_none(kind), without_none(result)
    alike = (
        isinstance(plain, Tensor)
        and isinstance(new, Tensor)
        and (new.dtype or plain.dtype) == (plain.dtype or new.dtype)
    )
    if not alike or place is None or root_of(frame, place) is None:
        mark_stale(frame, out, node)
        frame.report("T2J103", node, f"{what} writes into an array", "assign the result instead")
        return result
    frame.facts.calls[node] = replace(frame.facts.calls[node], target=place)
    return mutate(frame, node, place, result)


def written_back(
    frame: Frame, node: cst.BaseExpression, argument: cst.BaseExpression, result: Kind, *, certain: bool
) -> Kind:
    """``F.relu(x, inplace=True)`` changes ``x``, and gives it: an assignment, where anyone looks at ``x`` again."""
    from torch2jax.infer.calls import mutate, written_place

    place = written_place(frame, argument)
    fact = frame.facts.calls.get(node)
    if place is None or not storage_of(frame, place):
        return result
    follows = certain and root_of(frame, place) is not None and frame.certain
    if follows and isinstance(fact, RuleCall) and is_looked_at(frame, node, place):
        frame.facts.calls[node] = replace(fact, target=place)
        return mutate(frame, node, place, result, quiet=True)
    mark_stale(frame, place, node)
    return result


def is_overwritten(
    rule: Rule, signature: Any, choice: Choice, kinds: dict[cst.BaseExpression, Kind], target: cst.BaseExpression
) -> bool:
    """Whether a parameter gets a value that has nothing of its old one but shape and dtype: its axes may lie anyhow."""
    held = without_none(kinds.get(target, UNKNOWN))
    if not isinstance(held, Tensor) or not held.variable:
        return False
    others = [kind for node, kind in kinds.items() if node is not target]
    alone = not any(_is_array(kind) for kind in others)
    name = str(signature.params[0].name)
    return rule.mode == "init" or (alone and not reads_value(choice.branch.template, name, _MEASURES))


_MEASURES = ("shape", "dtype", "ndim", "size")


def _is_array(kind: Kind) -> bool:
    return any(isinstance(option, Tensor | Sequence) for option in options(kind))


def without_layout(kind: Kind) -> Kind:
    """An array of which only the shape and dtype are asked, as it lies."""
    return replace(kind, layout=None, variable=False, detached=False) if isinstance(kind, Tensor) else kind


def report_choice(frame: Frame, node: cst.CSTNode, name: str, rule: Rule, signature: Any, choice: Choice) -> None:
    """What the choice of a branch assumes, leaves out, and warns of."""
    for assumption in choice.assumptions:
        frame.report("T2J201", node, f"{name}: assumed that {assumption}")
    receiver = signature.params[0].name if signature.params and signature.params[0].name == "self" else None
    for unused in choice.unused:
        if unused == receiver:
            continue
        frame.report("T2J102", node, f"{name}: argument `{unused}=` has no translation")
    for dropped in choice.dropped:
        frame.report("T2J301", node, f"{name}: argument `{dropped}=` has no meaning in JAX and is dropped")
    for caveat in rule.caveats:
        frame.report("T2J205", node, f"{name}: {caveat}")


def call_layer(frame: Frame, node: cst.Call, layer: Layer, arguments: Arguments) -> Kind:
    """Call an object that a Module rule built."""
    signature = layer.rule.call
    assert signature is not None
    arguments = spread(frame, arguments, ())
    receiver = (node.func, layer)
    positional = [as_arg(node.func, layer), *positional_args(frame, arguments, False)]
    keywords = {key: as_arg(n, k) for key, (n, k) in arguments.keywords.items()}
    double = as_arg(*arguments.double_star) if arguments.double_star else None
    bound = bind(signature, positional, keywords, None, double)
    if isinstance(bound, Mismatch):
        use_all(frame, arguments)
        frame.report("T2J102", node, f"call of {layer.name}: {bound.reason}")
        return Tensor()
    choice = choose(signature, bound)
    if isinstance(choice, Refusal):
        use_all(frame, arguments)
        frame.report("T2J103", node, f"call of {layer.name}: {choice.reason}", choice.hint)
        return Tensor()
    report_choice(frame, node, layer.name, layer.rule, signature, choice)
    kinds = dict(arguments.nodes())
    rule = layer.rule
    if rule.mode in ("along", "reduce", "permute"):
        rule = replace(rule, mode="opaque")
    called = replace(rule, result=signature.result) if signature.result is not None else rule
    result, overrides, moved = call_result(frame, node, called.name, called, signature, bound, choice, kinds)
    if layer.unit and isinstance(result, Tensor):
        result = replace(result, unit=True)
    if layer.rule.mode == "along" and isinstance(result, Tensor):
        first = without_none(next(iter(kinds.values()), UNKNOWN))
        result = replace(result, rank=first.rank if isinstance(first, Tensor) else None)
    frame.facts.calls[node] = RuleCall(layer.rule, signature, bound, choice, receiver[0], None, overrides, moved)
    frame.facts.passed.append(
        _passed(frame, layer, arguments, result, is_plain=not moved and _is_call(choice.branch.template))
    )
    if layer.inplace and arguments.positional:
        return written_back(frame, node, arguments.positional[0][0], result, certain=layer.surely_inplace)
    return result


def _passed(frame: Frame, layer: Layer, arguments: Arguments, result: Kind, *, is_plain: bool) -> Passed:
    """In which axis order data goes into a layer that is called, and comes out."""
    entry: Layout = None
    is_plain = is_plain and len(arguments.positional) == 1 and not arguments.keywords and arguments.star is None
    if arguments.positional:
        holder, kind = arguments.positional[0]
        plain, relayout = without_none(kind), frame.facts.relayouts.get(holder)
        own = plain.layout if isinstance(plain, Tensor) else None
        entry = own if relayout is None else relayout.target
        is_plain = is_plain and not lacks_batch(
            layer.rule, plain.rank if isinstance(plain, Tensor) else None, layer.flax
        )
    return Passed(layer.site, entry, result.layout if isinstance(result, Tensor) else None, is_plain)


def _is_call(template: Any) -> bool:
    """Whether the object that a rule builds is called as PyTorch's is: ``self(input)``."""
    match template:
        case ("call", ("param", "self"), (("", None, ("param", _)),)):
            return True
    return False
