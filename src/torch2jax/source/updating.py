"""Functions that update arrays by their gradients, written out where they are called: ``sgd([w, b], lr)``.

The gradient of an array is a variable of its own in JAX, which stands where the backward pass does.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import libcst as cst

from torch2jax.source.assigned import assigned_names
from torch2jax.source.inlining import (
    Inlined,
    Key,
    Removal,
    Substitution,
    Tracing,
    calls_method,
    free_name,
    functions_of,
    given_by,
    heading_of,
    is_mentioned,
    names_of,
    statements_of,
)
from torch2jax.source.nodes import walk


def updates_written_out(
    tree: cst.Module, origins: dict[cst.CSTNode, cst.CSTNode], is_used_elsewhere: Callable[[str], bool]
) -> Inlined:
    """A file with such calls written out; ``origins`` as in `Inlined`. Functions that nobody calls any more go."""
    functions = {key[1]: fn for key, fn in functions_of(tree) if not key[0]}
    updates = {name: over for name, fn in functions.items() if (over := _updated(fn)) is not None}
    if not updates:
        return Inlined(tree, origins)
    change = _Updating(tree, origins, functions, updates)
    tree = tree.visit(change)
    gone: set[Key] = {("", n) for n in change.done if not is_used_elsewhere(n) and not is_mentioned(tree, ("", n))}
    return Inlined(tree.visit(Removal(gone, origins)) if gone else tree, origins)


def _updated(fn: cst.FunctionDef) -> str | None:
    """The parameter whose items a function changes by their gradients; None where it does anything that has to stay."""
    params = fn.params
    plain = not (fn.decorators or fn.asynchronous or params.kwonly_params or params.star_kwarg or params.posonly_params)
    if not plain or isinstance(params.star_arg, cst.Param) or any(p.default is not None for p in params.params):
        return None
    kept = (cst.FunctionDef, cst.ClassDef, cst.Lambda, cst.Yield, cst.Return, cst.Global, cst.Nonlocal)
    if any(isinstance(part, kept) for part in walk(fn.body)) or calls_method(fn, "backward"):
        return None
    names = [param.name.value for param in params.params]
    loops = [part for part in walk(fn.body) if isinstance(part, cst.For) and _reads_gradients(part)]
    over = {part.iter.value for part in loops if isinstance(part.iter, cst.Name) and part.iter.value in names}
    if len(over) != 1:
        return None
    (found,) = over
    uses = [part for part in walk(fn.body) if isinstance(part, cst.Name) and part.value == found]
    return found if len(uses) == len([loop for loop in loops if loop.iter in uses]) else None


def _reads_gradients(loop: cst.For) -> bool:
    """Whether a loop looks at the gradient of its variable."""
    name = loop.target.value if isinstance(loop.target, cst.Name) else None
    grads = (part.value for part in walk(loop.body) if isinstance(part, cst.Attribute) and part.attr.value == "grad")
    return any(isinstance(value, cst.Name) and value.value == name for value in grads)


class _Updating(Tracing):
    """``updates``: the parameters with the arrays, by the names of functions. ``done``: those that were written out."""

    def __init__(
        self,
        tree: cst.Module,
        origins: dict[cst.CSTNode, cst.CSTNode],
        functions: Mapping[str, cst.FunctionDef],
        updates: Mapping[str, str],
    ) -> None:
        super().__init__(origins)
        self.functions, self.updates = functions, updates
        self.scopes: list[Any] = [tree]
        own = {functions[name] for name in updates}
        self.taken = {name for statement in tree.body if statement not in own for name in names_of(statement)}
        self.done: set[str] = set()

    def visit_FunctionDef(self, node: cst.FunctionDef) -> None:
        self.scopes.append(node)

    def leave_FunctionDef(self, original_node: cst.FunctionDef, updated_node: cst.FunctionDef) -> cst.FunctionDef:
        self.scopes.pop()
        return updated_node

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        match original_node.body:
            case [cst.Assign(targets=[cst.AssignTarget(target=cst.Name(held))], value=cst.List() | cst.Tuple())]:
                return cst.RemoveFromParent() if self._is_needless(held) else updated_node
            case [cst.Expr(value=cst.Call(func=cst.Name(name)) as call)] if name in self.updates:
                lines = self._lines(name, call)
            case _:
                return updated_node
        if lines is None:
            return updated_node
        self.done.add(name)
        behind = updated_node.trailing_whitespace.comment
        own = [*updated_node.leading_lines, *([cst.EmptyLine(comment=behind)] if behind is not None else [])]
        above = [*own, *heading_of(self.functions[name]), *lines[0].leading_lines]
        first = lines[0].with_changes(leading_lines=above)
        self.origins[first] = self.origins.get(lines[0], lines[0])
        return cst.FlattenSentinel([first, *lines[1:]])

    def _lines(self, name: str, call: cst.Call) -> list[Any] | None:
        """The statements of a function with what a call gives; None where they can't stand here."""
        fits = self._fitting(name, call)
        if fits is None:
            return None
        given, arrays = fits
        body = statements_of(self.functions[name])
        bound = assigned_names(body)
        first: list[Any] = []
        names: dict[str, cst.BaseExpression] = {self.updates[name]: arrays}
        for param, value in given.items():
            if param == self.updates[name]:
                continue
            if param not in bound and isinstance(value, cst.Name | cst.Attribute | cst.Integer | cst.Float):
                names[param] = value
                continue
            new = cst.Name(free_name(param, self.taken))
            names[param] = new
            first.append(cst.SimpleStatementLine([cst.Assign([cst.AssignTarget(new)], value.deep_clone())]))
        for local in sorted(bound - given.keys()):
            names[local] = cst.Name(free_name(local, self.taken))
        for line in first:
            self.origins.setdefault(line, self.origins.get(call, call))
        return [*first, *(self._copied(statement, names) for statement in body)]

    def _fitting(self, name: str, call: cst.Call) -> tuple[dict[str, cst.BaseExpression], cst.BaseExpression] | None:
        """What a call gives, and the list of arrays among that, where the function's statements may stand here."""
        fn, scope = self.functions[name], self.scopes[-1]
        given = given_by(fn, call, False, None)
        arrays = self._listed(given[self.updates[name]]) if given is not None else None
        if given is None or arrays is None or fn in self.scopes or not calls_method(scope, "backward"):
            return None
        outer = set(names_of(fn.body)) - assigned_names(statements_of(fn)) - given.keys()
        if isinstance(scope, cst.FunctionDef):
            own = {*assigned_names(scope.body), *names_of(scope.params)}
            if outer & own or not set(names_of(arrays)) <= own or any(isinstance(p, cst.Global) for p in walk(scope)):
                return None
        return given, arrays

    def _is_needless(self, held: str) -> bool:
        """Whether a list is for nothing but calls that are written out."""
        scope: Any = self.scopes[-1]
        lines = (part.body[0] for part in walk(scope) if isinstance(part, cst.SimpleStatementLine))
        calls = [line.value for line in lines if isinstance(line, cst.Expr) and isinstance(line.value, cst.Call)]
        own = [c for c in calls if any(isinstance(a.value, cst.Name) and a.value.value == held for a in c.args)]
        uses = [part for part in walk(scope) if isinstance(part, cst.Name) and part.value == held]
        names = [call.func.value for call in own if isinstance(call.func, cst.Name) and call.func.value in self.updates]
        is_all = bool(own) and len(uses) == len(own) + 1 and len(names) == len(own)
        return is_all and all(self._fitting(name, call) is not None for name, call in zip(names, own, strict=True))

    def _copied(self, node: Any, names: dict[str, cst.BaseExpression]) -> Any:
        copy = node.deep_clone()
        for before, after in zip(walk(node), walk(copy), strict=True):
            self.origins[after] = self.origins.get(before, before)
        return copy.visit(Substitution(names, self.origins))

    def _listed(self, node: cst.BaseExpression) -> cst.BaseExpression | None:
        """A list of names: written here, or held by a variable that is assigned once."""
        if isinstance(node, cst.Name):
            scope: Any = self.scopes[-1]
            assigned = [part for part in walk(scope) if isinstance(part, cst.Assign) and _binds(part, node.value)]
            others = [p for p in walk(scope) if isinstance(p, cst.Name) and p.value == node.value]
            calls = [p for p in walk(scope) if isinstance(p, cst.Call) and any(a.value in others for a in p.args)]
            is_list = len(assigned) == 1 and len(others) == 1 + len(calls) and _are_fixed(scope, assigned[0].value)
            return self._listed(assigned[0].value) if is_list else None
        elements: Sequence[Any] = node.elements if isinstance(node, cst.List | cst.Tuple) else ()
        return node if elements and all(isinstance(each.value, cst.Name) for each in elements) else None


def _binds(node: cst.Assign, name: str) -> bool:
    return any(isinstance(each.target, cst.Name) and each.target.value == name for each in node.targets)


def _are_fixed(scope: cst.CSTNode, node: cst.BaseExpression) -> bool:
    """Whether the names in a list are assigned once, so that they mean the same wherever the list is used."""
    elements: Sequence[Any] = node.elements if isinstance(node, cst.List | cst.Tuple) else ()
    names = [each.value.value for each in elements if isinstance(each.value, cst.Name)]
    assigned = [part for part in walk(scope) if isinstance(part, cst.AssignTarget | cst.AugAssign | cst.For)]
    bound = [part.value for each in assigned for part in walk(each.target) if isinstance(part, cst.Name)]
    bound += [part.name.value for part in walk(scope) if isinstance(part, cst.Param)]
    return all(bound.count(name) == 1 for name in names)
