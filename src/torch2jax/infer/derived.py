"""Classes that derive from a layer of torch: which flax class they derive from, and what their constructor takes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import libcst as cst

from torch2jax.infer.arguments import Arguments, as_arg, use_all
from torch2jax.infer.facts import RuleCall, UserCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    FREE,
    NONE,
    UNKNOWN,
    Api,
    Free,
    Instance,
    Kind,
    Layer,
    Number,
    Str,
    join,
    options,
    widened,
    without_none,
)
from torch2jax.infer.program import Cell, ClassInfo, FunctionInfo, Program
from torch2jax.infer.rule_calls import apply
from torch2jax.infer.rule_layers import default_layer, layer_of
from torch2jax.rules.aliases import canonical
from torch2jax.rules.bind import Arg, Bound, Mismatch, bind
from torch2jax.rules.checks import flax_classes
from torch2jax.rules.expr import literal
from torch2jax.rules.guards import Choice, choose
from torch2jax.rules.model import UNKNOWN as NO_VALUE
from torch2jax.rules.model import Param, Refusal, Rule
from torch2jax.rules.signatures import default_signatures
from torch2jax.source.nodes import walk

_NOT_STORED = ("Device", "Ignored", "Dropped", "Dtype")


@dataclass(frozen=True)
class Constructor:
    """The constructor that a class inherits from a layer: its parameters, and the layer that they build."""

    params: tuple[Param, ...]
    bound: Bound
    choice: Choice
    layer: Layer


def rule_of(program: Program, cls: ClassInfo) -> Rule | None:
    """The rule of the layer that a class derives from."""
    if cls.module_base in (None, "torch.nn.Module"):
        return None
    rules = [rule for rule in program.book.lookup(str(cls.module_base)) if rule.result == "Module"]
    return rules[-1] if rules else None


def root_of(cls: ClassInfo) -> ClassInfo:
    """The class along the bases that derives from the layer itself."""
    for each in cls.mro():
        if any(
            isinstance(base, Api) and canonical(base.name) == canonical(str(cls.module_base)) for base in each.bases
        ):
            return each
    return cls


def base_layer(program: Program, cls: ClassInfo, reader: FunctionInfo | None = None) -> Layer | None:
    """The layer that a class derives from, as its constructor builds it."""
    rule = rule_of(program, cls)
    if rule is None:
        return None
    root = root_of(cls)
    built = root.built.read(reader)
    if isinstance(built, Layer):
        return built
    inherited = constructor_of(program, root, reader)
    return inherited.layer if inherited is not None else default_layer(rule)


def constructor_of(program: Program, root: ClassInfo, reader: FunctionInfo | None = None) -> Constructor | None:
    """The constructor that a class without one of its own has from the layer; None where it can't be said."""
    rule = rule_of(program, root)
    if rule is None or root.constructor is not None:
        return None
    return inherited_constructor(rule, {name: cell.read(reader) for name, cell in root.given.items()})


def is_class(layer: Layer) -> bool:
    """Whether the flax object is of a class that can be derived from, rather than a function."""
    return layer.flax.rpartition(".")[2][:1].isupper()


def inherits_call(program: Program, cls: ClassInfo) -> Layer | None:
    """The layer whose forward a class has, because neither it nor a base of the project defines one."""
    layer = base_layer(program, cls)
    return None if layer is None or cls.find("forward") is not None or cls.find("__call__") is not None else layer


def keeps_torch_order(program: Program, cls: ClassInfo) -> bool:
    """Whether a class that inherits its forward takes images in torch's order: it is nobody's part in the project."""
    layer = inherits_call(program, cls)
    public = not cls.is_internal and program.options.interface == "nchw"
    return layer is not None and layer.rule.layout is not None and public


def inherited_constructor(rule: Rule, given: dict[str, Kind]) -> Constructor | None:
    """A constructor with torch's parameters: those that callers give, and the others as far as one class takes them."""
    required = [param for param in rule.params if param.required and param.kind in ("pos", "pos_only")]
    kept = {param.name for param in (*required, *(p for p in rule.params if p.name in given))}
    best = _built_from(rule, kept, given)
    if best is None:
        return None
    for param in rule.params:
        if param.name in kept or param.kind.startswith("var") or param.annotation in _NOT_STORED:
            continue
        tried = _built_from(rule, {*kept, param.name}, given)
        if tried is not None and _is_same(best, tried):
            kept.add(param.name)
            best = tried
    return best


