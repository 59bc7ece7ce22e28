"""LU and Cholesky factors and what is solved with them; functions that report failures."""

from torch2jax.rulebook import *


@rule("torch.cholesky_solve", "torch.Tensor.cholesky_solve", rank=rank(B))
def cholesky_solve(B: Tensor, L: Tensor, upper: bool = False, *, out: Out = None) -> Tensor:
    """Solution of A X = B by the Cholesky factor of A.

    >>> a = f32(3, 3)
    >>> torch.cholesky_solve(f32(3, 2), a.tril() + 3 * torch.eye(3, dtype=torch.float64))
    >>> torch.cholesky_solve(f32(3, 2), f32(3, 3) + 3 * torch.eye(3, dtype=torch.float64))
    >>> a = f32(3, 3)
    >>> f32(3, 2).cholesky_solve(a.triu() + 3 * torch.eye(3, dtype=torch.float64), upper=True)
    """
    return helpers.cholesky_solve(B, L, upper=upper)


@rule("torch.cholesky_inverse", "torch.Tensor.cholesky_inverse", rank=rank(L))
def cholesky_inverse(L: Tensor, upper: bool = False, *, out: Out = None) -> Tensor:
    """Inverse of a matrix by its Cholesky factor.

    >>> torch.cholesky_inverse(f32(3, 3).tril() + 3 * torch.eye(3, dtype=torch.float64))
    >>> (f32(3, 3).triu() + 3 * torch.eye(3, dtype=torch.float64)).cholesky_inverse(upper=True)
    """
    return helpers.cholesky_inverse(L, upper=upper)


@rule("torch.linalg.cholesky_ex", fields=("L", "info"))
def cholesky_ex(A: Tensor, *, upper: bool = False, check_errors: Ignored = False, out: Out = None) -> (Tensor, Tensor):
    """Cholesky factor, and 0 where there is one.

    >>> a = f32(3, 3)
    >>> torch.linalg.cholesky_ex(a @ a.mT + 3 * torch.eye(3, dtype=torch.float64))
    >>> b = f32(3, 3)
    >>> torch.linalg.cholesky_ex(b @ b.mT + 3 * torch.eye(3, dtype=torch.float64), upper=True).L
    """
    caveat("`info` is 1 where the matrix has no Cholesky factor, not the place where it fails")
    return helpers.with_info(jnp.linalg.cholesky(A, upper=upper))


@rule("torch.linalg.inv_ex", fields=("inverse", "info"))
def inv_ex(A: Tensor, *, check_errors: Ignored = False, out: Out = None) -> (Tensor, Tensor):
    """Inverse, and 0 where there is one.

    >>> torch.linalg.inv_ex(f32(2, 3, 3))
    """
    caveat("`info` is 1 where the matrix has no inverse, not the place where it fails")
    return helpers.with_info(jnp.linalg.inv(A))


@rule("torch.linalg.solve_ex", fields=("result", "info"))
def solve_ex(
    A: Tensor, B: Tensor, *, left: bool = True, check_errors: Ignored = False, out: Out = None
) -> (Tensor, Tensor):
    """Solution of A X = B, and 0 where there is one.

    >>> torch.linalg.solve_ex(f32(3, 3), f32(3, 2))
    >>> torch.linalg.solve_ex(f32(3, 3), f32(2, 3), left=False).result
    """
    caveat("`info` is 1 where there is no solution, not the place where it fails")
    return helpers.with_solve_info(A, helpers.solve(A, B, left=left))


@rule("torch.linalg.lu_factor", fields=("LU", "pivots"))
def lu_factor(A: Tensor, *, pivot: bool = True, out: Out = None) -> (Tensor, Tensor):
    """L and U in one matrix, and the exchanged rows, counted from 1.

    >>> torch.linalg.lu_factor(f32(3, 3))
    >>> torch.linalg.lu_factor(f32(2, 3, 4)).pivots
    >>> torch.linalg.lu_factor(f32(3, 3), pivot=False)
    """
    if not pivot:
        raise Unsupported("JAX has no LU factors without pivots", "leave pivot=True")
    return helpers.lu_factor(A)


