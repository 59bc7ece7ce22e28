"""Gather, scatter, selection by index or mask, searching."""

from torch2jax.rulebook import *


@rule("torch.gather", "torch.Tensor.gather", rank=rank(input))
def gather(input: Tensor, dim, index: Tensor, *, sparse_grad: Ignored = False, out: Out = None) -> Tensor:
    """Values at indices along an axis.

    >>> torch.gather(f32(2, 5), 1, i64(2, 3, high=5))
    >>> f32(5, 2).gather(0, i64(3, 1, high=5))
    >>> f32(2, 3, 4).gather(-1, i64(2, 3, 1, high=4))
    >>> f32(2, 3).sum().gather(0, torch.tensor([0]))
    """
    if rank(input) == 0 and dim is not None:
        return jnp.broadcast_to(input, index.shape)
    return helpers.gather(input, dim, index)


@rule("torch.take_along_dim", "torch.Tensor.take_along_dim")
def take_along_dim(input: Tensor, indices: Tensor, dim=None, *, out: Out = None) -> Tensor:
    """Values at indices along an axis, with broadcasting.

    >>> torch.take_along_dim(f32(2, 5), i64(2, 3, high=5), dim=1)
    >>> f32(2, 5).take_along_dim(i64(4, high=10))
    >>> torch.take_along_dim(f32(5, 2), i64(3, 2, high=5), dim=0)
    """
    if dim is None:
        return input.ravel()[indices.ravel()]
    return jnp.take_along_axis(input, indices, axis=dim)


@rule("torch.take", "torch.Tensor.take", rank=rank(index))
def take(input: Tensor, index: Tensor) -> Tensor:
    """Values at indices into all elements in a row.

    >>> torch.take(f32(2, 3), i64(4, 2, high=6))
    """
    return jnp.take(input, index)


@rule("torch.index_select", "torch.Tensor.index_select", rank=rank(input))
def index_select(input: Tensor, dim, index: Tensor, *, out: Out = None) -> Tensor:
    """Slices at indices along an axis.

    >>> torch.index_select(f32(5, 2), 0, i64(3, high=5))
    >>> f32(2, 5).index_select(1, i64(3, high=5))
    >>> f32(2, 3, 4).index_select(-1, i64(5, high=4))
    >>> f32(2, 3).sum().index_select(0, torch.tensor([0]))
    """
    if rank(input) == 0:
        return jnp.take(input[None], index, axis=dim).reshape(())
    return jnp.take(input, index, axis=dim)


@rule("torch.index_add", "torch.Tensor.index_add", rank=rank(input))
def index_add(input: Tensor, dim, index: Tensor, source: Tensor, *, alpha=1, out: Out = None) -> Tensor:
    """Slices added at indices along an axis.

    >>> torch.index_add(f32(5, 2), 0, i64(3, high=5), f32(3, 2))
    >>> f32(2, 5).index_add(1, i64(3, high=5), f32(2, 3))
    >>> f32(2, 4, 5).index_add(-1, i64(3, high=5), f32(2, 4, 3))
    >>> f32(2, 5, 3).index_add(-2, i64(4, high=5), f32(2, 4, 3))
    >>> f32(5, 2).index_add(0, i64(3, high=5), f32(3, 2), alpha=0.5)
    >>> f32(2, 5).index_add(1, i64(3, high=5), f32(2, 3), alpha=0.5)
    >>> f32(2, 5).index_add(-1, i64(3, high=5), f32(2, 3), alpha=0.5)
    >>> f32(2, 3).sum().index_add(0, torch.tensor([0]), f32(4).sum(), alpha=0.5)
    """
    if rank(input) == 0 and dim is not None:
        return helpers.index_add(input[None], 0, index, source.reshape(-1), alpha=alpha)[0]
    if dim == 0 and alpha == 1:
        return input.at[index].add(source)
    if dim == 1 and alpha == 1:
        return input.at[:, index].add(source)
    if dim == -1 and alpha == 1:
        return input.at[..., index].add(source)
    return helpers.index_add(input, dim, index, source, alpha=alpha)


