"""Reductions: sums, means, extremes, norms, quantiles."""

from torch2jax.rulebook import *


@rule("torch.sum", "torch.Tensor.sum", mode="reduce")
def sum(input: Tensor, dim: Axis = None, keepdim: bool = False, *, dtype: Dtype = None, out: Out = None) -> Tensor:
    """Sum.

    >>> torch.sum(f32(2, 3))
    >>> f32(2, 3, 4).sum(1)
    >>> f32(2, 3, 4).sum(dim=(0, 2), keepdim=True)
    >>> f32(2, 3, 4).sum([0, -1])
    >>> b8(2, 3).sum()
    >>> f32(2, 3).sum(axis=1, keepdims=True)
    >>> i64(2, 3, high=5).sum(dtype=torch.float64)
    """
    return input.sum(axis=dim, keepdims=keepdim, dtype=dtype)


@rule("torch.mean", "torch.Tensor.mean", mode="reduce")
def mean(input: Tensor, dim: Axis = None, keepdim: bool = False, *, dtype: Dtype = None, out: Out = None) -> Tensor:
    """Mean.

    >>> torch.mean(f32(2, 3))
    >>> f32(2, 3, 4).mean(-1)
    >>> f32(2, 3, 4, 5).mean([2, 3], keepdim=True)
    >>> b8(2, 3).mean(dtype=torch.float64)
    """
    return input.mean(axis=dim, keepdims=keepdim, dtype=dtype)


@rule("torch.prod", "torch.Tensor.prod", mode="reduce")
def prod(input: Tensor, dim: Axis = None, keepdim: bool = False, *, dtype: Dtype = None, out: Out = None) -> Tensor:
    """Product.

    >>> torch.prod(f32(2, 3))
    >>> f32(2, 3).prod(1)
    >>> f32(2, 3).prod(dim=0, keepdim=True)
    >>> i64(2, 3, high=5).prod(1, dtype=torch.float64)
    """
    return input.prod(axis=dim, keepdims=keepdim, dtype=dtype)


@rule("torch.nansum", "torch.Tensor.nansum", mode="reduce")
def nansum(input: Tensor, dim: Axis = None, keepdim: bool = False, *, dtype: Dtype = None, out: Out = None) -> Tensor:
    """Sum without the NaNs.

    >>> torch.nansum(f32(2, 3))
    >>> f32(2, 3).nansum(1)
    >>> i64(2, 3, high=5).nansum(1, keepdim=True, dtype=torch.float64)
    """
    return jnp.nansum(input, axis=dim, keepdims=keepdim, dtype=dtype)


@rule("torch.nanmean", "torch.Tensor.nanmean", mode="reduce")
def nanmean(input: Tensor, dim: Axis = None, keepdim: bool = False, *, dtype: Dtype = None, out: Out = None) -> Tensor:
    """Mean without the NaNs.

    >>> torch.nanmean(f32(2, 3))
    >>> f32(2, 3).nanmean(1)
    >>> f32(2, 3).nanmean(1, keepdim=True)
    >>> f32(2, 3).half().nanmean(dtype=torch.float64).dtype
    """
    return jnp.nanmean(input, axis=dim, keepdims=keepdim, dtype=dtype)


@rule("torch.all", "torch.Tensor.all", mode="reduce", dtype="bool")
def all(input: Tensor, dim: Axis = None, keepdim: bool = False, *, out: Out = None) -> Tensor:
    """Whether all are true.

    >>> torch.all(b8(2, 3))
    >>> b8(2, 3).all(1)
    >>> b8(2, 3).all(dim=0, keepdim=True)
    >>> i64(2, 3, high=2).all()
    """
    return input.all(axis=dim, keepdims=keepdim)


