"""Pooling that flax lacks: ceil mode, dilation, indices, adaptive windows. Data are (batch, *spatial, features)."""

import itertools
import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from torch2jax.helpers.conv import spread


def max_pool(
    x: jax.Array,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> jax.Array:
    """Maximum over windows that may be dilated, and may overhang the end of the input (``ceil_mode``)."""
    return indexed_max_pool(x, kernel_size, stride, padding, dilation, ceil_mode)[0]


def max_pool_with_indices(
    x: jax.Array,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """Like ``indexed_max_pool``, but x and both results have shape (batch, features, *spatial)."""
    values, indices = indexed_max_pool(jnp.moveaxis(x, 1, -1), kernel_size, stride, padding, dilation, ceil_mode)
    return jnp.moveaxis(values, -1, 1), jnp.moveaxis(indices, -1, 1)


def indexed_max_pool(
    x: jax.Array,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    ceil_mode: bool = False,
) -> tuple[jax.Array, jax.Array]:
    """Maximum over windows, and its position in the row-major order of the input's spatial axes."""
    spatial = x.shape[1:-1]
    window, strides, pads, dilations = geometry(len(spatial), kernel_size, stride, padding, dilation)
    sizes = window_counts(spatial, window, strides, pads, dilations, ceil_mode)
    values = pool_windows(x, window, strides, pads, dilations, sizes, fill=-jnp.inf)
    positions = jnp.arange(math.prod(spatial)).reshape(1, *spatial, 1)
    positions = jnp.broadcast_to(pool_windows(positions, window, strides, pads, dilations, sizes), values.shape)
    winner = jnp.argmax(values, 0, keepdims=True)
    return jnp.take_along_axis(values, winner, 0)[0], jnp.take_along_axis(positions, winner, 0)[0]


def max_unpool(
    x: jax.Array,
    indices: jax.Array,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    output_size: Sequence[int] | None = None,
) -> jax.Array:
    """Puts each maximum back where ``indexed_max_pool`` found it, and zeros elsewhere.

    All maxima that share a place get its gradient.
    """
    batch, *spatial, features = x.shape
    window, strides, pads, _ = geometry(len(spatial), kernel_size, stride, padding)
    if output_size is None:
        output_size = [(size - 1) * s - 2 * p + k for size, k, s, p in zip(spatial, window, strides, pads, strict=True)]
    target = output_size[-len(spatial) :]
    where = (jnp.arange(batch)[:, None, None], indices.reshape(batch, -1, features), jnp.arange(features))
    flat = jnp.zeros((batch, math.prod(target), features), x.dtype)
    values = x.reshape(batch, -1, features)
    kept = lax.stop_gradient(values)
    flat = flat.at[where].set(kept).at[where].add(jnp.where(jnp.isfinite(kept), values - kept, 0))
    return flat.reshape(batch, *target, features)


def avg_pool(
    x: jax.Array,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> jax.Array:
    """Mean over windows that may overhang the end of the input; only what lies inside the padding is counted."""
    spatial = x.shape[1:-1]
    window, strides, pads, dilations = geometry(len(spatial), kernel_size, stride, padding)
    sizes = window_counts(spatial, window, strides, pads, dilations, ceil_mode)
    total = pool_windows(x, window, strides, pads, dilations, sizes).sum(0)
    if divisor_override is not None:
        return total / divisor_override
    ones = jnp.ones((1, *spatial, 1), x.dtype)
    if count_include_pad:
        ones = jnp.pad(ones, [(0, 0), *((p, p) for p in pads), (0, 0)], constant_values=1)
        pads = (0,) * len(pads)
    return total / pool_windows(ones, window, strides, pads, dilations, sizes).sum(0)


def lp_pool(
    x: jax.Array,
    norm_type: float,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    ceil_mode: bool = False,
) -> jax.Array:
    """The root (sum of x^norm_type over a window)^(1 / norm_type), with gradient 0 where the sum is 0."""
    if math.isinf(norm_type):
        sign = math.copysign(1, norm_type)
        return sign * max_pool(sign * jnp.abs(x), kernel_size, stride, ceil_mode=ceil_mode)
    total = avg_pool(x**norm_type, kernel_size, stride, ceil_mode=ceil_mode) * math.prod(
        spread(kernel_size, x.ndim - 2)
    )
    return jnp.where(total == 0, 0, jnp.where(total == 0, 1, total) ** (1 / norm_type))


def adaptive_avg_pool(x: jax.Array, output_size: int | Sequence[int | None]) -> jax.Array:
    """Mean over windows that share each spatial axis evenly, ``output_size`` of them (None: the axis stays)."""
    for axis, bounds in enumerate(adaptive_bounds(x.shape[1:-1], output_size), start=1):
        parts = [lax.slice_in_dim(x, start, end, axis=axis) for start, end in bounds]
        x = jnp.concatenate([part.mean(axis, keepdims=True) for part in parts], axis)
    return x


def adaptive_max_pool(x: jax.Array, output_size: int | Sequence[int | None]) -> jax.Array:
    """Maximum over windows that share each spatial axis evenly, ``output_size`` of them (None: the axis stays)."""
    return indexed_adaptive_max_pool(x, output_size)[0]


def adaptive_max_pool_with_indices(
    x: jax.Array, output_size: int | Sequence[int | None]
) -> tuple[jax.Array, jax.Array]:
    """Like ``indexed_adaptive_max_pool``, but x and both results have shape (batch, features, *spatial)."""
    values, indices = indexed_adaptive_max_pool(jnp.moveaxis(x, 1, -1), output_size)
    return jnp.moveaxis(values, -1, 1), jnp.moveaxis(indices, -1, 1)


def indexed_adaptive_max_pool(x: jax.Array, output_size: int | Sequence[int | None]) -> tuple[jax.Array, jax.Array]:
    """Adaptive maximum, and its position in the row-major order of the input's spatial axes."""
    batch, *spatial, features = x.shape
    bounds = adaptive_bounds(spatial, output_size)
    positions = jnp.arange(math.prod(spatial)).reshape(spatial)
    values, indices = [], []
    for window in itertools.product(*bounds):
        region = tuple(slice(start, end) for start, end in window)
        inside = x[(slice(None), *region)].reshape(batch, -1, features)
        winner = jnp.argmax(inside, 1, keepdims=True)
        values.append(jnp.take_along_axis(inside, winner, 1))
        indices.append(positions[region].reshape(-1)[winner])
    shape = (batch, *(len(axis) for axis in bounds), features)
    return jnp.concatenate(values, 1).reshape(shape), jnp.concatenate(indices, 1).reshape(shape)


def adaptive_bounds(spatial: Sequence[int], output_size: int | Sequence[int | None]) -> list[list[tuple[int, int]]]:
    """(start, end) of the windows along each axis: from floor(i * size / count) to ceil((i + 1) * size / count)."""
    counts = (output_size,) * len(spatial) if isinstance(output_size, int) else output_size
    bounds = []
    for size, given in zip(spatial, counts, strict=True):
        count = size if given is None else given
        bounds.append([(i * size // count, -(-(i + 1) * size // count)) for i in range(count)])
    return bounds


class FractionalMaxPool(nnx.Module):
    """Maximum over windows of one size at random places (https://arxiv.org/abs/1412.6071), drawn in every call."""

    def __init__(
        self,
        kernel_size: int | Sequence[int],
        output_size: int | Sequence[int] | None = None,
        output_ratio: float | Sequence[float] | None = None,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        self.kernel_size = kernel_size
        self.output_size = output_size
        self.output_ratio = output_ratio
        self.rngs = rngs.fork()

    def __call__(self, x: jax.Array) -> jax.Array:
        """Maps (batch, *spatial, features) to as many windows as ``output_size`` or ``output_ratio`` say."""
        return fractional_max_pool(
            x, self.kernel_size, self.output_size, self.output_ratio, samples=fractional_shifts(self.rngs(), x)
        )


class IndexedFractionalMaxPool(FractionalMaxPool):
    """``FractionalMaxPool`` with the positions of the maxima."""

    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:  # type: ignore[override]
        """Maxima, and their positions in the row-major order of the input's spatial axes."""
        return indexed_fractional_max_pool(
            x, self.kernel_size, self.output_size, self.output_ratio, samples=fractional_shifts(self.rngs(), x)
        )


def fractional_shifts(key: jax.Array, x: jax.Array) -> jax.Array:
    """Uniform numbers for ``fractional_max_pool``: one for each example, feature and spatial axis of x."""
    batch, *spatial, features = x.shape
    return jax.random.uniform(key, (batch, features, len(spatial)), x.dtype)


def fractional_max_pool(
    x: jax.Array,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    *,
    samples: jax.Array,
) -> jax.Array:
    """Maximum over windows whose places ``samples``, of shape (batch, features, spatial axes), shift."""
    return indexed_fractional_max_pool(x, kernel_size, output_size, output_ratio, samples=samples)[0]


def indexed_fractional_max_pool(
    x: jax.Array,
    kernel_size: int | Sequence[int],
    output_size: int | Sequence[int] | None = None,
    output_ratio: float | Sequence[float] | None = None,
    *,
    samples: jax.Array,
) -> tuple[jax.Array, jax.Array]:
    """Fractional maximum, and its position in the row-major order of the input's spatial axes.

    Window i begins at int((i + shift) * step) - int(shift * step), and the last one ends with the input.
    """
    batch, *spatial, features = x.shape
    window = spread(kernel_size, len(spatial))
    if output_size is None:
        ratios = output_ratio if isinstance(output_ratio, Sequence) else (output_ratio or 1.0,) * len(spatial)
        counts = tuple(int(size * ratio) for size, ratio in zip(spatial, ratios, strict=True))
    else:
        counts = spread(output_size, len(spatial))
    shifts = samples[:batch, :, ::-1] if len(spatial) == 2 else samples[:batch]  # PyTorch's first is for the width
    place = jnp.zeros((), int)
    for axis, (size, k, count) in enumerate(zip(spatial, window, counts, strict=True)):
        shift, step = shifts[..., axis, None], (size - k) / max(count - 1, 1)
        begins = ((jnp.arange(count) + shift) * step).astype(int) - (shift * step).astype(int)
        begins = begins.at[..., -1].set(size - k)
        inside = begins[..., None] + jnp.arange(k)
        others = [other for other in range(2 * len(spatial)) if other not in (axis, len(spatial) + axis)]
        place = place * size + jnp.expand_dims(inside, [2 + other for other in others])
    flat = jnp.moveaxis(x, -1, 1).reshape(batch, features, math.prod(spatial))
    elements = jnp.take_along_axis(flat, place.reshape(*place.shape[:2], math.prod(counts) * math.prod(window)), 2)
    elements = elements.reshape(batch, features, *counts, math.prod(window))
    winner = jnp.argmax(elements, -1, keepdims=True)
    found = (jnp.take_along_axis(array, winner, -1)[..., 0] for array in (elements, place.reshape(elements.shape)))
    values, indices = (jnp.moveaxis(array, 1, -1) for array in found)
    return values, indices


def geometry(
    n: int,
    kernel_size: int | Sequence[int],
    stride: int | Sequence[int] | None = None,
    padding: int | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """Window, strides (the window's sizes by default), padding and dilation of each of n spatial axes."""
    window = spread(kernel_size, n)
    return window, spread(stride or window, n), spread(padding, n), spread(dilation, n)


def window_counts(
    spatial: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    ceil_mode: bool = False,
) -> list[int]:
    """How many windows fit along each axis; in ceil mode one may overhang the end, but not start behind the input."""
    counts = []
    for size, k, s, p, d in zip(spatial, window, strides, pads, dilations, strict=True):
        room = size + 2 * p - d * (k - 1) - 1
        count = (-(-room // s) if ceil_mode else room // s) + 1
        counts.append(count - 1 if ceil_mode and (count - 1) * s >= size + p else count)
    return counts


def pool_windows(
    x: jax.Array,
    window: Sequence[int],
    strides: Sequence[int],
    pads: Sequence[int],
    dilations: Sequence[int],
    counts: Sequence[int],
    fill: float = 0,
) -> jax.Array:
    """The elements of every window: (prod(window), batch, *counts, features), padded by ``fill``."""
    widths = [(0, 0)]
    for size, k, s, p, d, count in zip(x.shape[1:-1], window, strides, pads, dilations, counts, strict=True):
        widths.append((p, max(0, (count - 1) * s + d * (k - 1) + 1 - size - p)))
    padded = jnp.pad(x, [*widths, (0, 0)], constant_values=fill)
    elements = []
    for offset in itertools.product(*(range(k) for k in window)):
        starts = [i * d for i, d in zip(offset, dilations, strict=True)]
        region = [slice(a, a + (n - 1) * s + 1, s) for a, n, s in zip(starts, counts, strides, strict=True)]
        elements.append(padded[(slice(None), *region)])
    return jnp.stack(elements)
