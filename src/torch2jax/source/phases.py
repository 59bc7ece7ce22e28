"""Forward passes that some runs train with and others do not, written out in the branch that trains and beside it.

``loss = criterion(model(x), y)``, then ``if phase == "train": loss.backward(); optimizer.step()``: the step is one
function in JAX, so that the forward pass has to stand in a row with the update. Where nothing is trained it runs alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import libcst as cst

from torch2jax.source.assigned import assigned_names
from torch2jax.source.inlining import Inlined, Tracing
from torch2jax.source.nodes import walk

_SIMPLE = (
    cst.Name,
    cst.Attribute,
    cst.Comparison,
    cst.ComparisonTarget,
    cst.BooleanOperation,
    cst.UnaryOperation,
    cst.SimpleString,
    cst.Integer,
)
_MOVES = frozenset(
    "to cuda cpu float double long int half type view reshape flatten permute transpose squeeze unsqueeze size".split()
)
_EXITS = cst.Return | cst.Break | cst.Continue | cst.Yield | cst.Await


def separated(tree: cst.Module, origins: dict[cst.CSTNode, cst.CSTNode]) -> Inlined:
    """A file with each such forward pass in both branches; ``origins`` as in `Inlined`."""
    change = _Separation(origins)
    return Inlined(tree.visit(change), origins)


class _Separation(Tracing):
    def leave_IndentedBlock(self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock) -> Any:
        return self._changed(updated_node)

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> Any:
        return self._changed(updated_node)

    def _changed(self, block: Any) -> Any:
        body = list(block.body)
        changed = False
        for index, statement in enumerate(body):
            new = self._without_switch(statement)
            if new is not None:
                body[index], changed = new, True
        for statement in [s for s in body if isinstance(s, cst.If) and _trains(s)]:
            moved = self._with_forward(body, body.index(statement))
            if moved is not None:
                body, changed = moved, True
        return block.with_changes(body=body) if changed else block

    def _without_switch(self, node: Any) -> Any:
        """``with torch.set_grad_enabled(test):`` around ``if test:`` as that test, with the rest in both branches."""
        match node:
            case cst.With(
                items=[cst.WithItem(item=cst.Call(func=cst.Attribute(attr=cst.Name(name)) as func, args=[given]))],
                body=cst.IndentedBlock(body=body),
            ) if name == "set_grad_enabled":
                lines: list[Any] = list(body)
            case _:
                return None
        tests = {i: _code(s.test) for i, s in enumerate(lines) if isinstance(s, cst.If) and _trains(s)}
        same = [i for i, test in tests.items() if test == _code(given.value)]
        if len(same) != 1 or not _is_simple(given.value) or _leaves(lines):
            return None
        inner: Any = lines[same[0]]
        before, after = lines[: same[0]], lines[same[0] + 1 :]
        names = {part.value for part in walk(given.value) if isinstance(part, cst.Name)}
        if names & set(assigned_names(list(before))) or isinstance(inner.orelse, cst.If):
            return None
        others = _otherwise(inner)
        copies = [self._copied(line) for line in before]
        alone = node.with_changes(
            items=[cst.WithItem(cst.Call(func.with_changes(value=func.value.deep_clone(), attr=cst.Name("no_grad"))))],
            body=cst.IndentedBlock([*copies, *others, *(self._copied(line) for line in after)]),
            leading_lines=[],
        )
        new = inner.with_changes(
            leading_lines=[*node.leading_lines, *(line for line in inner.leading_lines if line.comment is not None)],
            body=inner.body.with_changes(body=[*before, *inner.body.body, *after]),
            orelse=_with_else(inner, [alone]),
        )
        self._note(new, node)
        return new

    def _with_forward(self, body: list[Any], place: int) -> list[Any] | None:
        """The statements of a block with what a branch trains on in that branch, and in the other one."""
        branch = body[place]
        if not _is_simple(branch.test) or isinstance(branch.orelse, cst.If):
            return None
        if sum(_is_backward(part) for line in body for part in walk(line)) > 1:
            return None  # the gradients of others may be there too
        inside = list(branch.body.body)
        stepped = {code for s in inside if _method(s) == "step" for code in _subjects(s)}
        zeros = [s for s in body[:place] if _method(s) == "zero_grad" and _subjects(s)[0] in stepped]
        loss = next(_loss(s) for s in inside if _method(s) == "backward")
        start = place
        if loss is not None and loss not in assigned_names(inside):
            start = _forward_start(body[:place], loss)
        elif any(_method(s) == "zero_grad" for s in inside):
            return None
        moved: list[Any] = [s for s in body[start:place] if s not in zeros]
        names = {part.value for part in walk(branch.test) if isinstance(part, cst.Name)}
        if not (moved or zeros) or _leaves(moved) or names & set(assigned_names(moved)):
            return None
        if any(_method(s) in ("backward", "step") for s in moved):
            return None
        copies = [self._copied(line) for line in moved]
        orelse = _with_else(branch, [*copies, *_otherwise(branch)]) if moved else branch.orelse
        new = branch.with_changes(
            body=branch.body.with_changes(body=[*zeros, *moved, *inside]),
            orelse=orelse,
        )
        self._note(new, branch)
        kept = [s for s in body[:place] if s not in zeros and s not in moved]
        return [*kept, new, *body[place + 1 :]]

    def _copied(self, node: Any) -> Any:
        copy: Any = node.deep_clone()
        for before, after in zip(walk(node), walk(copy), strict=True):
            self.origins[after] = self.origins.get(before, before)
        self.origins[copy] = self.origins.get(node, node)
        return copy

    def _note(self, new: cst.CSTNode, old: cst.CSTNode) -> None:
        """What is new stands where the old was."""
        known = {*walk(old)}
        for part in walk(new):
            if part not in known:
                self.origins.setdefault(part, self.origins.get(old, old))
        self.origins.setdefault(new, self.origins.get(old, old))


def _trains(branch: cst.If) -> bool:
    """Whether a branch computes gradients and uses them."""
    methods = [_method(statement) for statement in getattr(branch.body, "body", ())]
    return methods.count("backward") == 1 and "step" in methods


def _method(statement: Any) -> str:
    """The method that a statement calls on a name."""
    match statement:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call(func=cst.Attribute(attr=cst.Name(name))))]):
            return name
    return ""


def _is_backward(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Attribute) and node.attr.value == "backward"


def _subjects(statement: Any) -> list[str]:
    """What a method is called on, and with: an optimizer makes a step, or a scaler makes one of it."""
    call = statement.body[0].value
    return [_code(call.func.value), *(_code(arg.value) for arg in call.args)]


def _loss(statement: Any) -> str | None:
    """The name of the loss in ``loss.backward()`` and ``scaler.scale(loss).backward()``."""
    value = statement.body[0].value.func.value
    if isinstance(value, cst.Call) and len(value.args) == 1:
        value = value.args[0].value
    return value.value if isinstance(value, cst.Name) else None


def _forward_start(before: Sequence[Any], loss: str) -> int:
    """Where the first statement stands that the loss is computed by, and that does more than to move or shape data."""
    needed, start = {loss}, len(before)
    for index in range(len(before) - 1, -1, -1):
        statement = before[index]
        if set(assigned_names([statement])) & needed:
            needed |= {part.value for part in walk(statement) if isinstance(part, cst.Name)}
            calls = [part.func for part in walk(statement) if isinstance(part, cst.Call)]
            if any(not (isinstance(func, cst.Attribute) and func.attr.value in _MOVES) for func in calls):
                start = index
    return start


def _is_simple(test: cst.BaseExpression) -> bool:
    """Whether a test looks at names alone, so that it may be made earlier."""
    return all(isinstance(part, _SIMPLE) for part in (test, *walk(test)))


def _leaves(lines: Sequence[Any]) -> bool:
    return any(isinstance(part, _EXITS) for line in lines for part in (line, *walk(line)))


def _code(node: cst.CSTNode) -> str:
    return cst.Module([]).code_for_node(node)


def _otherwise(branch: cst.If) -> list[Any]:
    """The statements of the other branch."""
    match branch.orelse:
        case cst.Else(body=cst.IndentedBlock(body=lines)):
            return list(lines)
        case cst.Else(body=cst.SimpleStatementSuite(body=small)):
            return [cst.SimpleStatementLine(small)]
    return []


def _with_else(branch: cst.If, lines: list[Any]) -> cst.Else:
    """Other statements for the other branch, whose comments stay."""
    match branch.orelse:
        case cst.Else(body=cst.IndentedBlock() as block) as other:
            return other.with_changes(body=block.with_changes(body=lines))
    return cst.Else(cst.IndentedBlock(lines))
