"""Whether the order matters in which a program goes through the parts of a module.

`nnx.iter_graph` and `nnx.iter_modules` go by the names of attributes, PyTorch by the order of their assignment.
"""

from __future__ import annotations

from collections.abc import Iterator

import libcst as cst

from torch2jax.infer.kinds import UNKNOWN, Container, Mapping, is_module, without_none
from torch2jax.rewrite.containers import holds_state
from torch2jax.rewrite.rewriter import Rewriter, call
from torch2jax.source.nodes import names_outside, walk

_COLLECTING = frozenset("append extend insert add update setdefault register_forward_hook".split())
_TAKING = frozenset("pop popleft popitem next".split())
_KINDS = frozenset("dtype device is_cuda new new_zeros new_ones new_full new_empty new_tensor".split())
_SYMMETRIC = frozenset("sum all any max min len set frozenset sorted".split())


def depends_on_order(rewriter: Rewriter, loop: cst.For) -> bool:
    """Whether a loop may give something else in another order: it collects, takes, counts, yields, stops or keeps."""
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
            case cst.Call(func=cst.Attribute(attr=cst.Name(value=name)) | cst.Name(value=name)) if (
                name in _COLLECTING | _TAKING
            ):
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
    """The walk through a module, or through a dictionary of layers, that an iterable is, if it is one by itself."""
    note = rewriter.facts.special.get(iterable)
    if (note is not None and note[0] == "module_method") or is_dict(rewriter, iterable) or _view(rewriter, iterable):
        yield iterable


_VIEWS = ("items", "values", "keys")
_ITERATING = frozenset("list tuple enumerate zip reversed iter dict map filter".split())


def is_dict(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Whether an expression is an ``nnx.Dict`` whose names are not known to stand in alphabetical order."""
    kind = without_none(rewriter.kind(node) or UNKNOWN)
    match kind:
        case Container(type="ModuleDict" | "ParameterDict", names=names):
            return names is None or list(names) != sorted(names)
        case Mapping(site=site, keys=keys):
            is_attribute = isinstance(node, cst.Attribute) and is_module(rewriter.kind(node.value) or UNKNOWN)
            return (
                is_attribute
                and holds_state(rewriter.program.heap[site].kind)
                and (not keys or list(keys) != sorted(keys))
            )
    return False


def put_in_order(rewriter: Rewriter, node: cst.BaseExpression, value: cst.BaseExpression) -> cst.BaseExpression:
    """A dictionary of layers that is gone through, in the order in which its items were put in."""
    if node in rewriter.unordered or not is_dict(rewriter, node):
        return value
    return call(rewriter.helper("in_order"), [value])


def iterated(rewriter: Rewriter, node: cst.Call, result: cst.BaseExpression) -> cst.BaseExpression:
    """``self.heads.items()``, and ``list(self.heads)``, in the order in which the items were put in."""
    if not isinstance(result, cst.Call):
        return result
    if isinstance(node.func, cst.Name) and node.func.value in _ITERATING:
        pairs = zip(node.args, result.args, strict=False)
        args = [new.with_changes(value=put_in_order(rewriter, old.value, new.value)) for old, new in pairs]
        return result.with_changes(args=args) if len(args) == len(result.args) else result
    holder = _view(rewriter, node)
    if holder is None or node in rewriter.unordered or _is_looked_up(rewriter, node):
        return result
    func = result.func
    if not isinstance(func, cst.Attribute):
        return result
    return result.with_changes(func=func.with_changes(value=put_in_order(rewriter, holder, func.value)))


def _view(rewriter: Rewriter, node: cst.BaseExpression) -> cst.BaseExpression | None:
    """The dictionary of layers of which ``node`` asks all names, values or both."""
    match node:
        case cst.Call(func=cst.Attribute(value=holder, attr=cst.Name(value=name)), args=[]) if name in _VIEWS:
            return holder if is_dict(rewriter, holder) else None
    return None


def _is_looked_up(rewriter: Rewriter, node: cst.Call) -> bool:
    """``name in self.heads.keys()``."""
    tests = (part for part in walk(rewriter.function.node) if isinstance(part, cst.ComparisonTarget))
    return any(test.comparator is node for test in tests)


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
