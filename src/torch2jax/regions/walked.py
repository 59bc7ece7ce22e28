"""Loops over the parameters of a module: ``model.parameters()`` itself, or a list of them in a variable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import libcst as cst

from torch2jax.infer.program import FunctionInfo
from torch2jax.source.nodes import dotted_name, walk


@dataclass(frozen=True, slots=True)
class Walked:
    """What a loop goes over.

    ``target``: what it assigns parameters to, with their names where ``is_named``. ``iterable``: what gives them.
    ``holder``: the module whose parameters they are. ``is_listed``: they are a list that need not have all of them.
    ``is_given``: they are what the function got as a parameter, of which no module is known.
    """

    target: cst.BaseExpression
    iterable: cst.BaseExpression
    holder: cst.BaseExpression
    is_named: bool = False
    is_listed: bool = False
    is_given: bool = False


def loops_of(node: cst.CSTNode) -> Iterator[tuple[cst.BaseExpression, cst.BaseExpression]]:
    """The targets and iterables of a loop or comprehension."""
    match node:
        case cst.For(target=target, iter=iterable):
            yield target, iterable
        case cst.ListComp() | cst.SetComp() | cst.GeneratorExp() | cst.DictComp():
            loop: cst.CompFor | None = node.for_in
            while loop is not None:
                yield loop.target, loop.iter
                loop = loop.inner_for_in


def binds(target: cst.BaseExpression, name: str) -> bool:
    """Whether a loop's target assigns a name."""
    return any(isinstance(part, cst.Name) and part.value == name for part in walk(target))


def walked(fn: FunctionInfo, target: cst.BaseExpression, iterable: cst.BaseExpression, name: str) -> Walked | None:
    """The walk over parameters in ``for i, (name, p) in enumerate(model.named_parameters())``; None if it is none."""
    parts = [element.value for element in target.elements] if isinstance(target, cst.Tuple | cst.List) else []
    match iterable:
        case cst.Call(func=cst.Name("list" | "tuple"), args=[cst.Arg(value=inner)]):
            return walked(fn, target, inner, name)
        case cst.Call(func=cst.Name("enumerate"), args=[cst.Arg(value=inner), *_]) if len(parts) == 2:
            return walked(fn, parts[1], inner, name)
        case cst.Call(func=cst.Name("zip"), args=args) if len(parts) <= len(args) and parts:
            pairs = zip(parts, args, strict=False)
            return next((walked(fn, part, arg.value, name) for part, arg in pairs if binds(part, name)), None)
        case cst.Call(func=cst.Attribute(value=holder, attr=cst.Name("named_parameters"))) if len(parts) == 2:
            is_second = isinstance(parts[1], cst.Name) and parts[1].value == name and _gives_all(fn, iterable)
            return Walked(target, iterable, holder, is_named=True) if is_second else None
    if not isinstance(target, cst.Name):
        return None
    if isinstance(iterable, cst.Name) and iterable.value in fn.params:
        return Walked(target, iterable, iterable, is_given=True)
    module = holder_of(fn, iterable)
    return Walked(target, iterable, module, is_listed=not _gives_all(fn, iterable)) if module is not None else None


def _gives_all(fn: FunctionInfo, node: cst.BaseExpression) -> bool:
    """Whether it is ``model.parameters()`` or ``model.named_parameters()``."""
    notes = (("module_method", "parameters"), ("module_method", "named_parameters"))
    is_method = isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and not node.args
    return is_method and fn.facts.special.get(node) in notes


def holder_of(fn: FunctionInfo, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """The module whose parameters are in a list, in a variable or not; None where that can't be told."""
    match node:
        case cst.Name():
            value = _assigned(fn, node)
            found = holder_of(fn, value) if value is not None and not isinstance(value, cst.Name) else None
            return found if found is not None and _still_means(fn, found, value) else None
        case cst.Call(func=cst.Name("list" | "tuple"), args=[cst.Arg(value=inner)]):
            return holder_of(fn, inner)
        case cst.Call(func=cst.Name("filter"), args=[_, cst.Arg(value=inner)]):
            return holder_of(fn, inner)
        case cst.Call(func=cst.Attribute(value=holder, attr=cst.Name("parameters"))):
            return holder if _gives_all(fn, node) else None
        case cst.ListComp(elt=cst.Name(elt), for_in=cst.CompFor(target=cst.Name(name), inner_for_in=None) as clause):
            return holder_of(fn, clause.iter) if elt == name else None
    return None


def _assigned(fn: FunctionInfo, use: cst.Name) -> cst.BaseExpression | None:
    """The list that a variable of the function holds, where it is assigned once and nothing changes it."""
    values = [part.value for part in walk(fn.node) if isinstance(part, cst.Assign) and _is_target(part, use.value)]
    bound = [part for part in walk(fn.node) if any(name == use.value for name in _bound(part))]
    if len(values) != 1 or len(bound) != 1 or use.value in fn.params:
        return None
    is_list = isinstance(values[0], cst.ListComp) or (
        isinstance(values[0], cst.Call) and isinstance(values[0].func, cst.Name) and values[0].func.value in _LISTS
    )
    return values[0] if is_list and not any(_changes(part, use.value) for part in walk(fn.node)) else None


_LISTS = ("list", "tuple")


def _is_target(node: cst.Assign, name: str) -> bool:
    return len(node.targets) == 1 and dotted_name(node.targets[0].target) == name


def _still_means(fn: FunctionInfo, holder: cst.BaseExpression, value: cst.CSTNode | None) -> bool:
    """Whether a module is not another one once a list of its parameters has been made."""
    spelled = dotted_name(holder)
    if spelled is None:
        return False
    parts = list(walk(fn.node))
    later = parts[parts.index(value) :] if value in parts else parts
    bound = {name for part in later for name in _bound(part) if name is not None}
    return not any(name == spelled or spelled.startswith(f"{name}.") for name in bound)


def _bound(part: cst.CSTNode) -> Iterator[str | None]:
    """The names and attributes that a node gives another value."""
    targets: list[cst.BaseExpression] = []
    if isinstance(part, cst.AssignTarget | cst.AnnAssign | cst.AugAssign | cst.For | cst.NamedExpr):
        targets.append(part.target)
    targets += [part.name] if isinstance(part, cst.AsName) and isinstance(part.name, cst.Name) else []
    for target in targets:
        elements = [e.value for e in target.elements] if isinstance(target, cst.Tuple | cst.List) else [target]
        yield from (dotted_name(element) for element in elements)


_CHANGING = frozenset("append extend insert remove pop clear sort reverse".split())


def _changes(part: cst.CSTNode, name: str) -> bool:
    """Whether a node changes the list in a variable."""
    match part:
        case cst.Call(func=cst.Attribute(value=cst.Name(value), attr=cst.Name(method))):
            return value == name and method in _CHANGING
        case cst.AssignTarget(target=cst.Subscript(value=cst.Name(value))):
            return value == name
        case cst.Del(target=cst.Subscript(value=cst.Name(value))):
            return value == name
    return False
