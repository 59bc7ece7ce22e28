import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


class Fusion(nnx.Module):
    """An image, a vector, a volume, a sequence and a list, all in one forward."""

    def __init__(self, c=3, d=4, classes=2, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(c, d, (3, 3), **fan_in_uniform(c, (3, 3)), rngs=rngs)
        self.film = nnx.Linear(d, 2 * d, **fan_in_uniform(d), rngs=rngs)
        self.conv1 = nnx.Conv(
            d, d, 3, padding=2, kernel_dilation=2, **fan_in_uniform(d, 3), rngs=rngs
        )
        self.conv3 = nnx.Conv(
            1, d, (1, 3, 3), padding=(0, 1, 1), **fan_in_uniform(1, (1, 3, 3)), rngs=rngs
        )
        self.out = nnx.Linear(3 * d, classes, **fan_in_uniform(3 * d), rngs=rngs)

    def modulate(self, f, vec):
        gamma, beta = jnp.split(self.film(vec), 2, axis=1)
        return gamma[:, :, None, None] * f + beta[..., None, None]

    def __call__(self, image, vec, seq, volume, sizes=None):
        image = image.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        f = self.modulate(self.conv(image).transpose(0, 3, 1, 2), vec)
        if sizes is not None:
            f = jnp.moveaxis(
                resize_linear(jnp.moveaxis(f, 1, -1), size=sizes, align_corners=False), -1, 1
            )
        s = self.conv1(seq)
        v = self.conv3(volume[:, None].transpose(0, 2, 3, 4, 1))
        value = v.mean((1, 2, 3), keepdims=True)
        parts = [
            f.reshape(*f.shape[:2], -1).mean(axis=-1),
            s.mean(axis=1),
            value.reshape(value.shape[0], -1),
        ]
        return self.out(jnp.concatenate(parts, axis=-1)), f, s, v.transpose(0, 4, 1, 2, 3)


# Helpers without a Flax equivalent.


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def linear_taps(size: int, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Positions and weights (2, length) of linear interpolation."""
    at = np.clip(at, 0, size - 1)
    low = np.floor(at).astype(int)
    return np.stack([low, np.minimum(low + 1, size - 1)]), np.stack([low + 1 - at, at - low])


def spread(size: int | Sequence[int], n: int) -> tuple[int, ...]:
    """One size for each of n axes, from one for all or from n of them."""
    if isinstance(size, int):
        return (size,) * n
    return tuple(size) * n if len(size) == 1 else tuple(size)


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


def source_coordinates(size: int, length: int, step: float, align_corners: bool) -> np.ndarray:
    """Where each output pixel's centre lies in the input; with aligned corners, first and last pixels coincide."""
    if align_corners:
        return np.arange(length) * ((size - 1) / max(length - 1, 1))
    return (np.arange(length) + 0.5) * step - 0.5


def weighted_sum(x: jax.Array, axis: int, positions: np.ndarray, weights: np.ndarray) -> jax.Array:
    """The sum over taps k of x at positions[k] along an axis, times weights[k]."""
    column = [-1 if i == axis else 1 for i in range(x.ndim)]
    taps = zip(positions, jnp.asarray(weights, x.dtype), strict=True)
    return sum((jnp.take(x, p, axis) * w.reshape(column) for p, w in taps), start=jnp.zeros((), x.dtype))


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
