"""Operators, and the rule of elementwise operations: layouts pass through, operands that disagree are transposed."""

from __future__ import annotations

from collections.abc import Sequence as Seq
from dataclasses import replace

import libcst as cst

from torch2jax.infer.frame import Frame, evaluates
from torch2jax.infer.kinds import (
    BOOL,
    FREE,
    MISSING,
    NUMPY,
    UNKNOWN,
    Free,
    Kind,
    Number,
    Numpy,
    Sequence,
    Shape,
    Str,
    Tensor,
    Tuple,
    Unknown,
    array_of,
    is_tensor,
    join,
    may_be_tensor,
    options,
    without_none,
)
from torch2jax.infer.layout import MIXED, Layout, normal
from torch2jax.infer.state_entries import look_into

Operand = tuple[cst.CSTNode, Kind]

_COMPLEX_ORDER = ("bool", "int", "float", "complex")


def pointwise(frame: Frame, operands: Seq[Operand], dtype: str | None = None) -> Kind:
    """The result of an elementwise operation with broadcasting; transposes operands where layouts differ."""
    tensors = [(node, kind, array_of(kind)) for node, kind in operands if may_be_tensor(kind)]
    arrays: list[Tensor] = [array for _, _, array in tensors if isinstance(array, Tensor)]
    ranks = [array.rank for array in arrays]
    rank = max((r for r in ranks if r is not None), default=None) if None not in ranks else None
    if len(tensors) == len(arrays) and _all_mixed(arrays):
        for node, kind, _ in tensors:
            frame.read(node, kind)
        return Tensor(rank, dtype or arrays[0].dtype, MIXED)
    layouts = {array.layout for array in arrays if array.layout is not None}
    unknown = any(isinstance(option, Unknown | Free) for _, kind in operands for option in options(kind))
    layout: Layout = next(iter(layouts)) if len(layouts) == 1 else None
    if layout is not None and (unknown or len(arrays) != len(tensors) or not _alignable(arrays, layout)):
        layout = None
    if any(isinstance(a, Tensor) and a != without_none(kind) and a.layout != layout for _, kind, a in tensors):
        layout = None  # what may be a number can't be transposed
    for node, kind, array in tensors:
        if isinstance(array, Tensor) and layout is not None:
            _align(frame, node, array, layout)
        elif layouts:
            frame.use(node, kind)
        else:
            frame.accept(node, kind)
    if dtype is None:
        dtype = _promoted(arrays, operands)
    unit = len(arrays) == 1 and arrays[0].unit and not unknown
    return Tensor(rank, dtype, layout, unit=unit)


def _all_mixed(arrays: Seq[Tensor]) -> bool:
    """Whether parameters meet that lie in one order, whichever: those of two models of one class, place by place."""
    return any(a.layout == MIXED for a in arrays) and all(a.layout == MIXED or a.rank == 0 for a in arrays)


def _alignable(arrays: Seq[Tensor], layout: tuple[int, ...]) -> bool:
    return all(a.layout == layout or (a.rank is not None and _aligned(a.rank, layout) is not MISSING) for a in arrays)


def _aligned(rank: int, layout: tuple[int, ...]) -> Layout:
    """The layout that an operand of lower rank needs to broadcast against one laid out as ``layout``."""
    full = len(layout)
    if rank == full:
        return layout
    missing = full - rank
    if rank == 0:
        return None
    if rank > full or set(layout[:missing]) != set(range(missing)):
        return MISSING  # type: ignore[no-any-return]
    return normal(tuple(axis - missing for axis in layout[missing:]))


def _align(frame: Frame, node: cst.CSTNode, kind: Tensor, layout: tuple[int, ...]) -> None:
    if kind.layout == layout:
        frame.vote(node, layout)
        frame.read(node, kind)
        return
    frame.use(node, kind, _aligned(kind.rank or 0, layout))


def _promoted(arrays: Seq[Tensor], operands: Seq[Operand]) -> str | None:
    found: str | None = None
    for array in arrays:
        if array.dtype is None:
            return None
        found = array.dtype if found is None or _order(array.dtype) > _order(found) else found
    for _, kind in operands:
        if isinstance(kind, Number) and found is not None and _order(kind.type) > _order(found):
            found = kind.type
    return found


def _order(dtype: str) -> int:
    return _COMPLEX_ORDER.index(dtype) if dtype in _COMPLEX_ORDER else 2


@evaluates(cst.BinaryOperation)
def binary(frame: Frame, node: cst.BinaryOperation) -> Kind:
    """``a + b`` and its sisters: arrays broadcast, anything else is Python's."""
    left, right = frame.eval(node.left), frame.eval(node.right)
    if may_be_tensor(left) or may_be_tensor(right):
        return _tensor_binary(frame, node, left, right)
    return _plain_binary(frame, node, left, right)


