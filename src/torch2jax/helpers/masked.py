"""Reductions and normalisations of the elements that a mask keeps: the functions of `torch.masked`."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp
from jax.typing import DTypeLike

from torch2jax.helpers.linalg import norm

Axes = int | Sequence[int] | None


def kept(x: jax.Array, mask: jax.Array | None, neutral: float) -> jax.Array:
    """`x` with a neutral value where the mask is false; for integers an infinite one is their bound."""
    if mask is None:
        return x
    if jnp.issubdtype(x.dtype, jnp.integer) and abs(neutral) == float("inf"):
        bounds = jnp.iinfo(x.dtype)  # type: ignore[no-untyped-call]
        return jnp.where(mask, x, bounds.max if neutral > 0 else bounds.min)
    return jnp.where(mask, x, jnp.asarray(neutral, x.dtype))


def all_axes(x: jax.Array, axis: Axes) -> tuple[int, ...]:
    """The axes to reduce: all for None and for an empty tuple, none of a scalar."""
    if not x.ndim or axis is None or axis == ():
        return tuple(range(x.ndim))
    return (axis,) if isinstance(axis, int) else tuple(axis)


def masked_sum(
    x: jax.Array,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Sum of the elements that the mask keeps."""
    return kept(x, mask, 0).sum(all_axes(x, axis), keepdims=keepdims, dtype=dtype)


def masked_prod(
    x: jax.Array,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Product of the elements that the mask keeps."""
    return kept(x, mask, 1).prod(all_axes(x, axis), keepdims=keepdims, dtype=dtype)


def masked_amax(
    x: jax.Array,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Maximum of the elements that the mask keeps."""
    return kept(x, mask, -jnp.inf).max(all_axes(x, axis), keepdims=keepdims).astype(dtype or x.dtype)


def masked_amin(
    x: jax.Array,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Minimum of the elements that the mask keeps."""
    return kept(x, mask, jnp.inf).min(all_axes(x, axis), keepdims=keepdims).astype(dtype or x.dtype)


def masked_arg(
    x: jax.Array,
    axis: int | None = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
    largest: bool = True,
) -> jax.Array:
    """Where the extreme of the elements that the mask keeps is, in the dtype of x, as in PyTorch."""
    rows = kept(x, mask, -jnp.inf if largest else jnp.inf)
    rows = rows if x.ndim else rows[None]
    found = (jnp.argmax if largest else jnp.argmin)(rows, axis, keepdims=keepdims and bool(x.ndim))
    return found.astype(dtype or x.dtype)


def masked_mean(
    x: jax.Array,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Mean of the elements that the mask keeps; NaN where it keeps none."""
    count = masked_sum(jnp.ones(x.shape, int), axis, keepdims, mask=mask)
    return masked_sum(x, axis, keepdims, dtype, mask) / count


def masked_variance(
    x: jax.Array,
    axis: Axes = None,
    correction: float = 1,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
) -> jax.Array:
    """Variance of the elements that the mask keeps."""
    count = masked_sum(jnp.ones(x.shape, int), axis, True, mask=mask)
    centred = x - masked_sum(x, axis, True, dtype, mask) / count
    total = masked_sum(centred * centred.conj(), axis, keepdims, dtype, mask)
    return total / jnp.maximum(count.reshape(total.shape) - correction, 0)


def masked_norm(
    x: jax.Array,
    p: float = 2.0,
    axis: Axes = None,
    keepdims: bool = False,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
) -> jax.Array:
    """p-norm of the elements that the mask keeps."""
    rows = kept(x, mask, jnp.inf if p == -float("inf") else 0)
    return norm(rows.astype(dtype or x.dtype), p, all_axes(x, axis), keepdims)


def masked_logsumexp(
    x: jax.Array, axis: Axes = None, keepdims: bool = False, mask: jax.Array | None = None
) -> jax.Array:
    """Logarithm of the sum of the exponentials of the elements that the mask keeps."""
    return jax.nn.logsumexp(kept(x, mask, -jnp.inf), all_axes(x, axis), keepdims=keepdims)


def masked_softmax(x: jax.Array, axis: int, dtype: DTypeLike | None = None, mask: jax.Array | None = None) -> jax.Array:
    """Softmax over the elements that the mask keeps; NaN where it keeps none."""
    return jax.nn.softmax(kept(x, mask, -jnp.inf).astype(dtype or x.dtype), all_axes(x, axis))


def masked_log_softmax(
    x: jax.Array, axis: int, dtype: DTypeLike | None = None, mask: jax.Array | None = None
) -> jax.Array:
    """Logarithm of `masked_softmax`."""
    return jax.nn.log_softmax(kept(x, mask, -jnp.inf).astype(dtype or x.dtype), all_axes(x, axis))


def masked_normalize(
    x: jax.Array,
    p: float,
    axis: int,
    eps: float = 1e-12,
    dtype: DTypeLike | None = None,
    mask: jax.Array | None = None,
) -> jax.Array:
    """The elements that the mask keeps, divided by their p-norm along an axis."""
    return kept(x, mask, 0) / jnp.maximum(masked_norm(x, p, axis, True, dtype, mask), eps)


def masked_cumulative(
    x: jax.Array, axis: int, dtype: DTypeLike | None = None, mask: jax.Array | None = None, product: bool = False
) -> jax.Array:
    """Running sum or product of the elements that the mask keeps."""
    rows = kept(x, mask, 1 if product else 0).astype(dtype or x.dtype)
    if not x.ndim:
        return rows
    return (jnp.cumprod if product else jnp.cumsum)(rows, axis)


def masked_logaddexp(
    x: jax.Array,
    y: jax.Array,
    dtype: DTypeLike | None = None,
    x_mask: jax.Array | None = None,
    y_mask: jax.Array | None = None,
) -> jax.Array:
    """log(exp(x) + exp(y)) of the elements that the masks keep."""
    return jnp.logaddexp(kept(x, x_mask, -jnp.inf), kept(y, y_mask, -jnp.inf)).astype(dtype or x.dtype)
