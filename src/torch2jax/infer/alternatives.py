"""Calls of what may be one of several: modules, classes of layers, functions."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.arguments import Arguments, fits
from torch2jax.infer.effects import note_call
from torch2jax.infer.facts import FactoryCall, ModuleCall, RuleCall, UserCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    Api,
    BoundApi,
    ClassRef,
    Container,
    Dtype,
    Free,
    Function,
    Instance,
    Kind,
    Layer,
    Mapping,
    NoneKind,
    Number,
    Partial,
    Sequence,
    Str,
    Tensor,
    Tuple,
    Union,
    array_of,
    is_module,
    options,
    union,
    without_none,
)
from torch2jax.infer.module_flow import (
    ANY,
    OPEN,
    assume_two_axes,
    bring_together,
    entry_of,
    flow_one,
    in_torch_order_first,
    pin_modules,
)
from torch2jax.infer.program import FunctionInfo
from torch2jax.infer.rule_calls import apply
from torch2jax.infer.rule_layers import uses_rngs


def call_alternatives(frame: Frame, node: cst.Call, alternatives: list[Kind], arguments: Arguments) -> Kind:
    """A call of something that may be one of several; those that Python would refuse to call so are left out."""
    alternatives = [kind for kind in alternatives if _accepts(kind, arguments)] or alternatives
    if len(alternatives) == 1:
        from torch2jax.infer.calls import call_kind

        return call_kind(frame, node, alternatives[0], arguments)
    certain, frame.certain = frame.certain, False
    result = _call_each(frame, node, alternatives, arguments)
    frame.certain = certain
    return result


def _call_each(frame: Frame, node: cst.Call, alternatives: list[Kind], arguments: Arguments) -> Kind:
    if all(is_module(kind) for kind in alternatives):
        return _call_modules(frame, node, alternatives, arguments)
    if all(_is_factory(frame, kind) for kind in alternatives):
        return call_factory(frame, node, union(alternatives), arguments)
    from torch2jax.infer.calls import call_one

    known = [kind for kind in alternatives if not isinstance(kind, Free)]
    if any(isinstance(kind, BoundApi) and isinstance(kind.receiver, Tensor) for kind in known):
        known = [kind for kind in known if not isinstance(kind, BoundApi) or _has_method(kind.receiver, kind.name)]
    results, facts, orders = [], [], set()
    for kind in sorted(known, key=_is_identity):
        if _is_identity(kind):
            results.append(_as_passed(frame, arguments))
            facts.append(ModuleCall())
            continue
        results.append(call_one(frame, node, kind, arguments))
        facts.append(frame.facts.calls.pop(node, None))
        orders.add(_orders(frame, arguments))
    if len(orders) > 1 or len({result.layout for result in results if isinstance(result, Tensor)}) > 1:
        pin_modules(frame, [kind for kind in known if is_module(kind)])
        frame.report("T2J106", node, "what may be called here takes or gives arrays in different axis orders")
    _unite(frame, node, known, facts)
    return union(results)


def _is_identity(kind: Kind) -> bool:
    """Whether it is ``lambda x: x``, which takes anything in any axis order."""
    lambda_ = kind.info.node if isinstance(kind, Function) else None
    if not isinstance(lambda_, cst.Lambda) or not isinstance(lambda_.body, cst.Name):
        return False
    params = lambda_.params.params
    return len(params) == 1 and params[0].name.value == lambda_.body.value


def _as_passed(frame: Frame, arguments: Arguments) -> Kind:
    """The first argument as the other alternatives of a call want it."""
    holder, kind = arguments.positional[0]
    relayout = frame.facts.relayouts.get(holder)
    plain = without_none(kind)
    if relayout is None or not isinstance(plain, Tensor):
        return frame.read(holder, kind)
    return replace(plain, layout=relayout.target, rank=plain.rank or relayout.rank)


def _orders(frame: Frame, arguments: Arguments) -> tuple[Any, ...]:
    """The axis order in which each argument is passed now."""
    found = []
    for holder, kind in arguments.nodes():
        plain, relayout = without_none(kind), frame.facts.relayouts.get(holder)
        own = plain.layout if isinstance(plain, Tensor) else None
        found.append(own if relayout is None else relayout.target)
    return tuple(found)


def _accepts(kind: Kind, arguments: Arguments) -> bool:
    """Whether a call with these arguments fits what is called, as far as that is known."""
    if isinstance(kind, Str | Number | NoneKind):
        return False
    if arguments.star is not None or arguments.double_star is not None:
        return True
    count, names = len(arguments.positional), set(arguments.keywords)
    match kind:
        case Layer():
            params = kind.rule.call.params[1:] if kind.rule.call is not None else ()
            known = {param.name for param in params}
            starred = any(param.kind in ("var_pos", "var_kw") for param in params)
            return starred or (count <= len(params) and names <= known)
        case Container(type="Sequential"):
            return count + len(names) == 1
        case Instance(cls=cls) if cls.is_module:
            method = cls.find("forward")
            return method is None or method.accepts(count + 1, names)
        case Function(info=info, bound=bound):
            return bool(info.decorators) or info.accepts(count + (bound is not None), names)
        case _:
            return True


_PYTHON_TYPES: dict[type[Kind], tuple[type, ...]] = {
    Number: (int, float, complex),
    NoneKind: (type(None),),
    Str: (str,),
    Tuple: (tuple,),
    Sequence: (list, tuple, set),
    Mapping: (dict,),
}


def _has_method(kind: Kind, name: str) -> bool:
    """Whether a value of Python has a method of this name; True where its type is not known."""
    types = _PYTHON_TYPES.get(type(kind))
    return types is None or any(hasattr(each, name) for each in types)


def _unite(frame: Frame, node: cst.Call, kinds: list[Kind], facts: list[Any]) -> None:
    """One translation for a call that may reach several things, if they allow one."""
    if all(
        isinstance(fact, FactoryCall) or (isinstance(fact, RuleCall) and fact.signature is fact.rule) for fact in facts
    ):
        rules = [rule for f in facts for rule in (f.rules if isinstance(f, FactoryCall) else (f,))]
        held = all(isinstance(kind, BoundApi) for kind in kinds)
        is_one = held and len({id(r.rule) for r in rules}) == 1
        are_types = [_is_tensor_type(kind) for kind in kinds]
        if any(are_types):  # what stands for these elsewhere are dtypes, which build nothing
            is_one = all(are_types) and all(_is_same_call(rules[0], rule) for rule in rules)
        if is_one or not any(are_types):
            frame.facts.calls[node] = rules[0] if is_one else FactoryCall(tuple(rules), False)
            return
    if any(_is_tensor_type(kind) for kind in kinds) or not all(_stays(fact) for fact in facts):
        what = ", ".join(sorted({_named(kind) for kind in kinds}))
        frame.report(
            "T2J107", node, f"what is called here may be one of several things that translate differently ({what})"
        )
        return
    targets = tuple(t for f in facts if isinstance(f, UserCall | ModuleCall) for t in f.targets)
    passing = {_passes_rngs(fact) for fact in facts}
    if len(passing) > 1 and all(_give_rngs(frame, fact) for fact in facts):
        passing = {True}
    elif len(passing) > 1:
        frame.report(
            "T2J107", node, "some of the functions that may be called here draw random numbers and some do not"
        )
    forward = any(isinstance(fact, UserCall) and fact.forward for fact in facts)
    frame.facts.calls[node] = UserCall(targets, True, forward) if passing == {True} else ModuleCall(targets)


def _is_tensor_type(kind: Kind) -> bool:
    """Whether it is ``torch.FloatTensor`` or one of its sisters."""
    return isinstance(kind, Dtype) or (isinstance(kind, Api) and kind.name.endswith("Tensor"))


def _is_same_call(one: RuleCall, other: RuleCall) -> bool:
    """Whether two calls have one translation."""
    same = bool(one.choice.branch.template == other.choice.branch.template)
    return same and one.bound.args.keys() == other.bound.args.keys()


def _passes_rngs(fact: Any) -> bool:
    """Whether a call passes ``rngs``, as that of a class of layers does which draws its weights."""
    if isinstance(fact, FactoryCall):
        return fact.rngs and any(uses_rngs(rule.choice.branch.template) for rule in fact.rules)
    return isinstance(fact, UserCall) and fact.rngs


def _give_rngs(frame: Frame, fact: Any) -> bool:
    """Let a function take ``rngs``, as what may be called in its place does; False if it can't."""
    if _passes_rngs(fact):
        return True
    if not isinstance(fact, UserCall) or not all(_may_take_rngs(target) for target in fact.targets):
        return False
    for target in fact.targets:
        if not target.given_rngs:
            target.given_rngs = True
            frame.program.dirty.update({target, *target.callers})
    return True


