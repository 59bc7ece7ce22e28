"""What keeps a step from running under jit: values of arrays that Python looks at, and what happens besides.

Compiled code runs Python once. What a function then read from outside, or drew, or changed, stays as it was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Facts, RuleCall
from torch2jax.infer.kinds import Api, Function, Tensor, is_module, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.callees import callees, reached, receiver_of
from torch2jax.regions.outside import changing
from torch2jax.regions.paths import MUTATORS
from torch2jax.regions.static_masks import is_mask
from torch2jax.source.nodes import walk

_READS = frozenset("item tolist numpy".split())
_CONVERSIONS = frozenset(f"builtins.{name}" for name in ("int", "float", "bool", "print", "input", "open"))
_OF_UNKNOWN_SIZE = frozenset("nonzero argwhere masked_select unique unique_consecutive nms batched_nms".split())
_ON_THE_HOST = ("numpy.random.", "random.", "time.", "secrets.", "uuid.")


def obstacle(program: Program, fn: FunctionInfo, statements: Iterable[Any]) -> str:
    """Why statements of a function can't be compiled, in a few words; empty if nothing is known against it."""
    statements = list(statements)
    first = next(_obstacles(program, fn, statements, {fn}), "")
    if first or not statements:
        return first
    called = {callee: changing(program, callee, statements[0]) for _, callee in reached(fn, statements)}
    return next((f"`{_shown(callee)}` {change}" for callee, change in called.items() if change), "")


def _shown(fn: FunctionInfo) -> str:
    return f"{fn.owner.name}.{fn.name}" if fn.owner is not None else fn.name


def _obstacles(program: Program, fn: FunctionInfo, nodes: Iterable[Any], seen: set[FunctionInfo]) -> Iterator[str]:
    nodes = list(nodes)
    for root in nodes:
        targets = {id(node.target) for node in walk(root) if isinstance(node, cst.AssignTarget | cst.AugAssign)}
        for node in walk(root):
            if id(node) in targets:
                continue  # a write through a mask compiles
            yield from _at(program, fn, node)
            yield from _sizes(program, fn.facts, node, nodes)
            for callee in callees(fn.facts, node):
                if callee not in seen:
                    seen.add(callee)
                    yield from _inside(program, callee, seen)


def _inside(program: Program, fn: FunctionInfo, seen: set[FunctionInfo]) -> Iterator[str]:
    """What a function that is called does besides."""
    name = _shown(fn)
    if fn.owner is not None and fn.name != "__init__":
        for changed in _attributes_set(fn):
            if not any(changed in cls.buffers | cls.parameters for cls in fn.owner.mro()):
                yield f"`{name}` sets `self.{changed}`"
    if any(isinstance(node, cst.Global | cst.Nonlocal) for node in walk(fn.node)):
        yield f"`{name}` changes variables outside"
    yield from _obstacles(program, fn, [fn.node.body], seen)


def _attributes_set(fn: FunctionInfo) -> list[str]:
    """Attributes of its object that a method gives other values."""
    receiver = receiver_of(fn)
    targets = (node.target for node in walk(fn.node) if isinstance(node, cst.AssignTarget | cst.AugAssign))
    return [t.attr.value for t in targets if isinstance(t, cst.Attribute) and _is_name(t.value, receiver)]


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _at(program: Program, fn: FunctionInfo, node: cst.CSTNode) -> Iterator[str]:
    facts = fn.facts
    if isinstance(node, cst.If | cst.While | cst.IfExp) and _is_array(facts, node.test):
        yield "control flow depends on the values of arrays"
    if not isinstance(node, cst.Call):
        return
    if isinstance(node.func, cst.Attribute):
        name = node.func.attr.value
        is_followed = isinstance(facts.kinds.get(node.func), Function)  # a method of the project, by its code
        if name in _READS and _is_array(facts, node.func.value):
            yield f"`.{name}()` reads the values of an array"
        if name in MUTATORS and not is_followed and not _is_own(program, fn, node.func.value):
            yield f"`.{name}()` changes something outside"
    binding = program.bindings.get(fn.file.path)
    scope = binding.scope_of.get(fn.node) if binding is not None else None
    called = binding.qualify(scope, node.func) if binding is not None and scope is not None else None
    if called is not None and called.startswith(_ON_THE_HOST):
        yield f"`{called}` would be called once only"
    kind = facts.kinds.get(node.func)
    if isinstance(kind, Api) and kind.name in _CONVERSIONS:
        called = kind.name.removeprefix("builtins.")
        if called in ("print", "input", "open"):
            yield f"`{called}` does something besides"
        elif node.args and _is_array(facts, node.args[0].value):
            yield f"`{called}()` reads the values of an array"


def _sizes(program: Program, facts: Facts, node: cst.CSTNode, roots: Iterable[cst.CSTNode]) -> Iterator[str]:
    """What gives an array whose size depends on the values in another. ``roots``: the code that would be compiled."""
    if isinstance(node, cst.Subscript) and _is_array(facts, node.value):
        indices = [each.slice.value for each in node.slice if isinstance(each.slice, cst.Index)]
        masks = [index for index in indices if is_mask(facts.kinds.get(index))]
        if not all(_is_known(program, mask, roots) for mask in masks):
            yield f"`{cst.Module([]).code_for_node(node)}` picks as many values as the mask has"
    fact = facts.calls.get(node)
    name = fact.rule.name.rpartition(".")[2] if isinstance(fact, RuleCall) else ""
    if name in _OF_UNKNOWN_SIZE or (name == "where" and isinstance(node, cst.Call) and len(node.args) == 1):
        yield f"the size of what `{name}` gives depends on the values of an array"


def _is_known(program: Program, mask: cst.BaseExpression, roots: Iterable[cst.CSTNode]) -> bool:
    """Whether a mask is computed while JAX traces, of what stands in the same code."""
    made = program.static_arrays.get(mask)
    if made is None:
        return False
    inside = {part for root in roots for part in walk(root) if isinstance(part, cst.Assign)}
    return all(definition in inside for definition in made)


def _is_own(program: Program, fn: FunctionInfo, node: cst.BaseExpression) -> bool:
    """Whether an object is an array or a module, or a variable of the function itself: those changes are followed."""
    if _is_array(fn.facts, node) or _is_module(fn.facts, node):
        return True
    binding = program.bindings.get(fn.file.path)
    scope = binding.scope_of.get(fn.node) if binding is not None else None
    return (
        isinstance(node, cst.Name) and scope is not None and node.value in scope.names and node.value not in fn.params
    )


def _is_array(facts: Facts, node: cst.CSTNode) -> bool:
    kind = facts.kinds.get(node)
    return kind is not None and any(isinstance(option, Tensor) for option in options(without_none(kind)))


def _is_module(facts: Facts, node: cst.CSTNode) -> bool:
    kind = facts.kinds.get(node)
    return kind is not None and any(is_module(option) for option in options(without_none(kind)))
