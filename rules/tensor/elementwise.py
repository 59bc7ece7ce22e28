"""Elementwise functions of one tensor: powers, exponentials, trigonometry, rounding."""

from torch2jax.rulebook import *


@rule("torch.abs", "torch.Tensor.abs", "torch.absolute", "torch.Tensor.absolute", mode="pointwise")
def abs(input: Tensor, *, out: Out = None) -> Tensor:
    """Absolute value, with the gradient 0 at 0.

    >>> torch.abs(f32(2, 3))
    >>> f32(2, 3).abs()
    >>> x = f32(2, 3).double()
    >>> (x - x.detach()).abs()

    >>> torch.abs(i64(2, 3, high=5).long() - 2)
    >>> c64(2, 3).abs()
    """
    if dtype(input) in ("int", "complex"):
        return jnp.abs(input)
    return helpers.absolute(input)


@rule("torch.neg", "torch.Tensor.neg", "torch.negative", "torch.Tensor.negative", mode="pointwise")
def neg(input: Tensor, *, out: Out = None) -> Tensor:
    """Negative.

    >>> torch.neg(f32(2, 3))
    >>> f32(2, 3).neg()
    """
    return -input


@rule("torch.positive", "torch.Tensor.positive", mode="pointwise")
def positive(input: Tensor, *, out: Out = None) -> Tensor:
    """The tensor itself.

    >>> torch.positive(f32(2, 3))
    >>> f32(2, 3).positive()
    """
    return +input


@rule("torch.sign", "torch.Tensor.sign", mode="pointwise")
def sign(input: Tensor, *, out: Out = None) -> Tensor:
    """-1, 0 or 1.

    >>> torch.sign(f32(2, 3))
    >>> f32(2, 3).sign()
    """
    return jnp.sign(input)


@rule("torch.sgn", "torch.Tensor.sgn", mode="pointwise")
def sgn(input: Tensor, *, out: Out = None) -> Tensor:
    """Sign.

    >>> torch.sgn(f32(2, 3))
    >>> torch.sgn(torch.complex(f32(2, 3), f32(2, 3)))
    """
    if dtype(input) == "complex":
        raise Unsupported("the gradient of the direction of complex numbers is not translated", "use x / jnp.abs(x)")
    return jnp.sign(input)


@rule("torch.signbit", "torch.Tensor.signbit", mode="pointwise", dtype="bool")
def signbit(input: Tensor, *, out: Out = None) -> Tensor:
    """Whether the sign bit is set.

    >>> torch.signbit(f32(2, 3))
    >>> f32(2, 3).signbit()
    """
    return jnp.signbit(input)


@rule("torch.exp", "torch.Tensor.exp", mode="pointwise")
def exp(input: Tensor, *, out: Out = None) -> Tensor:
    """Exponential.

    >>> torch.exp(f32(2, 3))
    >>> f32(2, 3).exp()
    """
    return jnp.exp(input)


@rule("torch.exp2", "torch.Tensor.exp2", "torch.special.exp2", mode="pointwise")
def exp2(input: Tensor, *, out: Out = None) -> Tensor:
    """2 ** x.

    >>> torch.exp2(f32(2, 3))
    >>> f32(2, 3).exp2()
    """
    return jnp.exp2(input)


@rule("torch.expm1", "torch.Tensor.expm1", "torch.special.expm1", mode="pointwise")
def expm1(input: Tensor, *, out: Out = None) -> Tensor:
    """exp(x) - 1.

    >>> torch.expm1(f32(2, 3))
    >>> f32(2, 3).expm1()
    """
    return jnp.expm1(input)


@rule("torch.log", "torch.Tensor.log", mode="pointwise")
def log(input: Tensor, *, out: Out = None) -> Tensor:
    """Natural logarithm.

    >>> torch.log(pos(2, 3))
    >>> pos(2, 3).log()
    """
    return jnp.log(input)


