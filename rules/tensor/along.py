"""Sorting, running sums and other functions along one axis."""

from torch2jax.rulebook import *


@rule("torch.cumsum", "torch.Tensor.cumsum", mode="along")
def cumsum(input: Tensor, dim: Axis, *, dtype: Dtype = None, out: Out = None) -> Tensor:
    """Running sum.

    >>> torch.cumsum(f32(2, 3), dim=1)
    >>> f32(2, 3).cumsum(0)
    >>> b8(2, 3).cumsum(-1)
    >>> i64(2, 3, high=5).cumsum(1, dtype=torch.float64)
    """
    return input.cumsum(axis=dim, dtype=dtype)


@rule("torch.cumprod", "torch.Tensor.cumprod", mode="along")
def cumprod(input: Tensor, dim: Axis, *, dtype: Dtype = None, out: Out = None) -> Tensor:
    """Running product.

    >>> torch.cumprod(f32(2, 3), dim=1)
    >>> f32(2, 3).cumprod(0)
    >>> torch.cumprod(i64(2, 3, high=5), 1, dtype=torch.float64)
    """
    return input.cumprod(axis=dim, dtype=dtype)


@rule("torch.cummax", "torch.Tensor.cummax", mode="along", fields=("values", "indices"))
def cummax(input: Tensor, dim: Axis, *, out: Out = None) -> (Tensor, Tensor):
    """Running maximum, and where it was found.

    >>> torch.cummax(f32(2, 5), dim=1)
    >>> f32(5, 2).cummax(0)[0]
    """
    return helpers.cummax_with_indices(input, axis=dim)


@rule("torch.cummin", "torch.Tensor.cummin", mode="along", fields=("values", "indices"))
def cummin(input: Tensor, dim: Axis, *, out: Out = None) -> (Tensor, Tensor):
    """Running minimum, and where it was found.

    >>> torch.cummin(f32(2, 5), dim=1)
    >>> f32(5, 2).cummin(0)[0]
    """
    return helpers.cummin_with_indices(input, axis=dim)


@rule("torch.logcumsumexp", "torch.Tensor.logcumsumexp", mode="along", dtype="float")
def logcumsumexp(input: Tensor, dim: Axis, *, out: Out = None) -> Tensor:
    """Logarithm of the running sum of exponentials.

    >>> torch.logcumsumexp(f32(2, 3), dim=1)
    """
    return lax.cumlogsumexp(input, axis=dim % rank(input))


@rule("torch.diff", "torch.Tensor.diff", mode="along")
def diff(input: Tensor, n=1, dim: Axis = -1, prepend: Tensor = None, append: Tensor = None) -> Tensor:
    """Differences of neighbours.

    >>> torch.diff(f32(2, 5))
    >>> f32(5, 2).diff(dim=0)
    >>> torch.diff(f32(2, 5), n=2)
    >>> torch.diff(f32(2, 5), prepend=f32(2, 1), append=f32(2, 2))
    """
    return jnp.diff(input, n=n, axis=dim, prepend=prepend, append=append)