@rule("torch.index_copy", "torch.Tensor.index_copy", rank=rank(input))
def index_copy(input: Tensor, dim, index: Tensor, source: Tensor, *, out: Out = None) -> Tensor:
    """Slices written at indices along an axis.

    >>> torch.index_copy(f32(5, 2), 0, torch.tensor([3, 0, 4]), f32(3, 2))
    >>> f32(2, 5).index_copy(1, torch.tensor([3, 0, 4]), f32(2, 3))
    >>> f32(2, 4, 5).index_copy(-1, torch.tensor([3, 0, 4]), f32(2, 4, 3))
    >>> f32(2, 5, 3).index_copy(-2, torch.tensor([3, 0]), f32(2, 2, 3))
    >>> f32(2, 3).sum().index_copy(0, torch.tensor([0]), f32(4).sum())
    """
    if rank(input) == 0 and dim is not None:
        return input[None].at[index].set(source.reshape(-1))[0]
    if dim == 0:
        return input.at[index].set(source)
    if dim == 1:
        return input.at[:, index].set(source)
    if dim == -1:
        return input.at[..., index].set(source)
    return helpers.index_copy(input, dim, index, source)


@rule("torch.index_fill", "torch.Tensor.index_fill", rank=rank(input))
def index_fill(input: Tensor, dim, index: Tensor, value: Scalar) -> Tensor:
    """A value written to the slices at indices along an axis.

    >>> torch.index_fill(f32(5, 2), 0, i64(3, high=5), 0.5)
    >>> f32(2, 5).index_fill(1, i64(3, high=5), 0)
    >>> f32(2, 4, 5).index_fill(-1, i64(3, high=5), 0)
    >>> f32(2, 5, 3).index_fill(-2, i64(4, high=5), 1.5)
    >>> f32(2, 3).sum().index_fill(0, torch.tensor([0]), 1.5)
    """
    if rank(input) == 0 and dim is not None:
        return input[None].at[index].set(value)[0]
    if dim == 0:
        return input.at[index].set(value)
    if dim == 1:
        return input.at[:, index].set(value)
    if dim == -1:
        return input.at[..., index].set(value)
    return helpers.index_fill(input, dim, index, value)


@rule("torch.scatter", "torch.Tensor.scatter", rank=rank(input))
def scatter(input: Tensor, dim: int, index: Tensor, src: Scalar, *, reduce=None, out: Out = None) -> Tensor:
    """Values written at indices along an axis.

    >>> torch.scatter(f32(2, 5), 1, torch.tensor([[3, 0], [1, 2]]), f32(2, 2))
    >>> f32(5, 2).scatter(0, torch.tensor([[3, 0]]), 1.5)
    >>> f32(2, 5).scatter(1, torch.tensor([[3, 0], [1, 2]]), f32(2, 4))
    >>> f32(2, 5).detach().scatter(1, i64(2, 3, high=5), f32(2, 3).detach(), reduce='add')
    >>> f32(2, 5).detach().scatter(1, i64(2, 3, high=5), f32(2, 3).detach(), reduce='multiply')
    >>> f32(2, 5).detach().scatter(1, i64(2, 3, high=5), f32(2, 3).detach(), reduce=str("add"))
    """
    if reduce is None:
        return helpers.scatter(input, dim, index, src)
    if reduce == "add":
        return helpers.scatter_add(input, dim, index, src)
    if reduce == "multiply":
        return helpers.scatter_multiply(input, dim, index, src)
    raise Unsupported("the way to reduce is not known at conversion", "write reduce as a literal")


@rule("torch.scatter", "torch.Tensor.scatter", rank=rank(input))
def scatter_value(input: Tensor, dim: int, index: Tensor, value: Scalar) -> Tensor:
    """A value written at indices along an axis.

    >>> f32(2, 5).scatter(1, i64(2, 3, high=5), value=1.5)
    """
    return helpers.scatter(input, dim, index, value)


@rule("torch.scatter_add", "torch.Tensor.scatter_add", rank=rank(input))
def scatter_add(input: Tensor, dim, index: Tensor, src: Tensor) -> Tensor:
    """Values added at indices along an axis.

    >>> torch.scatter_add(f32(2, 5), 1, i64(2, 3, high=5), f32(2, 3))
    >>> f32(5, 2).scatter_add(0, i64(3, 2, high=5), f32(4, 2))
    """
    return helpers.scatter_add(input, dim, index, src)