@rule("torch.any", "torch.Tensor.any", mode="reduce", dtype="bool")
def any(input: Tensor, dim: Axis = None, keepdim: bool = False, *, out: Out = None) -> Tensor:
    """Whether any is true.

    >>> torch.any(b8(2, 3))
    >>> b8(2, 3).any(1)
    >>> b8(2, 3).any(dim=0, keepdim=True)
    """
    return input.any(axis=dim, keepdims=keepdim)


@rule("torch.amax", "torch.Tensor.amax", mode="reduce")
def amax(input: Tensor, dim: Axis = None, keepdim: bool = False, *, out: Out = None) -> Tensor:
    """Maximum; equal values share the gradient.

    >>> torch.amax(f32(2, 3))
    >>> f32(2, 3, 4).amax((1, 2))
    >>> f32(2, 3).amax(1, keepdim=True)
    """
    return input.max(axis=dim, keepdims=keepdim)


@rule("torch.amin", "torch.Tensor.amin", mode="reduce")
def amin(input: Tensor, dim: Axis = None, keepdim: bool = False, *, out: Out = None) -> Tensor:
    """Minimum; equal values share the gradient.

    >>> torch.amin(f32(2, 3))
    >>> f32(2, 3, 4).amin((1, 2))
    >>> f32(2, 3).amin(1, keepdim=True)
    """
    return input.min(axis=dim, keepdims=keepdim)


@rule("torch.max", "torch.Tensor.max")
def max_of_two(input: Tensor, other: Tensor, *, out: Out = None) -> Tensor:
    """The greater of two tensors.

    >>> torch.max(f32(2, 3), f32(3))
    >>> f32(2, 3).max(f32(2, 3))
    >>> other = (f32(3), 1)[int(f32(1).sum() > 99)]
    >>> torch.max(f32(2, 3), other)

    >>> other = (f32(3), 1)[len([f32(2)])]
    >>> torch.max(f32(2, 3), other)
    """
    if is_tensor(other):
        return jnp.maximum(input, other)
    return helpers.max_along_or_of_two(input, other)


@rule("torch.max", "torch.Tensor.max", mode="reduce", fields=("values", "indices"))
def max_along(input: Tensor, dim: Axis, keepdim: bool = False, *, out: Out = None) -> (Tensor, Tensor):
    """Maximum along an axis, and where it is.

    >>> torch.max(f32(2, 3), 1)
    >>> f32(2, 3, 4).max(dim=-1, keepdim=True)
    >>> f32(2, 3).max(0)[0]
    >>> f32(2, 3).max(1).indices
    >>> (f32(2, 3) * 0).max(dim=1).values
    """
    return helpers.max_with_indices(input, axis=dim, keepdims=keepdim)


@rule("torch.max", "torch.Tensor.max", mode="reduce")
def max(input: Tensor, dim: Axis = None) -> Tensor:
    """Maximum of all.

    >>> torch.max(f32(2, 3))
    >>> f32(2, 3).max()
    >>> i64(2, 3, high=9).max()
    """
    return input.max()


@rule("torch.min", "torch.Tensor.min")
def min_of_two(input: Tensor, other: Tensor, *, out: Out = None) -> Tensor:
    """The smaller of two tensors.

    >>> torch.min(f32(2, 3), f32(3))
    >>> f32(2, 3).min(f32(2, 3))
    >>> other = (f32(3), 1)[int(f32(1).sum() > 99)]
    >>> torch.min(f32(2, 3), other)

    >>> other = (f32(3), 1)[len([f32(2)])]
    >>> torch.min(f32(2, 3), other)
    """
    if is_tensor(other):
        return jnp.minimum(input, other)
    return helpers.min_along_or_of_two(input, other)


@rule("torch.min", "torch.Tensor.min", mode="reduce", fields=("values", "indices"))
def min_along(input: Tensor, dim: Axis, keepdim: bool = False, *, out: Out = None) -> (Tensor, Tensor):
    """Minimum along an axis, and where it is.

    >>> torch.min(f32(2, 3), 1)
    >>> f32(2, 3, 4).min(dim=-1, keepdim=True)
    >>> f32(2, 3).min(0)[0]
    >>> f32(2, 3).min(1).indices
    >>> (f32(2, 3) * 0).min(dim=1).values
    """
    return helpers.min_with_indices(input, axis=dim, keepdims=keepdim)