def _is_same(one: Constructor, other: Constructor) -> bool:
    """Whether another parameter neither changes what is built nor needs to be assumed anything of."""
    assumed = len(other.choice.assumptions) > len(one.choice.assumptions)
    return other.layer.flax == one.layer.flax and not other.choice.unused and not assumed


def _built_from(rule: Rule, names: set[str], given: dict[str, Kind]) -> Constructor | None:
    params = tuple(param for param in rule.params if param.name in names)
    arguments = {param.name: as_arg(cst.Name(param.name), _whatever(param, given)) for param in params}
    bound = bind(rule, [], arguments)
    if isinstance(bound, Mismatch):
        return None
    choice = choose(rule, bound)
    if isinstance(choice, Refusal):
        return None
    return Constructor(params, bound, choice, layer_of(rule, choice.branch.template))


def _whatever(param: Param, given: dict[str, Kind]) -> Kind:
    """What a parameter may be: what callers give, or its default."""
    kind = given.get(param.name, FREE)
    return kind if param.default is None or isinstance(kind, Free) else join(kind, widened(_default_kind(param)))


def _default_kind(param: Param) -> Kind:
    value = literal(param.default) if param.default is not None else NO_VALUE
    if value is None:
        return NONE
    if isinstance(value, int | float):
        return Number(type(value).__name__, value)
    return Str(value) if isinstance(value, str) else UNKNOWN


def is_kept(rule: Rule) -> bool:
    """Whether the rule says which attributes a function's arguments become in a class that derives from the layer."""
    stored = [
        param for param in rule.params if param.annotation not in _NOT_STORED and not param.kind.startswith("var")
    ]
    return all(rule.attribute(param.name) is not None for param in stored)


def kept_attribute(frame: Frame, cls: ClassInfo, rule: Rule, name: str) -> Kind | None:
    """An attribute of a class that derives from a function; None if torch's layer has none of this name."""
    attribute = rule.attribute(name)
    if attribute is None:
        return None
    cell = root_of(cls).given.get(name)
    return cell.read(frame.fn) if cell is not None and _is_copied(attribute) else FREE


def note_given(frame: Frame, cls: ClassInfo, rule: Rule, node: cst.CSTNode, arguments: Arguments) -> None:
    """A call of a class whose constructor is the layer's: the arguments are those of torch's layer."""
    root = root_of(cls)
    positional = [as_arg(value, kind) for value, kind in arguments.positional]
    keywords = {key: as_arg(value, kind) for key, (value, kind) in arguments.keywords.items()}
    kinds = {id(value): kind for value, kind in arguments.nodes()}
    use_all(frame, arguments)
    bound = bind(rule, positional, keywords)
    if isinstance(bound, Mismatch):
        frame.report("T2J102", node, f"{cls.name}: {bound.reason}")
        return
    if arguments.star is not None or arguments.double_star is not None:
        frame.report("T2J102", node, f"{cls.name}: arguments behind a star that go to {rule.name} are not known")
    _refuse(frame, node, rule, bound)
    for name, found in bound.args.items():
        if found.explicit and found.param.annotation not in _NOT_STORED:
            kind = kinds.get(id(found.arg.node), FREE) if found.arg is not None else FREE
            if name not in root.given:
                root.given[name] = Cell()
                frame.program.dirty.update(method for each in (root, cls) for method in each.methods.values())
            root.given[name].write(widened(kind), frame.program)
            root.given[name].read(frame.fn)


def super_init(frame: Frame, node: cst.Call, cls: ClassInfo, rule: Rule, arguments: Arguments) -> Kind:
    """``super().__init__(...)`` of a class that derives from a layer."""
    root = root_of(cls)
    if root is not cls:  # the base class in between has the constructor of the layer
        note_given(frame, cls, rule, node, arguments)
        frame.facts.special[node] = ("super_init", "keep")
        frame.facts.calls[node] = UserCall((), True)
        return NONE
    arguments = forwarded(frame, rule, arguments)
    if not is_class(default_layer(rule)):
        if not is_kept(rule):
            frame.report(
                "T2J103", node, f"{rule.name} is a function in Flax and can't be derived from", "call it instead"
            )
        _store(frame, node, cls, rule, arguments)
    else:
        frame.facts.special[node] = ("super_init", "layer")
        layer = without_none(apply(frame, node, rule.name, [rule], arguments))
        if isinstance(layer, Layer):
            _build(frame, node, cls, replace(layer, site=None))
    _reset(frame, node, cls)
    return NONE