@rule("torch.scatter_reduce", "torch.Tensor.scatter_reduce", rank=rank(input))
def scatter_reduce(input: Tensor, dim, index: Tensor, src: Tensor, reduce: str, *, include_self=True) -> Tensor:
    """Values reduced at indices along an axis.

    >>> torch.scatter_reduce(f32(2, 5), 1, i64(2, 7, high=5), f32(2, 7), reduce='sum')
    >>> torch.scatter_reduce(f32(2, 5), 1, i64(2, 7, high=5), f32(2, 7), reduce='mean')
    >>> torch.scatter_reduce(f32(2, 5), 1, i64(2, 7, high=5), f32(2, 7), reduce='amax')
    >>> torch.scatter_reduce(f32(2, 5), 1, i64(2, 7, high=5), f32(2, 7), reduce='amin')
    >>> torch.scatter_reduce(f32(2, 5), 1, i64(2, 7, high=5), f32(2, 7), reduce='prod')
    >>> f32(2, 5).scatter_reduce(1, i64(2, 7, high=5), f32(2, 7), 'amax', include_self=False)
    """
    return helpers.scatter_reduce(input, dim, index, src, reduce, include_self=include_self)


@rule("torch.index_reduce", "torch.Tensor.index_reduce", rank=rank(input))
def index_reduce(
    input: Tensor, dim, index: Tensor, source: Tensor, reduce: str, *, include_self=True, out: Out = None
) -> Tensor:
    """Slices reduced at indices along an axis.

    >>> torch.index_reduce(f32(3, 4), 0, i64(5, high=3), f32(5, 4), "prod")
    >>> f32(2, 3).index_reduce(1, i64(5, high=3), f32(2, 5), "amax", include_self=False)
    >>> f32(2, 3).index_reduce(1, i64(5, high=3), f32(2, 5), "mean")
    >>> f32(2, 3).sum().index_reduce(0, torch.tensor([0]), f32(4).sum(), "mean", include_self=False)
    """
    if rank(input) == 0 and dim is not None:
        return helpers.index_reduce(input[None], 0, index, source.reshape(-1), reduce, include_self=include_self)[0]
    return helpers.index_reduce(input, dim, index, source, reduce, include_self=include_self)


@rule("torch.Tensor.index_put", "torch.index_put", rank=rank(input))
def index_put(input: Tensor, indices, values: Tensor, accumulate: bool = False) -> Tensor:
    """Values written (or added) at a tuple of indices.

    >>> f32(3, 4).index_put((torch.tensor([0, 2]), torch.tensor([1, 3])), f32(2))
    >>> f32(3, 4).index_put((i64(5, high=3),), f32(5, 4), accumulate=True)
    """
    if accumulate:
        return input.at[tuple(indices)].add(values)
    return input.at[tuple(indices)].set(values)


@rule("torch.masked_select", "torch.Tensor.masked_select", rank=1)
def masked_select(input: Tensor, mask: Tensor, *, out: Out = None) -> Tensor:
    """The elements where the mask is true.

    >>> torch.masked_select(f32(2, 3), b8(2, 3))
    >>> f32(2, 3).masked_select(b8(3))
    """
    return helpers.masked_select(input, mask)


@rule("torch.masked_scatter", "torch.Tensor.masked_scatter")
def masked_scatter(input: Tensor, mask: Tensor, source: Tensor) -> Tensor:
    """Elements of the source, in order, where the mask is true.

    >>> f32(2, 3).masked_scatter(b8(2, 3), f32(7))
    >>> torch.masked_scatter(f32(2, 3), b8(3), f32(2, 4))
    """
    return helpers.masked_scatter(input, mask, source)


@rule("torch.Tensor.put", "torch.Tensor.put_", "torch.put", rank=rank(input))
def put(input: Tensor, index: Tensor, source: Tensor, accumulate: bool = False) -> Tensor:
    """Values written (or added) at indices into all elements in a row.

    >>> f32(2, 3).put(torch.tensor([4, 1]), f32(2))
    >>> f32(2, 3).put(i64(5, high=6), f32(5), accumulate=True)
    """
    return helpers.put(input, index, source, accumulate=accumulate)


