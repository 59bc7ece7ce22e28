"""Reductions that return indices as well, and medians: PyTorch takes the lower one."""

import jax
import jax.numpy as jnp
from jax import lax


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def min_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Minimum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmin(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def max_along_or_of_two(x: jax.Array, other: jax.Array | int) -> jax.Array | tuple[jax.Array, jax.Array]:
    """The greater of two arrays, or, where `other` is an axis, the maximum along it and where it is."""
    return max_with_indices(x, other) if isinstance(other, int) else jnp.maximum(x, other)


def min_along_or_of_two(x: jax.Array, other: jax.Array | int) -> jax.Array | tuple[jax.Array, jax.Array]:
    """The smaller of two arrays, or, where `other` is an axis, the minimum along it and where it is."""
    return min_with_indices(x, other) if isinstance(other, int) else jnp.minimum(x, other)


def sort_with_indices(x: jax.Array, axis: int = -1, descending: bool = False) -> tuple[jax.Array, jax.Array]:
    """`x` sorted along `axis` and the indices that sort it; equal values keep their order."""
    indices = jnp.argsort(x, axis, descending=descending)
    return jnp.take_along_axis(x, indices, axis), indices


def top_k(x: jax.Array, k: int, axis: int = -1, largest: bool = True) -> tuple[jax.Array, jax.Array]:
    """The k largest (or smallest) values along `axis`, in order, and their indices."""
    indices = lax.slice_in_dim(jnp.argsort(x, axis, descending=largest), 0, k, axis=axis)
    return jnp.take_along_axis(x, indices, axis), indices


def kth_smallest(x: jax.Array, k: int, axis: int = -1, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """The k-th smallest value along `axis`, counted from 1, and its index."""
    indices = lax.slice_in_dim(jnp.argsort(x, axis), k - 1, k, axis=axis)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def median(x: jax.Array) -> jax.Array:
    """The lower median of all elements, NaN if there is a NaN; equal values share the gradient."""
    middle = lax.stop_gradient(jnp.sort(x, axis=None)[(x.size - 1) // 2])
    middle = jnp.where(jnp.isnan(x).any(), jnp.nan, middle)
    return jnp.mean(x, where=x == middle).astype(x.dtype)


def median_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """The lower median along `axis` and where it is; a NaN is the median of its row."""
    middle = (x.shape[axis] - 1) // 2
    indices = lax.slice_in_dim(jnp.argsort(x, axis), middle, middle + 1, axis=axis)
    is_nan = jnp.isnan(x)
    indices = jnp.where(is_nan.any(axis, keepdims=True), jnp.argmax(is_nan, axis, keepdims=True), indices)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def mode_with_indices(x: jax.Array, axis: int = -1, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """The most frequent value along `axis` (the smallest of several) and the last place where it stands."""
    rows = jnp.moveaxis(x, axis, -1)
    counts = (rows[..., :, None] == rows[..., None, :]).sum(-1)
    frequent = counts == counts.max(-1, keepdims=True)
    smallest = jnp.argmin(jnp.where(frequent, jnp.argsort(jnp.argsort(rows)), rows.shape[-1]), -1, keepdims=True)
    same = rows == jnp.take_along_axis(rows, smallest, -1)
    indices = rows.shape[-1] - 1 - jnp.argmax(same[..., ::-1], -1, keepdims=True)
    indices = jnp.moveaxis(indices, -1, axis)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def cummax_with_indices(x: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """Running maximum along `axis` and where it was found, the last place for equal values."""
    places = lax.broadcasted_iota(jnp.int32, x.shape, axis % x.ndim)
    indices = lax.cummax(jnp.where(x == lax.cummax(x, axis % x.ndim), places, 0), axis % x.ndim)
    return jnp.take_along_axis(x, indices, axis), indices


def cummin_with_indices(x: jax.Array, axis: int) -> tuple[jax.Array, jax.Array]:
    """Running minimum along `axis` and where it was found, the last place for equal values."""
    places = lax.broadcasted_iota(jnp.int32, x.shape, axis % x.ndim)
    indices = lax.cummax(jnp.where(x == lax.cummin(x, axis % x.ndim), places, 0), axis % x.ndim)
    return jnp.take_along_axis(x, indices, axis), indices


def nanmedian(x: jax.Array) -> jax.Array:
    """The lower median of all elements that are not NaN; equal values share the gradient."""
    middle = lax.stop_gradient(nanmedian_with_indices(x.reshape(-1), 0)[0])
    return jnp.where(jnp.isnan(middle), middle, jnp.mean(x, where=x == middle)).astype(x.dtype)


def nanmedian_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """The lower median along `axis` of what is not NaN, and where it is."""
    count = (~jnp.isnan(x)).sum(axis, keepdims=True)
    indices = jnp.take_along_axis(jnp.argsort(x, axis), jnp.maximum((count - 1) // 2, 0), axis)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))
