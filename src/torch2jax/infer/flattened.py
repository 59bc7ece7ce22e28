"""Loops that flatten the parameters of a module or their gradients, which have to lie in PyTorch's axis order for that.

They get copies in that order, so that nothing in such a loop may change one.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Any

import libcst as cst

from torch2jax.source.nodes import dotted_name, walk

_FLATTEN = frozenset("view reshape flatten ravel".split())
_READS = frozenset("len print float int isinstance type list tuple".split())
_WALKS = ("parameters", "named_parameters")


@lru_cache(maxsize=16)
def flattening_walks(function: cst.CSTNode) -> frozenset[cst.CSTNode]:
    """The calls of ``parameters()`` and ``named_parameters()`` with whose items a loop makes vectors, and no more."""
    found = set()
    for node in walk(function):
        for target, iterable, body in _loops(node):
            call = _walk_in(iterable)
            name = _parameter(target)
            if call is not None and name is not None and _flattens(body, name) and _only_reads(body, name):
                found.add(call)
    return frozenset(found)


def _loops(node: cst.CSTNode) -> Iterator[tuple[cst.BaseExpression, cst.BaseExpression, list[cst.CSTNode]]]:
    """The targets and iterables of a loop or comprehension, and what is done in it."""
    match node:
        case cst.For(target=target, iter=iterable, body=body):
            yield target, iterable, [body]
        case cst.ListComp(elt=elt, for_in=clause) | cst.GeneratorExp(elt=elt, for_in=clause):
            yield (
                clause.target,
                clause.iter,
                [elt, *clause.ifs, *([clause.inner_for_in] if clause.inner_for_in else [])],
            )
        case cst.DictComp(key=key, value=value, for_in=clause):
            yield clause.target, clause.iter, [key, value, *clause.ifs]


def _walk_in(iterable: cst.BaseExpression) -> cst.Call | None:
    """``model.parameters()``, in ``list(...)`` and ``enumerate(...)`` as well."""
    match iterable:
        case cst.Call(func=cst.Name("list" | "enumerate"), args=[cst.Arg(value=inner), *_]):
            return _walk_in(inner)
        case cst.Call(func=cst.Attribute(attr=cst.Name(name)), args=[]) if name in _WALKS:
            return iterable
    return None


def _parameter(target: cst.BaseExpression) -> str | None:
    """The variable that gets the parameters."""
    while isinstance(target, cst.Tuple):
        target = target.elements[-1].value
    return target.value if isinstance(target, cst.Name) else None


def _root(node: cst.CSTNode) -> cst.CSTNode:
    """What a chain of attributes, methods and items begins with."""
    while isinstance(node, cst.Attribute | cst.Subscript | cst.Call):
        node = node.func if isinstance(node, cst.Call) else node.value
    return node


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _is_of(node: cst.CSTNode, name: str) -> bool:
    return _is_name(_root(node), name)


def _flattens(body: list[cst.CSTNode], name: str) -> bool:
    """Whether some call makes a vector of a parameter."""
    calls = (part for each in body for part in walk(each) if isinstance(part, cst.Call))
    for part in calls:
        if not isinstance(part.func, cst.Attribute) or part.func.attr.value not in _FLATTEN:
            continue
        if _is_of(part.func.value, name) or any(_is_of(arg.value, name) for arg in part.args[:1]):
            return True
    return False


def _only_reads(body: list[cst.CSTNode], name: str) -> bool:
    """Whether nothing in a loop may change a parameter, keep it, or ask which it is."""
    return not any(_may_change(part, name) for each in body for part in walk(each))


def _may_change(part: Any, name: str) -> bool:
    match part:
        case cst.Call(func=func, args=args):
            method = func.attr.value if isinstance(func, cst.Attribute) else ""
            known = (dotted_name(func) or "").partition(".")[0] in (*_READS, "torch", "F", "np")
            bare = any(_is_itself(arg.value, name) or arg.star for arg in args)
            return (method.endswith("_") and not method.endswith("__")) or (bare and not known)
        case cst.AssignTarget(target=target) | cst.AnnAssign(target=target) | cst.AugAssign(target=target):
            return not isinstance(target, cst.Name | cst.Tuple) or _is_of(target, name)
        case cst.Assign(value=value) | cst.NamedExpr(value=value):
            return _is_itself(value, name)
        case cst.Element(value=value) | cst.Return(value=value) | cst.Yield(value=value):
            return value is not None and _is_itself(value, name)
        case cst.Comparison(left=left, comparisons=others):
            return any(_is_name(node, name) for node in (left, *(other.comparator for other in others)))
        case cst.Index(value=value):
            return _is_name(value, name)
        case cst.Del():
            return True
    return False


def _is_itself(node: cst.CSTNode, name: str) -> bool:
    """``p``, ``p.grad`` or ``p.data``: the Variable or what lies in it."""
    while isinstance(node, cst.Attribute) and node.attr.value in ("grad", "data"):
        node = node.value
    return _is_name(node, name)
