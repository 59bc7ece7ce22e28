"""Calls that rules translate: which overload, which branch, in which layouts, and what comes out."""

from __future__ import annotations

import json
from collections.abc import Sequence as Seq
from dataclasses import dataclass, field, replace
from typing import Any

import libcst as cst

from torch2jax.infer.aliasing import is_looked_at, mark_stale, storage_of
from torch2jax.infer.contents import heap_read, want_torch_order
from torch2jax.infer.facts import RuleCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.items import all_items, as_layers, logical_shape
from torch2jax.infer.kinds import (
    BOOL,
    FLOAT,
    FREE,
    INT,
    MISSING,
    NONE,
    STR,
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
    Partial,
    Sequence,
    Shape,
    Str,
    Tensor,
    Tuple,
    Union,
    array_of,
    constant,
    may_be_tensor,
    options,
    without_none,
)
from torch2jax.infer.layout import MIXED, Layout, channel_last, normal, permuted, place, without
from torch2jax.infer.operators import pointwise
from torch2jax.infer.program import FunctionInfo
from torch2jax.infer.views import root_of
from torch2jax.rules.bind import Arg, Bound, Mismatch, bind
from torch2jax.rules.guards import Choice, choose
from torch2jax.rules.model import UNKNOWN as NO_VALUE
from torch2jax.rules.model import Branch, Refusal, Rule

_READ_AS_IT_LIES = {"Shape", "Dtype", "int", "Device"}


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


def _positional(frame: Frame, arguments: Arguments, expand: bool) -> list[Arg]:
    """The positional arguments for the binder; ``expand`` writes out ``*pair`` of known length."""
    result: list[Arg] = []
    for node, kind, starred in arguments.in_order():
        arg = as_arg(node, kind)
        plain = without_none(kind)
        if starred and expand and isinstance(plain, Tuple) and isinstance(node, cst.Name | cst.Attribute):
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
    if isinstance(plain, Tuple):
        arg.length = len(plain.items)
    if isinstance(plain, Shape):
        arg.length = plain.rank
    if isinstance(node, cst.List) and not any(isinstance(e, cst.StarredElement) for e in node.elements):
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
        case Function() | Api() | ClassRef() | Partial():
            return "callable"
        case _:
            return None


def apply(
    frame: Frame,
    node: cst.BaseExpression,
    name: str,
    rules: Seq[Rule],
    arguments: Arguments,
    receiver: tuple[cst.BaseExpression, Kind] | None = None,
    target: cst.BaseExpression | None = None,
) -> Kind:
    """Translate ``node`` by the first of ``rules`` that binds."""
    arguments = _spread(frame, arguments, rules)
    keywords = {key: as_arg(n, k) for key, (n, k) in arguments.keywords.items()}
    double = as_arg(*arguments.double_star) if arguments.double_star else None
    reasons: list[str] = []
    for expand in (False, True) if arguments.star is not None else (False,):
        positional = _positional(frame, arguments, expand)
        if receiver is not None:
            positional.insert(0, as_arg(*receiver))
        for rule in rules:
            bound = bind(rule, positional, keywords, None, double)
            if isinstance(bound, Mismatch):
                reasons.append(bound.reason)
                continue
            return _apply_bound(frame, node, name, rule, rule, bound, arguments, receiver, target)
    use_all(frame, arguments, receiver)
    frame.report("T2J102", node, f"{name}: {reasons[0] if reasons else 'the call fits no known signature'}")
    frame.facts.calls.pop(node, None)
    # what is not known yet must not spoil what a later pass finds out
    return Tensor() if rules and rules[0].result == "Tensor" else FREE


def fits(frame: Frame, rules: Seq[Rule], arguments: Arguments) -> bool:
    """Whether the arguments bind to one of the rules."""
    positional = _positional(frame, arguments, False)
    keywords = {key: as_arg(n, k) for key, (n, k) in arguments.keywords.items()}
    double = as_arg(*arguments.double_star) if arguments.double_star else None
    return any(not isinstance(bind(rule, positional, keywords, None, double), Mismatch) for rule in rules)