def _build(frame: Frame, node: cst.Call, cls: ClassInfo, layer: Layer) -> None:
    held = cls.built.kind
    if isinstance(held, Layer) and held.flax != layer.flax and frame.fn.evaluations == 1:
        frame.report(
            "T2J103", node, f"{cls.name} would derive from {held.flax} or from {layer.flax}", "split the class"
        )
    if isinstance(held, Layer) and held.flax != layer.flax:
        cls.built.kind = FREE
    cls.built.write(layer, frame.program)
    cls.built.read(frame.fn)


def _store(frame: Frame, node: cst.Call, cls: ClassInfo, rule: Rule, arguments: Arguments) -> None:
    """A function in Flax: the class keeps the arguments in attributes of its own."""
    positional = [as_arg(value, kind) for value, kind in arguments.positional]
    keywords = {key: as_arg(value, kind) for key, (value, kind) in arguments.keywords.items()}
    use_all(frame, arguments)
    bound = bind(rule, positional, keywords)
    if isinstance(bound, Mismatch) or arguments.star is not None or arguments.double_star is not None:
        reason = bound.reason if isinstance(bound, Mismatch) else "arguments behind a star are not known"
        frame.report("T2J102", node, f"{rule.name}: {reason}")
        return
    _refuse(frame, node, rule, bound)
    frame.facts.special[node] = ("super_init", "stored", stored_calls(rule, bound))
    kinds = {id(value): kind for value, kind in arguments.nodes()}
    for attribute in rule.attributes:
        found = bound.args.get(attribute.function)
        kind = kinds.get(id(found.arg.node), FREE) if found is not None and found.arg is not None else FREE
        if found is not None and found.arg is None:
            kind = _default_kind(found.param)
        cls.attrs[attribute.function].write(kind if _is_copied(attribute) else FREE, frame.program)


def _refuse(frame: Frame, node: cst.CSTNode, rule: Rule, bound: Bound) -> None:
    """Report arguments that the rule refuses."""
    choice = choose(rule, bound)
    if isinstance(choice, Refusal):
        frame.report("T2J103", node, f"{rule.name}: {choice.reason}", choice.hint)


def _is_copied(attribute: Rule) -> bool:
    return attribute.branches[-1].template == ("param", attribute.function)


def stored_calls(rule: Rule, bound: Bound) -> tuple[tuple[str, RuleCall], ...]:
    """What each attribute is, from the arguments of the constructor."""
    calls = []
    for attribute in rule.attributes:
        choice = Choice(attribute.branches[-1], (), (), ())
        calls.append((attribute.function, RuleCall(attribute, attribute, bound, choice)))
    return tuple(calls)


def _reset(frame: Frame, node: cst.Call, cls: ClassInfo) -> None:
    """Torch's constructors call ``self.reset_parameters()``, which the class may have overridden."""
    from torch2jax.infer.calls import call_function

    method = reset_of(cls)
    if method is not None:
        call_function(frame, node.func, method, Arguments([], {}), Instance(cls))


def reset_of(cls: ClassInfo) -> FunctionInfo | None:
    """The ``reset_parameters`` that the constructor of torch's layer calls, if a class of the project defines it."""
    return cls.find("reset_parameters") if str(cls.module_base).rpartition(".")[2] in _RESETS else None


_RESETS = frozenset(
    "Linear Bilinear Conv1d Conv2d Conv3d ConvTranspose1d ConvTranspose2d ConvTranspose3d Embedding EmbeddingBag "
    "BatchNorm1d BatchNorm2d BatchNorm3d LayerNorm GroupNorm RMSNorm RNN GRU LSTM RNNCell GRUCell LSTMCell".split()
)


def function_form(program: Program, cls: ClassInfo, rule: Rule) -> RuleCall | None:
    """The function that stands for a layer, on the attributes of ``self``."""
    kept = {attribute.function for attribute in rule.attributes if attribute.function in {p.name for p in rule.params}}
    root = root_of(cls)
    constructor = constructor_of(program, root)
    given = {param.name for param in constructor.params} if constructor is not None else set()
    arguments: dict[str, Arg] = {}
    for name in kept:
        kind = root.attrs[name].kind if name in root.attrs else FREE
        if constructor is not None and name not in given:
            kind = _default_kind(rule.param(name))
        arguments[name] = as_arg(cst.Attribute(cst.Name("self"), cst.Name(name)), kind)
    bound = bind(rule, [], arguments)
    if isinstance(bound, Mismatch):
        return None
    choice = choose(rule, bound)
    if isinstance(choice, Refusal) or choice.unused:
        return None
    return RuleCall(rule, rule, bound, choice)


