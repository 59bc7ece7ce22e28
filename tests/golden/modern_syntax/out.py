"""f-strings, the walrus, match, positional-only parameters, star expressions, type aliases."""
from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeAlias

import jax
import jax.numpy as jnp
from flax import nnx

Pair: TypeAlias = tuple[int, int]


class Net(nnx.Module):
    def __init__(
        self, d: int = 4, /, *, pool: str | Pair = "mean", rngs: nnx.Rngs, **extra: float
    ) -> None:
        if (scale := extra.pop("scale", 1.0)) <= 0:
            raise ValueError(f"{scale = :.2f} is not positive, {pool!r:>10}")
        self.scale = scale
        match pool:
            case "mean" | "sum":
                self.pool = pool
            case (int(h), int(w)):
                self.pool = partial(adaptive_max_pool, output_size=(h, w))
            case _:
                self.pool = None
        self.proj = nnx.Conv(d, d, (1, 1), padding="VALID", **fan_in_uniform(d, (1, 1)), rngs=rngs)

    def __call__(self, x: jax.Array) -> jax.Array | dict[str, jax.Array]:
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        y = (self.proj(x) * self.scale).transpose(0, 3, 1, 2)
        match self.pool:
            case "mean":
                return y.mean(axis=(2, 3))
            case "sum":
                return y.sum(axis=(2, 3))
            case _ if callable(self.pool):
                y = self.pool(y.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
        if (n := y.reshape(y.shape[0], -1).shape[1]) > 10:
            y = y / n
        return {f"out_{i}": c for i, c in enumerate([*jnp.unstack(y)])}


# Helpers without a Flax equivalent.


def adaptive_bounds(spatial: Sequence[int], output_size: int | Sequence[int | None]) -> list[list[tuple[int, int]]]:
    """(start, end) of the windows along each axis: from floor(i * size / count) to ceil((i + 1) * size / count)."""
    counts = (output_size,) * len(spatial) if isinstance(output_size, int) else output_size
    bounds = []
    for size, given in zip(spatial, counts, strict=True):
        count = size if given is None else given
        bounds.append([(i * size // count, -(-(i + 1) * size // count)) for i in range(count)])
    return bounds


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


def adaptive_max_pool(x: jax.Array, output_size: int | Sequence[int | None]) -> jax.Array:
    """Maximum over windows that share each spatial axis evenly, ``output_size`` of them (None: the axis stays)."""
    return indexed_adaptive_max_pool(x, output_size)[0]


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
