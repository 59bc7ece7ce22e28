"""Arithmetic of two tensors, or a tensor and a number; all broadcast."""

from torch2jax.rulebook import *


@rule("torch.add", "torch.Tensor.add", mode="pointwise")
def add(input: Tensor, other: Scalar, *, alpha: Scalar = 1, out: Out = None) -> Tensor:
    """Sum.

    >>> torch.add(f32(2, 3), f32(3))
    >>> f32(2, 3).add(2, alpha=3)
    >>> f32(2, 3).add(f32(3), alpha=0.5)
    """
    if alpha == 1:
        return input + other
    return input + alpha * other


@rule("torch.sub", "torch.Tensor.sub", "torch.subtract", "torch.Tensor.subtract", mode="pointwise")
def sub(input: Tensor, other: Scalar, *, alpha: Scalar = 1, out: Out = None) -> Tensor:
    """Difference.

    >>> torch.sub(f32(2, 3), f32(3))
    >>> f32(2, 3).sub(f32(3), alpha=0.5)
    """
    if alpha == 1:
        return input - other
    return input - alpha * other


@rule("torch.Tensor.add", "torch.Tensor.sub", mode="pointwise")
def add_legacy(self: Tensor, alpha: Scalar, other: Tensor) -> Tensor:
    """The legacy form with the factor first.

    >>> f32(2, 3).add(0.5, f32(3))
    """
    raise Unsupported("the form with the factor first was removed from PyTorch", "write x.add(other, alpha=factor)")


@rule("torch.rsub", mode="pointwise")
def rsub(input: Tensor, other: Scalar, *, alpha: Scalar = 1, out: Out = None) -> Tensor:
    """Difference the other way round.

    >>> torch.rsub(f32(2, 3), 2)
    >>> torch.rsub(f32(2, 3), f32(3), alpha=2)
    """
    if alpha == 1:
        return other - input
    return other - alpha * input


