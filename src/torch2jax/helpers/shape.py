"""Splitting, squeezing and windows where PyTorch takes sizes that jax.numpy refuses."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp

from torch2jax.helpers.static import pad_widths, split_points


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))


def split(x: jax.Array, size: int | Sequence[int], axis: int = 0) -> list[jax.Array]:
    """Parts of `size` along `axis`, of which the last may be smaller, or parts of the listed sizes."""
    points = split_points(size) if isinstance(size, Sequence) else list(range(size, x.shape[axis], size))
    return jnp.split(x, points, axis)


def chunk(x: jax.Array, chunks: int, axis: int = 0) -> list[jax.Array]:
    """At most `chunks` parts along `axis`: all of the size that is rounded up, the last one of what is left."""
    size = max(-(-x.shape[axis] // chunks), 1)
    return jnp.split(x, list(range(size, x.shape[axis], size)), axis)


def windows(x: jax.Array, axis: int, size: int, step: int) -> jax.Array:
    """Windows of `size` elements along `axis`, `step` apart: their number replaces the axis, their size comes last."""
    axis %= x.ndim
    starts = jnp.arange(0, x.shape[axis] - size + 1, step)
    return jnp.moveaxis(jnp.take(x, starts[:, None] + jnp.arange(size), axis), axis + 1, -1)


def pad(
    x: jax.Array, widths: Sequence[int], mode: str = "constant", value: float = 0, channel_axis: int = 1
) -> jax.Array:
    """`x` padded by (before, after) of the last axis, of the one before it, and so on; negative widths cut.

    With `channel_axis` -1 the widths are for the axes before the last one.
    """
    pairs = pad_widths(widths, x.ndim, channel_axis)
    grown = [(max(before, 0), max(after, 0)) for before, after in pairs]

    def cut(x: jax.Array) -> jax.Array:
        ends = zip(x.shape, pairs, strict=True)
        return x[tuple(slice(max(-before, 0), size - max(-after, 0)) for size, (before, after) in ends)]

    if mode == "constant":
        return jnp.pad(cut(x), grown, constant_values=value)
    if mode == "edge":  # that of x itself, also where it is cut
        return cut(jnp.pad(x, grown, mode))
    return jnp.pad(cut(x), grown, mode)