@rule("torch.min", "torch.Tensor.min", mode="reduce")
def min(input: Tensor, dim: Axis = None) -> Tensor:
    """Minimum of all.

    >>> torch.min(f32(2, 3))
    >>> f32(2, 3).min()
    >>> i64(2, 3, high=9).min()
    """
    return input.min()


@rule("torch.aminmax", "torch.Tensor.aminmax", mode="reduce", fields=("min", "max"))
def aminmax(input: Tensor, *, dim: Axis = None, keepdim: bool = False) -> (Tensor, Tensor):
    """Minimum and maximum.

    >>> torch.aminmax(f32(2, 3))
    >>> f32(2, 3).aminmax(dim=1, keepdim=True)
    >>> torch.aminmax(f32(2, 3), dim=0).max
    """
    return input.min(axis=dim, keepdims=keepdim), input.max(axis=dim, keepdims=keepdim)


@rule("torch.argmax", "torch.Tensor.argmax", mode="reduce", dtype="int")
def argmax(input: Tensor, dim: Axis = None, keepdim: bool = False) -> Tensor:
    """Where the maximum is: the first place.

    >>> torch.argmax(f32(2, 3))
    >>> f32(2, 3).argmax(1)
    >>> torch.argmax(f32(2, 3), dim=-1, keepdim=True)
    """
    if not keepdim:
        return input.argmax(axis=dim)
    return input.argmax(axis=dim, keepdims=keepdim)


@rule("torch.argmin", "torch.Tensor.argmin", mode="reduce", dtype="int")
def argmin(input: Tensor, dim: Axis = None, keepdim: bool = False) -> Tensor:
    """Where the minimum is: the first place.

    >>> torch.argmin(f32(2, 3))
    >>> f32(2, 3).argmin(1)
    >>> torch.argmin(f32(2, 3), dim=-1, keepdim=True)
    """
    if not keepdim:
        return input.argmin(axis=dim)
    return input.argmin(axis=dim, keepdims=keepdim)


@rule("torch.logsumexp", "torch.Tensor.logsumexp", "torch.special.logsumexp", mode="reduce")
def logsumexp(input: Tensor, dim: Axis, keepdim: bool = False, *, out: Out = None) -> Tensor:
    """Logarithm of the sum of exponentials.

    >>> torch.logsumexp(f32(2, 3), 1)
    >>> f32(2, 3, 4).logsumexp((0, 2), keepdim=True)
    """
    return nnx.logsumexp(input, axis=dim, keepdims=keepdim)


@rule("torch.norm", mode="reduce", dtype="float")
def norm(
    input: Tensor, p="fro", dim: Axis = None, keepdim: bool = False, out: Out = None, dtype: Dtype = None
) -> Tensor:
    """p-norm of all elements or along axes, with the gradient 0 at the zero vector.

    >>> torch.norm(f32(2, 3))
    >>> torch.norm(f32(2, 3, 4), dim=-1, keepdim=True)
    >>> torch.norm(f32(2, 3), p=2, dim=1)
    >>> torch.norm(f32(2, 3), 1)
    >>> torch.norm(f32(2, 3), "nuc")
    >>> torch.norm(f32(2, 3, 4), "nuc", dim=(0, 2), keepdim=True)
    >>> torch.norm(f32(2, 3), 3, 1, True)
    >>> torch.norm(f32(2, 3), p=1, dim=1, keepdim=True)
    """
    if p in (2, "fro", None):
        return helpers.l2_norm(input, axis=dim, keepdims=keepdim)
    if p == 1:
        return helpers.absolute(input).sum(axis=dim, keepdims=keepdim)
    if p == "nuc":
        return jnp.linalg.norm(input, ord="nuc", axis=dim, keepdims=keepdim)
    return helpers.norm(input, p, axis=dim, keepdims=keepdim)


