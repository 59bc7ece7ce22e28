"""``type(m) == nn.Linear``, ``norm_layer is nn.InstanceNorm2d``: comparisons of classes, as objects or of an object.

A class of torch as a value may be a `functools.partial` in Flax, and no two of these are equal. So the classes behind
them are compared.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import UNKNOWN, Api, ClassRef, Kind, Sequence, Tuple, options
from torch2jax.infer.rule_layers import default_layer
from torch2jax.rewrite.derived import flax_class
from torch2jax.rewrite.references import class_reference, direct
from torch2jax.rewrite.rewriter import EXPRESSIONS, Rewriter, call, rewrites
from torch2jax.rewrite.rule_calls import flag, reference_form
from torch2jax.rules.aliases import canonical
from torch2jax.source.nodes import dotted_name, walk

_SAME = (cst.Is, cst.IsNot, cst.Equal, cst.NotEqual, cst.In, cst.NotIn)


@rewrites(EXPRESSIONS, cst.Comparison)
def comparison(rewriter: Rewriter, node: cst.Comparison) -> Any:
    """Comparisons: those of classes compare what stands for them in Flax."""
    note = rewriter.facts.special.get(node)
    if note is not None and note[0] == "isinstance":
        return _isinstance(rewriter, *note[1:])
    if len(node.comparisons) != 1 or not isinstance(node.comparisons[0].operator, _SAME):
        return rewriter.generic(node)
    left, target = node.left, node.comparisons[0]
    right = target.comparator
    if is_class_of_object(left):
        return _compared(rewriter.expr(left), target, _classes(rewriter, right))
    if is_class_of_object(right):
        return _compared(_classes(rewriter, left), target, rewriter.expr(right))
    if any(_names_factory(rewriter, part) for part in _parts(right)):
        _report_alike(rewriter, node, left, right)
        return _compared(_behind(rewriter, left), target, _classes(rewriter, right))
    if _names_factory(rewriter, left):
        _report_alike(rewriter, node, right, left)
        return _compared(_classes(rewriter, left), target, _behind(rewriter, right))
    return rewriter.generic(node)


def _isinstance(rewriter: Rewriter, variable: str, names: tuple[str, ...]) -> cst.Call:
    """``"BatchNorm2d" in type(m).__name__`` as a test of the class, whose name is another one."""
    rewriter.tally.translated += 1
    classes: dict[str, Any] = {}
    for name in names:
        layer = rewriter.program.layers[name]
        for flax in rewriter.program.built_classes.get(layer.rule.name, (layer.flax,)):
            if flax.rpartition(".")[2][:1].isupper():
                classes.setdefault(flax, flax_class(rewriter, replace(layer, flax=flax)))
    found = list(classes.values())
    tested = found[0] if len(found) == 1 else cst.Tuple([cst.Element(each) for each in found])
    return call(cst.Name("isinstance"), [cst.Name(variable), tested])


def is_class_of_object(node: cst.CSTNode) -> bool:
    """``type(x)`` and ``x.__class__``."""
    match node:
        case cst.Call(func=cst.Name("type"), args=[cst.Arg(star="", keyword=None)]):
            return True
        case cst.Attribute(attr=cst.Name("__class__")):
            return True
    return False


def _compared(left: Any, target: cst.ComparisonTarget, right: Any) -> cst.Comparison:
    """The comparison; with one of several classes where one of torch is several in Flax."""
    operator = target.operator
    if isinstance(left, cst.Tuple):
        left, right = right, left
    if isinstance(right, cst.Tuple) and isinstance(operator, cst.Is | cst.Equal):
        operator = cst.In()
    elif isinstance(right, cst.Tuple) and isinstance(operator, cst.IsNot | cst.NotEqual):
        operator = cst.NotIn()
    return cst.Comparison(left, [cst.ComparisonTarget(operator, right)])


def _parts(node: cst.BaseExpression) -> Iterator[cst.BaseExpression]:
    """A class, or those that are listed."""
    if isinstance(node, cst.Tuple | cst.List | cst.Set):
        yield from (element.value for element in node.elements)
    else:
        yield node


def _classes(rewriter: Rewriter, node: cst.BaseExpression) -> Any:
    """What classes are in Flax, without the arguments that a factory would carry."""
    if isinstance(node, cst.Tuple | cst.List | cst.Set) or direct(rewriter, node):
        return class_reference(rewriter, node)
    kind = rewriter.kind(node) or UNKNOWN
    if any(isinstance(part, Api) and _is_partial(rewriter, part) for part in options(kind)):
        return _behind(rewriter, node)
    listed = kind.items if isinstance(kind, Tuple) else ()
    if isinstance(kind, Sequence):
        listed = options(rewriter.program.heap[kind.site].kind)
    if any(isinstance(part, Api) and _is_partial(rewriter, part) for part in listed) and not _is_list(rewriter, node):
        message = "the classes that are listed here may be functools.partial in JAX, which equals no class"
        flag(rewriter, node, "T2J103", message, "list them where they are compared")
    return rewriter.expr(node)


def _is_list(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Whether the classes of a list are only compared, so that it holds them without arguments."""
    path = dotted_name(node)
    assigned = (part for part in walk(rewriter.file.tree) if isinstance(part, cst.Assign))
    return any(dotted_name(part.targets[0].target) == path and lists_compared(rewriter, part) for part in assigned)


