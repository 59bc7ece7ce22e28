"""Factors of matrices in PyTorch's form: pivots count from 1, and a function may report what failed."""

import jax
import jax.numpy as jnp
from jax import lax
from jax.scipy.linalg import cho_solve


def one_triangle(x: jax.Array, upper: bool = False) -> jax.Array:
    """The Hermitian matrices of which `x` holds a triangle; the gradient goes to `x` as if it held all of them."""
    half = jnp.triu(x, 1) if upper else jnp.tril(x, -1)
    diagonal = jnp.diagonal(x, axis1=-2, axis2=-1).real.astype(x.dtype)
    whole = half + half.mT.conj() + diagonal[..., None] * jnp.eye(x.shape[-1], dtype=x.dtype)
    triangle: jax.Array = lax.stop_gradient(whole) + (x - lax.stop_gradient(x))
    return triangle


def lstsq(
    a: jax.Array, b: jax.Array, rcond: float | None = None, driver: str = "gelsy"
) -> tuple[jax.Array, jax.Array, jax.Array, jax.Array]:
    """Least squares: solution, squared residuals, rank and singular values, of which PyTorch's drivers give some.

    "gels" gives residuals, "gelsy" the rank, "gelsd" and "gelss" all. What is not given is empty, and so are residuals
    where there are not more equations than unknowns. For matrices without full rank they are NaN.
    """
    rows, columns = a.shape[-2:]

    def solve(a: jax.Array, b: jax.Array) -> tuple[jax.Array, ...]:
        solution, _, rank, sizes = jnp.linalg.lstsq(a, b, rcond=rcond)
        left = a @ solution - b
        residuals = jnp.where(rank == columns, (left * left.conj()).real.sum(0), jnp.nan)
        return solution, residuals, rank, sizes

    signature = "(m,n),(m)->(n),(),(),(s)" if b.ndim == a.ndim - 1 else "(m,n),(m,k)->(n,k),(k),(),(s)"
    solution, residuals, rank, sizes = jnp.vectorize(solve, signature=signature)(a, b)
    if driver == "gelsy" or rows <= columns:
        residuals = jnp.zeros(0, residuals.dtype)
    if driver == "gels":
        rank = jnp.zeros(0, rank.dtype)
    sizes = lax.stop_gradient(sizes) if driver in ("gelsd", "gelss") else jnp.zeros(0, sizes.dtype)
    return solution, residuals, rank, sizes