def forwarded(frame: Frame, rule: Rule, arguments: Arguments) -> Arguments:
    """``*args`` and ``**kwargs`` that only go on to the layer, as the parameters that it takes."""
    fn = frame.fn
    stars = _forwarded_stars(fn, arguments)
    if not stars:
        return arguments
    taken = {*arguments.keywords, *(param.name for param in rule.params[: len(arguments.positional)])}
    given: dict[str, Kind] = {name: kind for name, (_, kind) in arguments.keywords.items()}
    for param, (_, kind) in zip(rule.params, arguments.positional, strict=False):
        given[param.name] = kind
    for name, cell in fn.forwarded_kinds.items():
        given.setdefault(name, cell.read(fn))
    names_in_use = {name for name in fn.params if name not in stars}
    constructor = inherited_constructor(rule, given)
    if constructor is None:
        return arguments
    added = tuple(param for param in constructor.params if param.name not in taken)
    if any(param.name in names_in_use for param in added) or not _orderable(fn, added, stars):
        return arguments
    if fn.forwarded != added or not fn.forwarded_stars:
        fn.forwarded, fn.forwarded_stars = added, frozenset(stars)
        frame.program.dirty.update(fn.callers)
    positional = list(arguments.positional)
    keywords = dict(arguments.keywords)
    for param in added:
        cell = fn.forwarded_kinds.setdefault(param.name, Cell())
        node, kind = cst.Name(param.name), cell.read(fn)
        frame.facts.kinds[node] = kind
        keywords[param.name] = (node, kind)
    return Arguments(positional, keywords)


def _forwarded_stars(fn: FunctionInfo, arguments: Arguments) -> set[str]:
    """The function's own ``*args`` and ``**kwargs``, if all stars of the call are those and used nowhere else."""
    params = fn.parameters()
    if params is None or not isinstance(fn.node, cst.FunctionDef):
        return set()
    own = {
        "*": params.star_arg.name.value if isinstance(params.star_arg, cst.Param) else None,
        "**": params.star_kwarg.name.value if params.star_kwarg is not None else None,
    }
    found: set[str] = set()
    for sign, pair in (("*", arguments.star), ("**", arguments.double_star)):
        if pair is None:
            continue
        name = own[sign]
        if name is None or not isinstance(pair[0], cst.Name) or pair[0].value != name:
            return set()
        uses = [part for part in walk(fn.node.body) if isinstance(part, cst.Name) and part.value == name]
        if len(uses) != 1:
            return set()
        found.add(name)
    return found


def _orderable(fn: FunctionInfo, added: tuple[Param, ...], stars: set[str]) -> bool:
    """Whether the new parameters can stand where the stars did: without a default none follows one with."""
    params = fn.parameters()
    assert params is not None
    positional = isinstance(params.star_arg, cst.Param) and params.star_arg.name.value in stars
    defaults = any(param.default is not None for param in (*params.posonly_params, *params.params))
    return not (positional and defaults and any(param.required for param in added))


def kept_name(program: Program, kind: Kind | None, name: str) -> str:
    """The name of an attribute in the output: a flax base class may use the same name for something else."""
    taken = any(
        isinstance(option, Instance) and _collides(program, option.cls, name) for option in options(kind or FREE)
    )
    return f"{name}_" if taken else name


def _collides(program: Program, cls: ClassInfo, name: str) -> bool:
    from torch2jax.infer.layers import is_own

    rule = rule_of(program, cls)
    if rule is None or cls.attr_owner(name) is None:
        return False
    layer = base_layer(program, cls)
    if layer is None or not is_class(layer) or is_own(layer, name):
        return False
    signatures = default_signatures()
    classes = {flax.removeprefix("helpers.") for flax in flax_classes(rule)}
    found = [signatures.of(spelled) for flax in classes for spelled in (flax, f"helpers.{flax}", f"nnx.{flax}")]
    names = {parameter for signature in found if signature is not None for parameter in signature.names}
    return name in names or any(name == entry.flax for entry in (rule.state.entries if rule.state else ()))
