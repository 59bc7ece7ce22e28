"""Names, attributes, subscripts, calls."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from typing import Any

import libcst as cst

from torch2jax.infer.derived import is_class, kept_name
from torch2jax.infer.facts import FactoryCall, ModuleCall, RuleCall, UserCall
from torch2jax.infer.kinds import (
    Api,
    ClassRef,
    CustomGradient,
    Kind,
    Layer,
    Mapping,
    Namespace,
    NoneKind,
    Number,
    Sequence,
    Shape,
    Str,
    Tensor,
    Tuple,
    is_module,
    options,
)
from torch2jax.infer.rule_layers import default_layer
from torch2jax.rewrite.contexts import HARMLESS, NO_GRAD
from torch2jax.rewrite.derived import applied, flax_class
from torch2jax.rewrite.gradient_names import function_reference, refuse_class
from torch2jax.rewrite.precedence import parenthesize
from torch2jax.rewrite.rewriter import (
    EXPRESSIONS,
    PRIMARY,
    Rewriter,
    argument,
    attribute,
    call,
    items_of,
    method_call,
    number,
    rewrites,
)
from torch2jax.rewrite.rule_calls import factory_call, flag, reference_form, rule_call
from torch2jax.rules.aliases import canonical


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


def reference(rewriter: Rewriter, node: cst.BaseExpression) -> Any:
    """An API of torch as a value: ``norm_layer=nn.BatchNorm2d``, ``activation=F.relu``."""
    kind = rewriter.kind(node)
    if not isinstance(kind, Api) or not direct(rewriter, node):
        return node
    known = VALUES.get(canonical(kind.name))
    if known is not None:
        return dotted(rewriter, known)
    if kind.name in NO_GRAD | HARMLESS:
        flag(rewriter, node, "T2J205", f"{kind.name} as a value is replaced by a context that does nothing")
        return rewriter.root("nullcontext")
    rules = [rule for rule in rewriter.program.book.lookup(kind.name) if rule.kind == "rule"]
    if not rules:
        root = kind.name.partition(".")[0]
        if root in ("torch", "torchvision", "torchaudio", "timm"):
            flag(rewriter, node, "T2J101", f"{kind.name} has no rule")
        return node
    form = reference_form(rewriter, rules[-1])
    if form is None:
        flag(
            rewriter,
            node,
            "T2J103",
            f"{kind.name} as a value has no short form in JAX",
            "write a small function or lambda",
        )
        return node
    rewriter.tally.translated += 1
    return form


# What names of torch mean where they are not called: annotations, isinstance, bases.
VALUES = {
    "torch.Tensor": "jax.Array",
    "torch.FloatTensor": "jax.Array",
    "torch.LongTensor": "jax.Array",
    "torch.BoolTensor": "jax.Array",
    "torch.IntTensor": "jax.Array",
    "torch.cuda.FloatTensor": "jax.Array",
    "torch.nn.Module": "nnx.Module",
    "torch.nn.Parameter": "nnx.Param",
    "torch.nn.parameter.Parameter": "nnx.Param",
    "torch.nn.Sequential": "nnx.Sequential",
    "torch.nn.ModuleList": "nnx.List",
    "torch.nn.ModuleDict": "nnx.Dict",
    "torch.nn.ParameterList": "nnx.List",
    "torch.dtype": "jnp.dtype",
    "torch.device": "jax.Device",
    "torch.Size": "tuple",
    "torch.Generator": "nnx.Rngs",
}


def dotted(rewriter: Rewriter, path: str) -> cst.BaseExpression:
    """``jax.Array`` and its like, imported."""
    root, *rest = path.split(".")
    value: cst.BaseExpression = cst.Name(root) if root == "tuple" else rewriter.root(root)
    for part in rest:
        value = cst.Attribute(value, cst.Name(part))
    return value


def direct(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Whether an expression names an import, rather than a variable that holds something of torch's."""
    if isinstance(node, cst.Attribute):
        return isinstance(rewriter.kind(node.value), Namespace | Api)
    if not isinstance(node, cst.Name):
        return False
    return node.value in rewriter.imported_names()


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


@rewrites(EXPRESSIONS, cst.ListComp, cst.SetComp, cst.DictComp, cst.GeneratorExp, cst.IfExp, cst.BooleanOperation)
def sometimes(rewriter: Rewriter, node: Any) -> Any:
    """Parts that run in a scope of their own, or not at all: nothing of them may be moved before the statement."""
    if rewriter.gradient is not None:
        reduced = rewriter.gradient.expression(rewriter, node)
        if reduced is not None:
            return reduced
    rewriter.conditional += 1
    result = rewriter.generic(node)
    rewriter.conditional -= 1
    return result


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
    if note is None:
        return own_attribute(rewriter, node)
    return _noted(rewriter, node, note)