def lu_factor(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """L and U in one matrix, and the rows that were exchanged, counted from 1."""
    factors, pivots, _ = lax.linalg.lu(x)
    return factors, pivots + 1


def lu_unpack(factors: jax.Array, pivots: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """P, L and U of `lu_factor`'s result, so that x = P L U."""
    rows, columns = factors.shape[-2:]
    size = min(rows, columns)
    lower = jnp.tril(factors[..., :, :size], -1) + jnp.eye(rows, size, dtype=factors.dtype)
    order = lax.linalg.lu_pivots_to_permutation(pivots - 1, rows)
    permutation = (order[..., None, :] == jnp.arange(rows)[:, None]).astype(factors.dtype)
    return permutation, lower, jnp.triu(factors[..., :size, :])


def lu_solve(
    factors: jax.Array, pivots: jax.Array, b: jax.Array, left: bool = True, adjoint: bool = False
) -> jax.Array:
    """The solution of A X = b (of X A = b without `left`), with A or its adjoint given by `lu_factor`'s result."""
    permutation, lower, upper = lu_unpack(factors, pivots)
    if not left:
        return lu_solve(factors, pivots, b.conj().mT, adjoint=not adjoint).conj().mT
    if adjoint:
        y = lax.linalg.triangular_solve(*same_batch(upper, b), left_side=True, transpose_a=True, conjugate_a=True)
        y = lax.linalg.triangular_solve(
            *same_batch(lower, y), left_side=True, lower=True, transpose_a=True, conjugate_a=True, unit_diagonal=True
        )
        return permutation @ y
    y = lax.linalg.triangular_solve(
        *same_batch(lower, permutation.mT @ b), left_side=True, lower=True, unit_diagonal=True
    )
    return lax.linalg.triangular_solve(*same_batch(upper, y), left_side=True)


def same_batch(x: jax.Array, y: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Both with their leading axes broadcast against each other."""
    batch = jnp.broadcast_shapes(x.shape[:-2], y.shape[:-2])
    return jnp.broadcast_to(x, (*batch, *x.shape[-2:])), jnp.broadcast_to(y, (*batch, *y.shape[-2:]))


def cholesky_solve(b: jax.Array, factor: jax.Array, upper: bool = False) -> jax.Array:
    """The solution of A X = b by the Cholesky factor of A = L L^H; its gradient is that of all of L, as in PyTorch."""
    b, factor = same_batch(b, factor)
    triangle = jnp.triu(factor) if upper else jnp.tril(factor)
    matrix = factor.conj().mT @ factor if upper else factor @ factor.conj().mT  # for its derivative only

    def solve(_: object, right: jax.Array) -> jax.Array:
        return cho_solve((lax.stop_gradient(triangle), not upper), right)

    solution: jax.Array = lax.custom_linear_solve(lambda x: matrix @ x, b, solve, symmetric=True)
    return solution


def cholesky_inverse(factor: jax.Array, upper: bool = False) -> jax.Array:
    """The inverse of the matrix with this Cholesky factor."""
    identity = jnp.broadcast_to(jnp.eye(factor.shape[-1], dtype=factor.dtype), factor.shape)
    return cholesky_solve(identity, factor, upper)


def with_info(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Matrices, and for each of them 0, or 1 where it is not finite."""
    return x, 1 - jnp.isfinite(x).all((-2, -1)).astype(jnp.int32)


def with_solve_info(a: jax.Array, x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """The solution of a system, and for each matrix of it 0, or 1 where the matrix is singular."""
    return x, lu_info(a)


def lu_info(x: jax.Array) -> jax.Array:
    """For each matrix 0, or where the first 0 stands on the diagonal of U, counted from 1."""
    diagonal = jnp.diagonal(lax.linalg.lu(lax.stop_gradient(x))[0], axis1=-2, axis2=-1) == 0
    return jnp.where(diagonal.any(-1), diagonal.argmax(-1) + 1, 0).astype(jnp.int32)


def solve(a: jax.Array, b: jax.Array, left: bool = True) -> jax.Array:
    """The solution of A X = b, or of X A = b; b is a vector, or one for each matrix, where its shape says so."""
    if not left:
        return solve(a.mT, b.mT).mT
    if b.ndim == 1 or (b.ndim == a.ndim - 1 and b.shape == a.shape[:-1]):
        b = b[..., None]
        return jnp.asarray(jnp.linalg.solve(a, b))[..., 0]
    return jnp.asarray(jnp.linalg.solve(a, b))


def logdet(x: jax.Array) -> jax.Array:
    """Logarithm of the determinant, NaN where that is negative."""
    if not x.shape[-1]:
        return jnp.zeros(x.shape[:-2], x.dtype)
    sign, size = jnp.linalg.slogdet(x)
    return jnp.where(sign < 0, jnp.nan, size)


def eig(x: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Eigenvalues and eigenvectors, of matrices without elements as well."""
    if not x.size:
        dtype = jnp.result_type(x.dtype, jnp.complex64)
        return jnp.zeros(x.shape[:-1], dtype), jnp.zeros(x.shape, dtype)
    values, vectors = lax.linalg.eig(x, compute_left_eigenvectors=False, enable_eigvec_derivs=True)
    return values, vectors


def svd_lowrank(
    x: jax.Array, q: int | None = 6, niter: int = 2, mean: jax.Array | None = None, *, key: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """U, the `q` largest singular values and V of `x` less `mean`, nearly (https://arxiv.org/abs/0909.4061).

    `niter` power iterations follow the projection on random vectors.
    """
    x = x if mean is None else x - mean
    if x.shape[-2] < x.shape[-1]:
        v, sizes, u = svd_lowrank(x.conj().mT, q, niter, key=key)
        return u, sizes, v
    basis = jnp.linalg.qr(x @ jax.random.normal(key, (x.shape[-1], 6 if q is None else q), x.dtype))[0]
    for _ in range(niter):
        basis = jnp.linalg.qr(x.conj().mT @ basis)[0]
        basis = jnp.linalg.qr(x @ basis)[0]
    u, sizes, vh = jnp.linalg.svd(basis.conj().mT @ x, full_matrices=False)
    return basis @ u, sizes, vh.conj().mT


def pca_lowrank(
    x: jax.Array, q: int | None = None, center: bool = True, niter: int = 2, *, key: jax.Array
) -> tuple[jax.Array, jax.Array, jax.Array]:
    """`svd_lowrank` of `x` whose columns are shifted to a mean of 0 with `center`; `q` is at most 6 by default."""
    q = min(6, *x.shape[-2:]) if q is None else q
    return svd_lowrank(x, q, niter, x.mean(-2, keepdims=True) if center else None, key=key)
