"""What the functions of a step look at besides their arguments, and that changes: compiled code keeps the first."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

import libcst as cst

from torch2jax.infer.kinds import (
    AnyModule,
    Api,
    ClassRef,
    Container,
    Function,
    Instance,
    Kind,
    Layer,
    Namespace,
    is_module,
    options,
    without_none,
)
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.regions.callees import receiver_of
from torch2jax.regions.paths import access_of, shown
from torch2jax.source.nodes import walk
from torch2jax.source.scope import Scope, resolve

_LOOPS = cst.For | cst.While


def changing(program: Program, callee: FunctionInfo, step: cst.CSTNode) -> str:
    """What a function looks at that is not given to it, and that may change between two runs of a step that calls it.

    Args:
        program: all code.
        callee: the function that the step calls.
        step: the first statement of the step.

    Returns:
        The place in words, as it is spelled there; empty if there is none.
    """
    scope = _scope(program, callee)
    if scope is None:
        return ""
    kinds = callee.facts.kinds
    for path, node in access_of(cast("cst.CSTNode", callee.node.body), kinds.get).reads.items():
        root = path.partition(".")[0]
        kind = kinds.get(node)
        found = options(without_none(kind)) if kind is not None else ()
        if found and all(_is_constant(option) for option in found):
            continue
        if root == receiver_of(callee):
            is_plain = callee.owner is not None and not callee.owner.is_module and "." in path
            if is_plain and kind is not None and holds_state(kind):
                return f"uses `{shown(path)}` without getting it as an argument"
            if is_plain and _attribute_changes(program, path, step):
                return f"reads `{shown(path)}`, which changes"
            continue
        owner = resolve(scope, root)
        if owner is None or owner is scope or root in owner.imports:
            continue
        if kind is not None and is_module(without_none(kind)):
            return f"uses `{shown(path)}` without getting it as an argument"
        if ("." in path and _attribute_changes(program, path, step)) or _name_changes(program, owner, root, step):
            return f"reads `{shown(path)}`, which changes"
    return ""


def holds_state(kind: Kind, seen: frozenset[ClassInfo] = frozenset()) -> bool:
    """Whether it may be a module with arrays in it, or one that draws random numbers."""
    for option in options(without_none(kind)):
        if isinstance(option, Container | AnyModule) or (isinstance(option, Layer) and not option.stateless):
            return True
        if not isinstance(option, Instance) or not option.cls.is_module or option.cls in seen:
            continue
        for cls in option.cls.mro():
            inner = (cell.kind for cell in cls.attrs.values())
            is_layer = cls.module_base not in (None, "torch.nn.Module")
            if is_layer or cls.parameters or cls.buffers or any(holds_state(k, seen | {option.cls}) for k in inner):
                return True
            if any(method.needs_rngs for method in cls.methods.values() if method.name != "__init__"):
                return True
    return False


def _is_constant(kind: Any) -> bool:
    """Whether it is a function or class, or holds no state: compiled code may keep what it was."""
    return isinstance(kind, Function | ClassRef | Namespace | Api) or (isinstance(kind, Layer) and kind.stateless)


def _scope(program: Program, fn: FunctionInfo) -> Scope | None:
    binding = program.bindings.get(fn.file.path)
    scope: Scope | None = binding.scope_of.get(fn.node) if binding is not None else None
    return scope


def _attribute_changes(program: Program, path: str, step: cst.CSTNode) -> bool:
    """Whether an attribute of this name is set anywhere but in constructors and in front of the step."""
    name = path.rpartition(".")[2]

    def sets(fn: FunctionInfo, nodes: Iterable[Any], own: str = "") -> bool:
        written = [path.split(".") for node in nodes for path in access_of(node, fn.facts.kinds.get).writes]
        return any(len(parts) > 1 and parts[-1] == name and parts[0] != own for parts in written)

    for file in program.files.values():
        if any(sets(fn, [fn.node.body], receiver_of(fn) if fn.name == "__init__" else "") for fn in file.functions):
            return True
        if file.main is not None and sets(file.main, _from(file.tree.body, step)):
            return True
    return False


def _name_changes(program: Program, owner: Scope, name: str, step: cst.CSTNode) -> bool:
    """Whether a name of an outer scope, or what is in it, gets another value once the step may have run."""
    everything = [fn for file in program.files.values() for fn in (*file.functions, file.main) if fn is not None]
    for fn in everything:
        scope = _scope(program, fn)
        if scope is None or resolve(scope, name) is not owner:
            continue
        if fn.node is not owner.node:
            if name in access_of(cast("cst.CSTNode", fn.node.body), fn.facts.kinds.get).writes:
                return True
            continue
        body: Any = fn.node.body
        later = _from(body.body if isinstance(body, cst.IndentedBlock) else body, step)
        writes = [s for s in later if name in access_of(s, fn.facts.kinds.get).writes]
        if len(writes) > 1 or (writes and len(owner.names[name]) > 1):
            return True
        loops = (node for s in writes for node in walk(s) if isinstance(node, cst.For | cst.While))
        if any(name in access_of(loop, fn.facts.kinds.get).writes for loop in loops):
            return True
    return False


def _from(statements: Any, step: cst.CSTNode) -> list[Any]:
    """The statements from the one on that holds the step; none where it is elsewhere, as they have run before."""
    for place, statement in enumerate(statements):
        if any(node is step for node in walk(statement)):
            return list(statements[place:])
    return []