@rule("torch.log2", "torch.Tensor.log2", mode="pointwise")
def log2(input: Tensor, *, out: Out = None) -> Tensor:
    """Logarithm to base 2.

    >>> torch.log2(pos(2, 3))
    >>> pos(2, 3).log2()
    """
    return jnp.log2(input)


@rule("torch.log10", "torch.Tensor.log10", mode="pointwise")
def log10(input: Tensor, *, out: Out = None) -> Tensor:
    """Logarithm to base 10.

    >>> torch.log10(pos(2, 3))
    >>> pos(2, 3).log10()
    """
    return jnp.log10(input)


@rule("torch.log1p", "torch.Tensor.log1p", "torch.special.log1p", mode="pointwise")
def log1p(input: Tensor, *, out: Out = None) -> Tensor:
    """log(1 + x).

    >>> torch.log1p(pos(2, 3))
    >>> pos(2, 3).log1p()
    """
    return jnp.log1p(input)


@rule("torch.sqrt", "torch.Tensor.sqrt", mode="pointwise")
def sqrt(input: Tensor, *, out: Out = None) -> Tensor:
    """Square root.

    >>> torch.sqrt(pos(2, 3))
    >>> pos(2, 3).sqrt()
    """
    return jnp.sqrt(input)


@rule("torch.rsqrt", "torch.Tensor.rsqrt", mode="pointwise")
def rsqrt(input: Tensor, *, out: Out = None) -> Tensor:
    """1 / square root.

    >>> torch.rsqrt(pos(2, 3))
    >>> pos(2, 3).rsqrt()
    """
    return lax.rsqrt(input)


@rule("torch.square", "torch.Tensor.square", mode="pointwise")
def square(input: Tensor, *, out: Out = None) -> Tensor:
    """Square.

    >>> torch.square(f32(2, 3))
    >>> f32(2, 3).square()
    """
    return jnp.square(input)


@rule("torch.reciprocal", "torch.Tensor.reciprocal", mode="pointwise")
def reciprocal(input: Tensor, *, out: Out = None) -> Tensor:
    """1 / x.

    >>> torch.reciprocal(pos(2, 3))
    >>> pos(2, 3).reciprocal()
    """
    return 1 / input


@rule("torch.sin", "torch.Tensor.sin", mode="pointwise")
def sin(input: Tensor, *, out: Out = None) -> Tensor:
    """Sine.

    >>> torch.sin(f32(2, 3))
    >>> f32(2, 3).sin()
    """
    return jnp.sin(input)


@rule("torch.cos", "torch.Tensor.cos", mode="pointwise")
def cos(input: Tensor, *, out: Out = None) -> Tensor:
    """Cosine.

    >>> torch.cos(f32(2, 3))
    >>> f32(2, 3).cos()
    """
    return jnp.cos(input)


@rule("torch.tan", "torch.Tensor.tan", mode="pointwise")
def tan(input: Tensor, *, out: Out = None) -> Tensor:
    """Tangent.

    >>> torch.tan(f32(2, 3))
    >>> f32(2, 3).tan()
    """
    return jnp.tan(input)


@rule("torch.asin", "torch.Tensor.asin", "torch.arcsin", "torch.Tensor.arcsin", mode="pointwise")
def asin(input: Tensor, *, out: Out = None) -> Tensor:
    """Arc sine.

    >>> torch.asin(unit(2, 3))
    >>> unit(2, 3).asin()
    """
    return jnp.arcsin(input)


@rule("torch.acos", "torch.Tensor.acos", "torch.arccos", "torch.Tensor.arccos", mode="pointwise")
def acos(input: Tensor, *, out: Out = None) -> Tensor:
    """Arc cosine.

    >>> torch.acos(unit(2, 3))
    >>> unit(2, 3).acos()
    """
    return jnp.arccos(input)


@rule("torch.atan", "torch.Tensor.atan", "torch.arctan", "torch.Tensor.arctan", mode="pointwise")
def atan(input: Tensor, *, out: Out = None) -> Tensor:
    """Arc tangent.

    >>> torch.atan(f32(2, 3))
    >>> f32(2, 3).atan()
    """
    return jnp.arctan(input)


