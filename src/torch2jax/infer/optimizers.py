"""Optimizers: whose parameters they hold, in which groups, and the rule's transform of each group."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Seq
from dataclasses import dataclass
from typing import Any

import libcst as cst

from torch2jax.infer.arguments import Arguments, as_arg, positional_args, spread, take, use_all
from torch2jax.infer.facts import OptimizerCall, RuleCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    FLOAT,
    FREE,
    INT,
    NONE,
    UNKNOWN,
    Api,
    BoundApi,
    Function,
    Kind,
    Optimizer,
    ParamGroups,
    Scheduler,
    Sequence,
    Source,
    State,
    Tensor,
    is_module,
    options,
    without_none,
)
from torch2jax.infer.rule_calls import report_choice
from torch2jax.infer.selections import module_of
from torch2jax.infer.states import puts_back
from torch2jax.rules.bind import Bound, BoundArg, Mismatch, bind
from torch2jax.rules.guards import choose
from torch2jax.rules.model import Refusal, Rule
from torch2jax.source.nodes import dotted_name, walk

Followed = dict[Any, cst.Name]
"""The variables that are looked into: what binds each, and where it is read."""


@dataclass(frozen=True, slots=True)
class _Group:
    """Parameters that share hyperparameters, and those of the group's own.

    ``given``: what has the parameters. ``sources``: the modules all whose parameters it has, or None if it is a list of
    some that the program picks.
    """

    given: cst.BaseExpression
    sources: tuple[Source, ...] | None
    own: tuple[tuple[str, cst.BaseExpression], ...] = ()


def build_optimizer(frame: Frame, node: cst.Call, name: str, rule: Rule, arguments: Arguments) -> Kind:
    """``optim.SGD(model.parameters(), lr=0.1)``: an optimizer, translated where it is known what it is to train."""
    arguments = spread(frame, arguments, (rule,))
    keywords = {key: as_arg(n, k) for key, (n, k) in arguments.keywords.items()}
    double = as_arg(*arguments.double_star) if arguments.double_star else None
    bound = bind(rule, positional_args(frame, arguments, False), keywords, None, double)
    unknown = Optimizer(name, (), node)
    if isinstance(bound, Mismatch):
        use_all(frame, arguments)
        frame.report("T2J102", node, f"{name}: {bound.reason}")
        return unknown
    given = next(arg for arg in bound.args.values() if arg.param.annotation == "Parameters").arg
    assert given is not None
    for value, kind in arguments.nodes():
        if value is not given.node:
            take(frame, value, kind)
    followed: Followed = {}
    groups = _groups(frame, given.node, followed)
    held = _held(frame, groups) if groups is not None else None
    if groups is None or held is None:
        what = cst.Module([]).code_for_node(given.node)
        hint = "build it from `model.parameters()`, or from groups of such, in the function that has the model"
        frame.report("T2J103", node, f"{name}: it can't be told whose parameters `{what}` are", hint)
        return unknown
    transforms = [_transform(frame, node, name, rule, bound, group) for group in groups]
    if any(transform is None for transform in transforms):
        return unknown
    _drop_unread(frame, followed)
    sources = tuple(source for group in held for source in group)
    _take_variables(frame, [given.node, *(frame.facts.assigned[definition] for definition in followed)], sources)
    lists = tuple(group.given for group in groups) if any(group.sources is None for group in groups) else ()
    frame.facts.calls[node] = OptimizerCall(held, tuple(each for each in transforms if each is not None), lists)
    return Optimizer(name, held, node, len(lists))


def _held(frame: Frame, groups: Seq[_Group]) -> tuple[tuple[Source, ...], ...] | None:
    """What the nnx.Optimizer is built for: the sources of each group, or the module that parameters are picked of."""
    whole = tuple(group.sources for group in groups if group.sources is not None)
    if len(whole) == len(groups):
        return whole
    module = module_of(frame, [group.given for group in groups])
    return None if module is None else ((module,),)


def _drop_unread(frame: Frame, followed: Followed) -> None:
    """A variable that held nothing but what the optimizer is given is not assigned any more."""
    if isinstance(frame.fn.node, cst.Module) and len(frame.program.files) > 1:
        return  # another file may read it
    names = [part.value for part in walk(frame.fn.node) if isinstance(part, cst.Name)]
    for definition, use in followed.items():
        if names.count(use.value) == 2:
            frame.facts.special[definition] = ("not_assigned",)


def _take_variables(frame: Frame, given: Seq[cst.BaseExpression], sources: Seq[Source]) -> None:
    """An optimizer takes the Variables themselves, whichever way their axes lie."""
    inside = {part for each in given for part in walk(each)}
    for key in [key for key in frame.facts.findings if key[0] == "T2J106" and key[1] in inside]:
        del frame.facts.findings[key]
    for source in sources:
        frame.facts.reads.discard(source.node)
        frame.facts.relayouts.pop(source.node, None)


def _transform(frame: Frame, node: cst.Call, name: str, rule: Rule, bound: Bound, group: _Group) -> RuleCall | None:
    """How a group is updated: the rule with the arguments of the call and those of the group."""
    args = {key: arg for key, arg in bound.args.items() if arg.param.annotation != "Parameters"}
    for key, value in group.own:
        if key not in args:
            hint = "keep it in a variable of its own"
            frame.report("T2J103", node, f"{name}: a group of parameters has no place for `{key}`", hint)
            return None
        own = as_arg(value, frame.facts.kinds.get(value, UNKNOWN))
        args[key] = BoundArg(args[key].param, own, explicit=True)
    merged = Bound(
        args, tuple(dict.fromkeys((*(key for key in bound.order if key in args), *(key for key, _ in group.own))))
    )
    choice = choose(rule, merged)
    if isinstance(choice, Refusal):
        frame.report("T2J103", node, f"{name}: {choice.reason}", choice.hint)
        return None
    report_choice(frame, node, name, rule, rule, choice)
    return RuleCall(rule, rule, merged, choice)


# --- parameters ----------------------------------------------------------------------------------------------------


def _groups(frame: Frame, node: cst.BaseExpression, followed: Followed) -> tuple[_Group, ...] | None:
    """The groups of what an optimizer is given; None where that can't be told."""
    node = _followed(frame, node, followed)
    inside: Followed = {}
    values = [element.value for element in node.elements] if isinstance(node, cst.List | cst.Tuple) else []
    elements = [_followed(frame, value, inside) for value in values]
    if any(isinstance(element, cst.Dict) for element in elements):
        followed |= inside
        groups = [_group(frame, element, followed) for element in elements]
        return None if any(group is None for group in groups) else tuple(group for group in groups if group is not None)
    return (_of_parameters(frame, node, followed),)


