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
    >>> torch.digamma(pos(2, 3) * 5 - 9)
    """
    return helpers.digamma(input)


@rule("torch.polygamma", "torch.special.polygamma", mode="pointwise")
def polygamma(n, input: Tensor, *, out: Out = None) -> Tensor:
    """Derivatives of digamma.

    >>> torch.polygamma(1, pos(2, 3))
    >>> torch.special.polygamma(2, pos(2, 3))
    >>> torch.polygamma(0, pos(2, 3))
    >>> torch.polygamma(1, pos(2, 3) * 5 - 9)
    """
    return helpers.polygamma(n, input)


@rule("torch.Tensor.polygamma", mode="pointwise")
def polygamma_method(self: Tensor, n) -> Tensor:
    """Derivatives of digamma.

    >>> pos(2, 3).polygamma(1)
    >>> pos(2, 3).polygamma(0)
    """
    return helpers.polygamma(n, self)


@rule("torch.i0", "torch.Tensor.i0", "torch.special.i0", mode="pointwise")
def i0(input: Tensor, *, out: Out = None) -> Tensor:
    """Modified Bessel function of order 0.

    >>> torch.i0(pos(2, 3))
    >>> pos(2, 3).i0()
    >>> torch.i0(f32(2, 3) * 0)
    """
    return helpers.bessel_i0(input)


@rule("torch.xlogy", "torch.Tensor.xlogy", "torch.special.xlogy", mode="pointwise")
def xlogy(input: Tensor, other: Scalar, *, out: Out = None) -> Tensor:
    """x log y, 0 where x is 0.

    >>> torch.xlogy(pos(2, 3), pos(3))
    >>> pos(2, 3).xlogy(pos(3))
    >>> x = f32(2, 3)
    >>> torch.xlogy(x - x.detach(), -pos(3))
    """
    return helpers.xlogy(input, other)


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


@rule("torch.special.xlog1py", mode="pointwise")
def xlog1py(input: Scalar, other: Scalar, *, out: Out = None) -> Tensor:
    """x log(1 + y), 0 where x is 0.

    >>> torch.special.xlog1py(f32(2, 3), pos(3))
    """
    return jax.scipy.special.xlog1py(input, other)


@rule("torch.special.zeta", mode="pointwise")
def zeta(input: Scalar, other: Scalar, *, out: Out = None) -> Tensor:
    """Hurwitz zeta function.

    >>> torch.special.zeta(pos(2, 3) + 1, pos(3)).detach()
    """
    return jax.scipy.special.zeta(input, other)


@rule("torch.special.erfcx", mode="pointwise")
def erfcx(input: Tensor, *, out: Out = None) -> Tensor:
    """exp(x * x) erfc(x).

    >>> torch.special.erfcx(f32(2, 3))
    """
    return jax.scipy.special.erfcx(input)


@rule("torch.igamma", "torch.Tensor.igamma", "torch.special.gammainc", mode="pointwise")
def igamma(input: Tensor, other: Tensor, *, out: Out = None) -> Tensor:
    """Lower incomplete gamma function, regularised.

    >>> torch.igamma(pos(2, 3).detach(), pos(3))
    >>> pos(2, 3).detach().igamma(pos(3))
    """
    return jax.scipy.special.gammainc(input, other)


@rule("torch.igammac", "torch.Tensor.igammac", "torch.special.gammaincc", mode="pointwise")
def igammac(input: Tensor, other: Tensor, *, out: Out = None) -> Tensor:
    """Upper incomplete gamma function, regularised.

    >>> torch.igammac(pos(2, 3).detach(), pos(3))
    >>> pos(2, 3).detach().igammac(pos(3))
    """
    return jax.scipy.special.gammaincc(input, other)


@rule("torch.mvlgamma", "torch.Tensor.mvlgamma", "torch.special.multigammaln", mode="pointwise")
def mvlgamma(input: Tensor, p, *, out: Out = None) -> Tensor:
    """Logarithm of the multivariate gamma function.

    >>> torch.mvlgamma(pos(2, 3) + 2, 3)
    >>> (pos(2, 3) + 2).mvlgamma(2)
    """
    return jax.scipy.special.multigammaln(input, p)


@rule("torch.special.spherical_bessel_j0", mode="pointwise")
def spherical_bessel_j0(input: Tensor, *, out: Out = None) -> Tensor:
    """sin(x) / x.

    >>> torch.special.spherical_bessel_j0(f32(2, 3).detach())
    """
    return jnp.sinc(input / math.pi)


@rule("torch.special.modified_bessel_i0", mode="pointwise")
def modified_bessel_i0(input: Tensor, *, out: Out = None) -> Tensor:
    """Modified Bessel function of order 0.

    >>> torch.special.modified_bessel_i0(f32(2, 3).detach())
    """
    return jax.scipy.special.i0(input)


@rule("torch.special.modified_bessel_i1", mode="pointwise")
def modified_bessel_i1(input: Tensor, *, out: Out = None) -> Tensor:
    """Modified Bessel function of order 1.

    >>> torch.special.modified_bessel_i1(f32(2, 3).detach())
    """
    return jax.scipy.special.i1(input)
