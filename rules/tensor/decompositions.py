"""Matrix decompositions, inverses, solvers: torch.linalg and its older names."""

from torch2jax.rulebook import *


@rule("torch.inverse", "torch.Tensor.inverse", "torch.linalg.inv", rank=rank(input))
def inverse(input: Tensor, *, out: Out = None) -> Tensor:
    """Inverse of matrices.

    >>> torch.inverse(f32(3, 3))
    >>> torch.linalg.inv(f32(2, 3, 3))
    """
    return jnp.linalg.inv(input)


@rule("torch.pinverse", "torch.Tensor.pinverse", rank=rank(input))
def pinverse(input: Tensor, rcond=1e-15) -> Tensor:
    """Pseudo-inverse.

    >>> torch.pinverse(f32(3, 2))
    >>> torch.pinverse(f32(3, 2), rcond=0.5)
    >>> torch.pinverse(torch.diag(torch.tensor([1.0, 1.5e-15])))
    """
    return jnp.linalg.pinv(input, rtol=rcond)


@rule("torch.linalg.pinv", rank=rank(A))
def pinv(A: Tensor, rcond=None, *, rtol=None, out: Out = None) -> Tensor:
    """Pseudo-inverse.

    >>> torch.linalg.pinv(f32(2, 3))
    >>> torch.linalg.pinv(f32(2, 3), 0.5)
    >>> torch.linalg.pinv(f32(2, 3), rtol=0.5)
    """
    return jnp.linalg.pinv(A, rtol=rcond if rtol is None else rtol)


@rule("torch.det", "torch.Tensor.det", "torch.linalg.det", rank=rank(input) - 2)
def det(input: Tensor) -> Tensor:
    """Determinant.

    >>> torch.det(f32(3, 3))
    >>> torch.linalg.det(f32(2, 3, 3))
    """
    return jnp.linalg.det(input)


@rule("torch.logdet", "torch.Tensor.logdet", rank=rank(input) - 2)
def logdet(input: Tensor) -> Tensor:
    """Logarithm of the determinant.

    >>> a = f32(3, 3)
    >>> torch.logdet(a @ a.mT)
    >>> torch.logdet(1e-9 * torch.eye(99, dtype=torch.float64) * pos(99))
    """
    return helpers.logdet(input)


@rule("torch.slogdet", "torch.Tensor.slogdet", "torch.linalg.slogdet")
def slogdet(input: Tensor) -> (Tensor, Tensor):
    """Sign and logarithm of the determinant.

    >>> torch.slogdet(f32(3, 3))
    >>> torch.linalg.slogdet(f32(2, 3, 3))[1]
    """
    return jnp.linalg.slogdet(input)


@rule("torch.cholesky", "torch.Tensor.cholesky", "torch.linalg.cholesky", rank=rank(input))
def cholesky(input: Tensor, upper: bool = False, *, out: Out = None) -> Tensor:
    """Cholesky factor.

    >>> a = f32(3, 3)
    >>> torch.linalg.cholesky(a @ a.mT + 3 * torch.eye(3, dtype=torch.float64))
    >>> b = f32(3, 3)
    >>> torch.cholesky(b @ b.mT + 3 * torch.eye(3, dtype=torch.float64), upper=True)
    """
    if upper:
        return jnp.linalg.cholesky(input).conj().mT
    return jnp.linalg.cholesky(input)


@rule("torch.linalg.solve", rank=rank(B))
def solve(A: Tensor, B: Tensor, *, left: bool = True, out: Out = None) -> Tensor:
    """Solution of A X = B.

    >>> torch.linalg.solve(f32(3, 3), f32(3, 2))
    >>> torch.linalg.solve(f32(3, 3), f32(3))
    >>> torch.linalg.solve(f32(2, 3, 3), f32(2, 3))
    >>> torch.linalg.solve(f32(3, 3), f32(2, 3), left=False)
    >>> torch.linalg.solve(f32(9).view(3, 3), f32(3, 2))
    >>> torch.linalg.solve(f32(9).view(3, 3), f32(2, 3), left=False)
    """
    if rank(A) == 2 and left:
        return jnp.linalg.solve(A, B)
    return helpers.solve(A, B, left=left)


@rule("torch.linalg.solve_triangular", rank=rank(B))
def solve_triangular(
    A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False, out: Out = None
) -> Tensor:
    """Solution of A X = B with a triangular A.

    >>> a = f32(3, 3)
    >>> torch.linalg.solve_triangular(a.tril(), f32(3, 2), upper=False)
    >>> torch.linalg.solve_triangular(f32(3, 3), f32(3, 2), upper=True, unitriangular=True)
    >>> torch.linalg.solve_triangular(f32(3, 3), f32(2, 3), upper=True, left=False)
    """
    return lax.linalg.triangular_solve(A, B, left_side=left, lower=not upper, unit_diagonal=unitriangular)