@rule("torch.Tensor.norm", mode="reduce", dtype="float")
def norm_method(self: Tensor, p=2, dim: Axis = None, keepdim: bool = False, dtype: Dtype = None) -> Tensor:
    """p-norm of all elements or along axes, with the gradient 0 at the zero vector.

    >>> f32(2, 3, 4).norm(dim=-1, keepdim=True)
    >>> f32(2, 3).norm('fro')
    >>> f32(2, 3).norm(p=2, dim=1)
    >>> (f32(2, 3) * 0).norm(dim=1)
    >>> f32(2, 3).norm(1)
    >>> f32(2, 3).norm(p=1, dim=1)
    >>> f32(2, 3).norm(3, 1, True)
    >>> f32(2, 3).norm(float('inf'), dim=0)
    >>> f32(2, 3).norm(dim=(0, 1))
    >>> f32(2, 3).norm('nuc')
    >>> f32(2, 3).norm(1, 1, True)
    >>> f32(2, 3, 4).norm("nuc", (0, 2), True)
    """
    if p in (2, "fro", None):
        return helpers.l2_norm(self, axis=dim, keepdims=keepdim)
    if p == 1:
        return helpers.absolute(self).sum(axis=dim, keepdims=keepdim)
    if p == "nuc":
        return jnp.linalg.norm(self, ord="nuc", axis=dim, keepdims=keepdim)
    return helpers.norm(self, p, axis=dim, keepdims=keepdim)


@rule("torch.dist", "torch.Tensor.dist", rank=0, dtype="float")
def dist(input: Tensor, other: Tensor, p=2) -> Tensor:
    """p-norm of a difference.

    >>> torch.dist(f32(2, 3), f32(2, 3))
    >>> f32(2, 3).dist(f32(3), 1)
    """
    if p == 2:
        return helpers.l2_norm(input - other)
    return helpers.norm(input - other, p)


@rule("torch.linalg.vector_norm", mode="reduce", dtype="float")
def vector_norm(
    x: Tensor, ord=2, dim: Axis = None, keepdim: bool = False, *, dtype: Dtype = None, out: Out = None
) -> Tensor:
    """p-norm of vectors.

    >>> torch.linalg.vector_norm(f32(2, 3))
    >>> torch.linalg.vector_norm(f32(2, 3), dim=1, keepdim=True)
    >>> torch.linalg.vector_norm(f32(2, 3), 3, dim=1)
    >>> torch.linalg.vector_norm(f32(2, 3), 3, dim=1, keepdim=True)
    """
    if ord == 2:
        return helpers.l2_norm(x, axis=dim, keepdims=keepdim)
    return helpers.norm(x, ord, axis=dim, keepdims=keepdim)


@rule("torch.median", "torch.Tensor.median", mode="reduce", fields=("values", "indices"))
def median_along(input: Tensor, dim: Axis, keepdim: bool = False, *, out: Out = None) -> (Tensor, Tensor):
    """Lower median along an axis, and where it is.

    >>> torch.median(f32(2, 4), 1)
    >>> f32(3, 2).median(dim=0, keepdim=True)
    """
    return helpers.median_with_indices(input, axis=dim, keepdims=keepdim)


@rule("torch.median", "torch.Tensor.median", mode="reduce")
def median(input: Tensor, dim: Axis = None) -> Tensor:
    """Lower median of all.

    >>> torch.median(f32(2, 3))
    >>> f32(2, 2).median()
    >>> i64(3, 5, high=9).median()
    """
    return helpers.median(input)


