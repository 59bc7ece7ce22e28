"""Gradients of a model's parameters that ``torch.autograd.grad`` gives, as what a backward pass leaves in them.

``grads = torch.autograd.grad(loss, model.parameters())`` is a backward pass: gradients are zeroed in front of it, and
listed behind it. This is done to the source, in functions that have no other backward passes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Api
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.walked import holder_of
from torch2jax.source.inlining import Inlined, Substitution, Tracing
from torch2jax.source.nodes import walk


@dataclass(frozen=True, slots=True)
class _Taken:
    """A statement that takes gradients: of what, of which model, and of which of its parameters.

    ``over``: the comprehensions over the gradients, which are to go over the parameters. ``is_listed``: something else
    looks at them too.
    """

    name: str
    output: cst.BaseExpression
    model: cst.BaseExpression
    inputs: cst.BaseExpression
    over: tuple[cst.BaseComp, ...] = ()
    is_listed: bool = True


def by_backward(program: Program) -> dict[str, Inlined] | None:
    """The files with such statements as backward passes; None where there are none."""
    found: dict[cst.CSTNode, _Taken] = {}
    for fn in program.functions.values():
        if "grad(" in fn.file.source and not isinstance(fn.node, cst.Lambda):
            found |= _taken_in(fn)
    if not found:
        return None
    return {path: _rewritten(file.tree, file.origins, found) for path, file in program.files.items()}


def _taken_in(fn: FunctionInfo) -> dict[cst.CSTNode, _Taken]:
    """The statements of a function that take gradients of a model's parameters; none where it has others."""
    found: dict[cst.CSTNode, _Taken] = {}
    for part in walk(fn.node):
        is_other = isinstance(part, cst.Attribute) and part.attr.value in ("backward", "grad", "step", "zero_grad")
        if is_other and not _is_grad(fn, part):
            return {}
        if isinstance(part, cst.SimpleStatementLine):
            taken = _taken(fn, part)
            if taken is not None:
                found[part] = taken
    if len(found) == 1:
        found = {line: _with_comprehensions(fn, taken) for line, taken in found.items()}
    return found


def _with_comprehensions(fn: FunctionInfo, taken: _Taken) -> _Taken:
    """With the comprehensions over the gradients, where the name stands for nothing else."""
    uses = [part for part in walk(fn.node) if isinstance(part, cst.Name) and part.value == taken.name]
    comps = [part for part in walk(fn.node) if isinstance(part, cst.ListComp | cst.GeneratorExp)]
    over = [c for c in comps if c.for_in.iter in uses and isinstance(c.for_in.target, cst.Name) and _is_free(c)]
    bound = [p for p in walk(fn.node) if isinstance(p, cst.AssignTarget) and p.target in uses]
    if len(bound) != 1 or any(comp.for_in.inner_for_in is not None for comp in over):
        return taken
    is_listed = len(uses) > 1 + len(over)
    return replace(taken, over=tuple(c for c in over if not is_listed or _flattens(c)), is_listed=is_listed)


def _flattens(comp: cst.BaseComp) -> bool:
    """Whether gradients become vectors, for which they have to lie in PyTorch's axis order."""
    names = {part.attr.value for part in walk(comp) if isinstance(part, cst.Attribute)}
    return not names.isdisjoint(("view", "reshape", "flatten", "ravel"))


def _is_free(comp: cst.ListComp | cst.GeneratorExp) -> bool:
    """Whether a comprehension has no other use for the name of parameters."""
    own = comp.for_in.target
    assert isinstance(own, cst.Name)
    return own.value == "p" or not any(isinstance(part, cst.Name) and part.value == "p" for part in walk(comp))


def _is_grad(fn: FunctionInfo, node: cst.CSTNode) -> bool:
    kind = fn.facts.kinds.get(node)
    return isinstance(kind, Api) and kind.name == "torch.autograd.grad"


