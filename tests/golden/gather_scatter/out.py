from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Index(nnx.Module):
    def __init__(self, classes=6, *, rngs: nnx.Rngs):
        self.classes = classes

    def __call__(self, x, ids):
        # x (N, C), ids (N,)
        picked = squeeze(gather(x, 1, ids[:, None]), 1)
        onehot = scatter(jnp.zeros((x.shape[0], self.classes)), 1, ids.reshape(-1, 1), 1.0)
        sums = jnp.zeros((self.classes, x.shape[1])).at[ids].add(x)
        total = scatter_add(jnp.zeros_like(sums), 0, jnp.broadcast_to(ids[:, None], x.shape), x)
        rows = jnp.take(x, clamp(ids, max=x.shape[0] - 1), axis=0)
        order = jnp.argsort(x[:, 0], descending=True)
        top, where = top_k(x, 2, axis=1)
        again = gather(x, 1, jnp.tile(where[:, :1], (1, 2)))
        values, ranks = sort_with_indices(x)
        replaced = jnp.where(ids[:, None] > 1, x, jnp.zeros(()))
        take = jnp.take(x, ids)
        counts = jnp.bincount(ids, minlength=self.classes)
        return picked, onehot, sums, total, rows, x[order], top, again, values, ranks, replaced, take, counts


# Helpers without a Flax equivalent.


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


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


def sort_with_indices(x: jax.Array, axis: int = -1, descending: bool = False) -> tuple[jax.Array, jax.Array]:
    """`x` sorted along `axis` and the indices that sort it; equal values keep their order."""
    indices = jnp.argsort(x, axis, descending=descending)
    return jnp.take_along_axis(x, indices, axis), indices


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))


def top_k(x: jax.Array, k: int, axis: int = -1, largest: bool = True) -> tuple[jax.Array, jax.Array]:
    """The k largest (or smallest) values along `axis`, in order, and their indices."""
    indices = lax.slice_in_dim(jnp.argsort(x, axis, descending=largest), 0, k, axis=axis)
    return jnp.take_along_axis(x, indices, axis), indices
