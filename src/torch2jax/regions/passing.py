"""Functions that use what is trained besides their arguments, as functions that get it as one.

``def net_u(self, x): return self.net(x)`` in a loss: what is differentiated works on a copy of the model, so that the
model has to be given to it. The same for all that call it, and at every call.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

import libcst as cst

from torch2jax.infer.kinds import FREE
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.callees import callees, hidden_uses, reached, receiver_of
from torch2jax.regions.outside import holds_state
from torch2jax.regions.paths import access_of, last_name
from torch2jax.source.inlining import Inlined, Tracing
from torch2jax.source.nodes import dotted_name, walk


def note_hidden(program: Program, fn: FunctionInfo, statements: Iterable[Any], models: Iterable[str]) -> None:
    """Note which functions use models that they are not given, in statements that a loss depends on.

    Other modules of the object are noted with these: what is compiled would keep the arrays that they had.
    """
    statements = list(statements)
    models = list(dict.fromkeys((*models, *_lent(fn, statements))))
    found: dict[FunctionInfo, set[str]] = {}
    for _, callee, model in hidden_uses(program, fn, statements, models):
        found.setdefault(callee, set()).add(model)
    every = [callee for _, callee in reached(fn, statements)]
    for _ in every if found else ():
        for caller in every:
            inner = {c for part in walk(caller.node) for c in callees(caller.facts, part) if c in found}
            for callee in inner:
                found.setdefault(caller, set()).update(found[callee])
    here = receiver_of(fn)
    for callee, paths in found.items():
        for path in sorted(paths):
            root, dot, rest = path.partition(".")
            seen = f"{receiver_of(callee)}{dot}{rest}" if here and root == here else path
            program.hidden.setdefault(callee, {})[seen] = None


def _lent(fn: FunctionInfo, statements: Iterable[Any]) -> Iterator[str]:
    """The modules that other methods of an object, which is none itself, use of it."""
    here = receiver_of(fn)
    if not here or fn.owner is None or fn.owner.is_module:
        return
    for _, callee in reached(fn, statements):
        own = receiver_of(callee)
        if not own or callee.owner not in {*fn.owner.mro(), *fn.owner.descendants()}:
            continue
        found = access_of(cast("cst.CSTNode", callee.node.body), callee.facts.kinds.get).reads
        states = [path for path, node in found.items() if holds_state(callee.facts.kinds.get(node) or FREE)]
        paths = [path for path in states if path.startswith(f"{own}.")]
        if _can_take(callee, paths):
            yield from (f"{here}.{path.partition('.')[2]}" for path in paths)


def passed(program: Program) -> dict[str, Inlined] | None:
    """The files with models as arguments of the functions that use them; None where a call is not known."""
    wanted = {fn: list(paths) for fn, paths in program.hidden.items()}
    if not wanted or not all(_can_take(fn, paths) for fn, paths in wanted.items()):
        return None
    calls: dict[cst.CSTNode, list[cst.Arg]] = {}
    funcs: set[cst.CSTNode] = set()
    for fn in program.functions.values():
        for node, fact in fn.facts.calls.items():
            targets = [target for target in getattr(fact, "targets", ()) if target in wanted]
            if not targets:
                continue
            given = _given(fn, node, targets, wanted) if len(targets) == len(fact.targets) else None
            if given is None or not isinstance(node, cst.Call):
                return None
            calls[node] = given
            funcs.add(node.func)
    names = {fn.name for fn in wanted}
    for file in program.files.values():
        for node in walk(file.tree):
            name = node.attr.value if isinstance(node, cst.Attribute) else ""
            if name in names and node not in funcs:
                return None
    return {path: _rewritten(file.tree, file.origins, calls, wanted) for path, file in program.files.items()}


def _can_take(fn: FunctionInfo, paths: list[str]) -> bool:
    """Whether a method may get models of its object as parameters."""
    receiver = receiver_of(fn)
    if not receiver or fn.is_property or not isinstance(fn.node, cst.FunctionDef) or fn.owner is None or fn.is_forward:
        return False
    if fn.owner.is_module or fn.name.startswith("__"):
        return False
    attributes = {part.attr for part in walk(fn.node) if isinstance(part, cst.Attribute)}
    taken = {part.value for part in walk(fn.node) if isinstance(part, cst.Name) and part not in attributes}
    alone = all(path.count(".") == 1 and path.startswith(f"{receiver}.") for path in paths)
    return alone and not any(last_name(path) in {*fn.params, *taken} for path in paths)


def _given(
    fn: FunctionInfo, node: cst.CSTNode, targets: list[FunctionInfo], wanted: Mapping[FunctionInfo, list[str]]
) -> list[cst.Arg] | None:
    """What a call passes for the new parameters."""
    first = [path.partition(".")[2] for path in wanted[targets[0]]]
    if any([path.partition(".")[2] for path in wanted[target]] != first for target in targets):
        return None
    if not isinstance(node, cst.Call) or not isinstance(node.func, cst.Attribute):
        return None
    holder = dotted_name(node.func.value)
    if holder is None:
        return None
    own = set(wanted.get(fn, ())) if holder == receiver_of(fn) else set()
    return [
        cst.Arg(cst.Name(name) if f"{holder}.{name}" in own else cst.parse_expression(f"{holder}.{name}"))
        for name in first
    ]


def _rewritten(
    tree: cst.Module,
    origins: Mapping[Any, Any],
    calls: Mapping[cst.CSTNode, list[cst.Arg]],
    wanted: Mapping[FunctionInfo, list[str]],
) -> Inlined:
    result = Inlined(tree, dict(origins))
    change = _Passing(result.origins, calls, {fn.node: paths for fn, paths in wanted.items()})
    result.tree = tree.visit(change)
    return result


class _Passing(Tracing):
    def __init__(
        self,
        origins: dict[cst.CSTNode, cst.CSTNode],
        calls: Mapping[cst.CSTNode, list[cst.Arg]],
        wanted: Mapping[cst.CSTNode, list[str]],
    ) -> None:
        super().__init__(origins)
        self.calls, self.wanted = calls, wanted
        self.inside: list[list[str]] = []

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.inside.append(self.wanted.get(node, []))

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        paths = self.inside.pop()
        if not paths:
            return updated_node
        first, *others = updated_node.params.params
        comma = cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))
        new = [cst.Param(cst.Name(last_name(path)), comma=comma) for path in paths]
        params = [first.with_changes(comma=comma), *new, *others]
        if not others:
            params[-1] = params[-1].with_changes(comma=cst.MaybeSentinel.DEFAULT)
        return updated_node.with_changes(params=updated_node.params.with_changes(params=params))

    def leave_Attribute(self, original_node: cst.Attribute, updated_node: cst.Attribute) -> cst.BaseExpression:
        inside = self.inside[-1] if self.inside else []
        if dotted_name(original_node) in inside:
            return cst.Name(original_node.attr.value, lpar=updated_node.lpar, rpar=updated_node.rpar)
        return updated_node

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        given = self.calls.get(original_node)
        if given is None:
            return updated_node
        for part in (part for arg in given for part in walk(arg)):
            self.origins.setdefault(part, self.origins.get(original_node, original_node))
        return updated_node.with_changes(args=[*given, *updated_node.args])
