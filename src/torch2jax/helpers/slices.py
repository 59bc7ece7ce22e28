"""Arrays of which a part is replaced, and what sums back what was broadcast."""

import itertools
from collections.abc import Sequence

import jax
import jax.numpy as jnp


def select_scatter(x: jax.Array, source: jax.Array, axis: int, index: int) -> jax.Array:
    """`x` with one slice along `axis` replaced."""
    return jnp.moveaxis(jnp.moveaxis(x, axis, 0).at[index].set(source), 0, axis)


def slice_scatter(
    x: jax.Array, source: jax.Array, axis: int = 0, start: int | None = None, end: int | None = None, step: int = 1
) -> jax.Array:
    """`x` with the slices from `start` to `end` along `axis` replaced."""
    rows = jnp.moveaxis(x, axis, 0).at[start:end:step].set(jnp.moveaxis(source, axis, 0))
    return jnp.moveaxis(rows, 0, axis)


def diagonal_scatter(x: jax.Array, source: jax.Array, offset: int = 0, axis1: int = 0, axis2: int = 1) -> jax.Array:
    """`x` with the diagonals of two axes replaced by the last axis of `source`."""
    matrices = jnp.moveaxis(x, (axis1, axis2), (-2, -1))
    steps = jnp.arange(source.shape[-1])
    matrices = matrices.at[..., steps + max(-offset, 0), steps + max(offset, 0)].set(source)
    return jnp.moveaxis(matrices, (-2, -1), (axis1, axis2))


def sum_to_size(x: jax.Array, shape: Sequence[int]) -> jax.Array:
    """`x` summed over the axes along which an array of this shape was broadcast."""
    leading = x.ndim - len(shape)
    axes = [leading + place for place, size in enumerate(shape) if size == 1]
    return x.sum((*range(leading), *axes)).reshape(shape)


def combinations(x: jax.Array, r: int = 2, with_replacement: bool = False) -> jax.Array:
    """All combinations of `r` elements of a vector, one a row."""
    choose = itertools.combinations_with_replacement if with_replacement else itertools.combinations
    places = list(choose(range(x.shape[0]), r)) if r else []
    return x[jnp.array(places, int).reshape(-1, r)] if places else jnp.zeros((0, r) if r else 0, x.dtype)


def cumulative_trapezoid(y: jax.Array, x: jax.Array | None = None, dx: float = 1.0, axis: int = -1) -> jax.Array:
    """Running integral by trapezoids along `axis`, over the places `x` or steps of `dx`."""
    y = jnp.moveaxis(y, axis, -1)
    width = dx if x is None else jnp.diff(x if x.ndim == 1 else jnp.moveaxis(x, axis, -1))
    return jnp.moveaxis(jnp.cumsum((y[..., 1:] + y[..., :-1]) * width / 2, -1), -1, axis)


def gradient(x: jax.Array, spacing: float = 1.0, axis: int | Sequence[int] | None = None) -> list[jax.Array]:
    """Slopes along `axis`, always as a list."""
    slopes = jnp.gradient(x, spacing, axis=axis)
    return slopes if isinstance(slopes, list) else [slopes]


def histogram(
    x: jax.Array,
    bins: int | jax.Array,
    range: Sequence[float] | None = None,
    weights: jax.Array | None = None,
    density: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """How much is in each bin, as floats, and the edges of the bins."""
    weights = None if weights is None else weights.reshape(-1)
    counts, edges = jnp.histogram(x.reshape(-1), bins, range, weights, density)
    return counts.astype(x.dtype), edges.astype(x.dtype)
