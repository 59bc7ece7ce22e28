"""Products of matrices and vectors, decompositions, distances."""

from torch2jax.rulebook import *


@rule("torch.matmul", "torch.Tensor.matmul", "torch.linalg.matmul", "torch.Tensor.__matmul__")
def matmul(input: Tensor, other: Tensor, *, out: Out = None) -> Tensor:
    """Matrix product; vectors and batches as in NumPy.

    >>> torch.matmul(f32(2, 3), f32(3, 4))
    >>> f32(5, 2, 3).matmul(f32(3, 4))
    >>> torch.matmul(f32(3), f32(3))
    >>> torch.matmul(f32(5, 2, 3), f32(3))
    """
    return input @ other


@rule("torch.mm", "torch.Tensor.mm", rank=2)
def mm(input: Tensor, mat2: Tensor, *, out: Out = None) -> Tensor:
    """Product of two matrices.

    >>> torch.mm(f32(2, 3), f32(3, 4))
    >>> f32(2, 3).mm(f32(3, 4))
    """
    return input @ mat2


@rule("torch.bmm", "torch.Tensor.bmm", rank=3)
def bmm(input: Tensor, mat2: Tensor, *, out: Out = None) -> Tensor:
    """Products of two batches of matrices.

    >>> torch.bmm(f32(5, 2, 3), f32(5, 3, 4))
    """
    return input @ mat2


@rule("torch.mv", "torch.Tensor.mv", rank=1)
def mv(input: Tensor, vec: Tensor, *, out: Out = None) -> Tensor:
    """Matrix times vector.

    >>> torch.mv(f32(2, 3), f32(3))
    """
    return input @ vec


@rule("torch.dot", "torch.Tensor.dot", rank=0)
def dot(input: Tensor, tensor: Tensor, *, out: Out = None) -> Tensor:
    """Inner product of two vectors.

    >>> torch.dot(f32(3), f32(3))
    """
    return jnp.dot(input, tensor)


@rule("torch.inner", "torch.Tensor.inner")
def inner(input: Tensor, other: Tensor, *, out: Out = None) -> Tensor:
    """Inner products over the last axes.

    >>> torch.inner(f32(2, 3), f32(4, 3))
    """
    return jnp.inner(input, other)


@rule("torch.vdot", "torch.Tensor.vdot", rank=0)
def vdot(input: Tensor, other: Tensor, *, out: Out = None) -> Tensor:
    """Inner product of two vectors, the first one conjugated.

    >>> torch.vdot(c64(3), c64(3))
    """
    return jnp.vdot(input, other)


@rule("torch.outer", "torch.Tensor.outer", "torch.ger", "torch.Tensor.ger", rank=2)
def outer(input: Tensor, vec2: Tensor, *, out: Out = None) -> Tensor:
    """Outer product of two vectors.

    >>> torch.outer(f32(2), f32(3))
    >>> torch.ger(f32(2), f32(3))
    """
    return jnp.outer(input, vec2)


@rule("torch.kron", "torch.Tensor.kron")
def kron(input: Tensor, other: Tensor, *, out: Out = None) -> Tensor:
    """Kronecker product.

    >>> torch.kron(f32(2, 3), f32(4, 5))
    """
    return jnp.kron(input, other)


@rule("torch.addmm", "torch.Tensor.addmm", rank=2)
def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1, out: Out = None) -> Tensor:
    """beta * input + alpha * mat1 @ mat2.

    >>> torch.addmm(f32(4), f32(2, 3), f32(3, 4))
    >>> f32(2, 4).addmm(f32(2, 3), f32(3, 4), alpha=0.5)
    >>> torch.addmm(f32(4), f32(2, 3), f32(3, 4), beta=0.3, alpha=2)
    >>> torch.addmm(f32(4), f32(2, 3), f32(3, 4), beta=0.3)
    """
    if beta == 1 and alpha == 1:
        return input + mat1 @ mat2
    if beta == 1:
        return input + alpha * (mat1 @ mat2)
    return beta * input + alpha * (mat1 @ mat2)


