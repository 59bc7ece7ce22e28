"""What keeps a step from running under jit: values of arrays that Python looks at, and what happens besides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Facts
from torch2jax.infer.kinds import Api, Tensor, is_module, options, without_none
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.regions.callees import callees
from torch2jax.source.nodes import walk

_READS = frozenset("item tolist numpy cpu_numpy".split())
_CONVERSIONS = frozenset(f"builtins.{name}" for name in ("int", "float", "bool", "print", "input", "open"))
_GROWS = frozenset("append extend add update insert write".split())


def obstacle(program: Program, fn: FunctionInfo, statements: Iterable[Any]) -> str:
    """Why statements of a function can't be compiled, in a few words; empty if nothing is known against it."""
    seen: set[FunctionInfo] = {fn}
    return next(_obstacles(program, fn, statements, seen), "")


def _obstacles(program: Program, fn: FunctionInfo, nodes: Iterable[Any], seen: set[FunctionInfo]) -> Iterator[str]:
    for root in nodes:
        for node in walk(root):
            yield from _at(fn.facts, node)
            for callee in callees(fn.facts, node):
                if callee not in seen:
                    seen.add(callee)
                    yield from _inside(program, callee, seen)


def _inside(program: Program, fn: FunctionInfo, seen: set[FunctionInfo]) -> Iterator[str]:
    owner = fn.owner
    if owner is not None and owner.is_module and fn.name != "__init__":
        changed = _changed_attributes(owner, fn)
        if changed:
            yield f"`{owner.name}.{fn.name}` sets `self.{changed[0]}`"
    body = fn.node.body
    yield from _obstacles(program, fn, [body], seen)


def _changed_attributes(owner: ClassInfo, fn: FunctionInfo) -> list[str]:
    """Attributes without a Variable that a method gives other values: compiled code would lose them."""
    params = fn.parameters()
    receiver = params.params[0].name.value if params is not None and params.params else "self"
    found = []
    for node in walk(fn.node):
        if isinstance(node, cst.AssignTarget | cst.AugAssign) and isinstance(node.target, cst.Attribute):
            holder = node.target.value
            name = node.target.attr.value
            is_own = isinstance(holder, cst.Name) and holder.value == receiver
            if is_own and not any(name in cls.buffers | cls.parameters for cls in owner.mro()):
                found.append(name)
    return found


def _at(facts: Facts, node: cst.CSTNode) -> Iterator[str]:
    if isinstance(node, cst.If | cst.While | cst.IfExp) and _is_array(facts, node.test):
        yield "control flow depends on the values of arrays"
    if not isinstance(node, cst.Call):
        return
    if isinstance(node.func, cst.Attribute):
        name = node.func.attr.value
        if name in _READS and _is_array(facts, node.func.value):
            yield f"`.{name}()` reads the values of an array"
        if name in _GROWS and not _is_array(facts, node.func.value) and not _is_module(facts, node.func.value):
            yield f"`.{name}()` changes something outside"
    kind = facts.kinds.get(node.func)
    if isinstance(kind, Api) and kind.name in _CONVERSIONS:
        called = kind.name.removeprefix("builtins.")
        if called in ("print", "input", "open"):
            yield f"`{called}` does something besides"
        elif node.args and _is_array(facts, node.args[0].value):
            yield f"`{called}()` reads the values of an array"


def _is_array(facts: Facts, node: cst.CSTNode) -> bool:
    kind = facts.kinds.get(node)
    return kind is not None and any(isinstance(option, Tensor) for option in options(without_none(kind)))


def _is_module(facts: Facts, node: cst.CSTNode) -> bool:
    kind = facts.kinds.get(node)
    return kind is not None and any(is_module(option) for option in options(without_none(kind)))
