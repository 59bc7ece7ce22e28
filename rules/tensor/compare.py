"""Comparisons, logic, bits and choices; all broadcast."""

from torch2jax.rulebook import *


@rule("torch.isnan", "torch.Tensor.isnan", mode="pointwise", dtype="bool")
def isnan(input: Tensor, *, out: Out = None) -> Tensor:
    """Whether NaN.

    >>> torch.isnan(f32(2, 3))
    >>> f32(2, 3).isnan()
    """
    return jnp.isnan(input)


@rule("torch.isinf", "torch.Tensor.isinf", mode="pointwise", dtype="bool")
def isinf(input: Tensor, *, out: Out = None) -> Tensor:
    """Whether infinite.

    >>> torch.isinf(f32(2, 3))
    >>> f32(2, 3).isinf()
    """
    return jnp.isinf(input)


@rule("torch.isfinite", "torch.Tensor.isfinite", mode="pointwise", dtype="bool")
def isfinite(input: Tensor, *, out: Out = None) -> Tensor:
    """Whether finite.

    >>> torch.isfinite(f32(2, 3))
    >>> f32(2, 3).isfinite()
    """
    return jnp.isfinite(input)


@rule("torch.isneginf", "torch.Tensor.isneginf", mode="pointwise", dtype="bool")
def isneginf(input: Tensor, *, out: Out = None) -> Tensor:
    """Whether -inf.

    >>> torch.isneginf(f32(2, 3))
    >>> torch.tensor([1.0, math.inf, -math.inf]).isneginf()
    """
    return jnp.isneginf(input)


@rule("torch.isposinf", "torch.Tensor.isposinf", mode="pointwise", dtype="bool")
def isposinf(input: Tensor, *, out: Out = None) -> Tensor:
    """Whether +inf.

    >>> torch.isposinf(f32(2, 3))
    >>> torch.tensor([1.0, math.inf, -math.inf]).isposinf()
    """
    return jnp.isposinf(input)


@rule("torch.isreal", "torch.Tensor.isreal", mode="pointwise", dtype="bool")
def isreal(input: Tensor, *, out: Out = None) -> Tensor:
    """Whether the imaginary part is 0.

    >>> torch.isreal(c64(2, 3))
    >>> c64(2, 3).isreal()
    """
    return jnp.isreal(input)


@rule("torch.logical_not", "torch.Tensor.logical_not", mode="pointwise", dtype="bool")
def logical_not(input: Tensor, *, out: Out = None) -> Tensor:
    """Not.

    >>> torch.logical_not(b8(2, 3))
    >>> b8(2, 3).logical_not()
    """
    return jnp.logical_not(input)


@rule("torch.bitwise_not", "torch.Tensor.bitwise_not", mode="pointwise")
def bitwise_not(input: Tensor, *, out: Out = None) -> Tensor:
    """Bits flipped.

    >>> torch.bitwise_not(i64(2, 3, high=9))
    >>> i64(2, 3, high=9).bitwise_not()
    """
    return ~input