@rule("torch.addmv", "torch.Tensor.addmv", rank=1)
def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1, out: Out = None) -> Tensor:
    """beta * input + alpha * mat @ vec.

    >>> torch.addmv(f32(2), f32(2, 3), f32(3))
    >>> torch.addmv(f32(2), f32(2, 3), f32(3), alpha=2)
    >>> torch.addmv(f32(2), f32(2, 3), f32(3), beta=0.3, alpha=2)
    >>> torch.addmv(f32(2), f32(2, 3), f32(3), beta=0.3)
    """
    if beta == 1 and alpha == 1:
        return input + mat @ vec
    if beta == 1:
        return input + alpha * (mat @ vec)
    return beta * input + alpha * (mat @ vec)


@rule("torch.addr", "torch.Tensor.addr", rank=2)
def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1, out: Out = None) -> Tensor:
    """beta * input + alpha * outer product.

    >>> torch.addr(f32(2, 3), f32(2), f32(3))
    >>> torch.addr(f32(2, 3), f32(2), f32(3), alpha=2)
    >>> torch.addr(f32(2, 3), f32(2), f32(3), beta=0.3)
    """
    if beta == 1 and alpha == 1:
        return input + jnp.outer(vec1, vec2)
    if beta == 1:
        return input + alpha * (jnp.outer(vec1, vec2))
    return beta * input + alpha * (jnp.outer(vec1, vec2))


@rule("torch.baddbmm", "torch.Tensor.baddbmm", rank=3)
def baddbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1, out: Out = None
) -> Tensor:
    """beta * input + alpha * batch1 @ batch2.

    >>> torch.baddbmm(f32(2, 4), f32(5, 2, 3), f32(5, 3, 4))
    >>> torch.baddbmm(f32(5, 2, 4), f32(5, 2, 3), f32(5, 3, 4), alpha=0.5)
    >>> torch.baddbmm(f32(5, 2, 4), f32(5, 2, 3), f32(5, 3, 4), beta=0.3, alpha=2)
    >>> torch.baddbmm(f32(5, 2, 4), f32(5, 2, 3), f32(5, 3, 4), beta=0.3)
    """
    if beta == 1 and alpha == 1:
        return input + batch1 @ batch2
    if beta == 1:
        return input + alpha * (batch1 @ batch2)
    return beta * input + alpha * (batch1 @ batch2)


@rule("torch.addbmm", "torch.Tensor.addbmm", rank=2)
def addbmm(
    input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: Scalar = 1, alpha: Scalar = 1, out: Out = None
) -> Tensor:
    """beta * input + alpha * the sum of batch1 @ batch2.

    >>> torch.addbmm(f32(2, 4), f32(5, 2, 3), f32(5, 3, 4))
    >>> torch.addbmm(f32(2, 4), f32(5, 2, 3), f32(5, 3, 4), alpha=0.5)
    >>> torch.addbmm(f32(2, 4), f32(5, 2, 3), f32(5, 3, 4), beta=0.3)
    """
    if beta == 1 and alpha == 1:
        return input + (batch1 @ batch2).sum(axis=0)
    if beta == 1:
        return input + alpha * ((batch1 @ batch2).sum(axis=0))
    return beta * input + alpha * ((batch1 @ batch2).sum(axis=0))


@rule("torch.einsum")
def einsum(equation: str, *operands: Tensors) -> Tensor:
    """Einstein summation.

    >>> torch.einsum('ij,jk->ik', f32(2, 3), f32(3, 4))
    >>> torch.einsum('b i d, b j d -> b i j', [f32(2, 3, 5), f32(2, 4, 5)])
    >>> torch.einsum('...ij,...jk', f32(5, 2, 3), f32(5, 3, 4))
    >>> torch.einsum('ii', f32(3, 3))
    >>> torch.einsum('aB,aC->BC', f32(2, 3), f32(2, 4))
    """
    return jnp.einsum(equation, *operands)


@rule("torch.einsum")
def einsum_lists(*operands) -> Tensor:
    """Einstein summation with index lists.

    >>> torch.einsum(f32(2, 3), [0, 1], f32(3, 4), [1, 2], [0, 2])
    """
    return jnp.einsum(*operands)


