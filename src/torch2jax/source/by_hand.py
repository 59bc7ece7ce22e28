"""What programs do to gradients by hand, as the calls of torch that do the same.

``for p in net.parameters(): p.data -= lr * p.grad`` is a step of ``torch.optim.SGD``. Where the norm of the gradients
is taken inside a larger expression, it becomes a statement of its own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from torch2jax.source.assigned import assigned_names
from torch2jax.source.inlining import Inlined, Tracing
from torch2jax.source.nodes import dotted_name, walk

_NORMS = ("clip_grad_norm_", "clip_grad_norm")
_ZERO = "zero"
_UPDATE = "update"
_CLAMP = "clamp"


def with_calls(tree: cst.Module, origins: Mapping[cst.CSTNode, cst.CSTNode]) -> Inlined:
    """A file with such loops as calls; ``origins``: the nodes of the source that those of the tree stand for."""
    result = Inlined(tree, dict(origins))
    torch = _torch_name(tree)
    result.tree = tree.visit(
        _Rewriting(result.origins, torch, {n.value for n in walk(tree) if isinstance(n, cst.Name)})
    )
    return result


def _torch_name(tree: cst.Module) -> str:
    """The name of the module torch in a file, or nothing."""
    for statement in tree.body:
        for small in statement.body if isinstance(statement, cst.SimpleStatementLine) else ():
            if isinstance(small, cst.Import):
                for alias in small.names:
                    if dotted_name(alias.name) == "torch":
                        return alias.asname.name.value if alias.asname is not None else "torch"  # type: ignore[union-attr]
    return ""


@dataclass(slots=True)
class _Loop:
    """A loop over parameters that does to each what calls do to all: ``parameters`` is what it goes over."""

    parameters: cst.Call
    effects: list[str]
    rate: cst.BaseExpression | None = None
    limit: cst.BaseExpression | None = None


class _Rewriting(Tracing):
    def __init__(self, origins: dict[cst.CSTNode, cst.CSTNode], torch: str, taken: set[str]) -> None:
        super().__init__(origins)
        self.torch, self.taken = torch, taken

    def leave_SimpleStatementLine(
        self, original_node: cst.SimpleStatementLine, updated_node: cst.SimpleStatementLine
    ) -> Any:
        norm = _norm_inside(updated_node)
        if norm is None:
            return updated_node
        name = self._free("grad_norm")
        first = _line(cst.Assign([cst.AssignTarget(cst.Name(name))], norm)).with_changes(
            leading_lines=updated_node.leading_lines
        )
        rest: Any = updated_node.with_changes(leading_lines=[]).deep_replace(norm, cst.Name(name))
        return cst.FlattenSentinel([self._stands_for(first, original_node), self._stands_for(rest, original_node)])

    def leave_IndentedBlock(self, original_node: cst.IndentedBlock, updated_node: cst.IndentedBlock) -> Any:
        return updated_node.with_changes(body=self._with_calls(updated_node.body))

    def leave_Module(self, original_node: cst.Module, updated_node: cst.Module) -> cst.Module:
        return updated_node.with_changes(body=self._with_calls(updated_node.body))

    def _free(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self.taken:
            name, number = f"{wanted}_{number}", number + 1
        self.taken.add(name)
        return name

    def _stands_for(self, new: Any, origin: cst.CSTNode) -> Any:
        for part in walk(new):
            self.origins.setdefault(part, self.origins.get(origin, origin))
        return new

    def _with_calls(self, statements: Sequence[Any]) -> list[Any]:
        """Statements of one block, with an optimizer in front of the outermost loop that has updates by hand."""
        lines: list[Any] = []
        for statement in statements:
            found = _loop_of(statement) if self.torch else None
            if found is not None and _UPDATE not in found.effects:
                lines += self._calls(statement, found, "")
                continue
            inner = [part for part in walk(statement) if isinstance(part, cst.For | cst.With)]
            is_outermost = isinstance(statement, cst.For | cst.While)
            if not is_outermost or not self.torch or any(isinstance(p, cst.FunctionDef) for p in walk(statement)):
                lines.append(statement)
                continue
            updates = [(part, loop) for part in inner if (loop := _loop_of(part)) is not None and loop.rate is not None]
            updates = [each for each in updates if not any(each[0] in set(walk(o)) - {o} for o, _ in updates)]
            if len(updates) == 1 and updates[0][0] is not statement and self._is_constant(statement, updates[0][1]):
                part, loop = updates[0]
                name = self._free("optimizer")
                lines.append(self._stands_for(self._optimizer(name, loop), part))
                statement = _replaced(statement, part, self._calls(part, loop, name), self)
            lines.append(statement)
        return lines

    def _is_constant(self, around: Any, loop: _Loop) -> bool:
        """Whether a loop changes neither the rate nor the name of the model."""
        assert loop.rate is not None
        bound = set(assigned_names([around]))
        attributes = {
            dotted_name(part.target) for part in walk(around) if isinstance(part, cst.AssignTarget | cst.AugAssign)
        }
        for node in (loop.rate, loop.parameters):
            for part in walk(node):
                if isinstance(part, cst.Call | cst.Subscript) and part is not loop.parameters:
                    return False
                name = dotted_name(part) if isinstance(part, cst.Name | cst.Attribute) else None
                if name is not None and (name in bound or name in attributes):
                    return False
        return True

    def _optimizer(self, name: str, loop: _Loop) -> cst.SimpleStatementLine:
        assert loop.rate is not None
        built = cst.parse_expression(f"{self.torch}.optim.SGD")
        args = [cst.Arg(loop.parameters.deep_clone()), _keyword("lr", loop.rate.deep_clone())]
        return _line(cst.Assign([cst.AssignTarget(cst.Name(name))], cst.Call(built, args)))

    def _calls(self, statement: Any, loop: _Loop, optimizer: str) -> list[Any]:
        """What stands in the place of a loop."""
        calls: list[cst.BaseExpression] = []
        for effect in loop.effects:
            if effect == _ZERO:
                holder = loop.parameters.func
                assert isinstance(holder, cst.Attribute)
                calls.append(cst.Call(holder.with_changes(attr=cst.Name("zero_grad")).deep_clone(), []))
            elif effect == _CLAMP:
                assert loop.limit is not None
                clip = cst.parse_expression(f"{self.torch}.nn.utils.clip_grad_value_")
                calls.append(cst.Call(clip, [cst.Arg(loop.parameters.deep_clone()), cst.Arg(loop.limit.deep_clone())]))
            else:
                calls.append(cst.parse_expression(f"{optimizer}.step()"))
        lines = [_line(cst.Expr(call)) for call in calls]
        lines[0] = lines[0].with_changes(leading_lines=statement.leading_lines)
        return [self._stands_for(line, statement) for line in lines]


def _line(small: cst.BaseSmallStatement) -> cst.SimpleStatementLine:
    return cst.SimpleStatementLine([small])


def _keyword(name: str, value: cst.BaseExpression) -> cst.Arg:
    equal = cst.AssignEqual(cst.SimpleWhitespace(""), cst.SimpleWhitespace(""))
    return cst.Arg(value, keyword=cst.Name(name), equal=equal)


def _replaced(around: Any, part: cst.CSTNode, lines: Sequence[Any], tracing: _Rewriting) -> Any:
    class Replacing(Tracing):
        def on_leave(self, original_node: Any, updated_node: Any) -> Any:
            if original_node is part:
                return cst.FlattenSentinel(lines)
            return super().on_leave(original_node, updated_node)

    return around.visit(Replacing(tracing.origins))


def _norm_inside(line: cst.SimpleStatementLine) -> cst.Call | None:
    """The call that clips gradients by their norm, where its result is used inside a larger expression."""
    if len(line.body) != 1 or not isinstance(line.body[0], cst.Assign | cst.AugAssign | cst.Expr):
        return None
    value: Any = line.body[0].value
    found = [
        part
        for part in walk(line)
        if isinstance(part, cst.Call) and (dotted_name(part.func) or "").rpartition(".")[2] in _NORMS
    ]
    deferred = any(isinstance(part, cst.Lambda | cst.GeneratorExp | cst.ListComp | cst.IfExp) for part in walk(line))
    is_whole = found and found[0] is value and not isinstance(line.body[0], cst.AugAssign)
    return found[0] if len(found) == 1 and not is_whole and not deferred else None


# --- loops over parameters -------------------------------------------------------------------------------------------


def _loop_of(node: Any) -> _Loop | None:
    """What a loop over all parameters of a model does by hand; None if it does anything else."""
    is_untracked = False
    while isinstance(node, cst.With) and len(node.items) == 1 and len(node.body.body) == 1:
        name = dotted_name(node.items[0].item.func) if isinstance(node.items[0].item, cst.Call) else None
        if (name or "").rpartition(".")[2] not in ("no_grad", "inference_mode"):
            return None
        is_untracked = True
        node = node.body.body[0]
    match node:
        case cst.For(
            target=cst.Name(name), iter=cst.Call(func=cst.Attribute(value=holder, attr=cst.Name("parameters"))) as call
        ) if not call.args and node.orelse is None and dotted_name(holder) is not None:
            loop = _Loop(call, [])
            return loop if _all_known(node.body, name, loop, is_untracked) and loop.effects else None
    return None


def _all_known(block: Any, name: str, loop: _Loop, is_untracked: bool) -> bool:
    for statement in block.body:
        if isinstance(statement, cst.If) and statement.orelse is None and _asks(statement.test, name):
            if not _all_known(statement.body, name, loop, is_untracked):
                return False
            continue
        small = statement.body if isinstance(statement, cst.SimpleStatementLine) else ()
        if len(small) != 1 or not _is_known(small[0], name, loop, is_untracked):
            return False
    return len(set(loop.effects)) == len(loop.effects)


def _asks(test: cst.BaseExpression, name: str) -> bool:
    """``p.grad is not None``, ``p.requires_grad``."""
    code = cst.Module([]).code_for_node(test)
    return code in (
        f"{name}.grad is not None",
        f"{name}.requires_grad",
        f"{name}.grad is not None and {name}.requires_grad",
    )


def _is_known(small: Any, name: str, loop: _Loop, is_untracked: bool) -> bool:
    """Note what a statement does to a parameter or its gradient; whether that is known."""
    grads = (f"{name}.grad", f"{name}.grad.data")
    values = (f"{name}.data", *([name] if is_untracked else ()))
    match small:
        case cst.Expr(value=cst.Call(func=cst.Attribute(value=target, attr=cst.Name(method)), args=args)):
            place = dotted_name(target)
            if place in grads and method in ("zero_", "detach_") and not args:
                loop.effects += [_ZERO] if method == "zero_" else []
                return True
            if place in grads and method in ("clamp_", "clip_"):
                return _clamps(args, loop)
            if place in values and method in ("add_", "sub_"):
                return _moves(_step_of(args, grads), name, loop, method == "sub_")
        case cst.Assign(targets=[cst.AssignTarget(target=target)], value=value):
            if dotted_name(target) == f"{name}.grad" and isinstance(value, cst.Name) and value.value == "None":
                loop.effects.append(_ZERO)
                return True
            if dotted_name(target) == f"{name}.data" and isinstance(value, cst.BinaryOperation):
                is_less = isinstance(value.operator, cst.Subtract) and dotted_name(value.left) in (name, f"{name}.data")
                return is_less and _moves(_product(value.right, grads), name, loop, True)
        case cst.AugAssign(target=target, operator=cst.SubtractAssign() | cst.AddAssign(), value=value):
            is_less = isinstance(small.operator, cst.SubtractAssign)
            return dotted_name(target) in values and _moves(_product(value, grads), name, loop, is_less)
    return False


def _clamps(args: Sequence[cst.Arg], loop: _Loop) -> bool:
    """``clamp_(-1, 1)``, by a limit on both sides."""
    names = [arg.keyword.value if arg.keyword else None for arg in args]
    if names not in ([None, None], ["min", "max"]) or loop.effects:
        return False
    low, high = args[0].value, args[1].value
    if not isinstance(low, cst.UnaryOperation) or not isinstance(low.operator, cst.Minus):
        return False
    if not low.expression.deep_equals(high):
        return False
    loop.limit = high
    loop.effects.append(_CLAMP)
    return True


def _moves(rate: cst.BaseExpression | None, name: str, loop: _Loop, is_less: bool) -> bool:
    """Whether the parameter goes against its gradient, by a rate that is the same for all."""
    if rate is None or loop.effects or any(isinstance(p, cst.Name) and p.value == name for p in walk(rate)):
        return False
    if not is_less:
        if not isinstance(rate, cst.UnaryOperation) or not isinstance(rate.operator, cst.Minus):
            return False
        rate = rate.expression
    loop.rate = rate
    loop.effects.append(_UPDATE)
    return True


def _step_of(args: Sequence[cst.Arg], grads: Sequence[str]) -> cst.BaseExpression | None:
    """The factor of the gradient in ``add_(-lr, p.grad)``, ``add_(p.grad, alpha=-lr)`` and ``add_(-lr * p.grad)``."""
    names = [arg.keyword.value if arg.keyword else None for arg in args]
    if names == [None, "alpha"] and dotted_name(args[0].value) in grads:
        return args[1].value
    if names == [None, None] and dotted_name(args[1].value) in grads:
        return args[0].value
    return _product(args[0].value, grads) if names == [None] else None


def _product(value: cst.BaseExpression, grads: Sequence[str]) -> cst.BaseExpression | None:
    """The other factor of a product with the gradient."""
    if isinstance(value, cst.BinaryOperation) and isinstance(value.operator, cst.Multiply):
        for factor, other in ((value.left, value.right), (value.right, value.left)):
            if dotted_name(factor) in grads:
                return other
    return None


def mentions(source: str) -> bool:
    """Whether a source has anything of the kind."""
    return ".grad" in source or any(name in source for name in _NORMS)