def _may_take_rngs(fn: FunctionInfo) -> bool:
    params = fn.parameters()
    plain = isinstance(fn.node, cst.FunctionDef) and fn.owner is None and not fn.decorators and not fn.has_own_rngs
    return plain and params is not None and params.star_kwarg is None


def _stays(fact: Any) -> bool:
    """Whether a call is written as it stands in the source: the object, or the function's value, on its arguments."""
    if isinstance(fact, FactoryCall):
        return len(fact.rules) == 1 and _is_plain(fact.rules[0], fact.given)
    return not isinstance(fact, RuleCall) or _is_plain(fact, ())


def _is_plain(fact: RuleCall, before: Seq[str]) -> bool:
    """Whether a rule's call is; ``before`` are the arguments that functools.partial has given."""
    template = fact.choice.branch.template
    if fact.signature is fact.rule and template is not None and template[0] == "call":
        given = [name for name, arg in fact.bound.args.items() if arg.explicit and name not in before]
        placed = [
            value[1] for star, keyword, value in template[2] if not star and keyword is None and value[0] == "param"
        ]
        return bool(given) and placed[: len(given)] == given
    return (
        fact.signature is not fact.rule
        and not fact.moved
        and bool(template)
        and template[:2] == ("call", ("param", "self"))
    )