@rule("torch.mul", "torch.Tensor.mul", "torch.multiply", "torch.Tensor.multiply", mode="pointwise")
def mul(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Product.

    >>> torch.mul(f32(2, 3), f32(3))
    >>> f32(2, 3).mul(2)
    """
    return input * other


@rule("torch.div", "torch.Tensor.div", "torch.divide", "torch.Tensor.divide", mode="pointwise")
def div(input: Tensor, other: Scalar, *, rounding_mode=None, out: Out = None) -> Tensor:
    """Quotient; rounded down or towards zero on demand.

    >>> torch.div(f32(2, 3), pos(3))
    >>> i64(2, 3, high=9).div(2)
    >>> torch.div(f32(2, 3), 0.3, rounding_mode='floor')
    >>> torch.div(i64(2, 3, high=9), 2, rounding_mode='floor')
    >>> torch.div(i64(2, 3, high=9) - 5, 3, rounding_mode='trunc')
    >>> torch.div(f32(2, 3), 0.3, rounding_mode='trunc')
    >>> torch.div(f32(2, 3), 0.3, rounding_mode=str("trunc"))
    """
    if rounding_mode is None:
        return input / other
    if rounding_mode == "floor":
        return input // other
    if rounding_mode == "trunc":
        return helpers.truncated_divide(input, other)
    raise Unsupported("the rounding mode is not known at conversion", "write the rounding mode as a literal")


@rule("torch.true_divide", "torch.Tensor.true_divide", mode="pointwise")
def true_divide(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Quotient.

    >>> torch.true_divide(f32(2, 3), pos(3))
    >>> f32(2, 3).true_divide(2)
    """
    return input / other


@rule("torch.floor_divide", "torch.Tensor.floor_divide", mode="pointwise")
def floor_divide(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Quotient, rounded down.

    >>> torch.floor_divide(f32(2, 3), pos(3))
    >>> f32(2, 3).floor_divide(2)
    """
    return input // other


@rule("torch.remainder", "torch.Tensor.remainder", mode="pointwise")
def remainder(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Remainder with the sign of the divisor.

    >>> torch.remainder(f32(2, 3), 0.3)
    >>> f32(2, 3).remainder(-0.7)
    """
    return input % other


@rule("torch.fmod", "torch.Tensor.fmod", mode="pointwise")
def fmod(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Remainder with the sign of the dividend.

    >>> torch.fmod(f32(2, 3), 0.3)
    >>> f32(2, 3).fmod(-0.7)
    """
    return jnp.fmod(input, other)


@rule("torch.pow", "torch.Tensor.pow", mode="pointwise")
def pow(input: Tensor, exponent: Scalar, *, out: Out = None) -> Tensor:
    """Power.

    >>> torch.pow(f32(2, 3), 2)
    >>> pos(2, 3).pow(0.5)
    >>> pos(2, 3).pow(f32(3))
    >>> (pos(2, 3) * 0).pow(pos(3))
    >>> x = pos(2, 3)
    >>> (x - x.detach()).pow(pos(3).double())

    >>> x = pos(2, 3)
    >>> (x - x.detach()).pow(pos(3) * 0)
    """
    if is_tensor(exponent):
        return helpers.power(input, exponent)
    return input**exponent


@rule("torch.pow", mode="pointwise")
def pow_of_number(self: Scalar, exponent: Tensor, *, out: Out = None) -> Tensor:
    """Power of a number.

    >>> torch.pow(2, f32(2, 3))
    >>> torch.pow(10000.0, f32(2, 3))
    """
    return self**exponent


@rule("torch.maximum", "torch.Tensor.maximum", mode="pointwise")
def maximum(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """The greater one.

    >>> torch.maximum(f32(2, 3), f32(3))
    >>> f32(2, 3).maximum(f32(3))
    """
    return jnp.maximum(input, other)


@rule("torch.minimum", "torch.Tensor.minimum", mode="pointwise")
def minimum(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """The smaller one.

    >>> torch.minimum(f32(2, 3), f32(3))
    >>> f32(2, 3).minimum(f32(3))
    """
    return jnp.minimum(input, other)


@rule("torch.fmax", "torch.Tensor.fmax", mode="pointwise")
def fmax(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """The greater one, or the one that is not NaN.

    >>> torch.fmax(f32(2, 3), f32(3))
    >>> torch.fmax(i64(5, high=2) * pos(1), i64(5, high=2) * pos(1))
    >>> torch.fmax(torch.log(f32(2, 3).detach()), torch.log(f32(2, 3).detach()))
    >>> f32(2, 3).fmax(f32(3))
    >>> x, y = f32(2, 3), f32(3)
    >>> torch.fmax(x - x.detach(), y - y.detach())
    """
    return jnp.where((input >= other) | jnp.isnan(other), input, other)


@rule("torch.fmin", "torch.Tensor.fmin", mode="pointwise")
def fmin(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """The smaller one, or the one that is not NaN.

    >>> torch.fmin(f32(2, 3), f32(3))
    >>> torch.fmin(i64(5, high=2) * pos(1), i64(5, high=2) * pos(1))
    >>> torch.fmin(torch.log(f32(2, 3).detach()), torch.log(f32(2, 3).detach()))
    >>> f32(2, 3).fmin(f32(3))
    >>> x, y = f32(2, 3), f32(3)
    >>> torch.fmin(x - x.detach(), y - y.detach())
    """
    return jnp.where((input <= other) | jnp.isnan(other), input, other)


@rule("torch.atan2", "torch.Tensor.atan2", "torch.arctan2", "torch.Tensor.arctan2", mode="pointwise")
def atan2(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Angle of the point (other, input).

    >>> torch.atan2(f32(2, 3), f32(3))
    >>> f32(2, 3).atan2(f32(3))
    """
    return helpers.arctan2(input, other)


@rule("torch.hypot", "torch.Tensor.hypot", mode="pointwise")
def hypot(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """sqrt(x * x + y * y).

    >>> torch.hypot(f32(2, 3), f32(3))
    >>> f32(2, 3).hypot(f32(3))
    """
    return jnp.hypot(input, other)


@rule("torch.logaddexp", "torch.Tensor.logaddexp", mode="pointwise")
def logaddexp(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """log(exp(x) + exp(y)).

    >>> torch.logaddexp(f32(2, 3), f32(3))
    >>> f32(2, 3).logaddexp(f32(3))
    """
    return jnp.logaddexp(input, other)


@rule("torch.logaddexp2", "torch.Tensor.logaddexp2", mode="pointwise")
def logaddexp2(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """log2(2 ** x + 2 ** y).

    >>> torch.logaddexp2(f32(2, 3), f32(3))
    >>> f32(2, 3).logaddexp2(f32(3))
    """
    return jnp.logaddexp2(input, other)


@rule("torch.copysign", "torch.Tensor.copysign", mode="pointwise")
def copysign(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Magnitude of x with the sign of y.

    >>> torch.copysign(f32(2, 3), f32(3))
    >>> x = f32(2, 3)
    >>> torch.copysign(x - x.detach(), f32(3))

    >>> f32(2, 3).copysign(f32(3))
    >>> torch.copysign(f32(2, 3) * 0 + 1, f32(3))
    """
    return jnp.where(input == 0, jnp.copysign(lax.stop_gradient(input), other), jnp.copysign(input, other))


@rule("torch.heaviside", "torch.Tensor.heaviside", mode="pointwise")
def heaviside(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """0, other or 1 by the sign of x.

    >>> torch.heaviside(f32(2, 3).detach() * b8(2, 3), f32(3).detach())
    """
    return jnp.heaviside(input, other)


@rule("torch.nextafter", "torch.Tensor.nextafter", mode="pointwise")
def nextafter(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """The next number in the direction of other.

    >>> torch.nextafter(f32(2, 3), f32(3))
    """
    return helpers.nextafter(input, other)


@rule("torch.ldexp", "torch.Tensor.ldexp", mode="pointwise")
def ldexp(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """x * 2 ** other.

    >>> torch.ldexp(f32(2, 3), i64(3, high=4))
    """
    return input * 2.0**other


@rule("torch.gcd", "torch.Tensor.gcd", mode="pointwise")
def gcd(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Greatest common divisor.

    >>> torch.gcd(i64(2, 3, high=9), i64(3, high=9))
    >>> i64(2, 3, high=9).gcd(i64(3, high=9))
    """
    return jnp.gcd(input, other)


@rule("torch.lcm", "torch.Tensor.lcm", mode="pointwise")
def lcm(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """Least common multiple.

    >>> torch.lcm(i64(2, 3, high=9), i64(3, high=9))
    >>> i64(2, 3, high=9).lcm(i64(3, high=9))
    """
    return jnp.lcm(input, other)


@rule("torch.lerp", "torch.Tensor.lerp", mode="pointwise")
def lerp(input: Tensor, end: Tensor, weight: Scalar, *, out: Out = None) -> Tensor:
    """input + weight * (end - input).

    >>> torch.lerp(f32(2, 3), f32(2, 3), 0.3)
    >>> f32(2, 3).lerp(f32(3), unit(2, 3))
    """
    return input + weight * (end - input)


@rule("torch.addcmul", "torch.Tensor.addcmul", mode="pointwise")
def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1, out: Out = None) -> Tensor:
    """input + value * tensor1 * tensor2.

    >>> torch.addcmul(f32(2, 3), f32(2, 3), f32(3))
    >>> f32(2, 3).addcmul(f32(2, 3), f32(3), value=0.1)
    """
    if value == 1:
        return input + tensor1 * tensor2
    return input + value * tensor1 * tensor2


@rule("torch.addcdiv", "torch.Tensor.addcdiv", mode="pointwise")
def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: Scalar = 1, out: Out = None) -> Tensor:
    """input + value * tensor1 / tensor2.

    >>> torch.addcdiv(f32(2, 3), f32(2, 3), pos(3))
    >>> f32(2, 3).addcdiv(f32(2, 3), pos(3), value=0.1)
    """
    if value == 1:
        return input + tensor1 / tensor2
    return input + value * tensor1 / tensor2
