"""The arguments of a call: evaluated, bound to the parameters of rules, and used in an axis order."""

from __future__ import annotations

import json
from collections.abc import Sequence as Seq
from dataclasses import dataclass, field, replace

import libcst as cst

from torch2jax.infer.contents import read_item, want_torch_order
from torch2jax.infer.frame import Frame
from torch2jax.infer.items import as_layers, logical_shape
from torch2jax.infer.kinds import (
    MISSING,
    UNKNOWN,
    Api,
    ClassRef,
    Container,
    Device,
    Dtype,
    Free,
    Function,
    Instance,
    Iterator_,
    Kind,
    Layer,
    Mapping,
    NoneKind,
    Number,
    Optimizer,
    Partial,
    Scheduler,
    Sequence,
    Shape,
    Str,
    Tensor,
    Tuple,
    Union,
    constant,
    may_be_tensor,
    without_none,
)
from torch2jax.infer.layout import Layout
from torch2jax.infer.program import FunctionInfo
from torch2jax.rules.bind import Arg, Bound, Mismatch, bind
from torch2jax.rules.model import UNKNOWN as NO_VALUE
from torch2jax.rules.model import Rule

READ_AS_IT_LIES = {"Shape", "Dtype", "int", "Device"}


@dataclass(slots=True)
class Arguments:
    """The arguments of a call, evaluated."""

    positional: list[tuple[cst.BaseExpression, Kind]]
    keywords: dict[str, tuple[cst.BaseExpression, Kind]]
    star: tuple[cst.BaseExpression, Kind] | None = None
    double_star: tuple[cst.BaseExpression, Kind] | None = None
    ordered: list[tuple[cst.BaseExpression, Kind, bool]] = field(default_factory=list)
    keywords_of_parts: dict[cst.BaseExpression, Kind] = field(default_factory=dict)

    def in_order(self) -> list[tuple[cst.BaseExpression, Kind, bool]]:
        """Positional and starred arguments as they stand; True marks ``*x``."""
        if self.ordered:
            return self.ordered
        star = [(*self.star, True)] if self.star is not None else []
        return [*((node, kind, False) for node, kind in self.positional), *star]

    def behind_the_first(self) -> Arguments:
        """All but the first positional argument, such as the ``self`` of a method that is called by its class."""
        return replace(self, positional=self.positional[1:], ordered=self.ordered[1:])

    def nodes(self) -> list[tuple[cst.BaseExpression, Kind]]:
        """All of them, in no particular order."""
        starred = [(node, kind) for node, kind, star in self.in_order() if star]
        rest = [self.double_star] if self.double_star is not None else []
        return [*self.positional, *starred, *self.keywords.values(), *rest]


def evaluate_arguments(frame: Frame, args: Seq[cst.Arg]) -> Arguments:
    """Evaluate the arguments of a call in order."""
    found = Arguments([], {})
    for arg in args:
        kind = frame.eval(arg.value)
        if arg.star == "*":
            as_layers(frame, arg.value, kind)
            found.star = (arg.value, kind)
            found.ordered.append((arg.value, kind, True))
        elif arg.star == "**":
            found.double_star = (arg.value, kind)
        elif arg.keyword is not None:
            found.keywords[arg.keyword.value] = (arg.value, kind)
        else:
            found.positional.append((arg.value, kind))
            found.ordered.append((arg.value, kind, False))
    return found


def positional_args(frame: Frame, arguments: Arguments, expand: bool) -> list[Arg]:
    """The positional arguments for the binder; ``expand`` writes out ``*pair`` of known length."""
    result: list[Arg] = []
    for node, kind, starred in arguments.in_order():
        arg = as_arg(node, kind)
        plain = without_none(kind)
        written_out = isinstance(plain, Tuple) and (expand or _is_one_whole(plain))
        if starred and written_out and isinstance(plain, Tuple) and isinstance(node, cst.Name | cst.Attribute):
            for index, item in enumerate(plain.items):
                part = cst.Subscript(node, [cst.SubscriptElement(cst.Index(cst.Integer(str(index))))])
                frame.facts.kinds[part] = item
                arguments.keywords_of_parts[part] = item
                result.append(as_arg(part, item))
            continue
        if starred and _never_given(frame, node, plain):
            frame.report(
                "T2J201",
                node,
                "assumed that no further positional arguments are given, as nowhere in the project; they are refused",
            )
            continue
        arg.starred = starred
        if starred:
            arg.value = NO_VALUE if not isinstance(arg.value, tuple) else arg.value
        result.append(arg)
    return result


def _is_one_whole(kind: Tuple) -> bool:
    """Whether ``*kind`` is one list, array or dtype, which many functions take in the place of several arguments."""
    return len(kind.items) == 1 and isinstance(without_none(kind.items[0]), Sequence | Tuple | Tensor | Dtype)


def _never_given(frame: Frame, node: cst.BaseExpression, kind: Kind) -> bool:
    """Whether ``*args`` passes on what no call in the project fills."""
    fn: FunctionInfo | None = frame.fn
    while fn is not None and isinstance(node, cst.Name):
        params = fn.parameters()
        if params is not None and isinstance(params.star_arg, cst.Param) and params.star_arg.name.value == node.value:
            empty = isinstance(kind, Iterator_ | Free) and isinstance(fn.params[node.value].kind, Free)
            fn.drops_positional = fn.drops_positional or (fn.called and empty)
            return fn.called and empty
        fn = fn.parent
    return False