@rule("torch.sinh", "torch.Tensor.sinh", mode="pointwise")
def sinh(input: Tensor, *, out: Out = None) -> Tensor:
    """Hyperbolic sine.

    >>> torch.sinh(f32(2, 3))
    >>> f32(2, 3).sinh()
    """
    return jnp.sinh(input)


@rule("torch.cosh", "torch.Tensor.cosh", mode="pointwise")
def cosh(input: Tensor, *, out: Out = None) -> Tensor:
    """Hyperbolic cosine.

    >>> torch.cosh(f32(2, 3))
    >>> f32(2, 3).cosh()
    """
    return jnp.cosh(input)


@rule("torch.tanh", "torch.Tensor.tanh", "torch.nn.functional.tanh", mode="pointwise")
def tanh(input: Tensor, *, out: Out = None) -> Tensor:
    """Hyperbolic tangent.

    >>> torch.tanh(f32(2, 3))
    >>> f32(2, 3).tanh()
    """
    return jnp.tanh(input)


@rule("torch.asinh", "torch.Tensor.asinh", "torch.arcsinh", "torch.Tensor.arcsinh", mode="pointwise")
def asinh(input: Tensor, *, out: Out = None) -> Tensor:
    """Inverse hyperbolic sine.

    >>> torch.asinh(f32(2, 3))
    >>> f32(2, 3).asinh()
    """
    return jnp.arcsinh(input)


@rule("torch.acosh", "torch.Tensor.acosh", "torch.arccosh", "torch.Tensor.arccosh", mode="pointwise")
def acosh(input: Tensor, *, out: Out = None) -> Tensor:
    """Inverse hyperbolic cosine.

    >>> torch.acosh((pos(2, 3) + 1))
    >>> (pos(2, 3) + 1).acosh()
    """
    return jnp.arccosh(input)


@rule("torch.atanh", "torch.Tensor.atanh", "torch.arctanh", "torch.Tensor.arctanh", mode="pointwise")
def atanh(input: Tensor, *, out: Out = None) -> Tensor:
    """Inverse hyperbolic tangent.

    >>> torch.atanh(unit(2, 3))
    >>> unit(2, 3).atanh()
    """
    return jnp.arctanh(input)


@rule("torch.sinc", "torch.Tensor.sinc", "torch.special.sinc", mode="pointwise")
def sinc(input: Tensor, *, out: Out = None) -> Tensor:
    """sin(pi x) / (pi x).

    >>> torch.sinc(f32(2, 3))
    >>> f32(2, 3).sinc()
    """
    return jnp.sinc(input)


@rule("torch.sigmoid", "torch.Tensor.sigmoid", "torch.special.expit", "torch.nn.functional.sigmoid", mode="pointwise")
def sigmoid(input: Tensor, *, out: Out = None) -> Tensor:
    """Logistic function.

    >>> torch.sigmoid(f32(2, 3))
    >>> f32(2, 3).sigmoid()
    """
    return nnx.sigmoid(input)


@rule("torch.floor", "torch.Tensor.floor", mode="pointwise")
def floor(input: Tensor, *, out: Out = None) -> Tensor:
    """Round down.

    >>> torch.floor(f32(2, 3))
    >>> f32(2, 3).floor()
    """
    return jnp.floor(input)


@rule("torch.ceil", "torch.Tensor.ceil", mode="pointwise")
def ceil(input: Tensor, *, out: Out = None) -> Tensor:
    """Round up.

    >>> torch.ceil(f32(2, 3))
    >>> f32(2, 3).ceil()
    """
    return jnp.ceil(input)


@rule("torch.trunc", "torch.Tensor.trunc", "torch.fix", "torch.Tensor.fix", mode="pointwise")
def trunc(input: Tensor, *, out: Out = None) -> Tensor:
    """Round towards zero.

    >>> torch.trunc(f32(2, 3))
    >>> f32(2, 3).trunc()
    """
    return jnp.trunc(input)