@rule("torch.nonzero", "torch.Tensor.nonzero", rank=2, dtype="int")
def nonzero(input: Tensor, *, out: Out = None) -> Tensor:
    """Indices of the elements that are not 0, one a row.

    >>> torch.nonzero(i64(2, 3, high=2))
    >>> b8(2, 3).nonzero()
    """
    return jnp.argwhere(input)


@rule("torch.nonzero", "torch.Tensor.nonzero", rank=2, dtype="int")
def nonzero_rows(input: Tensor, *, as_tuple: IsFalse) -> Tensor:
    """Indices of the elements that are not 0, one a row.

    >>> b8(2, 3).nonzero(as_tuple=False)
    """
    return jnp.argwhere(input)


@rule("torch.nonzero", "torch.Tensor.nonzero", dtype="int")
def nonzero_tuple(input: Tensor, *, as_tuple: IsTrue) -> Tensors:
    """Indices of the elements that are not 0, for each axis.

    >>> torch.nonzero(i64(2, 3, high=2), as_tuple=True)
    >>> torch.nonzero(f32(2).sum(), as_tuple=True)
    """
    if rank(input) == 0:
        return jnp.nonzero(input[None])
    return jnp.nonzero(input)


@rule("torch.argwhere", "torch.Tensor.argwhere", rank=2, dtype="int")
def argwhere(input: Tensor) -> Tensor:
    """Indices of the elements that are not 0, one a row.

    >>> torch.argwhere(i64(2, 3, high=2))
    """
    return jnp.argwhere(input)


@rule("torch.bucketize", rank=rank(input), dtype="int")
def bucketize(
    input: Tensor, boundaries: Tensor, *, out_int32: Ignored = False, right: bool = False, out: Out = None
) -> Tensor:
    """The interval of sorted boundaries in which a value lies.

    >>> torch.bucketize(f32(2, 3), torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64))
    >>> torch.bucketize(i64(5, high=4), torch.tensor([0, 1, 2]), right=True)
    >>> torch.bucketize(i64(7, high=4), torch.tensor([0, 1, 2]))
    """
    return jnp.searchsorted(boundaries, input, side="right" if right else "left")


@rule("torch.searchsorted", rank=rank(input), dtype="int")
def searchsorted(
    sorted_sequence: Tensor,
    input: Scalar,
    *,
    out_int32: Ignored = False,
    right: bool = False,
    side=None,
    sorter=None,
    out: Out = None,
) -> Tensor:
    """Where to insert values into sorted rows.

    >>> torch.searchsorted(torch.tensor([-1.0, 0.0, 1.0], dtype=torch.float64), f32(2, 3))
    >>> torch.searchsorted(torch.arange(4), i64(5, high=6), side="right")
    >>> torch.searchsorted(torch.arange(4), i64(5, high=6), right=True)
    >>> torch.searchsorted(torch.tensor([0, 1, 2]), i64(5, high=4), side="right")
    >>> torch.searchsorted(f32(2, 5).sort(-1)[0], f32(2, 3))
    >>> x = torch.tensor([[7, 1, 5, 3, 5], [0, 8, 2, 8, 4]])
    >>> v, order = i64(2, 9, high=9), x.argsort(-1)
    >>> left, right = torch.searchsorted(x, v, sorter=order), torch.searchsorted(x, v, right=True, sorter=order)
    >>> left, right, torch.searchsorted(x[0], v, side="right", sorter=order[0])

    >>> torch.searchsorted(i64(2, 5, high=9).sort(-1)[0], i64(2, 3, high=9), right=True)
    >>> torch.searchsorted(i64(2, 5, high=9).sort(-1)[0], i64(2, 3, high=9), side='right')
    >>> torch.searchsorted(torch.tensor([0, 1, 2]), i64(7, high=4))
    >>> torch.searchsorted(f32(6).view(2, 3).sort(-1)[0], f32(2, 4))
    """
    if sorter is not None and side is not None:
        return helpers.search_rows(sorted_sequence, input, side=side, sorter=sorter)
    if sorter is not None:
        return helpers.search_rows(sorted_sequence, input, side="right" if right else "left", sorter=sorter)
    if rank(sorted_sequence) == 1 and side is not None:
        return jnp.searchsorted(sorted_sequence, input, side=side)
    if rank(sorted_sequence) == 1:
        return jnp.searchsorted(sorted_sequence, input, side="right" if right else "left")
    if side is not None:
        return helpers.search_rows(sorted_sequence, input, side=side)
    return helpers.search_rows(sorted_sequence, input, side="right" if right else "left")


