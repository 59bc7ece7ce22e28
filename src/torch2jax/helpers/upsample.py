"""Resizing, pixel rearrangement and sampling of images and volumes."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
import numpy as np

from torch2jax.helpers.conv import spread
from torch2jax.helpers.pool import adaptive_avg_pool


def repeat_pixels(x: jax.Array, factor: float) -> jax.Array:
    """Enlarges the spatial axes of x (batch, *spatial, features) by an integer factor: each pixel is repeated."""
    for axis in range(1, x.ndim - 1):
        x = jnp.repeat(x, int(factor), axis)
    return x


def resize_nearest(
    x: jax.Array, size: int | Sequence[int] | None = None, scale_factor: float | Sequence[float] | None = None
) -> jax.Array:
    """Resizes the spatial axes of x (batch, *spatial, features) by taking the pixel at floor(i * input / output).

    `jax.image.resize` takes the pixel whose centre is nearest.
    """
    for axis, (length, step) in enumerate(output_grid(x.shape[1:-1], size, scale_factor), start=1):
        x = jnp.take(x, nearest_pixels(x.shape[axis], length, step), axis)
    return x


def resize_linear(
    x: jax.Array,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    align_corners: bool | None = None,
) -> jax.Array:
    """Resizes the spatial axes of x (batch, *spatial, features) by linear interpolation, without smoothing."""
    for axis, (length, step) in enumerate(output_grid(x.shape[1:-1], size, scale_factor), start=1):
        at = source_coordinates(x.shape[axis], length, step, bool(align_corners))
        x = weighted_sum(x, axis, *linear_taps(x.shape[axis], at))
    return x


def interpolate(
    x: jax.Array,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool | None = None,
    recompute_scale_factor: bool | None = None,
    antialias: bool = False,
) -> jax.Array:
    """Resizes the spatial axes of x (batch, *spatial, features), to ``size`` or by ``scale_factor``.

    ``mode`` is "nearest", "nearest-exact", "linear", "bilinear", "trilinear", "bicubic" or "area". Unlike
    `jax.image.resize` it can align the corner pixels, takes a = -0.75 for the cubic kernel, and smooths on
    downsampling only with ``antialias``.
    """
    grid = output_grid(x.shape[1:-1], size, scale_factor)
    if mode == "area":
        return adaptive_avg_pool(x, [length for length, _ in grid])
    for axis, (length, step) in enumerate(grid, start=1):
        n = x.shape[axis]
        if recompute_scale_factor:
            step = n / length
        at = source_coordinates(n, length, step, bool(align_corners))
        if mode.startswith("nearest"):
            x = jnp.take(x, nearest_pixels(n, length, step, exact=mode == "nearest-exact"), axis)
        elif antialias:
            x = weighted_sum(x, axis, *smoothing_taps(n, length, step, mode == "bicubic", bool(align_corners)))
        else:
            x = weighted_sum(x, axis, *(cubic_taps(n, at) if mode == "bicubic" else linear_taps(n, at)))
    return x


def output_grid(
    spatial: Sequence[int], size: int | Sequence[int] | None, scale_factor: float | Sequence[float] | None
) -> list[tuple[int, float]]:
    """The new length of each spatial axis, and how many input pixels there are to an output pixel."""
    if size is not None:
        return [(length, n / length) for n, length in zip(spatial, spread(size, len(spatial)), strict=True)]
    if scale_factor is None:
        raise ValueError("give a size or a scale_factor")
    factors = (scale_factor,) * len(spatial) if isinstance(scale_factor, int | float) else scale_factor
    return [(math.floor(n * factor), 1 / factor) for n, factor in zip(spatial, factors, strict=True)]


def weighted_sum(x: jax.Array, axis: int, positions: np.ndarray, weights: np.ndarray) -> jax.Array:
    """The sum over taps k of x at positions[k] along an axis, times weights[k]."""
    column = [-1 if i == axis else 1 for i in range(x.ndim)]
    taps = zip(positions, jnp.asarray(weights, x.dtype), strict=True)
    return sum((jnp.take(x, p, axis) * w.reshape(column) for p, w in taps), start=jnp.zeros((), x.dtype))


def nearest_pixels(size: int, length: int, step: float, exact: bool = False) -> np.ndarray:
    """The input pixel of each output pixel, by its left edge or (``exact``) its centre; PyTorch computes in float32."""
    at = (np.arange(length) + 0.5 * exact) * np.float64(np.float32(step))
    pixels: np.ndarray = np.minimum(np.floor(at.astype(np.float32)).astype(int), size - 1)
    return pixels


def source_coordinates(size: int, length: int, step: float, align_corners: bool) -> np.ndarray:
    """Where each output pixel's centre lies in the input; with aligned corners, first and last pixels coincide."""
    if align_corners:
        return np.arange(length) * ((size - 1) / max(length - 1, 1))
    return (np.arange(length) + 0.5) * step - 0.5


