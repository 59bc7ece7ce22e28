"""Functions that an optimizer calls for the loss: ``optimizer.step(closure)``. They give the gradients beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Optimizer, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.blocks import Place, blocks
from torch2jax.regions.build import places, zeroes
from torch2jax.regions.carried import depending
from torch2jax.regions.paths import access_of, access_of_all, overlap, path_of, shown
from torch2jax.regions.region import Accumulation, Closure, NoRegionError, Region, Role
from torch2jax.regions.trained import trained_by
from torch2jax.source.nodes import walk
from torch2jax.source.scope import Scope


def closure_of(program: Program, fn: FunctionInfo, scope: Scope, place: Place) -> Closure | None:
    """The closure that a function is, if the function around it gives it to an optimizer.

    Raises:
        NoRegionError: it is given to one, and is used or written in a way that has no translation.
    """
    parent = fn.parent or fn.file.main
    steps = list(_steps(parent, fn.name)) if parent is not None and isinstance(fn.node, cst.FunctionDef) else []
    if parent is None or not steps:
        return None
    node = place.sink.node
    around = program.bindings[parent.file.path].scope_of[parent.node]
    used = [part for part in walk(parent.node) if isinstance(part, cst.Name) and part.value == fn.name]
    if len(used) > len(steps):
        raise NoRegionError(f"`{fn.name}` is used otherwise than by `optimizer.step`", node)
    seen = places([access_of(statement, parent.facts.kinds.get) for statement in _body(parent)], parent.facts.kinds)
    optimizers = [call.func.value for _, call in steps if isinstance(call.func, cst.Attribute)]
    found = {trained_by(program, parent, around, optimizer, seen) for optimizer in optimizers}
    if len(found) != 1:
        raise NoRegionError(f"`{fn.name}` is given to several optimizers", node)
    trained = found.pop()
    own = [name for name in (*trained.models, trained.optimizer) if name.partition(".")[0] in scope.names]
    if own:
        raise NoRegionError(f"`{own[0]}` is another object in this function", node)
    returns = [part for part in walk(fn.node) if isinstance(part, cst.Return)]
    last = _body(fn)[-1]
    at_end = isinstance(last, cst.SimpleStatementLine) and last.body[-1] is returns[-1] if returns else False
    if len(returns) != 1 or returns[0].value is None or not at_end:
        raise NoRegionError("a closure has to return the loss, in its last line alone", node)
    first = place.group.backward[0]
    zeroed = [i for i, m in place.roles.items() if m.role is Role.ZERO and zeroes(m, trained)]
    if not any(i < first for i in zeroed) or len(place.group.backward) > 1:
        raise NoRegionError("the gradients of a closure add up", node, "zero them in front of its backward pass")
    kind = next(iter(options(without_none(parent.facts.kinds[optimizers[0]]))))
    calls_itself = isinstance(kind, Optimizer) and kind.name.endswith("LBFGS")
    name = "grads"
    while name in scope.names or name in scope.reads or name in around.names:
        name += "_"
    added = Accumulation(trained, name, None, (), {}, {}, tuple(statement for statement, _ in steps), is_new=True)
    return Closure(fn.name, added, last, dict(steps), calls_itself)


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


def _steps(parent: FunctionInfo, name: str) -> Iterator[tuple[Any, cst.Call]]:
    """The statements ``optimizer.step(closure)`` and ``loss = optimizer.step(closure)``, with the calls."""
    for block in blocks(parent.node):
        for statement in block.statements:
            small = statement.body[0] if isinstance(statement, cst.SimpleStatementLine) else None
            node = small.value if isinstance(small, cst.Expr | cst.Assign) else None
            if isinstance(node, cst.Call) and _is_step(parent, node, name):
                yield statement, node


def _is_step(parent: FunctionInfo, node: cst.Call, name: str) -> bool:
    if not isinstance(node.func, cst.Attribute) or node.func.attr.value != "step" or len(node.args) != 1:
        return False
    given = node.args[0].value
    kind = parent.facts.kinds.get(node.func.value)
    found = list(options(without_none(kind))) if kind is not None else []
    is_optimizer = bool(found) and all(isinstance(option, Optimizer) for option in found)
    return is_optimizer and isinstance(given, cst.Name) and given.value == name and not node.args[0].star


def _body(fn: FunctionInfo) -> list[Any]:
    body: Any = fn.node.body
    return list(body.body if isinstance(body, cst.IndentedBlock) else body)