def _tensor_binary(frame: Frame, node: cst.BinaryOperation, left: Kind, right: Kind) -> Kind:
    if isinstance(node.operator, cst.MatrixMultiply):
        a, b = frame.use(node.left, left), frame.use(node.right, right)
        ranks = [k.rank for k in (without_none(a), without_none(b)) if isinstance(k, Tensor)]
        rank = (
            max(r for r in ranks if r is not None) if len(ranks) == 2 and None not in ranks and 1 not in ranks else None
        )
        return Tensor(rank, "float" if _is_float(a) or _is_float(b) else None)
    if isinstance(left, Str) or isinstance(right, Str):
        frame.use(node.left, left)
        frame.use(node.right, right)
        return Str()
    result = pointwise(frame, [(node.left, left), (node.right, right)])
    if isinstance(node.operator, cst.Divide) and isinstance(result, Tensor):
        return replace(result, dtype="complex" if result.dtype == "complex" else "float")
    return result


def _is_float(kind: Kind) -> bool:
    return isinstance(kind, Tensor) and kind.dtype == "float"


def _plain_binary(frame: Frame, node: cst.BinaryOperation, left: Kind, right: Kind) -> Kind:
    operator = node.operator
    for operand, kind in ((node.left, left), (node.right, right)):
        if isinstance(kind, Shape) and kind.layout is not None:
            from torch2jax.infer.items import logical_shape

            logical_shape(frame, operand, kind)
    if isinstance(left, Number) and isinstance(right, Number):
        return _number_binary(operator, left, right)
    if isinstance(left, Str) and isinstance(operator, cst.Modulo | cst.Add):
        return Str()
    if isinstance(operator, cst.Add):
        if isinstance(left, Tuple) and isinstance(right, Tuple):
            return Tuple(left.items + right.items)
        if isinstance(left, Shape | Tuple) and isinstance(right, Shape | Tuple):
            return Shape()
        return _concatenated(frame, node, left, right)
    if isinstance(operator, cst.Multiply):
        for one, other in ((left, right), (right, left)):
            if isinstance(one, Tuple | Sequence | Shape) and isinstance(other, Number | Free | Unknown):
                return _repeated(frame, node, one, other)
    if isinstance(left, Free) and isinstance(right, Free):
        return join(left, right)
    if isinstance(left, Number) or isinstance(right, Number):
        return left if isinstance(left, Free) else right if isinstance(right, Free) else FREE
    return UNKNOWN


def _concatenated(frame: Frame, node: cst.BinaryOperation, left: Kind, right: Kind) -> Kind:
    from torch2jax.infer.contents import copy_items
    from torch2jax.infer.items import alike, all_items

    if isinstance(left, Sequence | Tuple) and isinstance(right, Sequence | Tuple):
        for operand, kind in ((node.left, left), (node.right, right)):
            copy_items(frame, node, kind, all_items(frame, alike(frame, operand, kind)))
        return Sequence("list" if isinstance(left, Sequence) and left.type == "list" else "tuple", node)
    if isinstance(left, Free | Sequence) and isinstance(right, Free | Sequence | Tuple):
        return left if isinstance(left, Sequence) else right
    return FREE if isinstance(left, Free) or isinstance(right, Free) else UNKNOWN


def _repeated(frame: Frame, node: cst.CSTNode, kind: Kind, count: Kind) -> Kind:
    from torch2jax.infer.contents import copy_items
    from torch2jax.infer.items import all_items

    if isinstance(kind, Tuple) and isinstance(count, Number) and isinstance(count.value, int) and count.value < 9:
        return Tuple(kind.items * count.value)
    if isinstance(kind, Shape):
        return Shape()
    copy_items(frame, node, kind, all_items(frame, kind))
    return Sequence("list", node)


def _number_binary(operator: cst.BaseBinaryOp, left: Number, right: Number) -> Kind:
    value = MISSING
    if left.value is not MISSING and right.value is not MISSING:
        value = _fold(operator, left.value, right.value)
    if isinstance(operator, cst.Divide):
        return Number("float", value)
    kind = left.type if _order(left.type) >= _order(right.type) else right.type
    if kind == "bool" or (isinstance(operator, cst.FloorDivide) and kind != "float"):
        kind = "int"
    if value is not MISSING:
        kind = type(value).__name__
    return Number(kind, value)


def _fold(operator: cst.BaseBinaryOp, a: float, b: float) -> object:
    try:
        match operator:
            case cst.Add():
                return a + b
            case cst.Subtract():
                return a - b
            case cst.Multiply():
                return a * b
            case cst.Divide():
                return a / b
            case cst.FloorDivide():
                return a // b
            case cst.Modulo():
                return a % b
            case cst.Power() if abs(b) < 64:
                return a**b
    except (ArithmeticError, TypeError, ValueError):
        pass
    return MISSING


@evaluates(cst.UnaryOperation)
def unary(frame: Frame, node: cst.UnaryOperation) -> Kind:
    """``-x``, ``~x``, ``+x`` keep an array's layout; ``not x`` is a bool."""
    kind = frame.eval(node.expression)
    if isinstance(node.operator, cst.Not):
        if is_tensor(kind):
            frame.use(node.expression, kind)
        return BOOL
    if may_be_tensor(kind):
        return pointwise(frame, [(node.expression, kind)])
    if isinstance(kind, Number):
        if kind.value is MISSING:
            return Number("int" if kind.type == "bool" else kind.type)
        value = -kind.value if isinstance(node.operator, cst.Minus) else MISSING
        return Number(kind.type, value)
    return kind if isinstance(kind, Free) else UNKNOWN


