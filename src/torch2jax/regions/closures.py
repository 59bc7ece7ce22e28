"""Functions that an optimizer calls for the loss: ``optimizer.step(closure)``. They give the gradients beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Kind, Optimizer, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.blocks import Place, blocks
from torch2jax.regions.build import places, zeroes
from torch2jax.regions.callees import receiver_of
from torch2jax.regions.carried import depending
from torch2jax.regions.paths import access_of, access_of_all, overlap, path_of, shown
from torch2jax.regions.region import Accumulation, Closure, NoRegionError, Region, Role, Trained
from torch2jax.regions.trained import trained_by
from torch2jax.source.nodes import dotted_name, walk
from torch2jax.source.scope import Scope


def closure_of(program: Program, fn: FunctionInfo, scope: Scope, place: Place) -> Closure | None:
    """The closure that a function is, if the function around it gives it to an optimizer.

    Raises:
        NoRegionError: it is given to one, and is used or written in a way that has no translation.
    """
    given = [(parent, *step) for parent in _parents(fn) for step in _steps(parent, fn)]
    if not given:
        return None
    node = place.sink.node
    if sum(_uses(parent, fn) for parent in _parents(fn)) > len(given) or _is_seen_elsewhere(program, fn):
        raise NoRegionError(f"`{fn.name}` is used otherwise than by `optimizer.step`", node)
    found: set[Trained] = set()
    kinds: list[Kind] = []
    for parent, _, call in given:
        around = program.bindings[parent.file.path].scope_of[parent.node]
        seen = places([access_of(statement, parent.facts.kinds.get) for statement in _body(parent)], parent.facts.kinds)
        assert isinstance(call.func, cst.Attribute)
        found.add(trained_by(program, parent, around, call.func.value, seen))
        kinds += options(without_none(parent.facts.kinds[call.func.value]))
    if len(found) != 1:
        raise NoRegionError(f"`{fn.name}` is given to several optimizers", node)
    trained = found.pop()
    receiver = receiver_of(fn)
    bound = [name for name in (*trained.models, trained.optimizer) if name.partition(".")[0] in scope.names]
    own = [name for name in bound if not receiver or name.partition(".")[0] != receiver]
    if own or (receiver and len(bound) < len(trained.models) + 1):
        raise NoRegionError(f"`{(own or [trained.model])[0]}` is another object in this function", node)
    returns = [part for part in walk(fn.node) if isinstance(part, cst.Return)]
    last = _body(fn)[-1]
    at_end = isinstance(last, cst.SimpleStatementLine) and last.body[-1] is returns[-1] if returns else False
    if len(returns) != 1 or returns[0].value is None or not at_end:
        raise NoRegionError("a closure has to return the loss, in its last line alone", node)
    first = place.group.backward[0]
    zeroed = [i for i, m in place.roles.items() if m.role is Role.ZERO and zeroes(m, trained)]
    if not any(i < first for i in zeroed) or len(place.group.backward) > 1:
        raise NoRegionError("the gradients of a closure add up", node, "zero them in front of its backward pass")
    calls_itself = all(isinstance(kind, Optimizer) and kind.name.endswith("LBFGS") for kind in kinds)
    if not calls_itself and not all(_is_plain(statement, call) for _, statement, call in given):
        raise NoRegionError("the step stands inside a larger expression", given[0][2], "give the loss a name")
    name = "grads"
    names = {name for parent, _, _ in given for name in program.bindings[parent.file.path].scope_of[parent.node].names}
    while name in scope.names or name in scope.reads or name in names:
        name += "_"
    steps = {statement: call for _, statement, call in given}
    added = Accumulation(trained, name, None, (), {}, {}, tuple(steps), is_new=True)
    return Closure(fn.name, added, last, steps, calls_itself, tuple(parent for parent, _, _ in given))


def check_captured(program: Program, fn: FunctionInfo, region: Region) -> None:
    """Raise `NoRegionError` where a closure uses what the function around it has computed with the model."""
    parent = fn.parent or fn.file.main
    assert parent is not None
    nodes = [*region.forward, *region.losses.values()]
    reads = access_of_all(nodes, lambda node: path_of(node, fn.facts.kinds.get)).reads
    own = program.bindings[fn.file.path].scope_of[fn.node].names
    captured = {path for path in reads if path not in region.models and path.partition(".")[0] not in own}
    found = overlap(captured, depending(parent, set(region.models)))
    for path in sorted(found):
        raise NoRegionError(f"`{shown(path)}` depends on the model", reads[path], "compute it in the closure")


def _parents(fn: FunctionInfo) -> list[FunctionInfo]:
    """The functions that may give a function to an optimizer: the one around it; of a method those of its class."""
    if not isinstance(fn.node, cst.FunctionDef):
        return []
    if fn.is_method and fn.owner is not None:
        return [other for other in fn.owner.methods.values() if other is not fn]
    parent = fn.parent or fn.file.main
    return [parent] if parent is not None else []


def _is_seen_elsewhere(program: Program, fn: FunctionInfo) -> bool:
    """Whether a method may be called outside its class, or be another one in a class that derives from it."""
    if not fn.is_method or fn.owner is None:
        return False
    if any(cls is not fn.owner and fn.owner in cls.mro() for cls in program.classes.values()):
        return True
    own = {part for method in fn.owner.methods.values() for part in walk(method.node)}
    parts = (part for file in program.files.values() for part in walk(file.tree))
    return any(isinstance(p, cst.Attribute) and p.attr.value == fn.name and p not in own for p in parts)


def _uses(parent: FunctionInfo, fn: FunctionInfo) -> int:
    """How often a function is looked at in another one."""
    return sum(_is_named(parent, fn, part) for part in walk(parent.node))


def _is_named(parent: FunctionInfo, fn: FunctionInfo, node: cst.CSTNode) -> bool:
    """Whether an expression is ``closure``, or ``self.closure`` of a method."""
    if fn.is_method:
        is_own = isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name)
        return is_own and dotted_name(node) == f"{receiver_of(parent)}.{fn.name}"
    return isinstance(node, cst.Name) and node.value == fn.name


def _steps(parent: FunctionInfo, fn: FunctionInfo) -> Iterator[tuple[Any, cst.Call]]:
    """The statements with ``optimizer.step(closure)``, and the calls."""
    for block in blocks(parent.node):
        for statement in block.statements:
            for part in walk(statement) if isinstance(statement, cst.SimpleStatementLine) else ():
                if isinstance(part, cst.Call) and _is_step(parent, part, fn):
                    yield statement, part


def _is_plain(statement: Any, call: cst.Call) -> bool:
    """``optimizer.step(closure)`` and ``loss = optimizer.step(closure)``."""
    small = statement.body[0]
    return isinstance(small, cst.Expr | cst.Assign) and small.value is call


def _is_step(parent: FunctionInfo, node: cst.Call, fn: FunctionInfo) -> bool:
    if not isinstance(node.func, cst.Attribute) or node.func.attr.value != "step" or len(node.args) != 1:
        return False
    kind = parent.facts.kinds.get(node.func.value)
    found = list(options(without_none(kind))) if kind is not None else []
    is_optimizer = bool(found) and all(isinstance(option, Optimizer) for option in found)
    return is_optimizer and _is_named(parent, fn, node.args[0].value) and not node.args[0].star


def _body(fn: FunctionInfo) -> list[Any]:
    body: Any = fn.node.body
    return list(body.body if isinstance(body, cst.IndentedBlock) else body)
