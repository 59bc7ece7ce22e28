"""Writes through a boolean mask: `jnp.where`, which compiles, where `x.at[mask]` needs to know what the mask holds.

And masks that depend on sizes alone, which NumPy computes, so that picking by them compiles.
"""

from __future__ import annotations

import libcst as cst

from torch2jax.infer.facts import RuleCall
from torch2jax.infer.kinds import Kind, Number, Tensor, without_none
from torch2jax.rewrite.rewriter import Rewriter, argument, attribute, call

_DTYPES = ("bool", "int", "float", "complex")  # each can hold the values of those before it


def masked_update(
    rewriter: Rewriter,
    target: cst.Subscript,
    base: cst.BaseExpression,
    value: cst.BaseExpression,
    source: cst.BaseExpression | None,
) -> cst.BaseExpression | None:
    """The array ``base`` after ``target = value``, if the index of ``target`` is one boolean mask.

    ``source``: the value in the original, where it has an expression of its own.
    """
    index = target.slice[0].slice
    if len(target.slice) != 1 or not isinstance(index, cst.Index):
        return None
    mask = _tensor(rewriter, index.value)
    array = _tensor(rewriter, target.value)
    if mask is None or mask.dtype != "bool" or mask.rank == 0:
        return None
    kind = without_none(rewriter.kind(source) or Tensor()) if source is not None else Tensor()
    scalar = isinstance(kind, Number) or (isinstance(kind, Tensor) and kind.rank == 0)
    if not scalar and not (isinstance(kind, Tensor) and kind.rank is not None):
        return None  # a value for each place of the mask, as far as anyone knows
    test = rewriter.expr(index.value)
    alike = array is not None and array.rank is not None and array.rank == mask.rank
    if scalar and (alike or _is_made_of(rewriter, index.value, target.value)):
        if not _holds(array, kind):
            dtype = attribute(base, "dtype")
            value = call(attribute(rewriter.root("jnp"), "asarray"), [argument(value), argument(dtype)])
        return call(attribute(rewriter.root("jnp"), "where"), [argument(test), argument(value), argument(base)])
    return call(rewriter.helper("masked_set"), [argument(base), argument(test), argument(value)])


def _tensor(rewriter: Rewriter, node: cst.BaseExpression) -> Tensor | None:
    kind = without_none(rewriter.kind(node) or Tensor())
    return kind if isinstance(kind, Tensor) else None


def _holds(array: Tensor | None, value: Kind) -> bool:
    """Whether the array's dtype can hold a value, so that `jnp.where` keeps the dtype."""
    if array is None or array.dtype not in _DTYPES or not isinstance(value, Number):
        return False
    return _DTYPES.index(value.type) <= _DTYPES.index(array.dtype)


def _is_made_of(rewriter: Rewriter, mask: cst.BaseExpression, array: cst.BaseExpression) -> bool:
    """Whether a mask is computed from the array itself and numbers, value by value: it has the array's shape."""
    parts = _operands(rewriter, mask)
    if parts is None:
        return mask.deep_equals(array)
    rest = [part for part in parts if not isinstance(rewriter.kind(part), Number)]
    return bool(rest) and all(_is_made_of(rewriter, part, array) for part in rest)


def _operands(rewriter: Rewriter, node: cst.BaseExpression) -> list[cst.BaseExpression] | None:
    """What an elementwise operation takes; None for anything else."""
    match node:
        case cst.Comparison():
            return [node.left, *(each.comparator for each in node.comparisons)]
        case cst.BinaryOperation() if not isinstance(node.operator, cst.MatrixMultiply):
            return [node.left, node.right]
        case cst.UnaryOperation():
            return [node.expression]
        case cst.Call():
            fact = rewriter.facts.calls.get(node)
            if isinstance(fact, RuleCall) and fact.rule.mode == "pointwise" and fact.target is None:
                return [bound.arg.node for bound in fact.bound.args.values() if bound.arg is not None]
    return None


def in_numpy(rewriter: Rewriter, node: cst.BaseExpression) -> cst.BaseExpression:
    """An expression with NumPy's functions in the place of JAX's."""
    names = _NumPyNames()
    result = node.visit(names)
    if names.found:
        rewriter.root("np")
    return cst.ensure_type(result, cst.BaseExpression)  # type: ignore[type-abstract]


class _NumPyNames(cst.CSTTransformer):
    """``jnp.eye(n)`` as ``np.eye(n)``."""

    def __init__(self) -> None:
        self.found = False

    def leave_Call(self, original_node: cst.Call, updated_node: cst.Call) -> cst.Call:
        match updated_node.func:
            case cst.Attribute(value=cst.Name("jnp")) as func:
                self.found = True
                return updated_node.with_changes(func=func.with_changes(value=cst.Name("np")))
        return updated_node
