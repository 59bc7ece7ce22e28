"""What functions of the project a step runs, and what they use that is not given to them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import libcst as cst

from torch2jax.infer.facts import Facts
from torch2jax.infer.kinds import Free, Function, Instance, Kind, Unknown, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.paths import access_of, touches
from torch2jax.regions.region import NoRegionError
from torch2jax.source.nodes import dotted_name, walk
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
    """The functions that a call may reach, those that are given to it as well; of a property its method."""
    if isinstance(node, cst.Attribute):
        yield from (t for t in getattr(facts.calls.get(node), "targets", ()) if isinstance(t, FunctionInfo))
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


def check_hidden(
    program: Program,
    fn: FunctionInfo,
    statements: Iterable[Any],
    models: Iterable[str],
    kinds: Mapping[str, Kind] | None = None,
) -> None:
    """Raise `NoRegionError` where a called function uses a model that it is not given.

    The differentiated function works on a copy: what is used besides its arguments gets no gradients. ``kinds``: what
    is known of the models: another object may hold the same one.
    """
    statements, places = list(statements), list(models)
    for node, callee, model in hidden_uses(program, fn, statements, places):
        message = f"`{callee.name}` uses `{model}` without getting it as an argument"
        raise NoRegionError(message, node, _GIVE)
    for node, callee in reached(fn, statements):
        reads = access_of(cast("cst.CSTNode", callee.node.body), callee.facts.kinds.get).reads
        _check_object(fn, node, callee, reads, {model: (kinds or {}).get(model) for model in places})


def hidden_uses(
    program: Program, fn: FunctionInfo, statements: Iterable[Any], models: Iterable[str]
) -> Iterator[tuple[cst.CSTNode, FunctionInfo, str]]:
    """The functions that statements reach and that use a model which they are not given, each with the call."""
    places = list(models)
    for node, callee in reached(fn, statements):
        body = cast("cst.CSTNode", callee.node.body)
        own = {*callee.params} - {receiver_of(callee)}
        reads = access_of(body, callee.facts.kinds.get).reads
        for path in (path for path in reads if path.partition(".")[0] not in own):
            for model in places:
                if touches(_seen_from(fn, callee, path), model) and _is_same(program, fn, callee, path, model):
                    yield node, callee, model


_GIVE = "give it the model as an argument"


def _check_object(
    fn: FunctionInfo,
    node: cst.CSTNode,
    callee: FunctionInfo,
    reads: Mapping[str, cst.CSTNode],
    models: Mapping[str, Kind | None],
) -> None:
    """Raise `NoRegionError` where a method of another object uses a model that the object holds."""
    receiver = receiver_of(callee)
    func = node.func if isinstance(node, cst.Call) else node
    holder = dotted_name(func.value) if isinstance(func, cst.Attribute) else dotted_name(func)
    if not receiver or holder is None or holder == receiver_of(fn):
        return
    for path, read in reads.items():
        root, dot, rest = path.partition(".")
        if root != receiver or not dot:
            continue
        for model, kind in models.items():
            held = model.startswith(f"{holder}.")
            if held and touches(f"{holder}.{rest}", model):
                message = f"`{callee.name}` uses `{model}` without getting it as an argument"
                raise NoRegionError(message, node, _GIVE)
            is_given = _is_built_with(fn, holder, model) and _is_unknown(callee, read)
            if not held and model != holder and (is_given or _may_be(callee, read, kind)):
                message = f"`{callee.name}` may use `{model}` as `{path}`, without getting it as an argument"
                raise NoRegionError(message, node, _GIVE)


def _is_built_with(fn: FunctionInfo, holder: str, model: str) -> bool:
    """Whether a function gives a model to the constructor of an object."""
    for part in walk(fn.node):
        match part:
            case cst.Assign(targets=[cst.AssignTarget(target=target)], value=cst.Call(args=args)):
                if dotted_name(target) == holder and any(dotted_name(arg.value) == model for arg in args):
                    return True
    return False


def _is_unknown(callee: FunctionInfo, read: cst.CSTNode) -> bool:
    kind = callee.facts.kinds.get(read)
    return kind is not None and all(isinstance(option, Free | Unknown) for option in options(without_none(kind)))


def _may_be(callee: FunctionInfo, read: cst.CSTNode, model: Kind | None) -> bool:
    """Whether what a method reads of its object may be a model: a module of the same class of the project."""
    kind = callee.facts.kinds.get(read)
    known = options(without_none(model)) if model is not None else ()
    classes = {option.cls for option in known if isinstance(option, Instance) and option.cls.is_module}
    if callee.owner in classes or kind is None:
        return False
    return any(isinstance(option, Instance) and option.cls in classes for option in options(without_none(kind)))


def _seen_from(fn: FunctionInfo, callee: FunctionInfo, path: str) -> str:
    """A place of another method under the name that the object has here."""
    here, there = receiver_of(fn), receiver_of(callee)
    root, dot, rest = path.partition(".")
    return f"{here}{dot}{rest}" if here and root == there else path


def receiver_of(fn: FunctionInfo) -> str:
    """The name of the instance in a method, empty elsewhere."""
    params = fn.parameters()
    return params.params[0].name.value if fn.is_method and params is not None and params.params else ""


def mentions(program: Program, fn: FunctionInfo) -> int:
    """How often a function may be meant, save in imports and its definition: by its name, or as an attribute."""
    found = 0
    for file in program.files.values():
        if fn.name not in file.source:
            continue
        imports = {p for part in walk(file.tree) if isinstance(part, cst.Import | cst.ImportFrom) for p in walk(part)}
        for part in walk(file.tree):
            if isinstance(part, cst.Attribute) and part.attr.value == fn.name:
                root = (dotted_name(part.value) or "").partition(".")[0]
                found += fn.is_method or root in file.import_names
            elif isinstance(part, cst.Name) and part.value == fn.name and part not in imports:
                found += not fn.is_method
    return found


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