def linear_taps(size: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and weights (2, length) of linear interpolation."""
    at = np.clip(at, 0, size - 1)
    low = np.floor(at).astype(int)
    return np.stack([low, np.minimum(low + 1, size - 1)]), np.stack([low + 1 - at, at - low])


def cubic_taps(size: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and weights (4, length) of cubic convolution; the border pixels are repeated outside."""
    low = np.floor(at).astype(int)
    positions = low + np.arange(-1, 3)[:, None]
    return np.clip(positions, 0, size - 1), cubic_kernel(positions - at, a=-0.75)


def smoothing_taps(
    size: int, length: int, step: float, cubic: bool, align_corners: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Positions and weights of a kernel that is as wide as an output pixel when the axis shrinks."""
    if align_corners:
        step = (size - 1) / max(length - 1, 1)
    width = max(step, 1.0)
    reach = (2 if cubic else 1) * width
    centre = (np.arange(length) + 0.5) * step
    start = np.maximum((centre - reach + 0.5).astype(int), 0)
    end = np.minimum((centre + reach + 0.5).astype(int), size)
    positions = start + np.arange((end - start).max())[:, None]
    offset = (positions - centre + 0.5) / width
    weights = cubic_kernel(offset, a=-0.5) if cubic else np.maximum(1 - np.abs(offset), 0)
    weights = np.where(positions < end, weights, 0)
    return np.minimum(positions, size - 1), weights / weights.sum(0)


def cubic_kernel(x: np.ndarray, a: float) -> np.ndarray:
    """The kernel of Keys, "Cubic convolution interpolation for digital image processing" (1981), equation 4."""
    x = np.abs(x)
    near = ((a + 2) * x - (a + 3)) * x**2 + 1
    far = a * (((x - 5) * x + 8) * x - 4)
    return np.where(x <= 1, near, np.where(x < 2, far, 0))


def pixel_shuffle(x: jax.Array, upscale_factor: int) -> jax.Array:
    """Moves features into space: (batch, H, W, C * r^2) to (batch, H * r, W * r, C)."""
    *batch, height, width, features = x.shape
    r = upscale_factor
    x = x.reshape(*batch, height, width, features // r**2, r, r)
    return jnp.einsum("...hwcij->...hiwjc", x).reshape(*batch, height * r, width * r, features // r**2)


def pixel_unshuffle(x: jax.Array, downscale_factor: int) -> jax.Array:
    """Moves space into features: (batch, H * r, W * r, C) to (batch, H, W, C * r^2)."""
    *batch, height, width, features = x.shape
    r = downscale_factor
    x = x.reshape(*batch, height // r, r, width // r, r, features)
    return jnp.einsum("...hiwjc->...hwcij", x).reshape(*batch, height // r, width // r, features * r**2)


def channel_shuffle(x: jax.Array, groups: int) -> jax.Array:
    """Interleaves the groups of the last axis (https://arxiv.org/abs/1707.01083)."""
    return x.reshape(*x.shape[:-1], groups, -1).swapaxes(-1, -2).reshape(x.shape)