def _of_parameters(frame: Frame, node: cst.BaseExpression, followed: Followed, own: Any = ()) -> _Group:
    """A group of what has parameters; the variables that were followed are not needed if it is whole modules."""
    inside: Followed = {}
    sources = _sources(frame, node, inside)
    if sources is not None:
        followed |= inside
    return _Group(node, sources, own)


def _group(frame: Frame, node: cst.BaseExpression, followed: Followed) -> _Group | None:
    """``{"params": model.head.parameters(), "lr": 0.1}``."""
    if not isinstance(node, cst.Dict):
        return None
    items: dict[str, cst.BaseExpression] = {}
    for element in node.elements:
        if not isinstance(element, cst.DictElement) or not isinstance(element.key, cst.SimpleString):
            return None
        items[str(element.key.evaluated_value)] = element.value
    given = items.pop("params", None)
    return None if given is None else _of_parameters(frame, given, followed, tuple(items.items()))


def _sources(frame: Frame, node: cst.BaseExpression, followed: Followed) -> tuple[Source, ...] | None:
    """Whose parameters an iterable of parameters has; None where that can't be told."""
    node = _followed(frame, node, followed)
    match node:
        case cst.Call():
            return _called(frame, node, followed)
        case cst.BinaryOperation(operator=cst.Add()):
            return _joined(frame, (node.left, node.right), followed)
        case cst.List() | cst.Tuple():
            found = [_element(frame, element, followed) for element in node.elements]
            return None if None in found else tuple(source for part in found if part is not None for source in part)
        case cst.ListComp() | cst.GeneratorExp():
            clause, item = node.for_in, node.for_in.target
            if not isinstance(item, cst.Name) or clause.inner_for_in is not None or not _same_name(node.elt, item):
                return None
            if all(_asks(test.test, item) for test in clause.ifs):
                return _sources(frame, clause.iter, followed)
    return None


def _called(frame: Frame, node: cst.Call, followed: Followed) -> tuple[Source, ...] | None:
    values = [arg.value for arg in node.args]
    if frame.facts.special.get(node) in (("module_method", "parameters"), ("module_method", "named_parameters")):
        if values or not isinstance(node.func, cst.Attribute):
            return None
        holder = node.func.value
        return (Source(holder, without_none(frame.facts.kinds.get(holder, UNKNOWN))),)
    kind = frame.facts.kinds.get(node.func)
    name = kind.name if isinstance(kind, Api) else ""
    if name in _SAME_ITEMS and len(values) == 1 and not node.args[0].star:
        return _sources(frame, values[0], followed)
    if name == "itertools.chain" and not any(arg.star for arg in node.args):
        return _joined(frame, values, followed)
    if name == "builtins.filter" and len(values) == 2:
        test = values[0]
        params = test.params.params if isinstance(test, cst.Lambda) else ()
        if isinstance(test, cst.Lambda) and len(params) == 1 and _asks(test.body, params[0].name):
            return _sources(frame, values[1], followed)
    return None