def _spread(frame: Frame, arguments: Arguments, rules: Seq[Rule]) -> Arguments:
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
    item = heap_read(frame, plain.site)
    keywords = dict(arguments.keywords)
    passed_on = isinstance(plain.site, tuple) and plain.site[1:] == ("**",)
    for key in plain.keys:
        part = _entry(node, key, rules if passed_on else ())
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
        return _plain_result(frame, node, rule)
    _notes(frame, node, name, rule, signature, choice)
    kinds = dict(arguments.nodes()) | arguments.keywords_of_parts
    if receiver is not None:
        kinds[receiver[0]] = receiver[1]
    first = receiver[0] if receiver is not None else target
    if target is not None and first is not None and is_overwritten(rule, signature, choice, kinds, first):
        kinds[first] = without_layout(kinds[first])
    result, overrides, moved = _result(frame, node, name, rule, signature, bound, choice, kinds)
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
    return rule.mode == "init" or (alone and not reads_value(choice.branch.template, name))


def _is_array(kind: Kind) -> bool:
    return any(isinstance(option, Tensor | Sequence) for option in options(kind))


def reads_value(template: Any, param: str) -> bool:
    """Whether a template needs more of a parameter than its shape and dtype."""
    if not isinstance(template, tuple) or not template:
        return False
    if template[0] == "attr" and template[1] == ("param", param) and template[2] in ("shape", "dtype", "ndim", "size"):
        return False
    if template == ("param", param):
        return True
    return any(reads_value(part, param) for part in template)


def without_layout(kind: Kind) -> Kind:
    """An array of which only the shape and dtype are asked, as it lies."""
    return replace(kind, layout=None, variable=False) if isinstance(kind, Tensor) else kind


def _notes(frame: Frame, node: cst.CSTNode, name: str, rule: Rule, signature: Any, choice: Choice) -> None:
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


def uses_rngs(template: Any) -> bool:
    """Whether a template mentions ``rngs``."""
    if not isinstance(template, tuple):
        return False
    if template[:2] == ("name", "rngs"):
        return True
    return any(uses_rngs(part) for part in template)


def bound_nodes(bound: Bound, name: str) -> list[Arg]:
    """The arguments that went to a parameter."""
    found = bound.args.get(name)
    if found is None:
        return []
    if found.items is not None:
        return list(found.items)
    return [found.arg] if found.arg is not None else []