@rule("torch.isin", rank=rank(elements), dtype="bool")
def isin(elements: Tensor, test_elements: Tensor, *, assume_unique: Ignored = False, invert: bool = False) -> Tensor:
    """Whether elements are in a set.

    >>> torch.isin(i64(2, 3, high=5), i64(4, high=5))
    >>> torch.isin(i64(2, 3, high=5), i64(4, high=5), invert=True)
    """
    return jnp.isin(elements, test_elements, invert=invert)


@rule("torch.unique", "torch.Tensor.unique")
def unique(
    input: Tensor, sorted: Ignored = True, return_inverse: IsFalse = False, return_counts: IsFalse = False, dim=None
) -> Tensor:
    """The different values, sorted.

    >>> torch.unique(i64(5, 3, high=4))
    >>> i64(5, 3, high=4).unique(dim=0)
    >>> torch.unique(i64(5, high=4)).numel() + 1
    """
    return jnp.unique(input, axis=dim)


@rule("torch.unique", "torch.Tensor.unique")
def unique_with_inverse_and_counts(
    input: Tensor, sorted: Ignored = True, return_inverse: IsTrue = False, return_counts: IsTrue = False, dim=None
) -> (Tensor, Tensor, Tensor):
    """The different values, sorted, with where each element stands among them and how often each stands.

    >>> torch.unique(i64(5, high=4), return_inverse=True, return_counts=True)
    >>> torch.unique(i64(5, 2, high=2), True, True, True, 0)
    """
    return jnp.unique(input, return_inverse=True, return_counts=True, axis=dim)


@rule("torch.unique", "torch.Tensor.unique")
def unique_with_inverse(
    input: Tensor, sorted: Ignored = True, return_inverse: IsTrue = False, return_counts: IsFalse = False, dim=None
) -> (Tensor, Tensor):
    """The different values, sorted, with where each element stands among them.

    >>> torch.unique(i64(2, 5, high=4), return_inverse=True)[1]
    >>> torch.unique(i64(5, 2, high=2), dim=0, return_inverse=True)
    """
    return jnp.unique(input, return_inverse=True, axis=dim)


@rule("torch.unique", "torch.Tensor.unique")
def unique_with_counts(
    input: Tensor, sorted: Ignored = True, return_inverse: IsFalse = False, return_counts: IsTrue = False, dim=None
) -> (Tensor, Tensor):
    """The different values, sorted, with how often each stands.

    >>> torch.unique(i64(9, high=4), return_counts=True)
    >>> torch.unique(i64(5, 2, high=2), dim=0, return_counts=True)
    """
    return jnp.unique(input, return_counts=True, axis=dim)


@rule("torch.unique", "torch.Tensor.unique")
def unique_with(
    input: Tensor, sorted: Ignored = True, return_inverse: bool = False, return_counts: bool = False, dim=None
):
    """The different values, sorted, with more where flags say so that only the run knows.

    >>> torch.unique(i64(5, high=4), return_inverse=bool("1"))
    >>> torch.unique(i64(5, 2, high=2), return_counts=bool("1"), dim=0)
    """
    return jnp.unique(input, return_inverse=return_inverse, return_counts=return_counts, axis=dim)


@rule("torch.unique_consecutive", "torch.Tensor.unique_consecutive")
def unique_consecutive(
    input: Tensor, return_inverse: IsFalse = False, return_counts: IsFalse = False, dim=None
) -> Tensor:
    """Runs of equal values.

    >>> torch.unique_consecutive(i64(9, high=2))
    >>> torch.unique_consecutive(i64(1, 9, high=2), dim=1)
    """
    return helpers.unique_consecutive(input, axis=dim)[0]