def own_attribute(rewriter: Rewriter, node: cst.Attribute) -> cst.Attribute:
    """An attribute under the name that it has in the output."""
    result = rewriter.generic(node)
    name = kept_name(rewriter.program, rewriter.kind(node.value), node.attr.value)
    return result if name == node.attr.value else result.with_changes(attr=cst.Name(name))


def _noted(rewriter: Rewriter, node: cst.Attribute, note: Any) -> Any:
    match note[0]:
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
            return _without_forward(rewriter.generic(node))
        case "data":
            return rewriter.expr(node.value)
        case "write_data":
            return rewriter.expr(node.value)
        case _:
            return own_attribute(rewriter, node)


@rewrites(EXPRESSIONS, cst.Subscript)
def subscript(rewriter: Rewriter, node: cst.Subscript) -> Any:
    """``x[...]``: axes in the order that the array has here."""
    note = rewriter.facts.special.get(node)
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


@rewrites(EXPRESSIONS, cst.Call)
def call_expression(rewriter: Rewriter, node: cst.Call) -> Any:
    """``f(...)``, by the fact that the interpreter left for it."""
    from torch2jax.rewrite.module_calls import special_call

    fact = rewriter.facts.calls.get(node)
    note = rewriter.facts.special.get(node)
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
            if isinstance(filled, cst.Call) and rewriter.facts.special.get(node.func, ("",))[0] == "super_forward":
                return applied(filled.func, filled.args)
            return filled
        case RuleCall():
            return mutation(rewriter, node, fact)
        case FactoryCall():
            return factory_call(rewriter, node, fact)
        case UserCall():
            return user_call(rewriter, node, fact)
        case ModuleCall(moved=True):
            return moved_call(rewriter, node)
        case ModuleCall():
            return module_call(rewriter, node)
        case _:
            return _untranslated(rewriter, node)


def class_reference(rewriter: Rewriter, node: Any) -> Any:
    """Classes as isinstance takes them: without the arguments that a factory would carry."""
    if isinstance(node, cst.Tuple):
        elements = [element.with_changes(value=class_reference(rewriter, element.value)) for element in node.elements]
        return node.with_changes(elements=elements)
    kind = rewriter.kind(node)
    layer = _layer_named(rewriter, kind.name) if isinstance(kind, Api) and direct(rewriter, node) else None
    if layer is not None:
        rewriter.tally.translated += 1
        return flax_class(rewriter, layer)
    new = rewriter.expr(node)
    if isinstance(new, cst.Call) and isinstance(new.func, cst.Name) and new.func.value == "partial" and new is not node:
        return new.args[0].value
    return new


@rewrites(EXPRESSIONS, cst.MatchClass)
def class_pattern(rewriter: Rewriter, node: cst.MatchClass) -> Any:
    """``case nn.Linear():``, a class as isinstance takes it."""
    return rewriter.generic(node).with_changes(cls=class_reference(rewriter, node.cls))


def is_any_module(rewriter: Rewriter, cls: cst.BaseExpression, kind: Kind | None) -> bool:
    """Whether a test for ``nn.Module`` is met by what is a plain function in Flax, and callables are modules here."""
    tested = rewriter.kind(cls)
    if not isinstance(tested, Api) or VALUES.get(canonical(tested.name)) != "nnx.Module" or kind is None:
        return False
    alternatives = list(options(kind))
    known = all(isinstance(option, _NOT_CALLABLE) or is_module(option) for option in alternatives)
    return known and any(isinstance(option, Layer) and option.stateless for option in alternatives)


_NOT_CALLABLE = (Str, Number, NoneKind, Tensor, Tuple, Shape, Sequence, Mapping)


def _layer_named(rewriter: Rewriter, name: str) -> Layer | None:
    """The layer whose class a name of torch stands for, if it is a class in Flax as well."""
    rules = [rule for rule in rewriter.program.book.lookup(name) if rule.result == "Module"]
    layer = default_layer(rules[-1]) if rules and canonical(name) not in VALUES else None
    return layer if layer is not None and is_class(layer) else None