def _result(
    frame: Frame,
    node: cst.BaseExpression,
    name: str,
    rule: Rule,
    signature: Any,
    bound: Bound,
    choice: Choice,
    kinds: dict[cst.BaseExpression, Kind],
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    """Use the arguments as the rule wants them, and say what the call gives."""
    annotated: dict[str, list[tuple[cst.BaseExpression, Kind]]] = {}
    axis_param = None
    for param in signature.params:
        pairs = [(arg.node, kinds.get(arg.node, UNKNOWN)) for arg in bound_nodes(bound, param.name)]
        if param.annotation == "Axis":
            axis_param = param.name
        unsaid = "Tensor" if rule.kind == "attribute" else ""
        annotated.setdefault(param.annotation or unsaid, []).extend(pairs)
    images = [*annotated.get("Tensor", []), *annotated.get("Image", [])]
    for annotation, pairs in annotated.items():
        if annotation not in ("Tensor", "Image", "Tensors", "Scalar"):
            for pair in pairs:
                take(frame, *pair)
    is_layer = rule.result == "Module" and signature is rule
    if is_layer:
        for pair in [*images, *annotated.get("Tensors", []), *annotated.get("Scalar", [])]:
            take(frame, *pair)
        layer = layer_of(rule, choice.branch.template, node)
        wrapped = without_none(annotated_kind(signature, bound, kinds, "module"))
        if isinstance(wrapped, Layer):
            return replace(wrapped, flax=layer.flax, site=None), (), False
        if isinstance(wrapped, Instance | Container):
            return wrapped, (), False
        frame.program.note_layer(name.rpartition(".")[2], layer)
        inplace = "inplace" in bound.args and bound.args["inplace"].value is not False
        unbiased = "bias" in bound.args and bound.args["bias"].value is False
        biased = "bias" in bound.args and bound.args["bias"].value is True
        surely = "inplace" in bound.args and bound.args["inplace"].value is True
        layer = replace(layer, inplace=inplace, surely_inplace=surely, unbiased=unbiased, biased=biased)
        return replace(layer, unit=pools_to_one(rule, bound)), (), False
    if rule.layout is not None:
        return _laid_out(frame, rule, bound, annotated)
    if rule.mode == "pointwise" and rule.result != "Module":
        kind = pointwise(frame, [*images, *annotated.get("Scalar", []), *annotated.get("Tensors", [])], rule.dtype)
        return _shaped(frame, node, rule, kind), (), False
    if rule.mode == "pointwise" and images:
        return pointwise(frame, images, rule.dtype), (), False
    for pair in annotated.get("Scalar", []):
        take(frame, *pair)
    if axis_param is not None and (rule.mode in ("along", "reduce") or rule.result in _READ_AS_IT_LIES):
        return _along(frame, node, rule, bound, axis_param, images, annotated.get("Tensors", []))
    if rule.mode == "spatial" and images:
        return _spatial(frame, rule, bound, images)
    if rule.mode == "permute" and len(images) == 1:
        return _permuted(frame, rule, bound, images[0])
    if rule.result in _READ_AS_IT_LIES and len(images) == 1:
        return _measured(frame, rule, images[0]), (), False
    template = choice.branch.template
    if _flattens_pooled(frame, rule, bound, template, images, kinds):
        frame.vote(images[0][0], without_none(images[0][1]).layout)  # type: ignore[attr-defined]
        frame.read(*images[0])
        return _opaque(frame, node, rule, bound, template, images, kinds), (), False
    for pair in [*images, *annotated.get("Tensors", [])]:
        take(frame, *pair)
    if rule.mode == "reduce":
        return _shaped(frame, node, rule, _reduced(rule, images, bound, None)), (), False
    return _opaque(frame, node, rule, bound, template, images, kinds), (), False


def _spatial(
    frame: Frame, rule: Rule, bound: Bound, images: list[tuple[cst.BaseExpression, Kind]]
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    """An operation on the axes after the channels: channel-last data may stay as it lies."""
    node, kind = images[0]
    plain = without_none(kind)
    if not isinstance(plain, Tensor):
        take(frame, node, kind)
        return Tensor(), (), False
    count = bound.args["pad"].length if "pad" in bound.args else 0
    fits = plain.layout is not None and count is not None and count // 2 <= len(plain.layout) - 2
    if not fits or plain.layout != channel_last(len(plain.layout or ())):
        frame.accept(node, kind) if count is not None else frame.use(node, kind)
        return Tensor(plain.rank, plain.dtype), (), False
    frame.vote(node, plain.layout)
    frame.read(node, kind)
    return Tensor(plain.rank, plain.dtype, plain.layout), (("channel_axis", -1),), False


def _flattens_pooled(
    frame: Frame,
    rule: Rule,
    bound: Bound,
    template: Any,
    images: list[tuple[cst.BaseExpression, Kind]],
    kinds: dict[cst.BaseExpression, Kind],
) -> bool:
    """Whether a reshape to (N, C) of an array whose other axes have size 1 is the same in every layout."""
    plain = without_none(images[0][1]) if len(images) == 1 else None
    if not isinstance(plain, Tensor) or not plain.unit or plain.layout is None or not rule.view:
        return False
    return _rank_of(frame, rule, bound, template, kinds) == 2


def layer_of(rule: Rule, template: Any, site: Any = None) -> Layer:
    """The object that a template of a Module rule builds."""
    flax = ""
    if template is not None and template[0] == "call":
        flax = _spelled(template[1])
    stateless = flax in ("", "partial") or not uses_rngs(template)
    return Layer(rule.name, flax, stateless, site=site, rule=rule)


def default_branch(rule: Rule, given: dict[str, Arg] | None = None) -> Branch | None:
    """The branch that a call with nothing but required arguments of unknown value, and those given, takes."""
    required = [p.name for p in rule.params if p.required and p.kind in ("pos", "pos_only")]
    keywords = {name: Arg(cst.Name("given")) for name in required} | (given or {})
    positional = [keywords.pop(p.name) for p in rule.params if p.kind == "pos_only" and p.name in keywords]
    bound = bind(rule, positional, keywords)
    if not isinstance(bound, Bound):
        return None
    choice = choose(rule, bound)
    return None if isinstance(choice, Refusal) else choice.branch


def default_layer(rule: Rule) -> Layer:
    """The object that a Module rule builds when nothing is known of the optional arguments."""
    branch = default_branch(rule)
    return layer_of(rule, branch.template if branch is not None else rule.branches[-1].template)


def _spelled(expr: Any) -> str:
    if expr[0] in ("name", "helper"):
        return str(expr[1])
    return f"{_spelled(expr[1])}.{expr[2]}" if expr[0] == "attr" else ""


def bound_layout(rule: Rule, rank: int | None) -> Layout:
    """The layout that a rule wants of a tensor of this rank; MISSING when the rank decides and is unknown."""
    layout = rule.layout
    if layout is None:
        return None
    if layout.rank is None:
        if rank is None:
            return MISSING  # type: ignore[no-any-return]
        return normal(layout.permutation(rank)) if rank >= 2 else None
    full = layout.permutation(layout.rank)
    if rank == layout.rank - 1:
        return normal(tuple(axis - 1 for axis in full if axis != 0))
    return normal(full)


def _laid_out(
    frame: Frame, rule: Rule, bound: Bound, annotated: dict[str, list[tuple[cst.BaseExpression, Kind]]]
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    tensors = annotated.get("Tensor", []) or annotated.get("Tensors", [])
    if not tensors:
        return Tensor(), (), False
    first, rest = tensors[0], tensors[1:]
    for pair in rest:
        take(frame, *pair)
    kind, moved = enter(frame, rule, *first)
    for image_node, image_kind in annotated.get("Image", []):
        frame.use(image_node, image_kind, kind.layout)
    return _multiply(rule, replace(kind, dtype=rule.dtype or kind.dtype, unit=pools_to_one(rule, bound))), (), moved


def annotated_kind(signature: Any, bound: Bound, kinds: dict[cst.BaseExpression, Kind], name: str) -> Kind:
    """The kind of the argument for a parameter, UNKNOWN if there is none."""
    found = bound.args.get(name)
    return kinds.get(found.arg.node, UNKNOWN) if found is not None and found.arg is not None else UNKNOWN


def pools_to_one(rule: Rule, bound: Bound | None) -> bool:
    """Whether the result's axes after the second have size 1: the rule's ``pooled`` parameter is 1."""
    if rule.pooled is None or bound is None or rule.pooled not in bound.args:
        return False
    value = bound.args[rule.pooled].value
    return value == 1 or (isinstance(value, tuple | list) and bool(value) and all(size == 1 for size in value))


def _multiply(rule: Rule, kind: Tensor) -> Kind:
    if isinstance(rule.result, tuple):
        return Tuple(tuple(kind for _ in rule.result), rule.fields)
    return kind


def enter(frame: Frame, rule: Rule, node: cst.BaseExpression, kind: Kind) -> tuple[Tensor, bool]:
    """Bring the image argument into the layout of the rule; True if by moveaxis, its rank being unknown."""
    plain = array_of(kind)
    kind = plain if isinstance(plain, Tensor) and isinstance(kind, Union) else kind
    tensor = plain if isinstance(plain, Tensor) else Tensor()
    layout = bound_layout(rule, tensor.rank)
    if layout is MISSING:
        frame.use(node, kind)
        return Tensor(None, tensor.dtype), True
    rank = tensor.rank or (rule.layout.rank if rule.layout else None)
    if not isinstance(plain, Tensor):
        frame.facts.reads.discard(node)
        kind = Tensor(rank)
    elif tensor.rank is None and rank is not None:
        kind = replace(tensor, rank=rank)
    used = frame.use(node, kind, layout)
    assert isinstance(used, Tensor)
    return replace(used, dtype=tensor.dtype or "float"), False


def _axes(frame: Frame, bound: Bound, param: str) -> Any:
    """The literal value of an axis argument, its default, or MISSING."""
    found = bound.args.get(param)
    if found is None:
        return None
    if found.items is not None and found.explicit:
        values = [item.value for item in found.items]
        if any(value is NO_VALUE for value in values):
            return MISSING
        flat = values[0] if len(values) == 1 else tuple(values)
        return tuple(flat) if isinstance(flat, list) else flat
    if found.arg is not None:
        value = found.arg.value
        if value is NO_VALUE:
            return MISSING
        return tuple(value) if isinstance(value, list) else value
    return default_of(bound, param)


def default_of(bound: Bound, param: str) -> Any:
    """Torch's default of a parameter, if it is a literal."""
    found = bound.args.get(param)
    default = found.param.default if found is not None else None
    if default is not None and default[0] == "const":
        return default[1]
    value = found.value if found is not None else NO_VALUE
    if value is not NO_VALUE:
        return value
    return None if param == "dim" else MISSING


def _along(
    frame: Frame,
    node: cst.BaseExpression,
    rule: Rule,
    bound: Bound,
    axis_param: str,
    images: list[tuple[cst.BaseExpression, Kind]],
    many: list[tuple[cst.BaseExpression, Kind]],
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    axes = _axes(frame, bound, axis_param)
    layout, rank = _common_layout(frame, images, many)
    if rule.result == "Tensors" and frame.program.heap_layouts.get(node, ()) is None:
        layout = None  # whoever takes the pieces wants torch's order
    keepdim = _axes(frame, bound, "keepdim") if rule.mode == "reduce" and "keepdim" in bound.args else False
    if layout is not None and (axes is MISSING or keepdim is MISSING or (axes is None and rule.mode != "reduce")):
        layout = None
    adapts = axes is not MISSING and keepdim is not MISSING
    for pair_node, kind in images:
        if may_be_tensor(kind) and layout is None and adapts:
            frame.accept(pair_node, kind)
        elif rule.result in _READ_AS_IT_LIES and _is_laid(kind, layout):
            frame.facts.relayouts.pop(pair_node, None)  # a Variable says its sizes by itself
        elif may_be_tensor(kind):
            frame.use(pair_node, kind, layout)
        else:
            frame.read(pair_node, kind)
    for pair_node, kind in many:
        take_items(frame, pair_node, kind, layout)
    overrides: tuple[tuple[str, Any], ...] = ()
    if layout is not None and axes is not None:
        moved = (
            tuple(place(layout, axis, rank) for axis in axes) if isinstance(axes, tuple) else place(layout, axes, rank)
        )
        if rule.mode == "reduce" and isinstance(moved, tuple):
            moved = tuple(sorted(moved))
        overrides = ((axis_param, moved),)
    if rule.result in _READ_AS_IT_LIES:
        return (INT if rule.result == "int" else UNKNOWN), overrides, False
    dtype = rule.dtype or _common_dtype(frame, images, many)
    if rule.mode == "reduce":
        kind = _reduced(rule, images, bound, layout, axes, keepdim)
        return (
            _shaped(frame, node, rule, replace(kind, dtype=dtype) if isinstance(kind, Tensor) else kind),
            overrides,
            False,
        )
    return _shaped(frame, node, rule, Tensor(rank, dtype, layout)), overrides, False


def _is_laid(kind: Kind, layout: Layout) -> bool:
    return isinstance(kind, Tensor) and kind.variable and kind.layout == layout


def _common_layout(
    frame: Frame, images: list[tuple[cst.BaseExpression, Kind]], many: list[tuple[cst.BaseExpression, Kind]]
) -> tuple[Layout, int | None]:
    found: list[Kind] = [without_none(kind) for _, kind in images]
    for node, kind in many:
        if isinstance(node, cst.List | cst.Tuple) and not any(isinstance(e, cst.StarredElement) for e in node.elements):
            found += [without_none(frame.facts.kinds.get(e.value, UNKNOWN)) for e in node.elements]
        else:
            items = all_items(frame, kind)
            held = {o.layout for o in options(items) if isinstance(o, Tensor)}
            found.append(without_none(items) if len(held) == 1 else Tensor())
    tensors = [kind for kind in found if isinstance(kind, Tensor)]
    ranks = {kind.rank for kind in tensors}
    rank = ranks.pop() if len(ranks) == 1 else None
    layouts = {kind.layout for kind in tensors if kind.layout is not None}
    if len(layouts) != 1 or len(tensors) != len(found) or rank is None:
        return None, rank
    layout = layouts.pop()
    joined = zip(many, tensors[-len(many) :], strict=False)
    fixed = any(kind.layout != layout for (node, _), kind in joined if not _is_display(node))
    return (None if fixed and many else layout), rank


def _is_display(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.List | cst.Tuple)


def _common_dtype(
    frame: Frame, images: list[tuple[cst.BaseExpression, Kind]], many: list[tuple[cst.BaseExpression, Kind]]
) -> str | None:
    kinds = [without_none(kind) for _, kind in images[:1]]
    kinds += [all_items(frame, kind) for _, kind in many]
    dtypes = {kind.dtype for kind in kinds if isinstance(kind, Tensor)}
    return dtypes.pop() if len(dtypes) == 1 else None


def _reduced(
    rule: Rule,
    images: list[tuple[cst.BaseExpression, Kind]],
    bound: Bound,
    layout: Layout,
    axes: Any = MISSING,
    keepdim: Any = MISSING,
) -> Kind:
    plain = without_none(images[0][1]) if images else Tensor()
    rank = plain.rank if isinstance(plain, Tensor) else None
    dtype = rule.dtype or (plain.dtype if isinstance(plain, Tensor) else None)
    if axes is MISSING or keepdim is MISSING:
        return Tensor(None, dtype)
    if keepdim is True:
        gone = axes if isinstance(axes, tuple) else (axes,)
        unit = bool(rank) and {axis % rank for axis in gone if axis is not None} == set(range(2, rank or 0))
        return Tensor(rank, dtype, layout, unit=unit)
    if axes is None:
        return Tensor(0, dtype)
    gone = axes if isinstance(axes, tuple) else (axes,)
    left = without(layout, gone) if layout is not None else None
    return Tensor(max(rank - len(gone), 0) if rank is not None else None, dtype, left)


def _permuted(
    frame: Frame, rule: Rule, bound: Bound, image: tuple[cst.BaseExpression, Kind]
) -> tuple[Kind, tuple[tuple[str, Any], ...], bool]:
    node, kind = image
    plain = without_none(kind)
    if not isinstance(plain, Tensor):
        take(frame, node, kind)
        return Tensor(), (), False
    permutation = permutation_of(rule, bound, plain.rank)
    if permutation is not None and len(permutation) > 0 and plain.layout is not None:
        result = permuted(plain.layout, permutation)
        if result is None or result == plain.layout:
            frame.vote(node, plain.layout)
            frame.read(node, kind)
            return Tensor(plain.rank, plain.dtype, result), (("", "drop"),), False
        frame.read(node, kind)
        axes = tuple(plain.layout.index(axis) for axis in permutation)
        return Tensor(len(axes), plain.dtype), (("", axes),), False
    frame.use(node, kind)
    rank = plain.rank if permutation is None else len(permutation)
    return Tensor(rank, plain.dtype), (), False


def permutation_of(rule: Rule, bound: Bound, rank: int | None) -> tuple[int, ...] | None:
    """The axes that a permuting rule puts in each place, when literal."""
    values: list[Any] = []
    for name in list(bound.args)[1:]:
        value = _axes_plain(bound, name)
        if value is MISSING or value is None:
            return None
        values += list(value) if isinstance(value, tuple | list) else [value]
    if any(not isinstance(value, int) for value in values):
        return None
    names = {name.rpartition(".")[2] for name in rule.names}
    if names & {"permute"}:
        return tuple(axis % len(values) for axis in values)
    if rank is None:
        return None
    if names & {"transpose", "swapaxes", "swapdims"} and len(values) == 2:
        order = list(range(rank))
        a, b = values[0] % rank, values[1] % rank
        order[a], order[b] = order[b], order[a]
        return tuple(order)
    return None


def _axes_plain(bound: Bound, name: str) -> Any:
    found = bound.args.get(name)
    if found is None:
        return MISSING
    if found.items is not None:
        values = [item.value for item in found.items]
        if any(value is NO_VALUE for value in values):
            return MISSING
        return values[0] if len(values) == 1 else tuple(values)
    return MISSING if found.arg is None or found.arg.value is NO_VALUE else found.arg.value


def _measured(frame: Frame, rule: Rule, image: tuple[cst.BaseExpression, Kind]) -> Kind:
    node, kind = image
    plain = without_none(kind)
    if isinstance(plain, Tensor):
        frame.facts.relayouts.pop(node, None)
        if rule.result == "Shape":
            if plain.layout == MIXED:
                frame.use(node, plain)
            return Shape(plain.rank, plain.layout or None)
    return {"Shape": Shape(), "int": INT, "Dtype": Dtype(), "Device": Device()}.get(str(rule.result), UNKNOWN)


def _opaque(
    frame: Frame,
    node: cst.BaseExpression,
    rule: Rule,
    bound: Bound,
    template: Any,
    images: list[tuple[cst.BaseExpression, Kind]],
    kinds: dict[cst.BaseExpression, Kind],
) -> Kind:
    rank = _rank_of(frame, rule, bound, template, kinds)
    plain = without_none(images[0][1]) if images else None
    dtype = rule.dtype
    if dtype is None and isinstance(plain, Tensor) and rule.result == "Tensor":
        dtype = plain.dtype
    return _shaped(frame, node, rule, Tensor(rank, dtype))


def _rank_of(
    frame: Frame, rule: Rule, bound: Bound, template: Any, kinds: dict[cst.BaseExpression, Kind]
) -> int | None:
    if rule.rank is None:
        return _reshaped_rank(template)
    try:
        return _evaluate_rank(frame, rule.rank, bound, kinds)
    except (KeyError, TypeError):
        return None


def _reshaped_rank(template: Any) -> int | None:
    """The rank that ``x.reshape(a, b)`` shows by itself."""
    match template:
        case ("call", ("attr", _, "reshape"), args):
            sizes = [value for star, keyword, value in args if not star and keyword is None]
            plain = all(value[0] in ("const", "un", "sub", "bin") for value in sizes)
            return len(sizes) if plain and len(sizes) == len(args) else None
    return None


def _evaluate_rank(frame: Frame, expr: Any, bound: Bound, kinds: dict[cst.BaseExpression, Kind]) -> int | None:
    tag = expr[0]
    if tag == "const":
        return int(expr[1])
    if tag == "bin":
        left, right = _evaluate_rank(frame, expr[2], bound, kinds), _evaluate_rank(frame, expr[3], bound, kinds)
        if left is None or right is None:
            return None
        return left + right if expr[1] == "+" else left - right
    if tag == "fn":
        name, argument = expr[1], expr[2][0]
        pairs = bound.args[argument[1]]
        if name == "rank":
            kind = without_none(kinds.get(pairs.arg.node, UNKNOWN)) if pairs.arg is not None else UNKNOWN
            if isinstance(kind, Sequence | Tuple):
                kind = without_none(all_items(frame, kind))
            return kind.rank if isinstance(kind, Tensor) else None
        return _length(pairs, kinds)
    return None


def _length(pairs: Any, kinds: dict[cst.BaseExpression, Kind]) -> int | None:
    if pairs.items is not None:
        if len(pairs.items) == 1 and pairs.items[0].length is not None:
            return int(pairs.items[0].length)
        if len(pairs.items) == 1 and pairs.items[0].type != "int":
            return None
        return len(pairs.items) if all(not _starred(item) for item in pairs.items) else None
    if pairs.arg is None:
        return None
    if pairs.arg.length is not None:
        return int(pairs.arg.length)
    return 1 if pairs.arg.type == "int" else None


def _starred(item: Arg) -> bool:
    return item.starred


_PLAIN: dict[str, Kind] = {
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "str": STR,
    "None": NONE,
    "Dtype": Dtype(),
    "Device": Device(),
    "Shape": Shape(),
}


def _shaped(frame: Frame, node: cst.CSTNode, rule: Rule, kind: Kind) -> Kind:
    """The result annotation applied to the kind of one tensor."""
    return _result_kind(frame, node, rule.result, kind, rule.fields)


def _result_kind(frame: Frame, node: cst.CSTNode, result: Any, tensor: Kind, fields: tuple[str, ...] = ()) -> Kind:
    if isinstance(result, tuple):
        items = [_result_kind(frame, node, item, tensor) for item in result]
        if fields == ("values", "indices") and isinstance(items[1], Tensor):
            items[1] = replace(items[1], dtype="int")
        return Tuple(tuple(items), fields)
    if result == "Tensor":
        return tensor
    if result == "Tensors":
        cell = frame.program.heap[node]
        if isinstance(tensor, Tensor) and any(
            isinstance(o, Tensor) and o.layout != tensor.layout for o in options(cell.kind)
        ):
            cell.kind = FREE
        cell.write(tensor, frame.program)
        cell.read(frame.fn)
        return Sequence("list", node)
    return _PLAIN.get(str(result), UNKNOWN)


def _plain_result(frame: Frame, node: cst.CSTNode, rule: Rule) -> Kind:
    if rule.result == "Module":
        return UNKNOWN
    return _result_kind(frame, node, rule.result, Tensor(), rule.fields)


def call_layer(frame: Frame, node: cst.Call, layer: Layer, arguments: Arguments) -> Kind:
    """Call an object that a Module rule built."""
    signature = layer.rule.call
    assert signature is not None
    arguments = _spread(frame, arguments, ())
    receiver = (node.func, layer)
    positional = [as_arg(node.func, layer), *_positional(frame, arguments, False)]
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
    _notes(frame, node, layer.name, layer.rule, signature, choice)
    kinds = dict(arguments.nodes())
    rule = layer.rule
    if rule.mode in ("along", "reduce", "permute"):
        rule = replace(rule, mode="opaque")
    called = replace(rule, result=signature.result) if signature.result is not None else rule
    result, overrides, moved = _result(frame, node, called.name, called, signature, bound, choice, kinds)
    if layer.unit and isinstance(result, Tensor):
        result = replace(result, unit=True)
    if layer.rule.mode == "along" and isinstance(result, Tensor):
        first = without_none(next(iter(kinds.values()), UNKNOWN))
        result = replace(result, rank=first.rank if isinstance(first, Tensor) else None)
    frame.facts.calls[node] = RuleCall(layer.rule, signature, bound, choice, receiver[0], None, overrides, moved)
    if layer.inplace and arguments.positional:
        return written_back(frame, node, arguments.positional[0][0], result, certain=layer.surely_inplace)
    return result
