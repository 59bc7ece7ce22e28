"""Operations along the axis of the channels, and along others, between convolutions."""
import math
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Net(nnx.Module):
    def __init__(self, c=4, *, rngs: nnx.Rngs):
        self.a = nnx.Conv(c, 2 * c, (3, 3), padding=1, **fan_in_uniform(c, (3, 3)), rngs=rngs)
        self.b = nnx.Conv(
            c, c, (3, 1), padding=(1, 0), feature_group_count=c, **fan_in_uniform(c, (3, 1), groups=c), rngs=rngs
        )
        self.c = nnx.Conv(3 * c, c, (1, 1), padding="VALID", **fan_in_uniform(3 * c, (1, 1)), rngs=rngs)
        self.scale = nnx.Param(rngs.normal((1, c, 1, 1)))
        self.bias = nnx.Param(jnp.zeros((c,)).reshape(c, 1, 1))

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        value, gate = jnp.split(self.a(x), 2, axis=3)
        h = value * nnx.sigmoid(gate) * self.scale[...].transpose(0, 2, 3, 1) + self.bias[...].transpose(1, 2, 0)
        h = nnx.softmax(h, axis=3) + l2_normalize(h, axis=3)
        left, right = jnp.split(h, split_points([1, h.shape[3] - 1]), axis=3)
        h = jnp.concatenate((right, left), axis=3)
        mixed = jnp.concatenate([h, self.b(h), jnp.flip(h, axis=1)], axis=3)
        y = self.c(mixed).transpose(0, 3, 1, 2)
        y = y - y.mean(axis=(2, 3), keepdims=True)
        y = y / (safe_sqrt(y.var(axis=(-1, -2), ddof=1, keepdims=True)) + 1.0)
        best, index = max_with_indices(y, axis=1)
        padded = pad(y, (1, 2, 0, 1), mode="edge")
        shifted = jnp.roll(y, 1, axis=3)[:, :2, 1:, :-1]
        return (
            best,
            index,
            padded,
            shifted,
            y.sum(axis=1),
            y.transpose(0, 2, 3, 1).cumsum(axis=1),
            jnp.stack([y, h.transpose(0, 3, 1, 2)], axis=1),
        )


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


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


def l2_normalize(x: jax.Array, axis: int | tuple[int, ...] = 1, eps: float = 1e-12) -> jax.Array:
    """`x` divided by its Euclidean norm along `axis`, or by `eps` where the norm is smaller."""
    return x / jnp.maximum(l2_norm(x, axis, keepdims=True), eps)


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def pad_widths(pad: Sequence[int], rank: int, channel_axis: int = 1) -> tuple[tuple[int, int], ...]:
    """(before, after) of every axis for `jnp.pad`; `pad` lists them pairwise from the last axis backwards.

    With `channel_axis` -1 the pairs are for the axes before the last one.
    """
    pairs = [(pad[i], pad[i + 1]) for i in range(0, len(pad), 2)]
    channels = ((0, 0),) if channel_axis == -1 else ()
    return ((0, 0),) * (rank - len(pairs) - len(channels)) + tuple(reversed(pairs)) + channels


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


def split_points(sizes: Sequence[int]) -> tuple[int, ...]:
    """Where `jnp.split` has to cut to get parts of these sizes: (2, 3, 1) -> (2, 5)."""
    return tuple(accumulate(sizes[:-1]))