@rule("torch.linalg.lu_factor_ex", fields=("LU", "pivots", "info"))
def lu_factor_ex(
    A: Tensor, *, pivot: bool = True, check_errors: Ignored = False, out: Out = None
) -> (Tensor, Tensor, Tensor):
    """L and U in one matrix, the exchanged rows, counted from 1, and 0 where U is regular.

    >>> torch.linalg.lu_factor_ex(f32(3, 3))
    >>> torch.linalg.lu_factor_ex(f32(3, 3), pivot=False)
    """
    if not pivot:
        raise Unsupported("JAX has no LU factors without pivots", "leave pivot=True")
    return *helpers.lu_factor(A), helpers.lu_info(A)


@rule("torch.lu", "torch.Tensor.lu")
def lu_pair(A: Tensor, pivot: bool = True, get_infos: bool = False, out: Out = None) -> (Tensor, Tensor):
    """L and U in one matrix, and the exchanged rows, counted from 1.

    >>> torch.lu(f32(3, 3))
    >>> f32(3, 4).lu()
    >>> torch.lu(f32(3, 3), get_infos=True)
    >>> torch.lu(f32(3, 3), pivot=False)
    """
    if not pivot:
        raise Unsupported("JAX has no LU factors without pivots", "leave pivot=True")
    if get_infos:
        return *helpers.lu_factor(A), helpers.lu_info(A)
    return helpers.lu_factor(A)


@rule("torch.linalg.lu", fields=("P", "L", "U"))
def lu(A: Tensor, *, pivot: bool = True, out: Out = None) -> (Tensor, Tensor, Tensor):
    """P, L and U with A = P L U.

    >>> torch.linalg.lu(f32(3, 3))
    >>> torch.linalg.lu(f32(2, 3, 4))
    >>> torch.linalg.lu(f32(3, 3), pivot=False)
    """
    if not pivot:
        raise Unsupported("JAX has no LU factors without pivots", "leave pivot=True")
    return helpers.lu_unpack(*helpers.lu_factor(A))


@rule("torch.lu_unpack", fields=("P", "L", "U"))
def lu_unpack(
    LU_data: Tensor, LU_pivots: Tensor, unpack_data: bool = True, unpack_pivots: bool = True, *, out: Out = None
) -> (Tensor, Tensor, Tensor):
    """P, L and U of the result of lu_factor.

    >>> LU, pivots = torch.linalg.lu_factor(f32(3, 3))
    >>> torch.lu_unpack(LU, pivots)

    >>> LU, pivots = torch.linalg.lu_factor(f32(3, 4))
    >>> torch.lu_unpack(LU, pivots, unpack_pivots=False)

    >>> LU, pivots = torch.linalg.lu_factor(f32(3, 4))
    >>> torch.lu_unpack(LU, pivots, unpack_data=False)
    """
    if not unpack_data or not unpack_pivots:
        raise Unsupported("empty matrices for what is not unpacked are not translated", "unpack everything")
    return helpers.lu_unpack(LU_data, LU_pivots)


@rule("torch.linalg.lu_solve")
def linalg_lu_solve(
    LU: Tensor, pivots: Tensor, B: Tensor, *, left: bool = True, adjoint: bool = False, out: Out = None
) -> Tensor:
    """Solution of A X = B by the result of lu_factor.

    >>> LU, pivots = torch.linalg.lu_factor(f32(3, 3))
    >>> torch.linalg.lu_solve(LU, pivots, f32(3, 2))

    >>> LU, pivots = torch.linalg.lu_factor(f32(3, 3))
    >>> torch.linalg.lu_solve(LU, pivots, f32(2, 3), left=False, adjoint=True)
    """
    return helpers.lu_solve(LU, pivots, B, left=left, adjoint=adjoint)


