import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Parts(nnx.Module):
    """Tuples, lists and dicts of tensors, taken apart and put together."""

    def __init__(self, d=4, *, rngs: nnx.Rngs):
        self.first, self.second = (
            nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs),
            nnx.Linear(d, 2 * d, **fan_in_uniform(d), rngs=rngs),
        )
        self.d = d

    def split(self, x):
        a, b = _split(self.second(x), self.d, axis=-1)
        return {"a": a, "b": b}

    def __call__(self, inputs, *extras, scale=(1.0, 2.0), **named):
        x, (y, *rest) = inputs
        s, t = scale
        x, y = self.first(y), x
        parts = self.split(x)
        a, b = parts["a"], parts.pop("b")
        (low, high), k = (a.min(), a.max()), len(rest)
        total = sum([e.sum() for e in extras], jnp.zeros(()))
        for (key, value), weight in zip(sorted(named.items()), (0.5, 0.25)):
            total = total + weight * value.mean() * len(key)
        head, *_, last = jnp.unstack(b, axis=1)
        out = [a * s, b * t + y]
        out[0], out[-1] = out[1], out[0]
        return tuple(out), (low, high, k), total, {**parts, "ends": jnp.stack((head, last))}


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


def split_points(sizes: Sequence[int]) -> tuple[int, ...]:
    """Where `jnp.split` has to cut to get parts of these sizes: (2, 3, 1) -> (2, 5)."""
    return tuple(accumulate(sizes[:-1]))


def _split(x: jax.Array, size: int | Sequence[int], axis: int = 0) -> list[jax.Array]:
    """Parts of `size` along `axis`, of which the last may be smaller, or parts of the listed sizes."""
    points = split_points(size) if isinstance(size, Sequence) else list(range(size, x.shape[axis], size))
    return jnp.split(x, points, axis)