@rule("torch.tensordot")
def tensordot(a: Tensor, b: Tensor, dims=2, out: Out = None) -> Tensor:
    """Sum of products over axes.

    >>> torch.tensordot(f32(2, 3, 4), f32(3, 4, 5))
    >>> torch.tensordot(f32(2, 3, 4), f32(4, 5), dims=1)
    >>> torch.tensordot(f32(2, 3), f32(4, 3), dims=([1], [1]))
    """
    return jnp.tensordot(a, b, axes=dims)


@rule("torch.chain_matmul", "torch.linalg.multi_dot")
def chain_matmul(*matrices: Tensors) -> Tensor:
    """Product of many matrices.

    >>> torch.linalg.multi_dot([f32(2, 3), f32(3, 4), f32(4, 5)])
    """
    return jnp.linalg.multi_dot(matrices)


@rule("torch.cross", "torch.Tensor.cross")
def cross(input: Tensor, other: Tensor, dim=None, *, out: Out = None) -> Tensor:
    """Cross product; the default axis is the first of size 3.

    >>> torch.cross(pos(2, 3), f32(2, 3), dim=1)
    >>> pos(3, 2, 3).cross(f32(3, 2, 3), dim=2)
    >>> torch.cross(pos(2, 3), f32(2, 3))
    >>> torch.cross(pos(3, 4), f32(3, 4))
    >>> torch.cross(pos(3, 4), f32(3, 4), dim=0)
    """
    if dim is not None:
        return jnp.cross(input, other, axis=dim)
    return helpers.cross(input, other)


@rule("torch.linalg.cross")
def linalg_cross(input: Tensor, other: Tensor, *, dim=-1, out: Out = None) -> Tensor:
    """Cross product.

    >>> torch.linalg.cross(pos(2, 3), f32(2, 3))
    >>> torch.linalg.cross(pos(3, 2), f32(3, 2), dim=0)
    """
    return jnp.cross(input, other, axis=dim)


@rule("torch.trace", "torch.Tensor.trace", rank=0)
def trace(input: Tensor) -> Tensor:
    """Sum of the diagonal.

    >>> torch.trace(f32(3, 4))
    """
    return jnp.trace(input)


@rule("torch.cdist", rank=rank(x1), dtype="float")
def cdist(x1: Tensor, x2: Tensor, p=2.0, compute_mode: Ignored = "use_mm_for_euclid_dist_if_necessary") -> Tensor:
    """Distances of all rows to all rows, with the gradient 0 at distance 0.

    >>> torch.cdist(f32(2, 3), f32(4, 3))
    >>> torch.cdist(f32(5, 2, 3), f32(5, 4, 3), p=1)
    >>> torch.cdist(f32(2, 3), f32(4, 3), p=2)
    """
    if p == 2:
        return helpers.l2_norm(x1[..., :, None, :] - x2[..., None, :, :], axis=-1)
    return helpers.norm(x1[..., :, None, :] - x2[..., None, :, :], p, axis=-1)


@rule("torch.pdist", "torch.nn.functional.pdist", rank=1, dtype="float")
def pdist(input: Tensor, p=2.0) -> Tensor:
    """Distances of all pairs of rows.

    >>> torch.pdist(f32(4, 3))
    >>> F.pdist(f32(4, 3), p=1.0)
    """
    return helpers.pdist(input, p=p)


@rule("torch.cov", "torch.Tensor.cov")
def cov(input: Tensor, *, correction=1, fweights=None, aweights=None) -> Tensor:
    """Covariance of the rows.

    >>> torch.cov(f32(3, 7))
    >>> torch.cov(f32(3, 7), correction=0)
    >>> torch.cov(f32(3, 4), fweights=torch.tensor([1, 2, 3, 1]), aweights=pos(4).detach())
    """
    return jnp.cov(input, ddof=correction, fweights=fweights, aweights=aweights)


@rule("torch.corrcoef", "torch.Tensor.corrcoef")
def corrcoef(input: Tensor) -> Tensor:
    """Correlation of the rows.

    >>> torch.corrcoef(f32(3, 7))
    """
    return jnp.corrcoef(input)