@rule("torch.eq", "torch.Tensor.eq", mode="pointwise", dtype="bool")
def eq(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Equal.

    >>> torch.eq(i64(2, 3, high=3), i64(3, high=3))
    >>> i64(2, 3, high=3).eq(1)
    """
    return input == other


@rule("torch.ne", "torch.Tensor.ne", "torch.not_equal", "torch.Tensor.not_equal", mode="pointwise", dtype="bool")
def ne(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Unequal.

    >>> torch.ne(i64(2, 3, high=3), i64(3, high=3))
    >>> i64(2, 3, high=3).ne(1)
    """
    return input != other


@rule("torch.lt", "torch.Tensor.lt", "torch.less", "torch.Tensor.less", mode="pointwise", dtype="bool")
def lt(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Less.

    >>> torch.lt(i64(2, 3, high=3), i64(3, high=3))
    >>> i64(2, 3, high=3).lt(1)
    """
    return input < other


@rule("torch.le", "torch.Tensor.le", "torch.less_equal", "torch.Tensor.less_equal", mode="pointwise", dtype="bool")
def le(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Less or equal.

    >>> torch.le(i64(2, 3, high=3), i64(3, high=3))
    >>> i64(2, 3, high=3).le(1)
    """
    return input <= other


@rule("torch.gt", "torch.Tensor.gt", "torch.greater", "torch.Tensor.greater", mode="pointwise", dtype="bool")
def gt(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Greater.

    >>> torch.gt(i64(2, 3, high=3), i64(3, high=3))
    >>> i64(2, 3, high=3).gt(1)
    """
    return input > other


@rule(
    "torch.ge", "torch.Tensor.ge", "torch.greater_equal", "torch.Tensor.greater_equal", mode="pointwise", dtype="bool"
)
def ge(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Greater or equal.

    >>> torch.ge(i64(2, 3, high=3), i64(3, high=3))
    >>> i64(2, 3, high=3).ge(1)
    """
    return input >= other


@rule("torch.logical_and", "torch.Tensor.logical_and", mode="pointwise", dtype="bool")
def logical_and(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Logical and.

    >>> torch.logical_and(b8(2, 3), b8(3))
    >>> b8(2, 3).logical_and(b8(3))
    """
    return jnp.logical_and(input, other)


@rule("torch.logical_or", "torch.Tensor.logical_or", mode="pointwise", dtype="bool")
def logical_or(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Logical or.

    >>> torch.logical_or(b8(2, 3), b8(3))
    >>> b8(2, 3).logical_or(b8(3))
    """
    return jnp.logical_or(input, other)


@rule("torch.logical_xor", "torch.Tensor.logical_xor", mode="pointwise", dtype="bool")
def logical_xor(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Logical xor.

    >>> torch.logical_xor(b8(2, 3), b8(3))
    >>> b8(2, 3).logical_xor(b8(3))
    """
    return jnp.logical_xor(input, other)


@rule("torch.bitwise_and", "torch.Tensor.bitwise_and", mode="pointwise")
def bitwise_and(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Bitwise and.

    >>> torch.bitwise_and(i64(2, 3, high=9), i64(3, high=9))
    >>> i64(2, 3, high=9).bitwise_and(3)
    """
    return input & other


@rule("torch.bitwise_or", "torch.Tensor.bitwise_or", mode="pointwise")
def bitwise_or(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Bitwise or.

    >>> torch.bitwise_or(i64(2, 3, high=9), i64(3, high=9))
    >>> i64(2, 3, high=9).bitwise_or(3)
    """
    return input | other


@rule("torch.bitwise_xor", "torch.Tensor.bitwise_xor", mode="pointwise")
def bitwise_xor(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Bitwise xor.

    >>> torch.bitwise_xor(i64(2, 3, high=9), i64(3, high=9))
    >>> i64(2, 3, high=9).bitwise_xor(3)
    """
    return input ^ other


@rule("torch.bitwise_left_shift", "torch.Tensor.bitwise_left_shift", mode="pointwise")
def bitwise_left_shift(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Shift left.

    >>> torch.bitwise_left_shift(i64(2, 3, high=9), i64(3, high=3))
    >>> i64(2, 3, high=9).bitwise_left_shift(2)
    """
    return input << other


@rule("torch.bitwise_right_shift", "torch.Tensor.bitwise_right_shift", mode="pointwise")
def bitwise_right_shift(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Shift right.

    >>> torch.bitwise_right_shift(i64(2, 3, high=99), i64(3, high=3))
    >>> i64(2, 3, high=99).bitwise_right_shift(2)
    """
    return input >> other


@rule("torch.Tensor.__and__", mode="pointwise")
def dunder_and(self: Tensor, other: Scalar) -> Tensor:
    """Bitwise and.

    >>> b8(2, 3).__and__(b8(3))
    """
    return self & other


@rule("torch.where", mode="pointwise")
def where(condition: Tensor, input: Scalar, other: Scalar, *, out: Out = None) -> Tensor:
    """input where the condition holds, other elsewhere.

    >>> torch.where(b8(2, 3), f32(2, 3), f32(3))
    >>> torch.where(b8(2, 3), f32(2, 3), 0.0)
    """
    return jnp.where(condition, input, other)


@rule("torch.where", dtype="int")
def where_true(condition: Tensor) -> Tensors:
    """Indices of the true elements, one vector an axis.

    >>> torch.where(b8(2, 3))
    """
    return jnp.nonzero(condition)


@rule("torch.Tensor.where", mode="pointwise")
def where_method(self: Tensor, condition: Tensor, other: Scalar) -> Tensor:
    """self where the condition holds, other elsewhere.

    >>> f32(2, 3).where(b8(2, 3), f32(3))
    """
    return jnp.where(condition, self, other)


@rule("torch.Tensor.masked_fill", "torch.masked_fill", mode="pointwise")
def masked_fill(input: Tensor, mask: Tensor, value: Scalar) -> Tensor:
    """value where the mask is true.

    >>> f32(2, 3).masked_fill(b8(2, 3), float('-inf')).softmax(-1).nan_to_num()
    >>> f32(2, 3).masked_fill(b8(3), 0)
    >>> torch.masked_fill(f32(2, 3), b8(2, 1), f32())
    """
    return jnp.where(mask, value, input)