@rule("torch.triangular_solve", "torch.Tensor.triangular_solve")
def triangular_solve(b: Tensor, A: Tensor, upper: bool = True) -> (Tensor, Tensor):
    """Solution with a triangular matrix.

    >>> torch.triangular_solve(f32(3, 2), f32(3, 3))
    >>> torch.triangular_solve(f32(3, 2), f32(3, 3), upper=False)
    """
    return lax.linalg.triangular_solve(A, b, left_side=True, lower=not upper), A


@rule("torch.linalg.lstsq", fields=("solution", "residuals", "rank", "singular_values"))
def lstsq(A: Tensor, B: Tensor, rcond=None, *, driver=None) -> (Tensor, Tensor, Tensor, Tensor):
    """Least squares.

    Matrices without full rank have no residuals in PyTorch, NaN here.

    >>> torch.linalg.lstsq(f32(5, 3), f32(5, 2)).solution
    >>> torch.linalg.lstsq(f32(2, 5, 3), f32(2, 5, 4)).solution
    >>> torch.linalg.lstsq(torch.eye(3, 2) * torch.tensor([1.0, 0.01]), f32(3, 2).detach(), 0.1).solution
    >>> torch.linalg.lstsq(f32(5, 3).detach(), f32(5, 2).detach())
    >>> torch.linalg.lstsq(f32(3, 3).detach(), f32(3, 2).detach(), driver="gelsy").residuals
    >>> torch.linalg.lstsq(f32(2, 5, 3), f32(2, 5, 4), driver="gelsd")
    >>> torch.linalg.lstsq(f32(5, 3), f32(5, 2), driver="gels").residuals
    >>> torch.linalg.lstsq(f32(3, 5), f32(3, 2), 1e-9, driver="gelss")
    """
    if driver is None:
        return helpers.lstsq(A, B, rcond=rcond)
    return helpers.lstsq(A, B, rcond=rcond, driver=driver)


@rule("torch.svd_lowrank")
def svd_lowrank(A: Tensor, q=6, niter=2, M: Tensor = None) -> (Tensor, Tensor, Tensor):
    """The largest singular values with their vectors, nearly.

    >>> torch.svd_lowrank(f32(5, 4), 2)[1]
    >>> torch.svd_lowrank(f32(2, 3, 4), 2, 1, f32(3, 4))[1]
    """
    caveat("singular vectors are unique up to their phases: PyTorch's may have others")
    return helpers.svd_lowrank(A, q=q, niter=niter, mean=M, key=rngs())


@rule("torch.pca_lowrank")
def pca_lowrank(A: Tensor, q=None, center: bool = True, niter=2) -> (Tensor, Tensor, Tensor):
    """Principal components, nearly.

    >>> torch.pca_lowrank(f32(5, 4), 2)[1]
    >>> torch.pca_lowrank(f32(5, 4), center=False, niter=1)[1]
    """
    caveat("singular vectors are unique up to their phases: PyTorch's may have others")
    return helpers.pca_lowrank(A, q=q, center=center, niter=niter, key=rngs())


@rule("torch.linalg.svd")
def linalg_svd(
    A: Tensor, full_matrices: bool = True, *, driver: Ignored = None, out: Out = None
) -> (Tensor, Tensor, Tensor):
    """Singular values; U, S and V conjugate transposed.

    >>> torch.linalg.svd(f32(3, 2), full_matrices=False)[1]
    >>> torch.linalg.svd(f32(3, 2))[1]
    >>> u, s, vh = torch.linalg.svd(f32(3, 3))
    >>> (u[:, :1] @ vh[:1]) * torch.arange(3)

    >>> u, s, vh = torch.linalg.svd(f32(2, 3))
    >>> u[:, :1] @ vh[:1], (vh[2:].mT @ vh[2:]).detach()
    """
    caveat("singular vectors are unique up to their phases: PyTorch's may have others")
    if not full_matrices:
        return jnp.linalg.svd(A, full_matrices=False)
    return helpers.full_svd(A)


@rule("torch.svd", "torch.Tensor.svd")
def svd(input: Tensor, some: bool = True, compute_uv: bool = True, *, out: Out = None) -> (Tensor, Tensor, Tensor):
    """Singular values; U, S and V.

    >>> torch.svd(f32(3, 2))[1], torch.svd(f32(3, 2))[0].shape
    >>> torch.svd(f32(3, 2), some=False)[0].shape
    >>> torch.svd(f32(3, 2), compute_uv=False)
    """
    caveat("singular vectors are unique up to their phases: PyTorch's may have others")
    if not compute_uv:
        raise Unsupported("U and V of zeros are not translated", "use jnp.linalg.svdvals(x)")
    return helpers.svd(input, full_matrices=not some)


