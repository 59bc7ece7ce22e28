"""``with`` blocks of torch: gradients are asked for in JAX, not switched off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import (
    UNKNOWN,
    Api,
    Free,
    NoneKind,
    Number,
    Shape,
    Str,
    Tensor,
    Tuple,
    Unknown,
    is_tensor,
    options,
    without_none,
)
from torch2jax.rewrite.detached import Reach, reach, stop_gradient
from torch2jax.rewrite.rewriter import Rewriter, assignment, statement
from torch2jax.rewrite.rule_calls import flag
from torch2jax.source.nodes import names_outside, walk
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
                    "T2J205",
                    "autocast is dropped: the block computes in the dtype of its inputs",
                    "give the layers `dtype=jnp.bfloat16` for mixed precision",
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
    """The values of the block that are read behind it go on into a graph that may be differentiated."""
    rewriter.tally.translated += 1
    if reach(rewriter.function) is Reach.NO:
        return []
    read = names_outside(rewriter.function.node, node)
    names = sorted(name for name in assigned_names(node.body) & read if _may_carry_gradient(rewriter, node.body, name))
    if not names:
        return []
    found = [cst.Name(name) for name in names]
    whole = found[0] if len(found) == 1 else cst.Tuple([cst.Element(name) for name in found])
    target = whole if len(found) == 1 else whole.with_changes(lpar=[], rpar=[])
    return [statement(assignment(target, stop_gradient(rewriter, whole)))]


def translated_body(rewriter: Rewriter, node: cst.With | cst.FunctionDef, translate: Callable[[], Any]) -> Any:
    """The body of a ``torch.no_grad`` region: what it writes into Variables and returns carries no gradients.

    The other names that a block assigns are stopped behind it.
    """
    if reach(rewriter.function) is Reach.NO:
        return translate()
    outer, rewriter.without_gradients = rewriter.without_gradients, node
    block = translate()
    rewriter.without_gradients = outer
    kinds = [rewriter.kind(part.value) for part in walk(node.body) if isinstance(part, cst.Return) and part.value]
    return block.visit(_Stopped(rewriter)) if any(_may_be_float(kind) for kind in kinds) else block


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
    """Stops gradients of results."""

    def __init__(self, rewriter: Rewriter) -> None:
        self._rewriter = rewriter

    def visit_FunctionDef(self, node: cst.FunctionDef) -> bool:
        return False

    def visit_Lambda(self, node: cst.Lambda) -> bool:
        return False

    def leave_Return(self, original_node: cst.Return, updated_node: cst.Return) -> cst.Return:
        value = updated_node.value
        if value is None or _is_count(value) or _is_stopped(value):
            return updated_node
        return updated_node.with_changes(value=stop_gradient(self._rewriter, value))


def _is_stopped(node: cst.BaseExpression) -> bool:
    """Whether gradients are stopped already, by a region inside this one or by ``x.detach()``."""
    func = node.func if isinstance(node, cst.Call) else None
    return isinstance(func, cst.Attribute) and func.attr.value == "stop_gradient"


def _is_count(node: cst.BaseExpression) -> bool:
    """A number that is no array: a literal, or a size."""
    if isinstance(node, cst.Subscript) and isinstance(node.value, cst.Attribute):
        return node.value.attr.value == "shape"
    return isinstance(node, cst.BaseNumber) or (isinstance(node, cst.Name) and node.value in ("None", "True", "False"))


def _may_carry_gradient(rewriter: Rewriter, block: cst.BaseSuite, name: str) -> bool:
    for part in walk(block):
        match part:
            case cst.Assign(targets=targets, value=value):
                if any(_binds(target.target, name) for target in targets):
                    return _is_float(rewriter.kind(value), of_call=isinstance(value, cst.Call))
    return False


def _binds(target: cst.BaseExpression, name: str) -> bool:
    if isinstance(target, cst.Tuple | cst.List):
        return any(_binds(element.value, name) for element in target.elements)
    return isinstance(target, cst.Name) and target.value == name


def _is_float(kind: Any, *, of_call: bool) -> bool:
    """Whether a value is an array of floats; what a call gives of which nothing is known counts as one."""
    plain = without_none(kind) if kind is not None else UNKNOWN
    if isinstance(plain, Tuple):
        return any(_is_float(item, of_call=False) for item in plain.items)
    if isinstance(plain, Unknown | Free):
        return of_call
    return is_tensor(plain) and _may_be_float(plain)


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
        "apex.amp.float_function",
        "apex.amp.half_function",
        "apex.amp.promote_function",
    }
)