@rule("torch.lu_solve", "torch.Tensor.lu_solve")
def lu_solve(b: Tensor, LU_data: Tensor, LU_pivots: Tensor, *, out: Out = None) -> Tensor:
    """Solution of A X = b by the result of lu_factor.

    >>> LU, pivots = torch.linalg.lu_factor(f32(3, 3))
    >>> torch.lu_solve(f32(3, 2), LU, pivots)
    """
    return helpers.lu_solve(LU_data, LU_pivots, b)


@rule("torch.linalg.householder_product", "torch.orgqr", "torch.Tensor.orgqr", rank=rank(input))
def householder_product(input: Tensor, tau: Tensor, *, out: Out = None) -> Tensor:
    """Product of Householder reflections.

    >>> torch.linalg.householder_product(f32(4, 3).detach(), f32(2).detach())
    """
    return lax.linalg.householder_product(input, tau)


@rule("torch.ormqr", "torch.Tensor.ormqr", rank=rank(other))
def ormqr(input: Tensor, tau: Tensor, other: Tensor, left: bool = True, transpose: bool = False) -> Tensor:
    """The product with the orthogonal matrix of a QR decomposition.

    >>> torch.ormqr(f32(4, 3).detach(), pos(3).detach(), f32(4, 2).detach())
    >>> f32(4, 3).detach().ormqr(pos(3).detach(), f32(2, 4).detach(), False, True)
    """
    return lax.linalg.ormqr(input, tau, other, left=left, transpose=transpose)


@rule("torch.linalg.vecdot")
def vecdot(x: Tensor, y: Tensor, *, dim=-1, out: Out = None) -> Tensor:
    """Inner products of vectors along an axis.

    >>> torch.linalg.vecdot(f32(2, 3), f32(2, 3))
    >>> torch.linalg.vecdot(f32(2, 3), f32(2, 3), dim=0)
    >>> torch.linalg.vecdot(c64(2, 3), c64(2, 3))
    """
    return jnp.linalg.vecdot(x, y, axis=dim)


@rule("torch.linalg.diagonal", view=True, rank=rank(A) - 1)
def linalg_diagonal(A: Tensor, *, offset=0, dim1=-2, dim2=-1) -> Tensor:
    """The diagonals of matrices, as a last axis.

    >>> torch.linalg.diagonal(f32(2, 3, 4))
    >>> torch.linalg.diagonal(f32(2, 3, 4), offset=1, dim1=0, dim2=1)
    """
    return jnp.diagonal(A, offset=offset, axis1=dim1, axis2=dim2)


@rule("torch.linalg.cond", dtype="float")
def cond(A: Tensor, p=None, *, out: Out = None) -> Tensor:
    """Condition number.

    >>> torch.linalg.cond(f32(3, 3))
    >>> torch.linalg.cond(f32(2, 3, 3), p=1)
    """
    return jnp.linalg.cond(A, p)


@rule("torch.linalg.vander", rank=rank(x) + 1)
def vander(x: Tensor, *, N=None) -> Tensor:
    """Powers of vectors as columns, from 0 up.

    >>> torch.linalg.vander(f32(2, 3))
    >>> torch.linalg.vander(f32(3))
    >>> torch.linalg.vander(f32(3), N=5)
    """
    if N is None:
        return x[..., None] ** jnp.arange(x.shape[-1])
    return jnp.atleast_1d(x)[..., None] ** jnp.arange(N)


@rule("torch.linalg.tensorinv")
def tensorinv(A: Tensor, ind=2, *, out: Out = None) -> Tensor:
    """Inverse of tensordot.

    >>> torch.linalg.tensorinv(f32(2, 3, 6))
    >>> torch.linalg.tensorinv(f32(6, 2, 3), ind=1)
    """
    return jnp.linalg.tensorinv(A, ind=ind)


@rule("torch.linalg.tensorsolve")
def tensorsolve(A: Tensor, B: Tensor, dims=None, *, out: Out = None) -> Tensor:
    """Solution of a system of tensordot.

    >>> torch.linalg.tensorsolve(f32(2, 3, 6), f32(2, 3))
    >>> torch.linalg.tensorsolve(f32(2, 6, 3), f32(2, 3), dims=(1,))
    """
    return jnp.linalg.tensorsolve(A, B, axes=dims)