def lists_compared(rewriter: Rewriter, node: cst.Assign) -> bool:
    """Whether ``NORMS = (nn.BatchNorm2d, nn.LayerNorm)`` lists classes that are compared and never called."""
    path = dotted_name(node.targets[0].target)
    if path is None or not isinstance(node.value, cst.Tuple | cst.List | cst.Set):
        return False
    kinds = [_kind(rewriter, element.value) for element in node.value.elements]
    if not kinds or not all(isinstance(kind, Api | ClassRef) for kind in kinds):
        return False
    nodes = list(walk(rewriter.file.tree))
    compared = {part for test in nodes for listed in _compared_with(test) for part in walk(listed)}
    compared = {part for part in compared if dotted_name(part) == path}
    if not compared:
        return False
    targets = {target.target for part in nodes if isinstance(part, cst.Assign) for target in part.targets}
    if all(part in compared or part in targets for part in nodes if dotted_name(part) == path):
        return True
    flag(rewriter, node, "T2J103", "these classes are compared in one place and used in another", "make two lists")
    return False


def _kind(rewriter: Rewriter, node: cst.BaseExpression) -> Kind | None:
    """The kind of an expression anywhere in the file."""
    functions = (*rewriter.file.functions, rewriter.file.main)
    found = (fn.facts.kinds[node] for fn in functions if fn is not None and node in fn.facts.kinds)
    return next(found, None)


def _compared_with(node: cst.CSTNode) -> Iterator[cst.BaseExpression]:
    """The classes that a test names."""
    match node:
        case cst.Call(func=cst.Name("isinstance" | "issubclass"), args=[_, cst.Arg(value=classes)]):
            yield classes
        case cst.Comparison(left=left, comparisons=[target]) if is_class_of_object(left):
            yield target.comparator


def _names_factory(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Whether an expression names something of torch that is a `partial` as a value."""
    kind = rewriter.kind(node)
    return isinstance(kind, Api) and direct(rewriter, node) and _is_partial(rewriter, kind)


def _is_partial(rewriter: Rewriter, kind: Api) -> bool:
    rules = [rule for rule in rewriter.program.book.lookup(kind.name) if rule.kind == "rule"]
    if not rules or rules[-1].result in ("Optimizer", "Scheduler"):
        return False
    names, helpers = set(rewriter.names), set(rewriter.helpers)
    form = reference_form(rewriter, rules[-1])
    rewriter.names, rewriter.helpers = names, helpers  # it is only looked at
    return isinstance(form, cst.Call)


def _behind(rewriter: Rewriter, node: cst.BaseExpression) -> Any:
    """``getattr(x, "func", x)`` of what may hold a `partial`: the class or function itself."""
    held = rewriter.expr(node)
    if isinstance(node, cst.Attribute) and node.attr.value == "func":
        return held
    if not isinstance(held, cst.Name | cst.Attribute):
        message = "what is compared here with a class of torch may be a functools.partial in JAX, which equals no other"
        flag(rewriter, node, "T2J103", message, "give it a name first")
        return held
    return call(cst.Name("getattr"), [held, cst.SimpleString('"func"'), held])


def _report_alike(
    rewriter: Rewriter, node: cst.Comparison, held: cst.BaseExpression, classes: cst.BaseExpression
) -> None:
    """Say of which others the comparison is true as well, because they are one class in Flax."""
    named = {canonical(kind.name) for part in _parts(classes) if isinstance(kind := rewriter.kind(part), Api)}
    flax = {_class(rewriter, name) for name in named} - {None}
    others = sorted(
        canonical(kind.name)
        for kind in options(rewriter.kind(held) or UNKNOWN)
        if isinstance(kind, Api) and canonical(kind.name) not in named and _class(rewriter, kind.name) in flax
    )
    if others:
        message = f"{', '.join(others)} can't be told from {', '.join(sorted(named))} here: they are one class in Flax"
        flag(rewriter, node, "T2J204", message, "compare something else")


def _class(rewriter: Rewriter, name: str) -> str | None:
    """What a class of torch is in Flax."""
    rules = [rule for rule in rewriter.program.book.lookup(name) if rule.result == "Module"]
    return default_layer(rules[-1]).flax if rules else None