def _named(kind: Kind) -> str:
    match kind:
        case Api(name=name) | Layer(name=name):
            return name
        case Function(info=info):
            return info.name
        case ClassRef(cls=cls) | Instance(cls=cls):
            return cls.name
        case BoundApi(receiver=receiver, name=name):
            return f"{type(receiver).__name__}.{name}"
        case Partial(func=func):
            return _named(func)
    return type(kind).__name__


def _call_modules(frame: Frame, node: cst.Call, alternatives: list[Kind], arguments: Arguments) -> Kind:
    """One of several modules: all must take and give the same layout."""
    from torch2jax.infer.calls import call_one, passed_arguments

    frame.facts.calls[node] = ModuleCall()
    if len(arguments.positional) == 1 and not arguments.keywords and arguments.star is None:
        holder, kind = arguments.positional[0]
        tensor = array_of(kind)
        if isinstance(tensor, Tensor):
            entries = {entry_of(frame, option, tensor) for option in alternatives}
            known = {rank for _, rank in entries if rank is not None}
            if any(entry is OPEN for entry, _ in entries) and len(known) == 1:
                tensor = replace(tensor, rank=known.pop())
                entries = {entry_of(frame, option, tensor) for option in alternatives}
            definite = {entry for entry in entries if entry[0] is not ANY}
            if definite == {(OPEN, None)}:
                frame.use(holder, tensor)
                frame.facts.calls[node] = ModuleCall(moved=True)
                return Tensor(None, tensor.dtype)
            if (OPEN, None) in definite and not any(isinstance(o, Instance) for o in alternatives):
                tensor = assume_two_axes(frame, union(alternatives), tensor)
                definite = {e for e in (entry_of(frame, o, tensor) for o in alternatives) if e[0] is not ANY}
            if len({entry for entry, _ in definite}) > 1:
                bring_together(frame, alternatives, tensor)
                frame.report("T2J106", node, "the modules that may be called here disagree about the axis order")
            entry, rank = min(definite, key=in_torch_order_first) if definite else (ANY, None)
            if entry is OPEN:
                entry = None
            if entry is ANY:
                frame.read(holder, tensor)
            else:
                tensor = frame.use(holder, replace(tensor, rank=tensor.rank or rank), entry)
            assert isinstance(tensor, Tensor)
            results = [flow_one(frame, option, tensor) for option in alternatives]
            if len({r.layout for r in results if isinstance(r, Tensor)}) > 1:
                bring_together(frame, alternatives, tensor)
                frame.report("T2J106", node, "the modules that may be called here return different axis orders")
            return union(results)
    results = [call_one(frame, node, kind, arguments) for kind in alternatives]
    targets = tuple(
        target
        for kind in alternatives
        if isinstance(kind, Instance) and (target := kind.cls.find("forward")) is not None
    )
    frame.facts.calls[node] = ModuleCall(targets)
    for kind in alternatives:
        method = kind.cls.find("forward") if isinstance(kind, Instance) else None
        if method is not None:
            note_call(frame, node, method, passed_arguments(node, method, arguments, kind))
    return union(results)


def _is_factory(frame: Frame, kind: Kind) -> bool:
    if isinstance(kind, ClassRef):
        return kind.cls.is_module
    if isinstance(kind, Partial):
        return _is_factory(frame, kind.func)
    return isinstance(kind, Api) and is_layer_class(frame, kind.name)


def is_layer_class(frame: Frame, name: str) -> bool:
    """Whether a name of torch is a class of layers that has a rule."""
    rules = frame.program.book.lookup(name)
    return bool(rules) and rules[-1].result == "Module"


GIVEN = cst.Name("given")


def call_factory(frame: Frame, node: cst.Call, callee: Kind, arguments: Arguments) -> Kind:
    """A variable that holds classes of layers is called: ``norm_layer(dim)``."""
    from torch2jax.infer.calls import construct

    results: list[Kind] = []
    rules: list[RuleCall] = []
    given: set[str] = set()
    rngs = False
    for option in options(callee):
        merged, target = arguments, option
        if isinstance(option, Partial):
            target = option.func
            given |= {name for name, _ in option.keywords if name not in arguments.keywords}
            extra = {
                name: (cst.Name("given"), kind) for name, kind in option.keywords if name not in arguments.keywords
            }
            before = [(cst.Name("given"), kind) for kind in option.positional]
            merged = Arguments([*before, *arguments.positional], {**extra, **arguments.keywords}, arguments.star)
        if isinstance(target, ClassRef):
            target.cls.is_value = True
            results.append(construct(frame, node, target.cls, merged))
            rngs = rngs or target.cls.takes_rngs
        elif isinstance(target, Api):
            found = [rule for rule in frame.program.book.lookup(target.name) if rule.kind == "rule"]
            if isinstance(callee, Union) and not fits(frame, found, merged):
                continue  # PyTorch itself would refuse this one here
            kind = apply(frame, node, target.name, found, merged)
            fact = frame.facts.calls.pop(node, None)
            results.append(kind)
            if isinstance(fact, RuleCall):
                rules.append(fact)
                rngs = rngs or not (isinstance(kind, Layer) and kind.stateless)
    frame.facts.calls[node] = FactoryCall(tuple(rules), rngs, tuple(sorted(given)))
    return union(results)
