"""Dictionaries that go into training steps and come out of them: on the way JAX sorts their entries by key."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Mapping, options, without_none
from torch2jax.infer.program import FunctionInfo
from torch2jax.regions.callees import callees, receiver_of
from torch2jax.regions.paths import path_text
from torch2jax.rewrite.rewriter import Rewriter, call
from torch2jax.source.nodes import children, walk


def in_its_order(
    rewriter: Rewriter, path: str, node: cst.BaseExpression, statements: Iterable[Any] | None = None
) -> cst.BaseExpression:
    """``OrderedDict(losses)`` for a dictionary whose order someone looks at, in these statements or anywhere."""
    fn = rewriter.function
    code = [fn.node] if statements is None else list(statements)
    if not _may_be_sorted(fn, path):
        return node
    seen_elsewhere = statements is None and "." in path
    return (
        call(rewriter.root("OrderedDict"), [node]) if seen_elsewhere or _is_looked_at(fn, path, code, set()) else node
    )


def _may_be_sorted(fn: FunctionInfo, path: str) -> bool:
    """Whether a place holds a dictionary of the program whose entries are not in the order of their keys anyway."""
    places = (node for node in walk(fn.node) if isinstance(node, cst.Name | cst.Attribute) and path_text(node) == path)
    kinds = [kind for kind in (fn.facts.kinds.get(place) for place in places) if kind is not None]
    found = [option for kind in kinds for option in options(without_none(kind)) if isinstance(option, Mapping)]
    return any(option.keys is None or list(option.keys) != sorted(option.keys) for option in found)


def _is_looked_at(fn: FunctionInfo, path: str, code: Iterable[cst.CSTNode], seen: set[tuple[Any, str]]) -> bool:
    """Whether code may go through the entries of a dictionary, there or in what it is handed to."""
    if (fn, path) in seen:
        return False
    seen.add((fn, path))
    return any(
        _is_look(fn, path, parents, seen) for root in code for parents in _uses(root, path, ())
    )  # fmt: skip


def _uses(node: cst.CSTNode, path: str, parents: tuple[cst.CSTNode, ...]) -> Iterator[tuple[cst.CSTNode, ...]]:
    """Where a place is read: the nodes around it, the innermost first, which is the place itself."""
    if isinstance(node, cst.Name | cst.Attribute) and path_text(node) == path:
        yield (node, *parents)
        return
    for child in children(node):
        if not (isinstance(node, cst.AssignTarget | cst.AnnAssign | cst.Param) and child is _target(node)):
            yield from _uses(child, path, (node, *parents))


def _target(node: cst.AssignTarget | cst.AnnAssign | cst.Param) -> cst.CSTNode:
    return node.name if isinstance(node, cst.Param) else node.target


def _is_look(fn: FunctionInfo, path: str, around: tuple[cst.CSTNode, ...], seen: set[tuple[Any, str]]) -> bool:
    """Whether one use depends on the order."""
    place, outer, *others = around
    match outer:
        case cst.Subscript() if outer.value is place:
            return False
        case cst.ComparisonTarget(operator=cst.In() | cst.NotIn()):
            return False
        case cst.Attribute(attr=cst.Name("get" | "setdefault" | "update" | "pop")):
            return False
        case cst.Attribute(attr=cst.Name("items")) if len(others) > 3 and isinstance(others[2], cst.DictComp):
            return _is_copy_looked_at(fn, path, others[3], seen)
        case cst.Arg() if isinstance(others[0], cst.Call) and outer.star != "*":
            return _is_argument_looked_at(fn, outer, others[0], seen)
        case _:
            return True


def _is_copy_looked_at(fn: FunctionInfo, path: str, statement: cst.CSTNode, seen: set[tuple[Any, str]]) -> bool:
    """Of ``batch = {k: f(v) for k, v in batch.items()}``, which has the order of what it is made of."""
    if not isinstance(statement, cst.Assign) or len(statement.targets) != 1:
        return True
    name = path_text(statement.targets[0].target)
    return name is None or (name != path and _is_looked_at(fn, name, [fn.node], seen))


def _is_argument_looked_at(fn: FunctionInfo, arg: cst.Arg, node: cst.Call, seen: set[tuple[Any, str]]) -> bool:
    """Whether a function that gets a dictionary goes through it; all others may."""
    called = [target for target in callees(fn.facts, node) if not isinstance(target.node, cst.Module)]
    if not called:
        return True
    if arg.star:  # as keywords, which have no order but in a dictionary of them
        return any(target.node.params.star_kwarg is not None for target in called)  # type: ignore[union-attr]
    return any(_is_parameter_looked_at(target, node.args.index(arg), arg, seen) for target in called)


def _is_parameter_looked_at(fn: FunctionInfo, index: int, arg: cst.Arg, seen: set[tuple[Any, str]]) -> bool:
    params = fn.parameters()
    if params is None:
        return True
    names = [param.name.value for param in params.params]
    if arg.keyword is not None:
        name = arg.keyword.value if arg.keyword.value in names else ""
    else:
        position = index + bool(receiver_of(fn))
        name = names[position] if position < len(names) else ""
    return not name or _is_looked_at(fn, name, [fn.node], seen)
