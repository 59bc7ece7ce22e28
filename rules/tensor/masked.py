"""Reductions and normalisations under a mask: torch.masked."""

from torch2jax.rulebook import *


@rule("torch.masked.sum")
def sum(input: Tensor, dim=None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Sum of what the mask keeps.

    >>> torch.masked.sum(f32(2, 3), mask=b8(2, 3))
    >>> torch.masked.sum(f32(2, 3), 1, keepdim=True, mask=b8(3))
    >>> torch.masked.sum(f32(2, 3), (0, 1))
    >>> torch.masked.sum(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_sum(input, axis=dim, keepdims=keepdim, dtype=dtype, mask=mask)


@rule("torch.masked.prod")
def prod(input: Tensor, dim=None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Product of what the mask keeps.

    >>> torch.masked.prod(f32(2, 3), mask=b8(2, 3))
    >>> torch.masked.prod(f32(2, 3), 1, keepdim=True, mask=b8(3))
    >>> torch.masked.prod(f32(2, 3), (0, 1))
    >>> torch.masked.prod(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_prod(input, axis=dim, keepdims=keepdim, dtype=dtype, mask=mask)


@rule("torch.masked.amax")
def amax(input: Tensor, dim=None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Maximum of what the mask keeps.

    >>> torch.masked.amax(f32(2, 3), mask=b8(2, 3))
    >>> torch.masked.amax(f32(2, 3), 1, keepdim=True, mask=b8(3))
    >>> torch.masked.amax(f32(2, 3), (0, 1))
    >>> torch.masked.amax(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_amax(input, axis=dim, keepdims=keepdim, dtype=dtype, mask=mask)


@rule("torch.masked.amin")
def amin(input: Tensor, dim=None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Minimum of what the mask keeps.

    >>> torch.masked.amin(f32(2, 3), mask=b8(2, 3))
    >>> torch.masked.amin(f32(2, 3), 1, keepdim=True, mask=b8(3))
    >>> torch.masked.amin(f32(2, 3), (0, 1))
    >>> torch.masked.amin(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_amin(input, axis=dim, keepdims=keepdim, dtype=dtype, mask=mask)


@rule("torch.masked.mean")
def mean(input: Tensor, dim=None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Mean of what the mask keeps.

    >>> torch.masked.mean(f32(2, 3), mask=b8(2, 3))
    >>> torch.masked.mean(f32(2, 3), 1, keepdim=True, mask=b8(3))
    >>> torch.masked.mean(f32(2, 3), (0, 1))
    >>> torch.masked.mean(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_mean(input, axis=dim, keepdims=keepdim, dtype=dtype, mask=mask)


@rule("torch.masked.argmax")
def argmax(input: Tensor, dim=None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Where the maximum of what the mask keeps is.

    >>> torch.masked.argmax(f32(2, 3), mask=b8(2, 3))
    >>> torch.masked.argmax(f32(2, 3), 1, keepdim=True, mask=b8(3))
    >>> torch.masked.argmax(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_arg(input, axis=dim, keepdims=keepdim, dtype=dtype, mask=mask)


@rule("torch.masked.argmin")
def argmin(input: Tensor, dim=None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Where the minimum of what the mask keeps is.

    >>> torch.masked.argmin(f32(2, 3), mask=b8(2, 3))
    >>> torch.masked.argmin(f32(2, 3), 1, keepdim=True, mask=b8(3))
    >>> torch.masked.argmin(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    >>> torch.masked.argmin(f32(4, 5), 1, mask=b8(4, 5))
    """
    return helpers.masked_arg(input, axis=dim, keepdims=keepdim, dtype=dtype, mask=mask, largest=False)


@rule("torch.masked.logsumexp")
def logsumexp(input: Tensor, dim=None, *, keepdim: bool = False, dtype: Ignored = None, mask: Tensor = None) -> Tensor:
    """Logarithm of the sum of exponentials of what the mask keeps.

    >>> torch.masked.logsumexp(f32(2, 3), 1, mask=b8(2, 3))
    >>> torch.masked.logsumexp(f32(2, 3), 0, keepdim=True)
    """
    return helpers.masked_logsumexp(input, axis=dim, keepdims=keepdim, mask=mask)


@rule("torch.masked.norm")
def norm(
    input: Tensor, ord=2.0, dim=None, *, keepdim: bool = False, dtype: Dtype = None, mask: Tensor = None
) -> Tensor:
    """Norm of what the mask keeps.

    >>> torch.masked.norm(f32(2, 3), 2.0, 1, mask=b8(2, 3))
    >>> torch.masked.norm(f32(2, 3), 1.0, mask=b8(3))
    >>> torch.masked.norm(f32(2, 3), 2.0, 1, keepdim=True)
    >>> torch.masked.norm(f32(2, 3).half(), 2.0, 1, dtype=torch.float64).dtype
    """
    return helpers.masked_norm(input, ord, axis=dim, keepdims=keepdim, dtype=dtype, mask=mask)


@rule("torch.masked.var")
def var(
    input: Tensor,
    dim=None,
    unbiased=None,
    *,
    correction=None,
    keepdim: bool = False,
    dtype: Dtype = None,
    mask: Tensor = None,
) -> Tensor:
    """Variance of what the mask keeps.

    >>> torch.masked.var(f32(2, 5), 1, mask=b8(5))
    >>> torch.masked.var(f32(2, 3), unbiased=False, keepdim=True)
    >>> torch.masked.var(f32(2, 3), 1, correction=0)
    >>> torch.masked.var(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_variance(
        input,
        axis=dim,
        correction=helpers.variance_correction(unbiased, correction),
        keepdims=keepdim,
        dtype=dtype,
        mask=mask,
    )


@rule("torch.masked.std")
def std(
    input: Tensor,
    dim=None,
    unbiased=None,
    *,
    correction=None,
    keepdim: bool = False,
    dtype: Dtype = None,
    mask: Tensor = None,
) -> Tensor:
    """Standard deviation of what the mask keeps.

    >>> torch.masked.std(f32(2, 5), 1, mask=b8(5))
    >>> torch.masked.std(f32(2, 3), unbiased=False, keepdim=True)
    >>> torch.masked.std(f32(2, 3), 1, correction=0)
    >>> torch.masked.std(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return jnp.sqrt(
        helpers.masked_variance(
            input,
            axis=dim,
            correction=helpers.variance_correction(unbiased, correction),
            keepdims=keepdim,
            dtype=dtype,
            mask=mask,
        )
    )


@rule("torch.masked.softmax")
def softmax(input: Tensor, dim, *, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Softmax over what the mask keeps.

    >>> torch.masked.softmax(f32(2, 3), 1, mask=b8(2, 3))
    >>> torch.masked.softmax(f32(2, 3), 0)
    >>> torch.masked.softmax(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_softmax(input, dim, dtype=dtype, mask=mask)


@rule("torch.masked.log_softmax")
def log_softmax(input: Tensor, dim, *, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Logarithm of softmax over what the mask keeps.

    >>> torch.masked.log_softmax(f32(2, 3), 1, mask=b8(2, 3))
    >>> torch.masked.log_softmax(f32(2, 3), 0)
    >>> torch.masked.log_softmax(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_log_softmax(input, dim, dtype=dtype, mask=mask)


@rule("torch.masked.softmin")
def softmin(input: Tensor, dim, *, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Softmax of the negatives over what the mask keeps.

    >>> torch.masked.softmin(f32(2, 3), 1, mask=b8(2, 3))
    >>> torch.masked.softmin(f32(2, 3), 0)
    >>> torch.masked.softmin(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_softmax(-input, dim, dtype=dtype, mask=mask)


@rule("torch.masked.cumsum")
def cumsum(input: Tensor, dim, *, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Running sum of what the mask keeps.

    >>> torch.masked.cumsum(f32(2, 3), 1, mask=b8(2, 3))
    >>> torch.masked.cumsum(f32(2, 3), 0)
    >>> torch.masked.cumsum(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_cumulative(input, dim, dtype=dtype, mask=mask)


@rule("torch.masked.cumprod")
def cumprod(input: Tensor, dim, *, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """Running product of what the mask keeps.

    >>> torch.masked.cumprod(f32(2, 3), 1, mask=b8(2, 3))
    >>> torch.masked.cumprod(f32(2, 3), 0)
    >>> torch.masked.cumprod(f32(2, 3).half(), 1, dtype=torch.float64).dtype
    """
    return helpers.masked_cumulative(input, dim, dtype=dtype, mask=mask, product=True)


@rule("torch.masked.normalize")
def normalize(input: Tensor, ord, dim, *, eps=1e-12, dtype: Dtype = None, mask: Tensor = None) -> Tensor:
    """What the mask keeps, divided by its norm.

    >>> torch.masked.normalize(f32(2, 3), 2.0, 1, mask=b8(2, 3))
    >>> torch.masked.normalize(f32(2, 3), 1.0, 0)
    >>> torch.masked.normalize(f32(2, 3), 2.0, 1, eps=5.0)
    >>> torch.masked.normalize(f32(2, 3).half(), 2.0, 1, dtype=torch.float64).dtype
    """
    return helpers.masked_normalize(input, ord, dim, eps=eps, dtype=dtype, mask=mask)


@rule("torch.masked.logaddexp")
def logaddexp(
    input: Tensor, other: Tensor, *, dtype: Dtype = None, input_mask: Tensor = None, other_mask: Tensor = None
) -> Tensor:
    """log(exp(x) + exp(y)) of what the masks keep.

    >>> torch.masked.logaddexp(f32(2, 3), f32(2, 3), input_mask=b8(2, 3))
    >>> torch.masked.logaddexp(f32(2, 3), f32(2, 3), other_mask=b8(3))
    >>> torch.masked.logaddexp(f32(2, 3).half(), f32(2, 3).half(), dtype=torch.float64).dtype
    """
    return helpers.masked_logaddexp(input, other, dtype=dtype, x_mask=input_mask, y_mask=other_mask)
