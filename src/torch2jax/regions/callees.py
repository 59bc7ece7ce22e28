"""What functions of the project a step runs, and what they use that is not given to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, cast

import libcst as cst

from torch2jax.infer.facts import Facts
from torch2jax.infer.kinds import Function, Instance, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.paths import access_of, touches
from torch2jax.regions.region import NoRegionError
from torch2jax.source.nodes import walk
from torch2jax.source.scope import Scope, resolve


def reached(fn: FunctionInfo, statements: Iterable[Any]) -> Iterator[tuple[cst.CSTNode, FunctionInfo]]:
    """The functions that statements may call, directly or not, each with the call in the statements."""
    seen: set[FunctionInfo] = {fn}
    for statement in statements:
        for node in walk(statement):
            waiting = list(callees(fn.facts, node))
            while waiting:
                callee = waiting.pop()
                if callee in seen:
                    continue
                seen.add(callee)
                yield node, callee
                waiting += [inner for part in walk(callee.node) for inner in callees(callee.facts, part)]


def callees(facts: Facts, node: cst.CSTNode) -> Iterator[FunctionInfo]:
    """The functions of the project that a call may reach: those that are given to it as well."""
    if not isinstance(node, cst.Call):
        return
    for arg in node.args:
        given = facts.kinds.get(arg.value)
        yield from (
            (o.info for o in options(without_none(given)) if isinstance(o, Function)) if given is not None else ()
        )
    fact = facts.calls.get(node)
    for target in getattr(fact, "targets", ()):
        if isinstance(target, FunctionInfo):
            yield target
    kind = facts.kinds.get(node.func)
    for option in options(without_none(kind)) if kind is not None else ():
        if isinstance(option, Function):
            yield option.info
        elif isinstance(option, Instance):
            method = option.cls.find("forward") or option.cls.find("__call__")
            if method is not None:
                yield method


def check_hidden(program: Program, fn: FunctionInfo, statements: Iterable[Any], models: Iterable[str]) -> None:
    """Raise `NoRegionError` where a called function uses a model that it is not given.

    The differentiated function works on a copy: what is used besides its arguments gets no gradients.
    """
    places = list(models)
    for node, callee in reached(fn, statements):
        body = cast("cst.CSTNode", callee.node.body)
        own = {*callee.params} - {receiver_of(callee)}
        reads = access_of(body, callee.facts.kinds.get).reads
        for path in (path for path in reads if path.partition(".")[0] not in own):
            for model in places:
                if touches(_seen_from(fn, callee, path), model) and _is_same(program, fn, callee, path, model):
                    message = f"`{callee.name}` uses `{model}` without getting it as an argument"
                    raise NoRegionError(message, node, "give it the model as an argument")


def _seen_from(fn: FunctionInfo, callee: FunctionInfo, path: str) -> str:
    """A place of another method under the name that the object has here."""
    here, there = receiver_of(fn), receiver_of(callee)
    root, dot, rest = path.partition(".")
    return f"{here}{dot}{rest}" if here and root == there else path


def receiver_of(fn: FunctionInfo) -> str:
    """The name of the instance in a method, empty elsewhere."""
    params = fn.parameters()
    return params.params[0].name.value if fn.is_method and params is not None and params.params else ""


def _is_same(program: Program, fn: FunctionInfo, callee: FunctionInfo, path: str, model: str) -> bool:
    """Whether the beginnings of two places are one variable."""
    root = path.partition(".")[0]
    if root == receiver_of(callee):
        here, there = fn.owner, callee.owner
        related = here is not None and there is not None and (here in there.mro() or there in here.mro())
        return related and bool(receiver_of(fn)) and model.startswith(f"{receiver_of(fn)}.")
    scope = _owner_of(program, callee, root)
    return scope is not None and scope is _owner_of(program, fn, model.partition(".")[0])


def _owner_of(program: Program, fn: FunctionInfo, name: str) -> Scope | None:
    binding = program.bindings.get(fn.file.path)
    scope = binding.scope_of.get(fn.node) if binding is not None else None
    return resolve(scope, name) if scope is not None else None
