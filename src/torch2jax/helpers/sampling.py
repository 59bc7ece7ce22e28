"""Sampling images at given places, and cutting them into patches."""

import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp

from torch2jax.helpers.conv import spread
from torch2jax.helpers.pool import geometry, pool_windows, window_counts


def unfold(
    x: jax.Array,
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> jax.Array:
    """The windows of x (batch, C, H, W) as columns: (batch, C * prod(window), number of windows)."""
    shape = geometry(2, kernel_size, stride, padding, dilation)
    counts = window_counts(x.shape[2:], *shape)
    patches = pool_windows(jnp.moveaxis(x, 1, -1), *shape, counts)
    columns = (x.shape[0], x.shape[1] * len(patches), math.prod(counts))
    return jnp.moveaxis(patches, (1, -1), (0, 1)).reshape(columns)


def fold(
    x: jax.Array,
    output_size: int | Sequence[int],
    kernel_size: int | Sequence[int],
    dilation: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    stride: int | Sequence[int] = 1,
) -> jax.Array:
    """Sums columns (batch, C * prod(window), windows) into images (batch, C, H, W): the transpose of ``unfold``."""
    window, strides, pads, dilations = geometry(2, kernel_size, stride, padding, dilation)
    size = spread(output_size, 2)
    counts = window_counts(size, window, strides, pads, dilations)
    patches = x.reshape(x.shape[0], -1, *window, *counts)
    image = jnp.zeros((*patches.shape[:2], *(s + 2 * p for s, p in zip(size, pads, strict=True))), x.dtype)
    for offset in itertools.product(*(range(k) for k in window)):
        places = zip(offset, dilations, counts, strides, strict=True)
        region = tuple(slice(i * d, i * d + (n - 1) * s + 1, s) for i, d, n, s in places)
        image = image.at[:, :, *region].add(patches[:, :, *offset])
    return image[:, :, *(slice(p, p + s) for s, p in zip(size, pads, strict=True))]


def affine_grid(theta: jax.Array, size: Sequence[int], align_corners: bool | None = None) -> jax.Array:
    """Places (x, y) or (x, y, z) in [-1, 1] at which ``grid_sample`` applies the affine map ``theta``.

    ``theta`` has shape (batch, n, n + 1), ``size`` is (batch, C, *spatial); the result is (batch, *spatial, n).
    """
    axes = []
    for length in size[2:]:
        centres = (2 * jnp.arange(length, dtype=theta.dtype) + 1) / length - 1
        corners = jnp.linspace(-1, 1, length, dtype=theta.dtype) if length > 1 else jnp.zeros(1, theta.dtype)
        axes.append(corners if align_corners else centres)
    places = jnp.meshgrid(*axes, indexing="ij")[::-1]
    homogeneous = jnp.stack([*places, jnp.ones_like(places[0])], -1)
    return jnp.einsum("...k,bnk->b...n", homogeneous, theta, precision="highest")


def grid_sample(
    x: jax.Array,
    grid: jax.Array,
    mode: str = "bilinear",
    padding_mode: str = "zeros",
    align_corners: bool | None = None,
) -> jax.Array:
    """Samples x (batch, *spatial, features) at the places of ``grid`` (batch, *target, n), given in [-1, 1].

    The last axis of the grid counts the spatial axes backwards: (x, y) for images, (x, y, z) for volumes. ``mode`` is
    "bilinear" (trilinear for volumes), "nearest" or "bicubic"; beyond the input lie "zeros", its "border" pixels or
    its "reflection".
    """

    def inside(place: jax.Array, size: int) -> jax.Array:
        if padding_mode == "reflection":
            place = reflect(place, 0, size - 1) if align_corners else reflect(place, -0.5, size - 0.5)
        return place if padding_mode == "zeros" else confine(place, size - 1)

    taps = []
    for axis, size in enumerate(x.shape[1:-1]):
        unit = grid[..., -1 - axis]
        place = (unit + 1) / 2 * (size - 1) if align_corners else ((unit + 1) * size - 1) / 2
        if mode == "bicubic":
            taps.append([(inside(near, size), weight) for near, weight in cubic_neighbours(place)])
        elif mode == "bilinear":
            taps.append(linear_neighbours(inside(place, size)))
        else:
            taps.append([(jnp.round(inside(place, size)), jnp.ones_like(place))])
    total = jnp.zeros((*grid.shape[:-1], x.shape[-1]), x.dtype)
    for corner in itertools.product(*taps):
        places, weights = zip(*corner, strict=True)
        total += pixels(x, places) * math.prod(weights)[..., None]
    return total


def pixels(x: jax.Array, places: Sequence[jax.Array]) -> jax.Array:
    """Features of x (batch, *spatial, features) at integral places (batch, *target), one array an axis; 0 outside."""
    batch = jnp.arange(x.shape[0]).reshape(-1, *(1,) * (places[0].ndim - 1))
    index = [place.astype(jnp.int32) for place in places]
    within = [(i >= 0) & (i < size) for i, size in zip(index, x.shape[1:-1], strict=True)]
    found = x[batch, *(jnp.clip(i, 0, size - 1) for i, size in zip(index, x.shape[1:-1], strict=True))]
    return jnp.where(jnp.all(jnp.stack(within), 0)[..., None], found, 0)


def linear_neighbours(place: jax.Array) -> list[tuple[jax.Array, jax.Array]]:
    """The two integers around each place, with their weights."""
    low = jnp.floor(place)
    return [(low, low + 1 - place), (low + 1, place - low)]


def cubic_neighbours(place: jax.Array, a: float = -0.75) -> list[tuple[jax.Array, jax.Array]]:
    """The four integers around each place, with the weights of cubic convolution (Keys 1981, equation 4)."""
    low = jnp.floor(place)
    t = place - low
    near = [((a + 2) * u - (a + 3)) * u**2 + 1 for u in (t, 1 - t)]
    far = [a * (((u - 5) * u + 8) * u - 4) for u in (t + 1, 2 - t)]
    return [(low - 1, far[0]), (low, near[0]), (low + 1, near[1]), (low + 2, far[1])]


def reflect(place: jax.Array, low: float, high: float) -> jax.Array:
    """Folds places back into [low, high], as if mirrors stood at both ends."""
    if high == low:
        return jnp.zeros_like(place)
    distance = jnp.abs(place - low)
    rest = jnp.fmod(distance, high - low)
    mirrored = jnp.floor(distance / (high - low)) % 2 == 1
    return jnp.where(mirrored, high - rest, low + rest)


def confine(place: jax.Array, high: float) -> jax.Array:
    """Clips places to [0, high]; at the ends the gradient is 0."""
    return jnp.where(place <= 0, 0, jnp.where(place >= high, high, place))
