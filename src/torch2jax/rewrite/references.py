"""Names of torch that are not called: as values, as classes that isinstance tests, in type hints."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.definitions import SCHEDULER_BASES
from torch2jax.infer.derived import is_class
from torch2jax.infer.host import is_host_api
from torch2jax.infer.kinds import (
    Api,
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
from torch2jax.infer.program import book_result, helper_of
from torch2jax.infer.rule_layers import default_layer
from torch2jax.rewrite.contexts import HARMLESS, NO_GRAD
from torch2jax.rewrite.derived import flax_class
from torch2jax.rewrite.rewriter import EXPRESSIONS, Rewriter, rewrites
from torch2jax.rewrite.rule_calls import flag, flag_refused, reference_form
from torch2jax.rules.aliases import canonical


def reference(rewriter: Rewriter, node: cst.BaseExpression) -> Any:
    """An API of torch as a value: ``norm_layer=nn.BatchNorm2d``, ``activation=F.relu``."""
    kind = rewriter.kind(node)
    if not isinstance(kind, Api) or not direct(rewriter, node):
        return node
    if is_host_api(rewriter.program, kind.name):
        if rewriter.program.uses_grain:
            from torch2jax.rewrite.grain import data_reference

            return data_reference(rewriter, node, kind.name)
        rewriter.kept.add(node)
        return node
    known = VALUES.get(canonical(kind.name))
    if known is not None:
        return dotted(rewriter, known)
    if book_result(rewriter.program, kind.name) == "Object":
        rewriter.tally.translated += 1
        return helper_class(rewriter, kind.name)
    if kind.name in NO_GRAD | HARMLESS:
        flag(rewriter, node, "T2J205", f"{kind.name} as a value is replaced by a context that does nothing")
        return rewriter.root("nullcontext")
    rules = [rule for rule in rewriter.program.book.lookup(kind.name) if rule.kind == "rule"]
    if flag_refused(rewriter, node, kind.name):
        return node
    if not rules:
        root = kind.name.partition(".")[0]
        if root in ("torch", "torchvision", "torchaudio", "timm"):
            flag(rewriter, node, "T2J101", f"{kind.name} has no rule")
        return node
    trains = rules[-1].result in ("Optimizer", "Scheduler")
    form = None if trains else reference_form(rewriter, rules[-1])
    if form is None:
        flag(
            rewriter,
            node,
            "T2J103",
            f"{kind.name} as a value has no short form in JAX",
            "build it where it is named" if trains else "write a small function or lambda",
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
    "torch.optim.Optimizer": "nnx.Optimizer",
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


def class_reference(rewriter: Rewriter, node: Any) -> Any:
    """Classes as isinstance takes them: without the arguments that a factory would carry.

    A class of torch may be several in Flax, by the arguments; then those that the project builds are in a tuple.
    """
    if isinstance(node, cst.Tuple | cst.List | cst.Set):
        elements: list[cst.BaseElement] = []
        for element in node.elements:
            new = class_reference(rewriter, element.value)
            split = isinstance(new, cst.Tuple) and not isinstance(element.value, cst.Tuple)
            elements += new.elements if split else [element.with_changes(value=new)]
        return node.with_changes(elements=elements)
    kind = rewriter.kind(node)
    layer = _layer_named(rewriter, kind.name) if isinstance(kind, Api) and direct(rewriter, node) else None
    if layer is not None:
        rewriter.tally.translated += 1
        classes = rewriter.program.built_classes.get(layer.rule.name, (layer.flax,))
        named = [flax_class(rewriter, replace(layer, flax=flax)) for flax in classes]
        return named[0] if len(named) == 1 else cst.Tuple([cst.Element(each) for each in named])
    helper = helper_class(rewriter, kind.name) if isinstance(kind, Api) and direct(rewriter, node) else None
    if helper is not None:
        return helper
    new = rewriter.expr(node)
    if isinstance(new, cst.Call) and isinstance(new.func, cst.Name) and new.func.value == "partial" and new is not node:
        return new.args[0].value
    return new


def helper_class(rewriter: Rewriter, name: str) -> cst.BaseExpression | None:
    """The class of a scheduler, a distribution or its like; None if the name is not of one."""
    found = helper_of(rewriter.program, name)
    return rewriter.helper(found) if found is not None else None


@rewrites(EXPRESSIONS, cst.MatchClass)
def class_pattern(rewriter: Rewriter, node: cst.MatchClass) -> Any:
    """``case nn.Linear():``, a class as isinstance takes it."""
    named = class_reference(rewriter, node.cls)
    if isinstance(named, cst.Tuple):
        flag(rewriter, node, "T2J103", "a pattern of what is several classes in Flax", "write the test with isinstance")
        return node
    return rewriter.generic(node).with_changes(cls=named)


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
        if is_host_api(rewriter.program, qualified):
            if rewriter.program.uses_grain:
                from torch2jax.rewrite.grain import data_reference

                return data_reference(rewriter, node, qualified)
            rewriter.kept.add(node)
            return node
        rules = rewriter.program.book.lookup(qualified)
        if rules and rules[-1].result == "Module":
            layer = _layer_named(rewriter, qualified)
            return flax_class(rewriter, layer) if layer is not None else dotted(rewriter, "nnx.Module")
        if rules and rules[-1].result == "Optimizer":
            return dotted(rewriter, "nnx.Optimizer")
        if qualified in SCHEDULER_BASES:
            return rewriter.helper("Schedule")
        return helper_class(rewriter, qualified) or node
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
