"""Variances and standard deviations."""

from torch2jax.rulebook import *


@rule("torch.var", "torch.Tensor.var", mode="reduce")
def var(input: Tensor, dim: Axis = None, unbiased: bool = True, keepdim: bool = False) -> Tensor:
    """Variance, divided by n - 1 unless `unbiased` is false.

    >>> torch.var(f32(2, 3))
    >>> f32(2, 3, 4).var(1)
    >>> f32(2, 3, 4).var(dim=(0, 2), unbiased=False, keepdim=True)
    >>> f32(2, 3).var(0, False)
    """
    return input.var(axis=dim, ddof=1 if unbiased else 0, keepdims=keepdim)


@rule("torch.var", "torch.Tensor.var", mode="reduce")
def var_of_all(input: Tensor, unbiased: bool, dim: Axis = None) -> Tensor:
    """Variance of all.

    >>> torch.var(f32(2, 3), False)
    >>> f32(2, 3).var(True)
    """
    return input.var(ddof=1 if unbiased else 0)


@rule("torch.var", "torch.Tensor.var", mode="reduce")
def var_corrected(input: Tensor, dim: Axis = None, *, correction=1, keepdim: bool = False, out: Out = None) -> Tensor:
    """Variance, divided by n - correction.

    >>> f32(2, 3).var(1, correction=0)
    >>> f32(2, 3).var(1, correction=None)
    >>> torch.var(f32(2, 3), dim=0, correction=0, keepdim=True)
    >>> out = torch.empty(2).double()
    >>> torch.var(f32(2, 3).detach(), 1, out=out)
    """
    return input.var(axis=dim, ddof=1 if correction is None else correction, keepdims=keepdim)


@rule("torch.var_mean", mode="reduce")
def var_mean(input: Tensor, dim: Axis = None, unbiased: bool = True, keepdim: bool = False) -> (Tensor, Tensor):
    """Variance and mean.

    >>> torch.var_mean(f32(2, 3))
    >>> torch.var_mean(f32(2, 3, 4), dim=1, unbiased=False, keepdim=True)
    """
    return input.var(axis=dim, ddof=1 if unbiased else 0, keepdims=keepdim), input.mean(axis=dim, keepdims=keepdim)


@rule("torch.var_mean", mode="reduce")
def var_mean_of_all(input: Tensor, unbiased: bool, dim: Axis = None) -> (Tensor, Tensor):
    """Variance and mean of all.

    >>> torch.var_mean(f32(2, 3), False)
    >>> torch.var_mean(f32(2, 3), True)
    """
    return input.var(ddof=1 if unbiased else 0), input.mean()


@rule("torch.var_mean", mode="reduce")
def var_mean_corrected(input: Tensor, dim: Axis = None, *, correction=1, keepdim: bool = False) -> (Tensor, Tensor):
    """Variance and mean.

    >>> torch.var_mean(f32(2, 3), dim=1, correction=0, keepdim=True)
    >>> torch.var_mean(f32(2, 3), correction=None)
    """
    return input.var(axis=dim, ddof=1 if correction is None else correction, keepdims=keepdim), input.mean(
        axis=dim, keepdims=keepdim
    )


@rule("torch.std", "torch.Tensor.std", mode="reduce")
def std(input: Tensor, dim: Axis = None, unbiased: bool = True, keepdim: bool = False) -> Tensor:
    """Standard deviation, divided by n - 1 unless `unbiased` is false; the gradient at 0 is 0.

    >>> torch.std(f32(2, 3))
    >>> f32(2, 3, 4).std(1)
    >>> f32(2, 3, 4).std(dim=(0, 2), unbiased=False, keepdim=True)
    >>> f32(2, 3).std(0, False)
    >>> (f32(2, 3) * 0).std(1)
    """
    return helpers.safe_sqrt(input.var(axis=dim, ddof=1 if unbiased else 0, keepdims=keepdim))


@rule("torch.std", "torch.Tensor.std", mode="reduce")
def std_of_all(input: Tensor, unbiased: bool, dim: Axis = None) -> Tensor:
    """Standard deviation of all.

    >>> torch.std(f32(2, 3), False)
    >>> f32(2, 3).std(True)
    """
    return helpers.safe_sqrt(input.var(ddof=1 if unbiased else 0))


@rule("torch.std", "torch.Tensor.std", mode="reduce")
def std_corrected(input: Tensor, dim: Axis = None, *, correction=1, keepdim: bool = False, out: Out = None) -> Tensor:
    """Standard deviation, divided by n - correction.

    >>> f32(2, 3).std(1, correction=0)
    >>> f32(2, 3).std(1, correction=None)
    >>> torch.std(f32(2, 3), dim=0, correction=0, keepdim=True)
    >>> out = torch.empty(2).double()
    >>> torch.std(f32(2, 3).detach(), 1, out=out)
    """
    return helpers.safe_sqrt(input.var(axis=dim, ddof=1 if correction is None else correction, keepdims=keepdim))


@rule("torch.std_mean", mode="reduce")
def std_mean(input: Tensor, dim: Axis = None, unbiased: bool = True, keepdim: bool = False) -> (Tensor, Tensor):
    """Standard deviation and mean.

    >>> torch.std_mean(f32(2, 3))
    >>> torch.std_mean(f32(2, 3, 4), dim=1, unbiased=False, keepdim=True)
    """
    return helpers.safe_sqrt(input.var(axis=dim, ddof=1 if unbiased else 0, keepdims=keepdim)), input.mean(
        axis=dim, keepdims=keepdim
    )


@rule("torch.std_mean", mode="reduce")
def std_mean_of_all(input: Tensor, unbiased: bool, dim: Axis = None) -> (Tensor, Tensor):
    """Standard deviation and mean of all.

    >>> torch.std_mean(f32(2, 3), False)
    >>> torch.std_mean(f32(2, 3), True)
    """
    return helpers.safe_sqrt(input.var(ddof=1 if unbiased else 0)), input.mean()


@rule("torch.std_mean", mode="reduce")
def std_mean_corrected(input: Tensor, dim: Axis = None, *, correction=1, keepdim: bool = False) -> (Tensor, Tensor):
    """Standard deviation and mean.

    >>> torch.std_mean(f32(2, 3), dim=1, correction=0, keepdim=True)
    >>> torch.std_mean(f32(2, 3), correction=None)
    """
    return helpers.safe_sqrt(
        input.var(axis=dim, ddof=1 if correction is None else correction, keepdims=keepdim)
    ), input.mean(axis=dim, keepdims=keepdim)