@rule("torch.frac", "torch.Tensor.frac", mode="pointwise")
def frac(input: Tensor, *, out: Out = None) -> Tensor:
    """Fraction, with the sign of x.

    >>> torch.frac(f32(2, 3))
    >>> f32(2, 3).frac()
    """
    return input - jnp.trunc(input)


@rule("torch.deg2rad", "torch.Tensor.deg2rad", mode="pointwise")
def deg2rad(input: Tensor, *, out: Out = None) -> Tensor:
    """Degrees to radians.

    >>> torch.deg2rad(f32(2, 3))
    >>> f32(2, 3).deg2rad()
    """
    return jnp.deg2rad(input)


@rule("torch.rad2deg", "torch.Tensor.rad2deg", mode="pointwise")
def rad2deg(input: Tensor, *, out: Out = None) -> Tensor:
    """Radians to degrees.

    >>> torch.rad2deg(f32(2, 3))
    >>> f32(2, 3).rad2deg()
    """
    return jnp.rad2deg(input)


@rule("torch.clamp", "torch.Tensor.clamp", "torch.clip", "torch.Tensor.clip", mode="pointwise")
def clamp(input: Tensor, min: Scalar = None, max: Scalar = None, *, out: Out = None) -> Tensor:
    """Cut to [min, max]; the gradient at the bounds is whole.

    >>> torch.clamp(f32(2, 3), -0.5, 0.5)
    >>> f32(2, 3).clamp(min=0)
    >>> i64(2, 3, high=9).long().clamp(max=4)
    >>> i64(2, 3, high=9).clamp(max=4)
    >>> torch.clamp(f32(2, 3), f32(3), f32(2, 3) + 9)
    >>> x = f32(2, 3).double()
    >>> (x - x.detach()).clamp(min=0.0, max=1)

    >>> torch.clip(f32(2, 3), max=f32(3))
    >>> i64(2, 3, high=9).long().clamp(min=4)
    """
    if dtype(input) == "int":
        return jnp.clip(input, min=min, max=max)
    return helpers.clamp(input, min=min, max=max)


@rule("torch.clamp_min", "torch.Tensor.clamp_min", mode="pointwise")
def clamp_min(input: Tensor, min: Scalar) -> Tensor:
    """Not below min.

    >>> torch.clamp_min(f32(2, 3), 0)
    >>> f32(2, 3).clamp_min(0.1)
    """
    return helpers.clamp(input, min=min)


@rule("torch.clamp_max", "torch.Tensor.clamp_max", mode="pointwise")
def clamp_max(input: Tensor, max: Scalar) -> Tensor:
    """Not above max.

    >>> torch.clamp_max(f32(2, 3), 0)
    >>> f32(2, 3).clamp_max(0.1)
    """
    return helpers.clamp(input, max=max)


@rule("torch.round", "torch.special.round", "torch.Tensor.round", mode="pointwise")
def round(input: Tensor, *, decimals=0, out: Out = None) -> Tensor:
    """Round half to even.

    >>> torch.round(f32(2, 3) * 3)
    >>> torch.round(f32(2, 3), decimals=1)
    >>> f32(2, 3).round()
    """
    return jnp.round(input, decimals=decimals)


@rule("torch.nan_to_num", "torch.Tensor.nan_to_num", mode="pointwise")
def nan_to_num(input: Tensor, nan=None, posinf=None, neginf=None, *, out: Out = None) -> Tensor:
    """NaN and infinities replaced.

    >>> torch.nan_to_num(torch.log(i64(2, 3, high=2).double()))
    >>> f32(2, 3).nan_to_num(nan=1.0, posinf=2.0, neginf=-2.0)
    >>> torch.nan_to_num(torch.log(f32(2, 3).detach()))
    """
    return jnp.nan_to_num(input, nan=0.0 if nan is None else nan, posinf=posinf, neginf=neginf)