@evaluates(cst.Comparison)
def comparison(frame: Frame, node: cst.Comparison) -> Kind:
    """``a < b`` and its sisters: of arrays an array of booleans, else a bool."""
    operands: list[Operand] = [(node.left, frame.eval(node.left))]
    for target in node.comparisons:
        operands.append((target.comparator, frame.eval(target.comparator)))
    identity = all(isinstance(t.operator, cst.Is | cst.IsNot | cst.In | cst.NotIn) for t in node.comparisons)
    if identity:
        for target, (operand, kind) in zip(node.comparisons, operands[1:], strict=True):
            if isinstance(target.operator, cst.In | cst.NotIn) and is_tensor(kind):
                frame.use(operand, kind)
            if isinstance(target.operator, cst.In | cst.NotIn):
                look_into(frame, operand, kind)
        return BOOL
    alike = _compares_entries(frame, node, operands)
    for operand, kind in operands:
        if isinstance(kind, Shape) and kind.layout is not None and not alike:
            from torch2jax.infer.items import logical_shape

            logical_shape(frame, operand, kind)
    if any(may_be_tensor(kind) for _, kind in operands):
        if any(isinstance(kind, Str) for _, kind in operands):
            return BOOL
        return pointwise(frame, operands, "bool")
    if any(isinstance(kind, Unknown) for _, kind in operands):
        return UNKNOWN
    if any(isinstance(kind, Numpy) for _, kind in operands):
        return NUMPY
    return FREE if any(isinstance(option, Free) for _, kind in operands for option in options(kind)) else BOOL


def _compares_entries(frame: Frame, node: cst.Comparison, operands: list[Operand]) -> bool:
    """Whether shapes of two parameters of unknown layers are compared: in Flax's order, both of them."""
    equality = all(isinstance(target.operator, cst.Equal | cst.NotEqual) for target in node.comparisons)
    if not equality or not all(isinstance(kind, Shape) and kind.layout == MIXED for _, kind in operands):
        return False
    frame.report("T2J201", node, "assumed that the parameters whose shapes are compared belong to layers of one kind")
    return True


@evaluates(cst.BooleanOperation)
def boolean(frame: Frame, node: cst.BooleanOperation) -> Kind:
    """``a and b``, ``a or b``: the right side is evaluated knowing the left."""
    from torch2jax.infer.narrowing import condition, narrow

    left = frame.eval(node.left)
    condition(frame, node.left, left, "test")
    saved = dict(frame.env)
    narrow(frame, node.left, isinstance(node.operator, cst.And))
    right = frame.eval(node.right)
    frame.env = saved
    left, right = frame.use(node.left, left), frame.use(node.right, right)
    if isinstance(node.operator, cst.Or):
        return join(without_none(left), right)
    return join(left, right) if may_be_tensor(left) or may_be_tensor(right) else right


@evaluates(cst.IfExp)
def conditional(frame: Frame, node: cst.IfExp) -> Kind:
    """``a if test else b``: each side is evaluated knowing the test."""
    from torch2jax.infer.narrowing import condition, narrow

    condition(frame, node.test, frame.eval(node.test), "conditional expression")
    saved = dict(frame.env)
    narrow(frame, node.test, True)
    body = frame.eval(node.body)
    frame.env = dict(saved)
    narrow(frame, node.test, False)
    orelse = frame.eval(node.orelse)
    frame.env = saved
    if isinstance(body, Shape) or isinstance(orelse, Shape):
        from torch2jax.infer.arguments import take

        body, orelse = take(frame, node.body, body), take(frame, node.orelse, orelse)
    layouts = {k.layout for kind in (body, orelse) for k in options(kind) if isinstance(k, Tensor)}
    if len(layouts) > 1:
        wanted = _shared_layout(body, orelse, layouts)
        body, orelse = frame.use(node.body, body, wanted), frame.use(node.orelse, orelse, wanted)
    elif not _all_variables(body, orelse):
        body, orelse = frame.read(node.body, body), frame.read(node.orelse, orelse)
    return join(body, orelse)


def _shared_layout(body: Kind, orelse: Kind, layouts: set[Layout]) -> Layout:
    """The layout that both outcomes of a choice can have."""
    wanted = next(layout for layout in layouts if layout is not None)
    both = isinstance(body, Tensor) and isinstance(orelse, Tensor)
    ranks = {kind.rank for kind in (body, orelse) if isinstance(kind, Tensor)}
    return wanted if both and len(layouts) == 2 and None in layouts and ranks <= {None, len(wanted or ())} else None


def _all_variables(*kinds: Kind) -> bool:
    """Whether every array among the alternatives is a Variable, which may be kept as such."""
    return all(option.variable for kind in kinds for option in options(kind) if isinstance(option, Tensor))