def _untranslated(rewriter: Rewriter, node: cst.Call) -> Any:
    if isinstance(node.func, cst.Name) and node.func.value in ("isinstance", "issubclass") and len(node.args) == 2:
        first, second = node.args
        if node.func.value == "isinstance" and is_any_module(rewriter, second.value, rewriter.kind(first.value)):
            return call(cst.Name("callable"), [rewriter.expr(first.value)])
        return node.with_changes(
            args=[rewriter.expr(first), second.with_changes(value=class_reference(rewriter, second.value))]
        )
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
    return rewriter.generic(node)


def mutation(rewriter: Rewriter, node: cst.Call, fact: RuleCall) -> Any:
    """An in-place call inside an expression: assign first, then read."""
    from torch2jax.rewrite.mutation import assign_result, can_put

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
    func = result.func if isinstance(result, cst.Call) else result
    called = isinstance(node.func, cst.Attribute) and node.func.attr.value == "forward"
    if called and isinstance(func, cst.Attribute) and all(target.is_forward for target in fact.targets):
        result = result.with_changes(func=_without_forward(func))
    if fact.rngs:
        result = with_keyword(result, "rngs", rewriter.rngs())
    returned = rewriter.facts.returned.get(node)
    if returned is not None and rewriter.taken_back is not node:
        from torch2jax.rewrite.mutation import take_back

        _refuse_moving(rewriter, node)
        rewriter.before += take_back(rewriter, node, result)
        return rewriter.expr(returned.places[0])
    return result


def _without_forward(func: cst.Attribute) -> cst.BaseExpression:
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
    if isinstance(node.func, cst.Attribute) and node.func.attr.value == "forward":
        result = result.with_changes(func=_without_forward(result.func))
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


@rewrites(EXPRESSIONS, cst.Annotation)
def annotation(rewriter: Rewriter, node: cst.Annotation) -> Any:
    """The type hint of a name or parameter."""
    new = annotated(rewriter, node.annotation)
    return node.with_changes(annotation=new) if new is not node.annotation else node


def annotated(rewriter: Rewriter, node: Any) -> Any:
    """A type hint: names of torch become those of jax and flax."""
    if isinstance(node, cst.Name | cst.Attribute):
        from torch2jax.infer.definitions import quiet_name

        qualified = quiet_name(rewriter, node)
        if qualified is None:
            return node
        known = VALUES.get(canonical(qualified))
        if known is not None:
            return dotted(rewriter, known)
        rules = rewriter.program.book.lookup(qualified)
        if rules and rules[-1].result == "Module":
            layer = _layer_named(rewriter, qualified)
            return flax_class(rewriter, layer) if layer is not None else dotted(rewriter, "nnx.Module")
        return node
    if isinstance(node, cst.SimpleString):
        return node
    fields_of: dict[type, tuple[str, ...]] = {
        cst.Subscript: ("value", "slice"),
        cst.SubscriptElement: ("slice",),
        cst.Index: ("value",),
        cst.BinaryOperation: ("left", "right"),
        cst.Tuple: ("elements",),
        cst.List: ("elements",),
        cst.Element: ("value",),
    }
    changes: dict[str, Any] = {}
    for field_name in fields_of.get(type(node), ()):
        value = getattr(node, field_name)
        new = [annotated(rewriter, v) for v in value] if isinstance(value, list | tuple) else annotated(rewriter, value)
        changes[field_name] = new
    return node.with_changes(**changes) if changes else node


@rewrites(EXPRESSIONS, cst.Param)
def param(rewriter: Rewriter, node: cst.Param) -> Any:
    """A parameter: its hint and default."""
    changes: dict[str, Any] = {}
    if node.annotation is not None:
        changes["annotation"] = annotation(rewriter, node.annotation)
    if node.default is not None:
        changes["default"] = rewriter.expr(node.default)
    return node.with_changes(**changes) if changes else node


@rewrites(EXPRESSIONS, cst.Lambda)
def lambda_(rewriter: Rewriter, node: cst.Lambda) -> Any:
    """A lambda: its body under its own facts."""
    params = rewriter.generic(node.params)
    inner = rewriter.program.functions.get(node)
    if inner is None:
        return rewriter.generic(node)
    outer, rewriter.function = rewriter.function, inner
    held, rewriter.before = rewriter.before, []
    rewriter.conditional += 1
    body = rewriter.expr(node.body)
    rewriter.conditional -= 1
    if rewriter.before:
        flag(rewriter, node, "T2J105", "a lambda can't assign", "write it as a function")
    rewriter.before = held
    rewriter.function = outer
    return node.with_changes(params=params, body=body)
