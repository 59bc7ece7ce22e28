"""Numbers that a training loop takes from the device in every turn, where an array would do until they are looked at.

``total += loss.item()`` waits for the step; ``total += loss`` does not, and the value is fetched where it is printed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.region import Region
from torch2jax.source.nodes import children, walk


def defer_items(program: Program, found: Iterable[tuple[FunctionInfo, Region]]) -> None:
    """Note the calls of ``item`` in loops around steps whose results are only added up or put into a list."""
    for fn, region in found:
        for loop in _loops_around(fn.node, region.statements):
            for node in walk(loop):
                program.deferred.update(call for call in _kept(node) if isinstance(fn.facts.calls.get(call), RuleCall))


def _loops_around(node: cst.CSTNode, statements: Iterable[Any]) -> Iterator[cst.CSTNode]:
    """The outermost loops of a function that have one of the statements inside."""
    for child in children(node):
        if isinstance(child, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            continue
        if isinstance(child, cst.For | cst.While):
            if set(statements) & set(walk(child)):
                yield child
        else:
            yield from _loops_around(child, statements)


def _kept(node: cst.CSTNode) -> Iterator[cst.Call]:
    """The calls of ``item`` in what a statement adds to a variable or puts into a list."""
    match node:
        case cst.AugAssign(operator=cst.AddAssign(), value=cst.List(elements=elements)):
            for element in elements:
                yield from _items(element.value)
        case cst.AugAssign(operator=cst.AddAssign(), value=value):
            yield from _items(value)
        case cst.Expr(value=cst.Call(func=cst.Attribute(attr=cst.Name("append")), args=[cst.Arg(value=value)])):
            yield from _items(value)


def _items(value: cst.BaseExpression) -> Iterator[cst.Call]:
    """``x.item()`` itself, or in a sum, product or quotient."""
    match value:
        case cst.BinaryOperation():
            yield from _items(value.left)
            yield from _items(value.right)
        case cst.Call(func=cst.Attribute(attr=cst.Name("item")), args=args) if not args:
            yield value
