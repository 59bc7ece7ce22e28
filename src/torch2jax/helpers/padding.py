"""Padding of spatial axes."""

from collections.abc import Sequence

import jax
import jax.numpy as jnp


def pad_spatial(x: jax.Array, padding: int | Sequence[int], mode: str = "constant", value: float = 0.0) -> jax.Array:
    """Pads the spatial axes of x (batch, *spatial, features); negative sizes crop.

    ``padding`` is one size for all sides, or sizes before and after each axis, the last axis first. ``mode`` is that of
    `jnp.pad`: "constant", "reflect", "edge" or "wrap".
    """
    n = x.ndim - 2
    sizes = (padding,) * (2 * n) if isinstance(padding, int) else padding
    pairs = [(0, 0), *zip(sizes[-2::-2], sizes[-1::-2], strict=True), (0, 0)]
    kept = [slice(max(0, -a), size - max(0, -b)) for size, (a, b) in zip(x.shape, pairs, strict=True)]
    widths = [(max(0, a), max(0, b)) for a, b in pairs]
    if mode == "constant":
        return jnp.pad(x[tuple(kept)], widths, constant_values=value)
    return jnp.pad(x[tuple(kept)], widths, mode=mode)