def _taken(fn: FunctionInfo, line: cst.SimpleStatementLine) -> _Taken | None:
    match line.body:
        case [cst.Assign(targets=[cst.AssignTarget(target=cst.Name(name))], value=cst.Call(func=func, args=args))]:
            if not _is_grad(fn, func):
                return None
        case _:
            return None
    names = ("outputs", "inputs")
    if any(arg.star or (arg.keyword is None and at > 1) for at, arg in enumerate(args)):
        return None
    given = {arg.keyword.value if arg.keyword is not None else names[at]: arg.value for at, arg in enumerate(args)}
    if given.keys() - {"outputs", "inputs", "retain_graph", "create_graph"} or len(given.keys() & set(names)) < 2:
        return None
    creates = given.get("create_graph")
    if creates is not None and not (isinstance(creates, cst.Name) and creates.value == "False"):
        return None
    output, inputs = given["outputs"], given["inputs"]
    model = holder_of(fn, inputs)
    if model is None or not isinstance(output, cst.Name | cst.Attribute | cst.Call):
        return None
    return _Taken(name, output, model, inputs)


def _rewritten(tree: cst.Module, origins: Mapping[Any, Any], found: Mapping[cst.CSTNode, _Taken]) -> Inlined:
    result = Inlined(tree, dict(origins))
    result.tree = tree.visit(_Rewriting(result.origins, found))
    return result


class _Rewriting(Tracing):
    def __init__(self, origins: dict[cst.CSTNode, cst.CSTNode], found: Mapping[cst.CSTNode, _Taken]) -> None:
        super().__init__(origins)
        self.found = found
        self.over = {comp: taken for taken in found.values() for comp in taken.over}

    def leave_ListComp(self, original_node: cst.ListComp, updated_node: cst.ListComp) -> Any:
        return self._over_parameters(original_node, updated_node)

    def leave_GeneratorExp(self, original_node: cst.GeneratorExp, updated_node: cst.GeneratorExp) -> Any:
        return self._over_parameters(original_node, updated_node)

    def _over_parameters(self, node: cst.ListComp | cst.GeneratorExp, updated: Any) -> Any:
        """A comprehension over gradients as one over parameters."""
        taken = self.over.get(node)
        if taken is None:
            return updated
        assert isinstance(node.for_in.target, cst.Name)
        names: dict[str, cst.BaseExpression] = {node.for_in.target.value: _gradient()}
        changed = Substitution(names, self.origins)
        clause = updated.for_in
        return updated.with_changes(
            elt=updated.elt.visit(changed),
            for_in=clause.with_changes(
                target=cst.Name("p"),
                iter=_walked(taken.inputs).deep_clone(),
                ifs=[test.visit(changed) for test in clause.ifs],
            ),
        )

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        taken = self.found.get(original_node)
        if taken is None:
            return updated_node
        zero = _line(cst.Call(cst.Attribute(taken.model.deep_clone(), cst.Name("zero_grad"))))
        back = _line(cst.Call(cst.Attribute(taken.output.deep_clone(), cst.Name("backward"))))
        listed = cst.ListComp(_gradient(), cst.CompFor(cst.Name("p"), _walked(taken.inputs).deep_clone()))
        assigned = cst.Assign([cst.AssignTarget(cst.Name(taken.name))], listed)
        lines = [zero, back]
        if taken.is_listed:
            lines.append(updated_node.with_changes(body=[assigned], leading_lines=[]))
        behind = updated_node.trailing_whitespace.comment if not taken.is_listed else None
        above = [*updated_node.leading_lines, *([cst.EmptyLine(comment=behind)] if behind is not None else [])]
        lines[0] = zero.with_changes(leading_lines=above)
        for part in (part for line in lines for part in walk(line)):
            self.origins.setdefault(part, self.origins.get(original_node, original_node))
        return cst.FlattenSentinel(lines)


def _gradient() -> cst.Attribute:
    return cst.Attribute(cst.Name("p"), cst.Name("grad"))


def _line(value: cst.BaseExpression) -> cst.SimpleStatementLine:
    return cst.SimpleStatementLine([cst.Expr(value)])


def _walked(node: cst.BaseExpression) -> cst.BaseExpression:
    """``model.parameters()`` in ``list(model.parameters())``."""
    match node:
        case cst.Call(func=cst.Name("list" | "tuple"), args=[cst.Arg(value=inner)]):
            return inner
    return node
