"""Loops over the groups of an optimizer, as loops over the parameters of the module that it trains.

``for group in optimizer.param_groups: for p in group["params"]: ...`` goes over ``model.parameters()`` where the
optimizer has one group. A function that gets an optimizer for nothing but that gets the parameters instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.facts import UserCall
from torch2jax.infer.kinds import Optimizer, options, without_none
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.build import places
from torch2jax.regions.callees import mentions
from torch2jax.regions.paths import access_of
from torch2jax.regions.region import NoRegionError
from torch2jax.regions.slicing import exits
from torch2jax.regions.trained import trained_by
from torch2jax.source.inlining import Inlined, Tracing
from torch2jax.source.nodes import children, dotted_name, walk
from torch2jax.source.scope import Binding

_GROUPS = "param_groups"


def over_parameters(program: Program, bindings: Mapping[str, Binding]) -> dict[str, Inlined] | None:
    """The files with such loops as loops over parameters; None where there are none."""
    wanted = _Wanted(program, bindings)
    for fn in program.functions.values():
        if _GROUPS in fn.file.source and not isinstance(fn.node, cst.Lambda):
            wanted.look_at(fn)
    if not wanted.replaced:
        return None
    return {path: wanted.rewritten(file.tree, file.origins) for path, file in program.files.items()}


class _Wanted:
    """What is to be changed.

    ``replaced``: expressions for the parameters of a group, by what stands for them. ``loops``: loops over groups that
    are needless, and clauses of comprehensions. ``guarded``: those over parameters that pass over frozen ones.
    ``renamed``: names of parameters of functions.
    """

    def __init__(self, program: Program, bindings: Mapping[str, Binding]) -> None:
        self.program, self.bindings = program, bindings
        self.replaced: dict[cst.CSTNode, cst.BaseExpression] = {}
        self.loops: set[cst.CSTNode] = set()
        self.guarded: set[cst.CSTNode] = set()
        self.renamed: dict[cst.CSTNode, str] = {}

    def look_at(self, fn: FunctionInfo) -> None:
        """Note the loops over groups in a function."""
        for node, around in _with_around(fn.node):
            if not isinstance(node, cst.Attribute) or node.attr.value != _GROUPS:
                continue
            loop = _loop_over(node, around)
            if loop is None:
                continue
            group, inside, whole = loop
            uses = [part for part in walk(whole) if part is not inside.target and _is_name(part, group)]
            held = [each for each in walk(whole) if isinstance(each, cst.Subscript) and _is_params_of(each, group)]
            if not held:
                continue
            parameters = self._parameters(fn, node.value) or self._given(fn, node.value, whole, held, len(uses))
            if parameters is None:
                continue
            self.replaced.update((each, parameters) for each in held)
            self._guard(whole, held, parameters)
            if len(held) == len(uses) and _may_go(inside) and not _is_left(fn.node, group):
                self.loops.add(inside)

    def _parameters(self, fn: FunctionInfo, optimizer: cst.BaseExpression) -> cst.BaseExpression | None:
        """``model.parameters()``, for the module whose parameters are in the one group of an optimizer."""
        kind = fn.facts.kinds.get(optimizer)
        scope = self.bindings[fn.file.path].scope_of.get(fn.node)
        found = list(options(without_none(kind))) if kind is not None else []
        if scope is None or not found or not all(isinstance(o, Optimizer) and len(o.groups) == 1 for o in found):
            return None
        kinds = fn.facts.kinds
        body: Any = fn.node.body
        statements = body.body if isinstance(body, cst.IndentedBlock) else body
        seen = places([access_of(s, kinds.get) for s in statements], kinds)
        try:
            trained = trained_by(self.program, fn, scope, optimizer, seen)
        except NoRegionError:
            return None
        if not isinstance(trained.structure, str) or any(o.picked for o in found if isinstance(o, Optimizer)):
            return None
        code = f"{trained.structure}.parameters()"
        if not all(_takes_all(o.site) for o in found if isinstance(o, Optimizer)):
            code = f"[p for p in {code} if p.requires_grad]"
        return cst.parse_expression(code)

    def _guard(self, whole: cst.CSTNode, held: Sequence[cst.Subscript], parameters: cst.BaseExpression) -> None:
        """Loops over all parameters that pass over the frozen ones, in the place of loops over a list without them."""
        if not isinstance(parameters, cst.ListComp):
            return
        for loop in walk(whole):
            if isinstance(loop, cst.For | cst.CompFor) and loop.iter in held and isinstance(loop.target, cst.Name):
                self.replaced[loop.iter] = parameters.for_in.iter
                if not _passes_over_none(loop, loop.target.value):
                    self.guarded.add(loop)

    def _given(
        self, fn: FunctionInfo, optimizer: cst.BaseExpression, whole: cst.CSTNode, held: Sequence[Any], uses: int
    ) -> cst.BaseExpression | None:
        """The name of the parameter that gets an optimizer, where all calls can give what is in its group instead.

        ``held``: the places of that in the loop ``whole``, which has so many ``uses`` of the group.
        """
        alone = len(held) == uses
        loops = [part for part in walk(whole) if isinstance(part, cst.For | cst.CompFor) and part.iter in held]
        is_guarded = len(loops) == len(held) and all(
            isinstance(loop.target, cst.Name) and _passes_over_none(loop, loop.target.value) for loop in loops
        )
        params = fn.parameters()
        if not alone or not isinstance(optimizer, cst.Name) or params is None or not fn.callers:
            return None
        name = optimizer.value
        names = [p.name.value for p in params.params]
        used = [p for p in walk(fn.node) if isinstance(p, cst.Name) and p.value == name]
        taken = {p.value for p in walk(fn.node) if isinstance(p, cst.Name)}
        if name not in names or len(used) != 1 or "parameters" in taken or fn.is_method:
            return None
        given: dict[cst.CSTNode, cst.BaseExpression] = {}
        for caller in fn.callers:
            for node, fact in caller.facts.calls.items():
                if not isinstance(fact, UserCall) or fn not in fact.targets:
                    continue
                arg = _argument(node, names.index(name), name) if len(fact.targets) == 1 else None
                parameters = self._parameters(caller, arg) if arg is not None else None
                if arg is None or parameters is None:
                    return None
                given[arg] = _inner(parameters) if is_guarded else parameters
        if not given or mentions(self.program, fn) != len(given):
            return None
        self.replaced |= given
        self.renamed |= {param: "parameters" for param in params.params if param.name.value == name}
        self.renamed |= {
            arg.keyword: "parameters"
            for caller in fn.callers
            for node in walk(caller.node)
            if isinstance(node, cst.Call)
            for arg in node.args
            if arg.value in given and arg.keyword is not None
        }
        return cst.Name("parameters")

    def rewritten(self, tree: cst.Module, origins: Mapping[Any, Any]) -> Inlined:
        """A file with the changes."""
        result = Inlined(tree, dict(origins))
        result.tree = tree.visit(_Replacing(result.origins, self))
        return result


class _Replacing(Tracing):
    def __init__(self, origins: dict[cst.CSTNode, cst.CSTNode], wanted: _Wanted) -> None:
        super().__init__(origins)
        self.wanted = wanted

    def on_leave(self, original_node: Any, updated_node: Any) -> Any:
        new = self._new(original_node, updated_node)
        if new is None:
            return super().on_leave(original_node, updated_node)
        for part in walk(new) if isinstance(new, cst.CSTNode) else ():
            self.origins.setdefault(part, self.origins.get(original_node, original_node))
        return new

    def _new(self, node: Any, updated: Any) -> Any:
        if node in self.wanted.replaced:
            return self.wanted.replaced[node].deep_clone()
        if node in self.wanted.renamed:
            name = cst.Name(self.wanted.renamed[node])
            return updated.with_changes(name=name, annotation=None) if isinstance(node, cst.Param) else name
        if node in self.wanted.loops:
            return _without_loop(updated)
        return _guarded(updated) if node in self.wanted.guarded else None


def _inner(node: cst.BaseExpression) -> cst.BaseExpression:
    """What a comprehension goes over."""
    return node.for_in.iter if isinstance(node, cst.ListComp) else node


def _without_loop(loop: Any) -> Any:
    """What a loop over the one group does; of a comprehension the clauses behind it."""
    if isinstance(loop, cst.CompFor):
        assert loop.inner_for_in is not None
        return loop.inner_for_in.with_changes(whitespace_before=loop.whitespace_before)
    first, *others = loop.body.body
    behind = loop.body.header.comment
    above = [cst.EmptyLine(comment=behind)] if behind is not None else []
    lines = [*loop.leading_lines, *above, *first.leading_lines]
    return cst.FlattenSentinel([first.with_changes(leading_lines=lines), *others])


def _guarded(loop: Any) -> Any:
    """A loop over parameters that passes over the frozen ones."""
    asks = cst.Attribute(loop.target.deep_clone(), cst.Name("requires_grad"))
    if isinstance(loop, cst.CompFor):
        return loop.with_changes(ifs=[cst.CompIf(asks), *loop.ifs])
    test = cst.UnaryOperation(cst.Not(), asks)
    guard = cst.If(test, cst.IndentedBlock([cst.SimpleStatementLine([cst.Continue()])]))
    return loop.with_changes(body=loop.body.with_changes(body=[guard, *loop.body.body]))


def _passes_over_none(loop: Any, name: str) -> bool:
    """Whether a loop does nothing for parameters without a gradient, which frozen ones are."""
    if isinstance(loop, cst.CompFor):
        return any(_code(each.test) == f"{name}.grad is not None" for each in loop.ifs)
    first = loop.body.body[0]
    if not isinstance(first, cst.If) or first.orelse is not None:
        return not isinstance(loop.body, cst.IndentedBlock)
    if _code(first.test) == f"{name}.grad is not None":
        return len(loop.body.body) == 1
    inner: Any = first.body.body[0]
    line = inner.body[0] if isinstance(inner, cst.SimpleStatementLine) else inner
    return _code(first.test) == f"{name}.grad is None" and isinstance(line, cst.Continue)


def _code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


def _takes_all(site: Any) -> bool:
    """Whether an optimizer is built from all that ``model.parameters()`` gives, and none is left out."""
    given = [a.value for a in site.args if a.keyword is None or a.keyword.value == "params"] if site is not None else []
    value = given[0] if given else None
    if isinstance(value, cst.Call) and isinstance(value.func, cst.Name) and value.func.value in ("list", "tuple"):
        value = value.args[0].value if value.args else None
    return isinstance(value, cst.Call) and (dotted_name(value.func) or "").endswith(".parameters")


def _loop_over(node: cst.Attribute, around: Sequence[cst.CSTNode]) -> tuple[str, Any, cst.CSTNode] | None:
    """The variable of the loop or clause that goes over the groups, that loop, and all that knows the variable."""
    parent: Any = around[-1]
    if (
        not isinstance(parent, cst.For | cst.CompFor)
        or parent.iter is not node
        or not isinstance(parent.target, cst.Name)
    ):
        return None
    whole = next(each for each in reversed(around) if not isinstance(each, cst.CompFor))
    return parent.target.value, parent, parent if isinstance(parent, cst.For) else whole


def _may_go(loop: Any) -> bool:
    """Whether what a loop does once may stand in its place."""
    if isinstance(loop, cst.CompFor):
        return loop.inner_for_in is not None and not loop.ifs
    if loop.orelse is not None or not isinstance(loop.body, cst.IndentedBlock):
        return False
    if any(line.comment is not None for line in loop.body.footer):
        return False
    leaves = (part for statement in loop.body.body for part in exits(statement))
    return not any(isinstance(part, cst.Break | cst.Continue) for part in leaves)


def _is_name(node: cst.CSTNode, name: str) -> bool:
    return isinstance(node, cst.Name) and node.value == name


def _is_left(fn: cst.CSTNode, name: str) -> bool:
    """Whether a name is looked at outside of the loops that bind it."""
    known: set[cst.CSTNode] = set()
    for part in walk(fn):
        if isinstance(part, cst.For) and _is_name(part.target, name):
            known.update(walk(part))
        if isinstance(part, cst.ListComp | cst.SetComp | cst.GeneratorExp | cst.DictComp):
            known.update(walk(part) if any(_is_name(p.target, name) for p in _clauses(part)) else ())
    return any(_is_name(part, name) and part not in known for part in walk(fn))


def _clauses(node: cst.BaseComp) -> Iterator[cst.CompFor]:
    clause: cst.CompFor | None = node.for_in
    while clause is not None:
        yield clause
        clause = clause.inner_for_in


def _is_params_of(node: cst.Subscript, name: str) -> bool:
    """Whether it is ``group["params"]``."""
    index = node.slice[0].slice if len(node.slice) == 1 else None
    key = index.value if isinstance(index, cst.Index) else None
    return _is_name(node.value, name) and isinstance(key, cst.SimpleString) and key.evaluated_value == "params"


def _argument(node: cst.CSTNode, place: int, name: str) -> cst.BaseExpression | None:
    """What a call gives to a parameter."""
    if not isinstance(node, cst.Call) or any(arg.star for arg in node.args):
        return None
    named = [arg.value for arg in node.args if arg.keyword is not None and arg.keyword.value == name]
    plain = [arg.value for arg in node.args if arg.keyword is None]
    return named[0] if named else plain[place] if place < len(plain) else None


def _with_around(
    node: cst.CSTNode, around: tuple[cst.CSTNode, ...] = ()
) -> Iterator[tuple[cst.CSTNode, tuple[cst.CSTNode, ...]]]:
    """All nodes of a function, without those of functions in it, each with what it stands in."""
    yield node, around
    for child in children(node):
        if not around or not isinstance(child, cst.FunctionDef | cst.Lambda | cst.ClassDef):
            yield from _with_around(child, (*around, node))
