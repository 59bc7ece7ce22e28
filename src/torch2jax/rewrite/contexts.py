"""``with`` blocks of torch: gradients are asked for in JAX, not switched off."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.kinds import (
    Api,
    NoneKind,
    Number,
    Shape,
    Str,
    Tensor,
    Tuple,
    is_tensor,
    may_be_tensor,
    options,
    without_none,
)
from torch2jax.infer.program import FunctionInfo
from torch2jax.rewrite.rewriter import Rewriter, assignment, attribute, call, statement
from torch2jax.rewrite.rule_calls import flag
from torch2jax.source.nodes import walk
from torch2jax.source.scope import assigned_names

NO_GRAD = frozenset(
    {"torch.no_grad", "torch.inference_mode", "torch.autograd.no_grad", "torch.autograd.inference_mode"}
)
HARMLESS = frozenset(
    "torch.enable_grad torch.autograd.profiler.record_function torch.profiler.record_function torch.cuda.device "
    "torch.autograd.set_detect_anomaly torch.random.fork_rng torch.cuda.stream torch.jit.optimized_execution "
    "torch.nn.attention.sdpa_kernel torch.backends.cuda.sdp_kernel".split()
)
AUTOCAST = frozenset({"torch.autocast", "torch.cuda.amp.autocast", "torch.amp.autocast", "torch.cpu.amp.autocast"})


def called_api(rewriter: Rewriter, node: cst.BaseExpression) -> str | None:
    """The qualified name of what a context or decorator calls."""
    func = node.func if isinstance(node, cst.Call) else node
    kind = rewriter.kind(func)
    return kind.name if isinstance(kind, Api) else None


def dropped_contexts(rewriter: Rewriter, node: cst.With) -> tuple[list[cst.WithItem], list[Any]]:
    """The items that stay, and the statements that follow the block."""
    kept: list[cst.WithItem] = []
    after: list[Any] = []
    for item in node.items:
        name = called_api(rewriter, item.item)
        if name in NO_GRAD:
            after += _stop_gradients(rewriter, node)
        elif name == "torch.set_grad_enabled":
            flag(
                rewriter, item.item, "T2J205", "gradients are computed where they are asked for; this switch is dropped"
            )
        elif name in HARMLESS:
            flag(rewriter, item.item, "T2J301", f"{name} has no meaning in JAX and is dropped")
        elif name in AUTOCAST:
            if not disabled(item.item):
                flag(
                    rewriter,
                    item.item,
                    "T2J108",
                    "autocast has no translation yet: the block runs in the dtype of its inputs",
                    "give the layers `dtype=jnp.bfloat16`",
                )
        else:
            kept.append(item)
    return kept, after


def disabled(node: cst.BaseExpression) -> bool:
    """Whether a context is switched off by a literal."""
    if not isinstance(node, cst.Call):
        return False
    values = [arg.value for arg in node.args if arg.keyword is None or arg.keyword.value == "enabled"]
    return any(isinstance(value, cst.Name) and value.value == "False" for value in values)


def _stop_gradients(rewriter: Rewriter, node: cst.With) -> list[Any]:
    """Inside a module the values of the block go on into a graph that may be differentiated."""
    rewriter.tally.translated += 1
    if rewriter.owner is None or not rewriter.owner.is_module:
        return []
    names = sorted(name for name in assigned_names(node.body) if _may_carry_gradient(rewriter, node.body, name))
    lax = attribute(rewriter.root("jax"), "lax") if names else None
    return [
        statement(assignment(cst.Name(name), call(attribute(lax, "stop_gradient"), [cst.Name(name)])))
        for name in names
        if lax is not None
    ]


def without_gradients(rewriter: Rewriter, node: cst.With | cst.FunctionDef, block: Any) -> Any:
    """The translated body of a ``torch.no_grad`` region of a module: what it writes and returns carries no gradients.

    The other names that a block assigns are stopped behind it.
    """
    if rewriter.owner is None or not rewriter.owner.is_module or not _is_differentiated(rewriter.function):
        return block
    kinds = [rewriter.kind(part.value) for part in walk(node.body) if isinstance(part, cst.Return) and part.value]
    stop = attribute(attribute(rewriter.root("jax"), "lax"), "stop_gradient")
    return block.visit(_Stopped(stop, returns=any(_may_be_float(kind) for kind in kinds)))


def _is_differentiated(function: FunctionInfo) -> bool:
    """Whether a function may be part of a forward pass: one that gets an array. Initialisation gets none."""
    return function.is_forward or any(may_be_tensor(cell.kind) for cell in function.params.values())


def _may_be_float(kind: Any) -> bool:
    """Whether some part of a result can be an array of floats."""
    if kind is None:
        return True
    for option in options(without_none(kind)):
        if isinstance(option, Tuple):
            if any(_may_be_float(item) for item in option.items):
                return True
        elif isinstance(option, Tensor):
            if option.dtype not in ("int", "bool"):
                return True
        elif not isinstance(option, Number | Str | Shape | NoneKind):
            return True
    return False


class _Stopped(cst.CSTTransformer):
    """Stops gradients of what is written into Variables, and of results."""

    def __init__(self, stop: cst.BaseExpression, *, returns: bool) -> None:
        self._stop, self._returns = stop, returns

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        return False

    def leave_Assign(self, original_node: cst.Assign, updated_node: cst.Assign) -> cst.Assign:
        written = any(_is_whole(target.target) for target in updated_node.targets)
        return updated_node.with_changes(value=self._stopped(updated_node.value)) if written else updated_node

    def leave_AugAssign(self, original_node: cst.AugAssign, updated_node: cst.AugAssign) -> cst.AugAssign:
        written = _is_whole(updated_node.target)
        return updated_node.with_changes(value=self._stopped(updated_node.value)) if written else updated_node

    def leave_Return(self, original_node: cst.Return, updated_node: cst.Return) -> cst.Return:
        value = updated_node.value
        return updated_node.with_changes(value=self._stopped(value)) if self._returns and value else updated_node

    def _stopped(self, value: cst.BaseExpression) -> cst.BaseExpression:
        return value if _is_count(value) else call(self._stop, [value])


def _is_whole(node: cst.BaseExpression) -> bool:
    """Whether the target is ``variable[...]``."""
    if not isinstance(node, cst.Subscript) or len(node.slice) != 1:
        return False
    index = node.slice[0].slice
    return isinstance(index, cst.Index) and isinstance(index.value, cst.Ellipsis)


def _is_count(node: cst.BaseExpression) -> bool:
    """A number that is no array: a literal, or a size."""
    if isinstance(node, cst.Subscript) and isinstance(node.value, cst.Attribute):
        return node.value.attr.value == "shape"
    return isinstance(node, cst.BaseNumber) or (isinstance(node, cst.Name) and node.value in ("None", "True", "False"))


def _may_carry_gradient(rewriter: Rewriter, block: cst.BaseSuite, name: str) -> bool:
    for part in walk(block):
        if isinstance(part, cst.Assign):
            targets = {t.target.value for t in part.targets if isinstance(t.target, cst.Name)}
            kind = rewriter.kind(part.value)
            if name in targets and kind is not None and is_tensor(kind):
                plain = without_none(kind)
                return isinstance(plain, Tensor) and plain.dtype not in ("int", "bool")
    return False


DECORATORS = frozenset(
    NO_GRAD
    | HARMLESS
    | {
        "torch.jit.export",
        "torch.jit.ignore",
        "torch.jit.unused",
        "torch.jit.script",
        "torch.jit.script_method",
        "torch.jit.script_if_tracing",
        "torch.compile",
        "torch.compiler.disable",
        "torch._dynamo.disable",
        "torch.no_grad",
    }
)
