"""Gather and scatter in PyTorch's form: along one axis, with an index that may be smaller than the array."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp
from jax import lax


def masked_set(x: jax.Array, mask: jax.Array, value: jax.Array | float) -> jax.Array:
    """`x` with `value` where `mask`, which covers the first axes of `x`, is true.

    A value that is the same at every place compiles; one for each place of the mask needs to know how many there are.
    """
    value, inner = jnp.asarray(value, x.dtype), x.ndim - mask.ndim
    while value.ndim > inner and value.shape[0] == 1:
        value = value[0]
    if value.ndim > inner:
        return x.at[mask].set(value)
    return jnp.where(jnp.expand_dims(mask, range(mask.ndim, x.ndim)), value, x)


def gather(x: jax.Array, axis: int, index: jax.Array) -> jax.Array:
    """Values of x at `index` along `axis`; on the other axes `index` may be shorter than x, and is not broadcast."""
    if not index.size:  # which may have any number of axes
        return jnp.zeros(index.shape, x.dtype)
    axis %= x.ndim
    window = tuple(slice(None) if i == axis else slice(size) for i, size in enumerate(index.shape))
    return jnp.take_along_axis(x[window], index, axis)


def positions(index: jax.Array, axis: int) -> tuple[jax.Array, ...]:
    """Index of every element of `index` in an array: its own place, but along `axis` the place that it names."""
    places = list(jnp.indices(index.shape, sparse=True))
    places[axis] = index
    return tuple(places)


def source_window(src: jax.Array | float, index: jax.Array) -> jax.Array | float:
    """The part of `src` that belongs to `index`, which may be smaller."""
    return src[tuple(slice(size) for size in index.shape)] if isinstance(src, jax.Array) and src.ndim else src


def scatter(x: jax.Array, axis: int, index: jax.Array, src: jax.Array | float) -> jax.Array:
    """`x` with the values of `src` written at `index` along `axis`."""
    if x.ndim == 0:
        return scatter(x[None], 0, index.ravel(), jnp.ravel(src))[0]
    return x.at[positions(index, axis)].set(source_window(src, index))


def scatter_add(x: jax.Array, axis: int, index: jax.Array, src: jax.Array | float) -> jax.Array:
    """`x` with the values of `src` added at `index` along `axis`; repeated indices add up."""
    if x.ndim == 0:
        return scatter_add(x[None], 0, index.ravel(), jnp.ravel(src))[0]
    return x.at[positions(index, axis)].add(source_window(src, index))


def scatter_multiply(x: jax.Array, axis: int, index: jax.Array, src: jax.Array | float) -> jax.Array:
    """`x` multiplied by the values of `src` at `index` along `axis`; repeated indices multiply up."""
    if x.ndim == 0:
        return scatter_multiply(x[None], 0, index.ravel(), jnp.ravel(src))[0]
    return x.at[positions(index, axis)].multiply(source_window(src, index))


def scatter_reduce(
    x: jax.Array, axis: int, index: jax.Array, src: jax.Array, reduce: str, include_self: bool = True
) -> jax.Array:
    """`x` reduced with the values of `src` at `index` along `axis`: "sum", "prod", "mean", "amax" or "amin".

    Without `include_self` the elements that are written to start anew. Equal extremes share the gradient.
    """
    if x.ndim == 0:
        return scatter_reduce(x[None], 0, index.ravel(), src.ravel(), reduce, include_self)[0]
    at, src = positions(index, axis), src[tuple(slice(size) for size in index.shape)]
    if not include_self:
        neutral = {"sum": 0, "mean": 0, "prod": 1, "amax": -jnp.inf, "amin": jnp.inf}[reduce]
        x = x.at[at].set(neutral)
    if reduce == "sum":
        return x.at[at].add(src)
    if reduce == "prod":
        return multiply_at(x, axis, index, src)
    if reduce == "mean":
        written = jnp.zeros(x.shape, x.dtype).at[at].add(1)
        return x.at[at].add(src) / (written + 1 if include_self else jnp.maximum(written, 1))
    best = x.at[at].max(src) if reduce == "amax" else x.at[at].min(src)
    best = lax.stop_gradient(best)
    own, equal = x == best, src == best[at]
    shares = own.astype(x.dtype).at[at].add(equal)
    return jnp.where(own, x, 0).at[at].add(jnp.where(equal, src, 0)) / shares


def index_reduce(
    x: jax.Array, axis: int, index: jax.Array, source: jax.Array, reduce: str, include_self: bool = True
) -> jax.Array:
    """`x` with the slices at `index` along `axis` reduced with those of `source`, as `scatter_reduce` does."""
    sizes = [1] * source.ndim
    sizes[axis] = -1
    return scatter_reduce(x, axis, jnp.broadcast_to(index.reshape(sizes), source.shape), source, reduce, include_self)


def multiply_at(x: jax.Array, axis: int, index: jax.Array, src: jax.Array) -> jax.Array:
    """`x` multiplied by `src` at `index` along `axis`, differentiably: every place is compared with every index."""
    places, factors = jnp.moveaxis(index, axis, -1)[..., None, :], jnp.moveaxis(src, axis, -1)[..., None, :]
    product = jnp.where(places == jnp.arange(x.shape[axis])[:, None], factors, 1).prod(-1)
    product = jnp.moveaxis(product, -1, axis)
    corner = tuple(slice(size) for size in product.shape)
    return x.at[corner].set(x[corner] * product)


def along(axis: int, index: jax.Array) -> tuple[slice | jax.Array, ...]:
    """The index that takes everything on the axes before `axis` >= 0 and `index` there: (:, ..., :, index)."""
    return (slice(None),) * axis + (index,)


def index_add(x: jax.Array, axis: int, index: jax.Array, source: jax.Array, alpha: float = 1) -> jax.Array:
    """`x` with `alpha` times the slices of `source` added at `index` along `axis`; repeated indices add up."""
    return x.at[along(axis % x.ndim, index)].add(alpha * source)


def index_copy(x: jax.Array, axis: int, index: jax.Array, source: jax.Array) -> jax.Array:
    """`x` with the slices of `source` written at `index` along `axis`."""
    return x.at[along(axis % x.ndim, index)].set(source)


def index_fill(x: jax.Array, axis: int, index: jax.Array, value: jax.Array | float) -> jax.Array:
    """`x` with `value` written to the slices at `index` along `axis`."""
    return x.at[along(axis % x.ndim, index)].set(value)


def masked_select(x: jax.Array, mask: jax.Array) -> jax.Array:
    """The elements of x where `mask` is true, as a vector; the two are broadcast first."""
    x, mask = jnp.broadcast_arrays(x, mask.astype(bool))
    return x[mask]


def masked_scatter(x: jax.Array, mask: jax.Array, source: jax.Array) -> jax.Array:
    """`x` with the elements of `source`, in their order, written where `mask` is true."""
    x, mask = jnp.broadcast_arrays(x, mask.astype(bool))
    place = jnp.cumsum(mask.ravel()).reshape(mask.shape) - 1
    return jnp.where(mask, jnp.ravel(source)[jnp.maximum(place, 0)], x)


def put(x: jax.Array, index: jax.Array, source: jax.Array, accumulate: bool = False) -> jax.Array:
    """x, seen as a vector, with `source` written (or added) at `index`."""
    flat = x.ravel().at[index.ravel()]
    return (flat.add(source.ravel()) if accumulate else flat.set(source.ravel())).reshape(x.shape)


def search_rows(
    sorted_sequence: jax.Array, values: jax.Array, side: str = "left", sorter: jax.Array | None = None
) -> jax.Array:
    """`jnp.searchsorted` of every row of `values` in the row of `sorted_sequence` at the same place."""
    if sorter is not None:
        sorted_sequence = jnp.take_along_axis(sorted_sequence, sorter, -1)
    search: Callable[[jax.Array, jax.Array], jax.Array] = partial(jnp.searchsorted, side=side)
    for _ in range(sorted_sequence.ndim - 1):
        search = jax.vmap(search)
    return search(sorted_sequence, values)


def unique_consecutive(x: jax.Array, axis: int | None = None) -> tuple[jax.Array, jax.Array, jax.Array]:
    """`x` without repeats of the slice before along `axis`, the place of each slice in it, and the lengths of the runs.

    Without an axis it is all elements in a row; their places have the shape of `x`.
    """
    rows = x.ravel() if axis is None else jnp.moveaxis(x, axis, 0)
    changes = (rows[1:] != rows[:-1]).any(range(1, rows.ndim))
    starts = jnp.concatenate([jnp.ones(min(len(rows), 1), bool), changes])
    inverse = jnp.cumsum(starts) - 1
    counts = jnp.bincount(inverse, length=int(starts.sum()))
    if axis is None:
        return rows[starts], inverse.reshape(x.shape), counts
    return jnp.moveaxis(rows[starts], 0, axis), inverse, counts


def nonzero_static(x: jax.Array, size: int, fill_value: int = -1) -> jax.Array:
    """Indices of the elements that are not 0, one a row, cut or filled up to `size` rows, also of an empty array.

    There `jnp.argwhere` fills up with 0 whatever `fill_value` is.
    """
    if x.size == 0:
        return jnp.full((size, x.ndim), fill_value)
    return jnp.argwhere(x, size=size, fill_value=fill_value)


def histc(x: jax.Array, bins: int) -> jax.Array:
    """How many elements are in each of equal bins from the least to the greatest one; none of no elements."""
    counts = jnp.histogram(x, bins)[0] if x.size else jnp.zeros(bins)
    return counts.astype(x.dtype)