@rule("torch.unique_consecutive", "torch.Tensor.unique_consecutive")
def unique_consecutive_with_inverse_and_counts(
    input: Tensor, return_inverse: IsTrue = False, return_counts: IsTrue = False, dim=None
) -> (Tensor, Tensor, Tensor):
    """Runs of equal values, with the run of each element and the lengths of the runs.

    >>> torch.unique_consecutive(i64(9, high=2), return_inverse=True, return_counts=True)
    >>> torch.unique_consecutive(i64(9, 2, high=2) // 2, dim=0, return_inverse=True, return_counts=True)
    """
    return helpers.unique_consecutive(input, axis=dim)


@rule("torch.unique_consecutive", "torch.Tensor.unique_consecutive")
def unique_consecutive_with_inverse(
    input: Tensor, return_inverse: IsTrue = False, return_counts: IsFalse = False, dim=None
) -> (Tensor, Tensor):
    """Runs of equal values, with the run of each element.

    >>> i64(9, high=2).unique_consecutive(return_inverse=True)
    >>> torch.unique_consecutive(i64(5, 2, high=2), return_inverse=True)
    >>> torch.unique_consecutive(i64(9, 2, high=2) // 2, return_inverse=True, dim=0)
    """
    return helpers.unique_consecutive(input, axis=dim)[:2]


@rule("torch.unique_consecutive", "torch.Tensor.unique_consecutive")
def unique_consecutive_with_counts(
    input: Tensor, return_inverse: IsFalse = False, return_counts: IsTrue = False, dim=None
) -> (Tensor, Tensor):
    """Runs of equal values, with their lengths.

    >>> torch.unique_consecutive(i64(9, high=2), return_counts=True)
    >>> torch.unique_consecutive(i64(9, 2, high=2) // 2, return_counts=True, dim=0)
    """
    return helpers.unique_consecutive(input, axis=dim)[::2]


@rule("torch.bincount", "torch.Tensor.bincount", rank=1)
def bincount(input: Tensor, weights: Tensor = None, minlength=0) -> Tensor:
    """How often each integer stands.

    >>> torch.bincount(i64(7, high=5))
    >>> i64(7, high=5).bincount(f32(7).detach(), minlength=9)
    >>> torch.bincount(i64(7, high=5), i64(7).float(), minlength=9)
    >>> torch.bincount(i64(7, high=5), i64(7).long())
    >>> torch.bincount(i64(7, high=3), i64(7), minlength=9)
    >>> torch.bincount(i64(7, high=3), minlength=9)
    >>> torch.bincount(torch.zeros(0, dtype=torch.int64))
    """
    if weights is None:
        return jnp.bincount(input, minlength=minlength)
    if dtype(weights) == "float":
        return jnp.bincount(input, weights=weights, minlength=minlength)
    return jnp.bincount(input, weights=weights * 1.0, minlength=minlength)


@rule("torch.histc", "torch.Tensor.histc", rank=1)
def histc(input: Tensor, bins=100, min=0, max=0, *, out: Out = None) -> Tensor:
    """Histogram of equal bins.

    >>> torch.histc(f32(50).detach(), 4, -1, 1)
    >>> torch.histc(f32(50).detach(), bins=7)
    >>> torch.histc(torch.zeros(2, 0), 3)
    >>> torch.histc(f32(50).detach())
    >>> torch.histc(pos(50).detach(), 4, 0, 1)
    >>> torch.histc(-pos(50).detach(), 4, -1, 0)
    """
    if min == 0 and max == 0:
        return helpers.histc(input, bins)
    return jnp.histogram(input, bins=bins, range=(min, max))[0].astype(input.dtype)


@rule("torch.nn.functional.one_hot", rank=rank(tensor) + 1, dtype="int")
def one_hot(tensor: Tensor, num_classes=-1) -> Tensor:
    """Integers as unit vectors in a last axis.

    >>> F.one_hot(i64(2, 3, high=5), 5)
    >>> F.one_hot(i64(7, high=5), num_classes=9)
    >>> F.one_hot(i64(7, high=5))
    """
    if num_classes == -1:
        return nnx.one_hot(tensor, int(tensor.max()) + 1, dtype=jnp.int32)
    return nnx.one_hot(tensor, num_classes, dtype=jnp.int32)
