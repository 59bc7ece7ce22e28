"""Whether the order matters in which a program goes through the parts of a module.

`nnx.iter_graph` and `nnx.iter_modules` go by the names of attributes, PyTorch by the order of their assignment.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from torch2jax.rewrite.rewriter import Rewriter
from torch2jax.source.nodes import names_outside, walk

_COLLECTING = frozenset("append extend insert add update setdefault register_forward_hook".split())
_KINDS = frozenset("dtype device is_cuda new new_zeros new_ones new_full new_empty new_tensor".split())
_SYMMETRIC = frozenset("sum all any max min len set frozenset sorted".split())


def depends_on_order(rewriter: Rewriter, loop: cst.For) -> bool:
    """Whether a loop may give something else in another order: it collects, counts, yields, stops or keeps a value."""
    parts = walk(loop.body)
    outside: set[str] | None = None
    for part in parts:
        match part:
            case cst.Break() | cst.Return() | cst.Yield() | cst.AugAssign() | cst.NamedExpr():
                return True
            case cst.Assign(targets=[cst.AssignTarget(target=cst.Name(value=name))]):
                outside = names_outside(rewriter.function.node, loop) if outside is None else outside
                if name in outside or not _starts_anew(loop.body, name):
                    return True
            case cst.Assign(targets=targets) if any(not isinstance(t.target, cst.Attribute) for t in targets):
                return True
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name)) if name in _COLLECTING:
                return True
    return False


def _starts_anew(body: cst.BaseSuite, name: str) -> bool:
    """Whether each turn of a loop assigns a name before it reads it."""
    for part in walk(body):
        if isinstance(part, cst.Assign) and any(
            isinstance(t.target, cst.Name) and t.target.value == name for t in part.targets
        ):
            return not any(isinstance(inner, cst.Name) and inner.value == name for inner in walk(part.value))
        if isinstance(part, cst.Name) and part.value == name:
            return False
    return False


def walked(rewriter: Rewriter, iterable: cst.BaseExpression) -> Iterator[cst.CSTNode]:
    """The walk through a module that an iterable is, if it is one by itself."""
    note = rewriter.facts.special.get(iterable)
    if note is not None and note[0] == "module_method":
        yield iterable


def in_any_order(rewriter: Rewriter, node: cst.Call) -> None:
    """Note walks whose order does not matter: ``sum(p.numel() for p in self.parameters())``."""
    if not isinstance(node.func, cst.Name) or len(node.args) != 1:
        return
    given = node.args[0].value
    if node.func.value == "next" and _asks_for_kind(rewriter.function.node, node):
        rewriter.unordered.update(walked(rewriter, given))
    if node.func.value in _SYMMETRIC:
        if isinstance(given, cst.GeneratorExp | cst.ListComp) and given.for_in.inner_for_in is None:
            given = given.for_in.iter
        rewriter.unordered.update(walked(rewriter, given))


def _asks_for_kind(function: cst.CSTNode, first: cst.Call) -> bool:
    """Whether of ``next(self.parameters())`` nothing is used but its dtype and device."""
    parts = list(walk(function))
    named = [
        assigned.targets[0].target.value
        for assigned in parts
        if isinstance(assigned, cst.Assign)
        and assigned.value is first
        and isinstance(assigned.targets[0].target, cst.Name)
    ]
    asked = [part.value for part in parts if isinstance(part, cst.Attribute) and part.attr.value in _KINDS]
    if not named:
        return any(value is first for value in asked)
    uses = [part for part in parts if isinstance(part, cst.Name) and part.value == named[0]]
    return sum(any(value is use for value in asked) for use in uses) == len(uses) - 1