@rule("torch.nanmedian", "torch.Tensor.nanmedian", mode="reduce", fields=("values", "indices"))
def nanmedian_along(input: Tensor, dim: Axis, keepdim: bool = False, *, out: Out = None) -> (Tensor, Tensor):
    """Lower median along an axis of what is not NaN, and where it is.

    >>> torch.nanmedian(torch.log(i64(3, 5, high=3).double() - 1), 1)
    >>> f32(3, 2).nanmedian(dim=0, keepdim=True)
    """
    return helpers.nanmedian_with_indices(input, axis=dim, keepdims=keepdim)


@rule("torch.nanmedian", "torch.Tensor.nanmedian", mode="reduce")
def nanmedian(input: Tensor, dim: Axis = None) -> Tensor:
    """Lower median of all that is not NaN.

    >>> torch.nanmedian(torch.log(f32(3, 5)))
    >>> f32(2, 2).nanmedian()
    """
    return helpers.nanmedian(input)


@rule("torch.quantile", "torch.Tensor.quantile", dtype="float")
def quantile(
    input: Tensor, q, dim: Axis = None, keepdim: bool = False, *, interpolation="linear", out: Out = None
) -> Tensor:
    """Quantiles.

    >>> torch.quantile(f32(2, 3), 0.3)
    >>> f32(2, 5).quantile(0.25, dim=1, keepdim=True)
    >>> torch.quantile(f32(2, 5), torch.tensor([0.1, 0.5], dtype=torch.float64), dim=1, interpolation='lower')
    >>> f32(2, 3).sum().quantile(0.25, dim=0, keepdim=True)
    """
    if rank(input) == 0 and dim is not None and keepdim in (True, False):
        return jnp.quantile(input, q, method=interpolation)
    return jnp.quantile(input, q, axis=dim, method=interpolation, keepdims=keepdim)


@rule("torch.nanquantile", "torch.Tensor.nanquantile", dtype="float")
def nanquantile(
    input: Tensor, q, dim: Axis = None, keepdim: bool = False, *, interpolation="linear", out: Out = None
) -> Tensor:
    """Quantiles without the NaNs.

    >>> torch.nanquantile(f32(2, 3), 0.3)
    >>> f32(2, 5).nanquantile(0.25, dim=1)
    >>> f32(2, 5).nanquantile(0.3, 1, True, interpolation="lower")
    >>> f32(2, 3).sum().nanquantile(0.25, dim=0, keepdim=True)
    """
    if rank(input) == 0 and dim is not None and keepdim in (True, False):
        return jnp.nanquantile(input, q, method=interpolation)
    return jnp.nanquantile(input, q, axis=dim, method=interpolation, keepdims=keepdim)


@rule("torch.kthvalue", "torch.Tensor.kthvalue", mode="reduce", fields=("values", "indices"))
def kthvalue(input: Tensor, k, dim: Axis = -1, keepdim: bool = False, *, out: Out = None) -> (Tensor, Tensor):
    """The k-th smallest value, and where it is.

    >>> torch.kthvalue(f32(2, 5), 2)
    >>> f32(5, 2).kthvalue(3, dim=0, keepdim=True)
    """
    return helpers.kth_smallest(input, k, axis=dim, keepdims=keepdim)


@rule("torch.mode", "torch.Tensor.mode", mode="reduce", fields=("values", "indices"))
def mode(input: Tensor, dim: Axis = -1, keepdim: bool = False, *, out: Out = None) -> (Tensor, Tensor):
    """The most frequent value, and where it is.

    >>> torch.mode(i64(3, 9, high=3))[0]
    >>> i64(9, 2, high=3).mode(dim=0, keepdim=True)
    """
    return helpers.mode_with_indices(input, axis=dim, keepdims=keepdim)


@rule("torch.count_nonzero", "torch.Tensor.count_nonzero", mode="reduce", dtype="int")
def count_nonzero(input: Tensor, dim: Axis = None) -> Tensor:
    """Number of elements that are not 0.

    >>> torch.count_nonzero(i64(2, 3, high=2))
    >>> i64(2, 3, high=2).count_nonzero(1)
    """
    return jnp.count_nonzero(input, axis=dim)