@rule(
    "torch.softmax",
    "torch.Tensor.softmax",
    "torch.nn.functional.softmax",
    "torch.special.softmax",
    mode="along",
    dtype="float",
)
def softmax(input: Tensor, dim: Axis = None, _stacklevel: Ignored = 3, dtype: Dtype = None) -> Tensor:
    """Exponentials divided by their sum.

    >>> torch.softmax(f32(2, 3), 1)
    >>> f32(2, 3).softmax(dim=-1)
    >>> F.softmax(f32(2, 3), dim=0)
    >>> f32(2, 3).softmax(-1, dtype=torch.float64)
    >>> F.softmax(f32(6).view(2, 3))
    >>> F.softmax(f32(2, 3))
    >>> F.softmax(f32(2, 3, 4))
    >>> i64(2, 3, high=5).softmax(1, dtype=torch.float64)
    >>> F.softmax(f32(6).view(2, 3), dim=0), F.softmax(f32(120).view(2, 3, 4, 5))
    >>> F.softmax(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    if dtype is not None:
        return nnx.softmax(input.astype(dtype), axis=dim)
    if dim is None and rank(input) in (2, 4):
        return nnx.softmax(input, axis=1)
    if dim is None:
        return nnx.softmax(input, axis=0 if rank(input) in (0, 1, 3) else 1)
    return nnx.softmax(input, axis=dim)


@rule(
    "torch.log_softmax",
    "torch.Tensor.log_softmax",
    "torch.nn.functional.log_softmax",
    "torch.special.log_softmax",
    mode="along",
    dtype="float",
)
def log_softmax(input: Tensor, dim: Axis = None, _stacklevel: Ignored = 3, dtype: Dtype = None) -> Tensor:
    """Logarithm of softmax.

    >>> torch.log_softmax(f32(2, 3), 1)
    >>> f32(2, 3).log_softmax(dim=-1)
    >>> F.log_softmax(f32(2, 3), dim=0)
    >>> f32(2, 3).log_softmax(-1, dtype=torch.float64)
    >>> F.log_softmax(f32(6).view(2, 3))
    >>> F.log_softmax(f32(2, 3))
    >>> F.log_softmax(f32(2, 3, 4))
    >>> i64(2, 3, high=5).log_softmax(1, dtype=torch.float64)
    >>> F.log_softmax(f32(6).view(2, 3), dim=0), F.log_softmax(f32(120).view(2, 3, 4, 5))
    >>> F.log_softmax(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    if dtype is not None:
        return nnx.log_softmax(input.astype(dtype), axis=dim)
    if dim is None and rank(input) in (2, 4):
        return nnx.log_softmax(input, axis=1)
    if dim is None:
        return nnx.log_softmax(input, axis=0 if rank(input) in (0, 1, 3) else 1)
    return nnx.log_softmax(input, axis=dim)


@rule("torch.nn.functional.softmin", mode="along", dtype="float")
def softmin(input: Tensor, dim: Axis = None, _stacklevel: Ignored = 3, dtype: Dtype = None) -> Tensor:
    """Softmax of the negatives.

    >>> F.softmin(f32(2, 3), dim=1)
    >>> F.softmin(f32(2, 3), dim=0, dtype=torch.float64)
    >>> F.softmin(f32(2, 3))
    >>> F.softmin(i64(2, 3, high=5), dim=1, dtype=torch.float64)
    >>> F.softmin(f32(2, 3).half(), dim=1, dtype=torch.float64).dtype
    >>> F.softmin(f32(2, 3), dim=0)
    """
    if dtype is not None:
        return nnx.softmax(-input.astype(dtype), axis=dim)
    if dim is None:
        raise Unsupported("the axis is missing", "write dim=...")
    return nnx.softmax(-input, axis=dim)


@rule("torch.sort", "torch.Tensor.sort", mode="along", fields=("values", "indices"))
def sort(
    input: Tensor, dim: Axis = -1, descending: bool = False, stable: Ignored = False, *, out: Out = None
) -> (Tensor, Tensor):
    """Sorted values and the indices that sort.

    >>> torch.sort(f32(2, 5))
    >>> f32(5, 2).sort(0, descending=True)
    >>> i64(2, 5, high=3).sort(stable=True)
    >>> torch.sort(f32(2, 5), descending=True)[0]
    """
    return helpers.sort_with_indices(input, axis=dim, descending=descending)


@rule("torch.argsort", "torch.Tensor.argsort", mode="along", dtype="int")
def argsort(input: Tensor, dim: Axis = -1, descending: bool = False, stable: Ignored = False) -> Tensor:
    """The indices that sort.

    >>> torch.argsort(f32(2, 5))
    >>> f32(5, 2).argsort(0, descending=True)
    >>> torch.argsort(f32(2, 5), dim=1, stable=True)
    """
    return jnp.argsort(input, axis=dim, descending=descending)


@rule("torch.msort", "torch.Tensor.msort", rank=rank(input))
def msort(input: Tensor, *, out: Out = None) -> Tensor:
    """Sorted along the first axis.

    >>> torch.msort(f32(5, 2))
    >>> f32(5, 2).msort()
    """
    return jnp.sort(input, axis=0)


@rule("torch.topk", "torch.Tensor.topk", mode="along", fields=("values", "indices"))
def topk(
    input: Tensor, k, dim: Axis = -1, largest: bool = True, sorted: Ignored = True, *, out: Out = None
) -> (Tensor, Tensor):
    """The k greatest (or smallest) values and their indices.

    >>> torch.topk(f32(2, 5), 3)
    >>> f32(2, 5).topk(2, dim=-1)
    >>> f32(5, 2).topk(2, dim=0)
    >>> torch.topk(f32(2, 5), k=2, largest=False)
    >>> f32(2, 5).topk(3)[1]
    """
    if dim == -1 and largest:
        return lax.top_k(input, k)
    return helpers.top_k(input, k, axis=dim, largest=largest)


@rule("torch.renorm", "torch.Tensor.renorm", rank=rank(input))
def renorm(input: Tensor, p, dim, maxnorm) -> Tensor:
    """Slices scaled down to a norm.

    >>> torch.renorm(f32(2, 3), 2, 0, 1.0)
    """
    return helpers.renorm(input, p, axis=dim, max_norm=maxnorm)


@rule("torch.trapezoid", "torch.trapz")
def trapezoid(y: Tensor, x: Tensor = None, *, dx=1.0, dim: Axis = -1) -> Tensor:
    """Integral by the trapezoidal rule.

    >>> torch.trapezoid(f32(2, 5))
    >>> torch.trapezoid(f32(2, 5), dx=0.3)
    >>> torch.trapezoid(f32(2, 5), f32(2, 5))
    >>> torch.trapezoid(f32(2, 5), dim=0)
    """
    return jnp.trapezoid(y, x, dx=dx, axis=dim)