@rule("torch.linalg.svdvals", rank=rank(A) - 1)
def svdvals(A: Tensor) -> Tensor:
    """Singular values.

    >>> torch.linalg.svdvals(f32(3, 2))
    """
    return jnp.linalg.svdvals(A)


@rule("torch.linalg.eigh")
def eigh(A: Tensor, UPLO="L", *, out: Out = None) -> (Tensor, Tensor):
    """Eigenvalues and eigenvectors of symmetric matrices.

    >>> a = f32(3, 3)
    >>> torch.linalg.eigh(a + a.mT)[0]
    >>> torch.linalg.eigh(f32(3, 3))[0]
    >>> torch.linalg.eigh(f32(3, 3))[1] ** 2
    >>> torch.linalg.eigh(f32(3, 3), UPLO="U")[0], torch.linalg.eigh(f32(3, 3), max(["U"]))[0]
    """
    caveat("eigenvectors are unique up to their signs: PyTorch's may have others")
    if UPLO == "U":
        return jnp.linalg.eigh(helpers.one_triangle(A, upper=True))
    return jnp.linalg.eigh(helpers.one_triangle(A, upper=UPLO == "U"))


@rule("torch.linalg.eigvalsh", rank=rank(A) - 1)
def eigvalsh(A: Tensor, UPLO="L", *, out: Out = None) -> Tensor:
    """Eigenvalues of symmetric matrices.

    >>> a = f32(3, 3)
    >>> torch.linalg.eigvalsh(a + a.mT)
    >>> torch.linalg.eigvalsh(f32(3, 3))
    >>> torch.linalg.eigvalsh(f32(2, 3, 3), UPLO="U"), torch.linalg.eigvalsh(f32(3, 3), max(["U"]))
    """
    if UPLO == "U":
        return jnp.linalg.eigvalsh(helpers.one_triangle(A, upper=True))
    return jnp.linalg.eigvalsh(helpers.one_triangle(A, upper=UPLO == "U"))


@rule("torch.linalg.eig")
def eig(A: Tensor) -> (Tensor, Tensor):
    """Eigenvalues and eigenvectors.

    >>> torch.linalg.eig(f32(3, 3).detach())[0].abs().sort()[0]
    >>> values, vectors = torch.linalg.eig(torch.diag(torch.arange(3) * 2.0) + 0.1 * f32(3, 3))
    >>> values.real, (vectors @ torch.diag(values) @ vectors.mH).abs(), vectors.abs()
    >>> torch.linalg.eig(torch.zeros(2, 0, 0, dtype=torch.float64))
    """
    caveat("eigenvectors are unique up to their phases: PyTorch's may have others")
    return helpers.eig(A)


@rule("torch.linalg.eigvals", rank=rank(A) - 1)
def eigvals(A: Tensor) -> Tensor:
    """Eigenvalues.

    >>> torch.linalg.eigvals(f32(3, 3).detach()).abs().sort()[0]
    """
    return jnp.linalg.eigvals(A)


@rule("torch.linalg.qr")
def linalg_qr(A: Tensor, mode="reduced", *, out: Out = None) -> (Tensor, Tensor):
    """Orthogonal and triangular factor.

    >>> torch.linalg.qr(f32(3, 2))
    >>> torch.linalg.qr(f32(3, 2).detach(), mode='complete')
    """
    return jnp.linalg.qr(A, mode=mode)


@rule("torch.qr", "torch.Tensor.qr")
def qr(input: Tensor, some: bool = True) -> (Tensor, Tensor):
    """Orthogonal and triangular factor.

    >>> torch.qr(f32(3, 2))
    >>> torch.qr(f32(3, 2).detach(), some=False)
    """
    return jnp.linalg.qr(input, mode="reduced" if some else "complete")


