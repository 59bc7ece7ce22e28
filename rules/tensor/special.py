"""Special functions: error functions, gamma, Bessel, entropy."""

from torch2jax.rulebook import *


@rule("torch.erf", "torch.Tensor.erf", "torch.special.erf", mode="pointwise")
def erf(input: Tensor, *, out: Out = None) -> Tensor:
    """Error function.

    >>> torch.erf(f32(2, 3))
    >>> f32(2, 3).erf()
    """
    return jax.scipy.special.erf(input)


@rule("torch.erfc", "torch.Tensor.erfc", "torch.special.erfc", mode="pointwise")
def erfc(input: Tensor, *, out: Out = None) -> Tensor:
    """Complementary error function.

    >>> torch.erfc(f32(2, 3))
    >>> f32(2, 3).erfc()
    """
    return jax.scipy.special.erfc(input)


@rule("torch.erfinv", "torch.Tensor.erfinv", "torch.special.erfinv", mode="pointwise")
def erfinv(input: Tensor, *, out: Out = None) -> Tensor:
    """Inverse error function.

    >>> torch.erfinv(unit(2, 3))
    >>> unit(2, 3).erfinv()
    """
    return jax.scipy.special.erfinv(input)


@rule("torch.lgamma", "torch.Tensor.lgamma", "torch.special.gammaln", mode="pointwise")
def lgamma(input: Tensor, *, out: Out = None) -> Tensor:
    """Logarithm of the gamma function.

    >>> torch.lgamma(pos(2, 3))
    >>> pos(2, 3).lgamma()
    """
    return jax.scipy.special.gammaln(input)


@rule("torch.digamma", "torch.Tensor.digamma", "torch.special.digamma", "torch.special.psi", mode="pointwise")
def digamma(input: Tensor, *, out: Out = None) -> Tensor:
    """Derivative of lgamma.

    >>> torch.digamma(pos(2, 3))
    >>> pos(2, 3).digamma()
    """
    return jax.scipy.special.digamma(input)


@rule("torch.i0", "torch.Tensor.i0", "torch.special.i0", mode="pointwise")
def i0(input: Tensor, *, out: Out = None) -> Tensor:
    """Modified Bessel function of order 0.

    >>> torch.i0(pos(2, 3))
    >>> pos(2, 3).i0()
    """
    return jax.scipy.special.i0(input)


@rule("torch.xlogy", "torch.Tensor.xlogy", "torch.special.xlogy", mode="pointwise")
def xlogy(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """x log y, 0 where x is 0.

    >>> torch.xlogy(pos(2, 3), pos(3))
    >>> pos(2, 3).xlogy(pos(3))
    """
    return jax.scipy.special.xlogy(input, other)


@rule("torch.logit", "torch.Tensor.logit", "torch.special.logit", mode="pointwise")
def logit(input: Tensor, eps=None, *, out: Out = None) -> Tensor:
    """log(x / (1 - x)).

    >>> torch.logit(unit(2, 3))
    >>> unit(2, 3).logit(0.3)
    """
    return helpers.logit(input, eps=eps)


@rule("torch.special.entr", mode="pointwise")
def entr(input: Tensor, *, out: Out = None) -> Tensor:
    """-x log x.

    >>> torch.special.entr(pos(2, 3))
    """
    return jax.scipy.special.entr(input)


@rule("torch.special.ndtr", mode="pointwise")
def ndtr(input: Tensor, *, out: Out = None) -> Tensor:
    """Normal distribution function.

    >>> torch.special.ndtr(f32(2, 3))
    """
    return jax.scipy.special.ndtr(input)


@rule("torch.special.log_ndtr", mode="pointwise")
def log_ndtr(input: Tensor, *, out: Out = None) -> Tensor:
    """Logarithm of the normal distribution function.

    >>> torch.special.log_ndtr(f32(2, 3))
    """
    return jax.scipy.special.log_ndtr(input)


@rule("torch.special.ndtri", mode="pointwise")
def ndtri(input: Tensor, *, out: Out = None) -> Tensor:
    """Quantile of the normal distribution.

    >>> torch.special.ndtri(unit(2, 3))
    """
    return jax.scipy.special.ndtri(input)


@rule("torch.special.i1", mode="pointwise")
def i1(input: Tensor, *, out: Out = None) -> Tensor:
    """Modified Bessel function of order 1.

    >>> torch.special.i1(pos(2, 3))
    """
    return jax.scipy.special.i1(input)


@rule("torch.special.i0e", mode="pointwise")
def i0e(input: Tensor, *, out: Out = None) -> Tensor:
    """exp(-|x|) times the Bessel function of order 0.

    >>> torch.special.i0e(pos(2, 3))
    """
    return jax.scipy.special.i0e(input)


@rule("torch.special.i1e", mode="pointwise")
def i1e(input: Tensor, *, out: Out = None) -> Tensor:
    """exp(-|x|) times the Bessel function of order 1.

    >>> torch.special.i1e(pos(2, 3))
    """
    return jax.scipy.special.i1e(input)
