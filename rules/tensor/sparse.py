"""Sparse tensors become dense arrays: JAX's own sparse formats are experimental."""

from torch2jax.rulebook import *


@rule("torch.sparse_coo_tensor")
def sparse_coo_tensor(
    indices: Tensor,
    values: Tensor,
    size: Shape,
    *,
    dtype: Dtype = None,
    device: Device = None,
    requires_grad: Dropped = False,
    check_invariants: Ignored = None,
    is_coalesced: Ignored = None,
) -> Tensor:
    """Values at indices, 0 elsewhere; values at equal indices add up.

    >>> torch.sparse_coo_tensor(i64(2, 5, high=3), f32(5), (3, 4)).to_dense()
    >>> torch.sparse_coo_tensor(i64(2, 5, high=3), i64(5, high=9), (3, 4)).to_dense()
    >>> torch.sparse_coo_tensor(i64(2, 5, high=3), i64(5, high=9), (3, 4), dtype=torch.float64).to_dense()
    >>> torch.sparse_coo_tensor(i64(2, 5, high=3), i64(5, high=9), (3, 4), dtype=torch.int32).to_dense()
    """
    caveat("the array is dense: it takes memory for the zeros too")
    if dtype is None:
        return jnp.zeros(size, dtype=values.dtype).at[tuple(indices)].add(values)
    return jnp.zeros(size, dtype=dtype).at[tuple(indices)].add(values.astype(dtype))


@rule("torch.sparse.FloatTensor")
def sparse_FloatTensor(indices: Tensor, values: Tensor, size: Shape) -> Tensor:
    """Values at indices, 0 elsewhere; values at equal indices add up.

    >>> torch.sparse.FloatTensor(i64(2, 5, high=3), f32(5).float(), torch.Size([3, 4])).to_dense()
    >>> torch.sparse.FloatTensor(i64(2, 5, high=3), i64(5, high=9), torch.Size([3, 4])).to_dense()
    """
    caveat("the array is dense: it takes memory for the zeros too")
    return jnp.zeros(size, dtype=values.dtype).at[tuple(indices)].add(values)


@rule("torch.Tensor.to_dense", "torch.Tensor.coalesce", mode="pointwise", fresh=False)
def to_dense(self: Tensor) -> Tensor:
    """Arrays are dense.

    >>> f32(2, 3).to_sparse().coalesce().to_dense()
    """
    return self


@rule("torch.Tensor.to_sparse", mode="pointwise", fresh=False)
def to_sparse(self: Tensor, sparse_dim: Ignored = None) -> Tensor:
    """Arrays stay dense.

    >>> f32(2, 3).to_sparse().to_dense()
    >>> f32(2, 3).to_sparse(1).to_dense()
    """
    return self


@rule("torch.spmm", "torch.sparse.mm", "torch.smm", rank=2)
def spmm(mat1: Tensor, mat2: Tensor) -> Tensor:
    """Product of a sparse and a dense matrix.

    >>> torch.sparse.mm(f32(2, 3).to_sparse(), f32(3, 4))
    """
    return mat1 @ mat2


@rule("torch.Tensor.sparse_mask", "torch.Tensor.to_sparse_csr", "torch.Tensor.to_sparse_csc")
def sparse_mask(self: Tensor, *args) -> Tensor:
    """Formats and masks of sparse tensors.

    >>> f32(2, 3).to_sparse_csr()
    """
    raise Unsupported("sparse formats are not translated", "keep the array dense, or use jax.experimental.sparse")