@rule("torch.linalg.norm", mode="reduce", dtype="float")
def norm(
    A: Tensor, ord=None, dim: Axis = None, keepdim: bool = False, *, dtype: Dtype = None, out: Out = None
) -> Tensor:
    """Norm: of vectors, of matrices for a matrix and an order.

    >>> torch.linalg.norm(f32(2, 3))
    >>> torch.linalg.norm(f32(2, 3), dim=1, keepdim=True)
    >>> torch.linalg.norm(f32(2, 3), ord=1)
    >>> torch.linalg.norm(f32(2, 3), 'nuc')
    >>> torch.linalg.norm(f32(2, 3) * 0, "fro")
    >>> torch.linalg.norm(f32(2, 3, 4), 2, (0, 1), True)
    >>> torch.linalg.norm(f32(2, 3), 3, dim=1, keepdim=True)
    >>> torch.linalg.norm(f32(2, 3), ord=2, dim=-1, keepdim=True)
    >>> torch.linalg.norm(f32(2, 3) * 0, max("fro", "fro"))
    >>> torch.linalg.norm(f32(2, 3), max(1, 2), keepdim=True)
    >>> torch.linalg.norm(f32(4, 2, 3), max("nuc", "fro"), (0, 2), keepdim=True)
    >>> torch.linalg.norm(f32(4, 2, 3), "nuc", (0, 2), True)
    >>> x = f32(3)
    >>> torch.linalg.norm(x - x.detach(), 1)

    >>> x = f32(2, 3)
    >>> torch.linalg.norm(x - x.detach(), 2, keepdim=True)
    """
    if ord is None or ord == "fro":
        return helpers.l2_norm(A, axis=dim, keepdims=keepdim)
    if ord == 2 and isinstance(dim, int):
        return helpers.l2_norm(A, axis=dim, keepdims=keepdim)
    if isinstance(dim, int):
        return helpers.norm(A, ord, axis=dim, keepdims=keepdim)
    if ord == "nuc":
        return jnp.linalg.norm(A, ord, axis=dim, keepdims=keepdim)
    return helpers.norm_of_order(A, ord, axis=dim, keepdims=keepdim)


@rule("torch.linalg.matrix_norm", dtype="float")
def matrix_norm(
    A: Tensor, ord="fro", dim=(-2, -1), keepdim: bool = False, *, dtype: Dtype = None, out: Out = None
) -> Tensor:
    """Norm of matrices.

    >>> torch.linalg.matrix_norm(f32(2, 3, 4))
    >>> torch.linalg.matrix_norm(f32(2, 3, 4), ord=1)
    >>> torch.linalg.matrix_norm(f32(2, 3), 2, keepdim=True)
    >>> torch.linalg.matrix_norm(f32(2, 3) * 0, keepdim=True)
    >>> torch.linalg.matrix_norm(f32(2, 3) * 0, max("fro", "fro"), keepdim=True)
    >>> torch.linalg.matrix_norm(f32(4, 2, 3), max("nuc", "fro"), (0, 2))
    >>> torch.linalg.matrix_norm(f32(4, 2, 3), "nuc", (0, 2), True)
    >>> x = f32(2, 3)
    >>> torch.linalg.matrix_norm(x - x.detach(), float("-inf"))
    """
    if ord == "fro":
        return helpers.l2_norm(A, axis=tuple(dim), keepdims=keepdim)
    if ord == "nuc":
        return jnp.linalg.norm(A, ord, axis=tuple(dim), keepdims=keepdim)
    return helpers.matrix_norm(A, ord, axis=tuple(dim), keepdims=keepdim)


@rule("torch.matrix_power", "torch.Tensor.matrix_power", "torch.linalg.matrix_power", rank=rank(input))
def matrix_power(input: Tensor, n) -> Tensor:
    """Power of a matrix.

    >>> torch.matrix_power(f32(3, 3), 3)
    >>> torch.linalg.matrix_power(f32(2, 3, 3), -1)
    """
    return jnp.linalg.matrix_power(input, n)


@rule("torch.matrix_exp", "torch.Tensor.matrix_exp", "torch.linalg.matrix_exp", rank=rank(input))
def matrix_exp(input: Tensor) -> Tensor:
    """Exponential of a matrix.

    >>> torch.matrix_exp(f32(3, 3))
    """
    return jax.scipy.linalg.expm(input)


@rule("torch.linalg.matrix_rank", dtype="int")
def matrix_rank(A: Tensor, *, atol=None, rtol=None, hermitian: bool = False) -> Tensor:
    """Rank of a matrix.

    >>> torch.linalg.matrix_rank(f32(3, 4).detach())
    >>> torch.linalg.matrix_rank(f32(4, 4).detach(), hermitian=True)
    >>> torch.linalg.matrix_rank((f32(4, 1) @ f32(1, 4)).detach(), rtol=1e-6)
    >>> torch.linalg.matrix_rank(torch.diag(torch.tensor([100.0, 0.9, 1e-3])), rtol=1e-2)
    >>> torch.linalg.matrix_rank(torch.diag(torch.tensor([1.0, 1e-3, 1.0])), rtol=1e-2, hermitian=True)
    >>> torch.linalg.matrix_rank(torch.diag(torch.tensor([100.0, 0.9, 1e-3])), atol=1.0)
    """
    if atol is None and rtol is None:
        return jnp.linalg.matrix_rank(helpers.one_triangle(A) if hermitian else A)
    return helpers.matrix_rank(helpers.one_triangle(A) if hermitian else A, atol=atol, rtol=rtol)
