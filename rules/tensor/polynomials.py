"""Orthogonal polynomials of torch.special; PyTorch has no derivatives of them either."""

from torch2jax.rulebook import *


@rule("torch.special.chebyshev_polynomial_t", mode="pointwise", dtype="float")
def chebyshev_polynomial_t(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Chebyshev polynomial of the first kind.

    >>> torch.special.chebyshev_polynomial_t(unit(2, 3), i64(3, high=9))
    >>> torch.special.chebyshev_polynomial_t(f32(2, 3), 4)
    """
    return helpers.chebyshev_t(input, n)


@rule("torch.special.chebyshev_polynomial_u", mode="pointwise", dtype="float")
def chebyshev_polynomial_u(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Chebyshev polynomial of the second kind.

    >>> torch.special.chebyshev_polynomial_u(unit(2, 3), i64(3, high=9))
    >>> torch.special.chebyshev_polynomial_u(f32(2, 3), 4)
    """
    return helpers.chebyshev_u(input, n)


@rule("torch.special.chebyshev_polynomial_v", mode="pointwise", dtype="float")
def chebyshev_polynomial_v(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Chebyshev polynomial of the third kind.

    >>> torch.special.chebyshev_polynomial_v(unit(2, 3), i64(3, high=9))
    >>> torch.special.chebyshev_polynomial_v(f32(2, 3), 4)
    """
    return helpers.chebyshev_v(input, n)


@rule("torch.special.chebyshev_polynomial_w", mode="pointwise", dtype="float")
def chebyshev_polynomial_w(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Chebyshev polynomial of the fourth kind.

    >>> torch.special.chebyshev_polynomial_w(unit(2, 3), i64(3, high=9))
    >>> torch.special.chebyshev_polynomial_w(f32(2, 3), 4)
    """
    return helpers.chebyshev_w(input, n)


@rule("torch.special.shifted_chebyshev_polynomial_t", mode="pointwise", dtype="float")
def shifted_chebyshev_polynomial_t(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Chebyshev polynomial of the first kind, on [0, 1].

    >>> torch.special.shifted_chebyshev_polynomial_t(unit(2, 3), i64(3, high=9))
    >>> torch.special.shifted_chebyshev_polynomial_t(f32(2, 3), 4)
    """
    return helpers.chebyshev_t(2 * input - 1, n)


@rule("torch.special.shifted_chebyshev_polynomial_u", mode="pointwise", dtype="float")
def shifted_chebyshev_polynomial_u(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Chebyshev polynomial of the second kind, on [0, 1].

    >>> torch.special.shifted_chebyshev_polynomial_u(unit(2, 3), i64(3, high=9))
    >>> torch.special.shifted_chebyshev_polynomial_u(f32(2, 3), 4)
    """
    return helpers.chebyshev_u(2 * input - 1, n)


@rule("torch.special.shifted_chebyshev_polynomial_v", mode="pointwise", dtype="float")
def shifted_chebyshev_polynomial_v(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Chebyshev polynomial of the third kind, on [0, 1].

    >>> torch.special.shifted_chebyshev_polynomial_v(unit(2, 3), i64(3, high=9))
    >>> torch.special.shifted_chebyshev_polynomial_v(f32(2, 3), 4)
    """
    return helpers.chebyshev_v(2 * input - 1, n)


@rule("torch.special.shifted_chebyshev_polynomial_w", mode="pointwise", dtype="float")
def shifted_chebyshev_polynomial_w(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Chebyshev polynomial of the fourth kind, on [0, 1].

    >>> torch.special.shifted_chebyshev_polynomial_w(unit(2, 3), i64(3, high=9))
    >>> torch.special.shifted_chebyshev_polynomial_w(f32(2, 3), 4)
    """
    return helpers.chebyshev_w(2 * input - 1, n)


@rule("torch.special.hermite_polynomial_h", mode="pointwise", dtype="float")
def hermite_polynomial_h(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Physicists' Hermite polynomial.

    >>> torch.special.hermite_polynomial_h(unit(2, 3), i64(3, high=9))
    >>> torch.special.hermite_polynomial_h(f32(2, 3), 4)
    """
    return helpers.hermite_h(input, n)


@rule("torch.special.hermite_polynomial_he", mode="pointwise", dtype="float")
def hermite_polynomial_he(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Probabilists' Hermite polynomial.

    >>> torch.special.hermite_polynomial_he(unit(2, 3), i64(3, high=9))
    >>> torch.special.hermite_polynomial_he(f32(2, 3), 4)
    """
    return helpers.hermite_he(input, n)


@rule("torch.special.laguerre_polynomial_l", mode="pointwise", dtype="float")
def laguerre_polynomial_l(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Laguerre polynomial.

    >>> torch.special.laguerre_polynomial_l(unit(2, 3), i64(3, high=9))
    >>> torch.special.laguerre_polynomial_l(f32(2, 3), 4)
    """
    return helpers.laguerre_l(input, n)


@rule("torch.special.legendre_polynomial_p", mode="pointwise", dtype="float")
def legendre_polynomial_p(input: Scalar, n: Scalar, *, out: Out = None) -> Tensor:
    """Legendre polynomial.

    >>> torch.special.legendre_polynomial_p(unit(2, 3), i64(3, high=9))
    >>> torch.special.legendre_polynomial_p(f32(2, 3), 4)
    """
    return helpers.legendre_p(input, n)