_SAME_ITEMS = frozenset(f"builtins.{name}" for name in ("list", "tuple", "iter", "set"))


def _joined(frame: Frame, parts: Seq[cst.BaseExpression], followed: Followed) -> tuple[Source, ...] | None:
    found = [_sources(frame, part, followed) for part in parts]
    return None if None in found else tuple(source for part in found if part is not None for source in part)


def _element(frame: Frame, element: cst.BaseElement, followed: Followed) -> tuple[Source, ...] | None:
    """An item of a list of parameters: one of them, or ``*model.parameters()``."""
    if isinstance(element, cst.StarredElement):
        return _sources(frame, element.value, followed)
    kind = without_none(frame.facts.kinds.get(element.value, UNKNOWN))
    if not isinstance(kind, Tensor) or not kind.variable:
        return None
    return (Source(element.value, kind),)


def _asks(test: cst.BaseExpression, name: cst.Name) -> bool:
    """Whether a test is ``p.requires_grad``, or that it is True: what is frozen is no nnx.Param, left out anyway."""
    match test:
        case cst.Comparison(
            left=left, comparisons=[cst.ComparisonTarget(operator=cst.Equal() | cst.Is(), comparator=cst.Name("True"))]
        ):
            test = left
    return isinstance(test, cst.Attribute) and test.attr.value == "requires_grad" and _same_name(test.value, name)


def _same_name(node: cst.BaseExpression, name: cst.Name) -> bool:
    return isinstance(node, cst.Name) and node.value == name.value


def _followed(frame: Frame, node: cst.BaseExpression, followed: Followed) -> cst.BaseExpression:
    """What a variable of the function was given, where that is one expression, and nothing is added to it."""
    seen: set[str] = set()
    while isinstance(node, cst.Name) and node.value not in seen:
        seen.add(node.value)
        held = frame.env.get(node.value)
        values = [frame.facts.assigned.get(d) for d in held.definitions] if held is not None else []
        if held is None or len(values) != 1 or values[0] is None or not _still_holds(frame, node, *held.definitions):
            return node
        followed[next(iter(held.definitions))] = node
        node = values[0]
    return node


def _still_holds(frame: Frame, use: cst.Name, definition: Any) -> bool:
    """Whether a variable's value may stand in its place: nothing is added to it, and its names mean the same there."""
    parts = list(walk(frame.fn.node))
    if definition not in parts or use not in parts or any(_changes(part, use) for part in parts):
        return False
    named = {dotted_name(part) for part in walk(frame.facts.assigned[definition])} - {None}
    between = parts[parts.index(definition) + 1 : parts.index(use)]
    return not named & {name for part in between for name in _bound(part)}


def _bound(part: cst.CSTNode) -> Iterator[str | None]:
    """The names and attributes that a node gives another value."""
    targets = [part.target] if isinstance(part, cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.For) else []
    for target in targets:
        elements = [e.value for e in target.elements] if isinstance(target, cst.Tuple | cst.List) else [target]
        yield from (dotted_name(element) for element in elements)


_CHANGES = frozenset("append extend insert remove pop clear update setdefault".split())


def _changes(part: cst.CSTNode, name: cst.Name) -> bool:
    """Whether a node changes the list or dictionary in a variable."""
    match part:
        case cst.Call(func=cst.Attribute(value=value, attr=cst.Name(value=method))):
            return method in _CHANGES and _same_name(value, name)
        case cst.AugAssign(target=target):
            return _same_name(target, name)
        case cst.AssignTarget(target=cst.Subscript(value=value)):
            return _same_name(value, name)
    return False


# --- schedulers ----------------------------------------------------------------------------------------------------


def built_scheduler(frame: Frame, node: cst.Call, name: str) -> Kind:
    """``StepLR(optimizer, 30)``, after its rule: the optimizer's rates are set from outside."""
    fact = frame.facts.calls.get(node)
    if not isinstance(fact, RuleCall):
        return Scheduler(name)
    changed = {"lr"}
    cycles = fact.bound.args.get("cycle_momentum")
    if cycles is not None and cycles.value is not False:
        changed.add("momentum")
    given = [arg for arg in fact.bound.args.values() if arg.param.annotation == "Optimizer" and arg.arg is not None]
    for arg in given:
        assert arg.arg is not None
        for option in options(without_none(frame.facts.kinds.get(arg.arg.node, UNKNOWN))):
            frame.facts.hyperparameters[_site(option)] |= changed
    return Scheduler(name)


def _site(kind: Kind) -> Any:
    """The call that builds an optimizer; None if it is not known."""
    return kind.site if isinstance(kind, Optimizer) else None


