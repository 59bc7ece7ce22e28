"""What autograd does not see: `.data` and the regions of `torch.no_grad`, in code that JAX may differentiate.

A write that autograd does not see changes a value and leaves the graph: gradients still go to what was there.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from typing import TYPE_CHECKING

import libcst as cst

from torch2jax.infer.kinds import Instance, Kind, Tensor, Tuple, is_tensor, may_be_tensor, options, without_none
from torch2jax.rewrite.rewriter import Rewriter, attribute, call
from torch2jax.source.nodes import walk

if TYPE_CHECKING:
    from torch2jax.infer.program import FunctionInfo


class Reach(enum.IntEnum):
    """Whether a function runs while gradients are computed."""

    NO = 0
    MAYBE = 1
    SURE = 2


def reach(function: FunctionInfo) -> Reach:
    """SURE for what a forward pass calls, MAYBE for what anyone may call with arrays, NO for initialisation."""
    if _in_forward(function, set()):
        return Reach.SURE
    is_own = function.owner is not None and function.owner.is_module
    takes = any(may_be_tensor(cell.kind) for cell in function.params.values())
    gives = is_own and _may_hold_tensor(function.result.kind)
    return Reach.MAYBE if (takes or gives) and not _constructs(function, set()) else Reach.NO


def _may_hold_tensor(kind: Kind) -> bool:
    """Whether a result may be a tensor, or a tuple with one."""
    if may_be_tensor(kind):
        return True
    return any(isinstance(o, Tuple) and any(_may_hold_tensor(item) for item in o.items) for o in options(kind))


def _in_forward(function: FunctionInfo, seen: set[FunctionInfo]) -> bool:
    if function in seen or (function.owner is not None and function.owner.is_function):
        return False
    seen.add(function)
    return function.is_forward or any(_in_forward(caller, seen) for caller in _around(function))


def _constructs(function: FunctionInfo, seen: set[FunctionInfo]) -> bool:
    """Whether a function sets up a module: it runs in constructors alone, or in functions that initialise by name."""
    if "init" in function.name or function in seen:
        return True
    seen.add(function)
    around = _around(function)
    return bool(around) and all(_constructs(caller, seen) for caller in around)


def _around(function: FunctionInfo) -> list[FunctionInfo]:
    """The functions that a function runs in: those that call it, and the one that it is nested in."""
    parent = function.parent
    nested = [parent] if parent is not None and not isinstance(parent.node, cst.Module) else []
    return [*nested, *(caller for caller in function.callers if caller is not function)]


def in_region(rewriter: Rewriter, node: cst.BaseExpression, *, variable: bool) -> bool:
    """Whether a write to ``node`` stands in a region without gradients and ``node`` was there before the region."""
    region = rewriter.without_gradients
    if region is None or variable:
        return variable and region is not None
    while isinstance(node, cst.Subscript) or (isinstance(node, cst.Attribute) and node.attr.value == "data"):
        node = node.value
    if not isinstance(node, cst.Name) or not is_tensor(rewriter.kind(node) or Tensor()):
        return False
    body = region.body if isinstance(region, cst.With | cst.FunctionDef) else region
    return not any(_binds(part, node.value) for part in walk(body))


def _binds(node: cst.CSTNode, name: str) -> bool:
    """Whether a part of a statement gives a name another object."""
    targets: list[cst.BaseExpression] = []
    if isinstance(node, cst.AssignTarget | cst.AnnAssign | cst.For | cst.NamedExpr):
        targets.append(node.target)
    elif isinstance(node, cst.AsName):
        targets.append(node.name)
    while targets:
        target = targets.pop()
        if isinstance(target, cst.Tuple | cst.List):
            targets += [element.value for element in target.elements]
        elif isinstance(target, cst.Name) and target.value == name:
            return True
    return False


def stop_gradient(rewriter: Rewriter, value: cst.BaseExpression) -> cst.BaseExpression:
    """``lax.stop_gradient(value)``."""
    return call(attribute(rewriter.root("lax"), "stop_gradient"), [value])


def read(rewriter: Rewriter, node: cst.CSTNode, value: cst.BaseExpression) -> cst.BaseExpression:
    """The array of a Variable that ``node`` looks at; through ``.data`` it has no gradient."""
    kind = without_none(rewriter.kind(node) or Tensor())
    if not isinstance(kind, Tensor) or not kind.detached or reach(rewriter.function) is Reach.NO:
        return value
    if isinstance(value, cst.IfExp):  # None if there is none
        return value.with_changes(orelse=stop_gradient(rewriter, value.orelse))
    return stop_gradient(rewriter, value)


def written(
    rewriter: Rewriter, target: cst.BaseExpression, held: cst.BaseExpression, value: cst.BaseExpression
) -> cst.BaseExpression:
    """What the place ``held`` gets where autograd does not see that ``target`` is written."""
    level = _reach_of_write(rewriter, target)
    if level is Reach.NO:
        return value
    if _is_constant(value, held) and (level is Reach.MAYBE or not _is_trained(rewriter, target)):
        return _unstopped(value, _is_array_of_variable)
    plain = _unstopped(value)
    if not _is_trained(rewriter, target):
        return stop_gradient(rewriter, plain)
    return call(rewriter.helper("with_data"), [held, plain])


def added(rewriter: Rewriter, target: cst.BaseExpression, value: cst.BaseExpression) -> cst.BaseExpression:
    """What is added to a place where autograd does not see it."""
    if _reach_of_write(rewriter, target) is Reach.NO or _is_constant(value, None):
        return value
    return stop_gradient(rewriter, _unstopped(value))


def _reach_of_write(rewriter: Rewriter, node: cst.CSTNode) -> Reach:
    """As `reach`, of the statement that writes ``node``.

    NO in a function with training steps, beside what these differentiate: no gradient comes through an update.
    """
    level = reach(rewriter.function)
    if level is not Reach.MAYBE:
        return level
    regions = rewriter.program.regions
    own = [regions[part] for part in walk(rewriter.function.node) if part in regions]
    inside = any(node is part for region in own for s in region.forward for part in walk(s))
    return Reach.NO if own and not inside else level


_UNTRAINED = ("mean", "var", "count")


def _is_trained(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    """Whether gradients may be asked for what stands at a place: not for buffers."""
    while isinstance(node, cst.Subscript) or (isinstance(node, cst.Attribute) and node.attr.value == "data"):
        node = node.value
    if not isinstance(node, cst.Attribute):
        return True
    note = rewriter.facts.special.get(node)
    if note is not None and note[0] == "state":
        return note[1] not in _UNTRAINED
    for option in options(without_none(rewriter.kind(node.value) or Tensor())):
        if isinstance(option, Instance) and any(node.attr.value in cls.buffers for cls in option.cls.mro()):
            return False
    return True


_FRESH = frozenset(
    "zeros zeros_like ones ones_like full full_like empty empty_like eye arange linspace stop_gradient normal uniform "
    "randint bernoulli permutation truncated_normal exponential".split()
)
_ROOTS = ("jnp", "jax", "nnx", "rngs")
_MEASURES = ("shape", "ndim", "dtype", "size")


def _is_constant(node: cst.CSTNode, held: cst.BaseExpression | None) -> bool:
    """Whether a translated expression surely has no gradient; that of ``held`` does not count."""
    if held is not None and node.deep_equals(held):
        return True
    match node:
        case cst.Call(func=cst.Attribute(attr=cst.Name(value=name))) if name in _FRESH:
            return True
        case cst.Call(func=cst.Call(func=func)) if "initializers" in {
            p.value for p in walk(func) if isinstance(p, cst.Name)
        }:
            return True
        case cst.Call(func=func, args=args):
            of_array = isinstance(func, cst.Attribute) and not _is_constant(func.value, held)
            return (
                not of_array and not isinstance(func, cst.Name) and all(_is_constant(arg.value, held) for arg in args)
            )
        case cst.Attribute(value=value, attr=cst.Name(value=name)):
            return name in _MEASURES or _is_constant(value, held)
        case cst.Subscript(value=value):
            return _is_constant(value, held)
        case cst.Name(value=name):
            return name in (*_ROOTS, "None", "True", "False")
        case cst.BaseNumber() | cst.SimpleString():
            return True
        case cst.UnaryOperation(expression=inner):
            return _is_constant(inner, held)
        case cst.BinaryOperation(left=left, right=right):
            return _is_constant(left, held) and _is_constant(right, held)
        case cst.Tuple(elements=elements) | cst.List(elements=elements):
            return all(_is_constant(element.value, held) for element in elements)
    return False


def _unstopped(
    value: cst.BaseExpression, which: Callable[[cst.BaseExpression], bool] | None = None
) -> cst.BaseExpression:
    """Without ``lax.stop_gradient``, where the whole has no gradient anyway; ``which``: around such values only."""

    def stops(node: cst.CSTNode) -> bool:
        match node:
            case cst.Call(func=cst.Attribute(attr=cst.Name(value="stop_gradient")), args=[cst.Arg(value=inner)]):
                return which is None or which(inner)
        return False

    class Unstopped(cst.CSTTransformer):
        def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.BaseExpression:
            return updated_node.args[0].value if stops(updated_node) else updated_node

    if not any(stops(part) for part in walk(value)):
        return value
    return value.visit(Unstopped())  # type: ignore[return-value]


def _is_array_of_variable(node: cst.BaseExpression) -> bool:
    if not isinstance(node, cst.Subscript) or len(node.slice) != 1:
        return False
    index = node.slice[0].slice
    return isinstance(index, cst.Index) and isinstance(index.value, cst.Ellipsis)