def as_arg(node: cst.BaseExpression, kind: Kind) -> Arg:
    """What the binder and the guards may know of an argument."""
    plain = without_none(kind)
    optional = plain is not kind or isinstance(kind, NoneKind)
    value = constant(kind)
    arg = Arg(node)
    if value is not MISSING:
        arg.value = value
    arg.type = None if optional and not isinstance(kind, NoneKind) else _type_name(plain)
    if isinstance(plain, Tensor):
        arg.rank, arg.dtype = plain.rank, plain.dtype
    if isinstance(plain, Dtype) and plain.name is not None:
        arg.dtype = plain.name.rpartition(".")[2]
    if isinstance(plain, Tuple):
        arg.length = len(plain.items)
    if isinstance(plain, Shape):
        arg.length = plain.rank
    if type(node) is cst.List and not any(type(element) is cst.StarredElement for element in node.elements):
        arg.length = len(node.elements)
    return arg


def _type_name(kind: Kind) -> str | None:
    match kind:
        case NoneKind():
            return "none"
        case Number(type=name):
            return name
        case Str():
            return "str"
        case Tensor():
            return "tensor"
        case Tuple():
            return "tuple"
        case Shape():
            return "shape"
        case Sequence(type=name):
            return name
        case Mapping():
            return "dict"
        case Dtype():
            return "dtype"
        case Device():
            return "device"
        case Layer() | Instance() | Container():
            return "module"
        case Optimizer():
            return "optimizer"
        case Scheduler():
            return "scheduler"
        case Function() | ClassRef():
            return "function"
        case Api() | Partial():
            return "callable"
        case _:
            return None


def fits(frame: Frame, rules: Seq[Rule], arguments: Arguments) -> bool:
    """Whether the arguments bind to one of the rules."""
    positional = positional_args(frame, arguments, False)
    keywords = {key: as_arg(n, k) for key, (n, k) in arguments.keywords.items()}
    double = as_arg(*arguments.double_star) if arguments.double_star else None
    return any(not isinstance(bind(rule, positional, keywords, None, double), Mismatch) for rule in rules)


def spread(frame: Frame, arguments: Arguments, rules: Seq[Rule]) -> Arguments:
    """``**options`` of a dictionary whose keys are known, as keywords."""
    if arguments.double_star is None:
        return arguments
    node, kind = arguments.double_star
    plain = without_none(kind)
    if not isinstance(plain, Mapping) or plain.keys is None or plain.site in frame.program.grown:
        return arguments
    if not plain.keys and isinstance(plain.site, tuple) and plain.site[1:] == ("**",):
        plain.site[0].drops_keywords = True
        frame.report(
            "T2J201", node, "assumed that no further keywords are given, as nowhere in the project; they are refused"
        )
    keywords = dict(arguments.keywords)
    passed_on = isinstance(plain.site, tuple) and plain.site[1:] == ("**",)
    for key in plain.keys:
        part = _entry(node, key, rules if passed_on else ())
        item = read_item(frame, plain.site, key)
        frame.facts.kinds[part] = item
        keywords.setdefault(key, (part, item))
    return Arguments(arguments.positional, keywords, arguments.star, None, arguments.ordered)


def _entry(node: cst.BaseExpression, key: str, rules: Seq[Rule]) -> cst.BaseExpression:
    """``options["bias"]``, or ``kwargs.get("bias", True)`` where not every call gives it."""
    text = cst.SimpleString(json.dumps(key))
    for rule in rules:
        for param in rule.params:
            if param.name == key and param.default is not None and param.default[0] == "const":
                default = cst.parse_expression(repr(param.default[1]))
                return cst.Call(cst.Attribute(node, cst.Name("get")), [cst.Arg(text), cst.Arg(default)])
    return cst.Subscript(node, [cst.SubscriptElement(cst.Index(text))])


def use_all(frame: Frame, arguments: Arguments, receiver: tuple[cst.BaseExpression, Kind] | None = None) -> None:
    """All arguments are wanted in torch's order."""
    for node, kind in arguments.nodes():
        take(frame, node, kind)
    if receiver is not None:
        take(frame, *receiver)


def take(frame: Frame, node: cst.CSTNode, kind: Kind) -> Kind:
    """A value goes somewhere that wants torch's order."""
    plain = without_none(kind)
    if isinstance(plain, Shape):
        logical_shape(frame, node, plain)
        return Shape(plain.rank)
    if isinstance(plain, Tuple):
        for item in plain.items:
            want_torch_order(frame, item)
        return frame.use(node, plain)
    if isinstance(plain, Sequence | Mapping | Iterator_):
        take_items(frame, node, plain, None)
        return kind
    if isinstance(plain, Union):
        for option in plain.options:
            if isinstance(option, Sequence | Mapping | Iterator_):
                take_items(frame, node, option, None)
    return frame.use(node, kind)


def take_items(frame: Frame, node: cst.CSTNode, kind: Kind, layout: Layout) -> None:
    """The tensors inside a list or tuple are wanted in a layout."""
    if isinstance(node, cst.List | cst.Tuple):
        for element in node.elements:
            item = frame.facts.kinds.get(element.value, UNKNOWN)
            if may_be_tensor(item):
                frame.use(element.value, item, layout)
            elif layout is None:
                take(frame, element.value, item)
        if layout is not None or not isinstance(kind, Sequence):
            return
    if isinstance(kind, Tuple):
        frame.use(node, kind, layout)
    elif layout is None and not want_torch_order(frame, kind):
        frame.report("T2J106", node, "the arrays of an iterator have another axis order than what takes them")


def bound_nodes(bound: Bound, name: str) -> list[Arg]:
    """The arguments that went to a parameter."""
    found = bound.args.get(name)
    if found is None:
        return []
    if found.items is not None:
        return list(found.items)
    return [found.arg] if found.arg is not None else []