_SCHEDULER_METHODS = frozenset("step get_last_lr state_dict load_state_dict".split())
_SCHEDULER_ATTRIBUTES = {"last_epoch": INT, "best": FLOAT, "num_bad_epochs": INT, "base_lrs": FREE, "optimizer": FREE}


def scheduler_attribute(frame: Frame, node: cst.Attribute, kind: Scheduler, name: str) -> Kind:
    """A method of a scheduler, or one of the attributes that its translation has as well."""
    if name in _SCHEDULER_METHODS:
        return BoundApi(kind, name)
    if name not in _SCHEDULER_ATTRIBUTES:
        hint = "`get_last_lr()` gives the rates" if name == "get_lr" else ""
        frame.report("T2J108", node, f"`{name}` of a scheduler has no translation yet", hint)
    return _SCHEDULER_ATTRIBUTES.get(name, UNKNOWN)


def call_scheduler_method(frame: Frame, node: cst.Call, kind: Scheduler, name: str, arguments: Arguments) -> Kind:
    """``scheduler.step()`` and its like, which the translation has under the same names."""
    use_all(frame, arguments)
    count = len(arguments.nodes())
    if name == "step" and count > (0 if kind.name.endswith(_STEP_ALONE) else 1):
        frame.report("T2J102", node, f"{kind.name or 'a scheduler'}: this `step` takes no epoch", "leave the epoch out")
    if name == "get_last_lr":
        frame.program.heap[node].write(FLOAT, frame.program)
        return Sequence("list", node)
    return NONE if name in ("step", "load_state_dict") else FREE


_STEP_ALONE = ("SequentialLR", "ChainedScheduler")


# --- what is done with them ----------------------------------------------------------------------------------------

_METHODS = frozenset("step zero_grad state_dict load_state_dict add_param_group".split())
_HINTS = {
    "step": "compute gradients with nnx.value_and_grad and call `optimizer.update(model, grads)`",
    "zero_grad": "gradients are results in JAX and are not kept: leave it out",
    "state_dict": "`nnx.state(optimizer)` is the state of an nnx.Optimizer",
    "load_state_dict": "`nnx.update(optimizer, state)` puts a state back",
    "add_param_group": "give all groups where the optimizer is built",
}


def optimizer_attribute(frame: Frame, node: cst.Attribute, kind: Optimizer, name: str) -> Kind:
    """A method of an optimizer, or its groups of parameters."""
    if name == "param_groups":
        frame.facts.special[node] = ("param_groups",)
        frame.facts.hyperparameters[kind.site].add("lr")
        return ParamGroups(frozenset((kind.site,)))
    if name in _METHODS:
        return BoundApi(kind, name)
    frame.report("T2J108", node, f"Optimizer.{name} has no translation yet")
    return UNKNOWN


def call_optimizer_method(frame: Frame, node: cst.Call, name: str, arguments: Arguments) -> Kind:
    """``optimizer.step()`` and its like."""
    use_all(frame, arguments)
    frame.facts.special[node] = ("optimizer_method", name)
    if name in ("state_dict", "load_state_dict") and _calls_closures(frame, node):
        frame.report("T2J108", node, f"`{name}` of an optimizer that calls the loss by itself has no translation yet")
        return FREE
    if name == "state_dict" and not node.args:
        return State()
    if name == "load_state_dict" and puts_back(frame, node, arguments):
        return NONE
    frame.report("T2J108", node, f"Optimizer.{name} has no translation yet", _HINTS.get(name, ""))
    if name == "step" and len(arguments.positional) == 1 and isinstance(arguments.positional[0][1], Function):
        return arguments.positional[0][1].info.result.read(frame.fn)
    return NONE if name == "zero_grad" else FREE


def _calls_closures(frame: Frame, node: cst.Call) -> bool:
    kind = frame.facts.kinds.get(node.func.value) if isinstance(node.func, cst.Attribute) else None
    found = options(without_none(kind)) if kind is not None else ()
    return any(isinstance(option, Optimizer) and option.name.endswith(".LBFGS") for option in found)


def sources_of(kind: Kind) -> tuple[Source, ...]:
    """Whose parameters an optimizer holds, where every alternative holds the same; nothing where that is not known."""
    held = [option.sources if isinstance(option, Optimizer) else () for option in options(without_none(kind))]
    spelled = {tuple(_code(sources)) for sources in held}
    return held[0] if len(spelled) == 1 else ()


def _code(sources: Seq[Source]) -> Iterator[str]:
    return (cst.Module([]).code_for_node(source.node) for source in sources)


def trains_modules(kind: Kind) -> bool:
    """Whether all that an optimizer holds are parameters of modules."""
    sources = sources_of(kind)
    return bool(sources) and all(is_module(source.kind) for source in sources)
