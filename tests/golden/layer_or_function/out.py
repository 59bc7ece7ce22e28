"""What is called may be layers, a function or the identity."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
class Block(nnx.Module):
    def __init__(self, i, o, kind='conv', *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(
            i, o, (3, 3), strides=2, padding=1, **fan_in_uniform(i, (3, 3)), rngs=rngs
        )
        if kind == 'conv':
            self.short = nnx.Sequential(
                partial(jnp.transpose, axes=(0, 2, 3, 1)),
                nnx.Conv(
                    i, o, (1, 1), strides=2, padding="VALID", **fan_in_uniform(i, (1, 1)), rngs=rngs
                ),
                BatchNorm(o, rngs=rngs),
                partial(jnp.transpose, axes=(0, 3, 1, 2)),
            )
        elif kind == 'pad':
            self.short = lambda x: pad(x[:, :, ::2, ::2], (0, 0, 0, 0, 0, o - i))
        else:
            self.short = lambda x: x
    def __call__(self, x):
        return self.conv(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) + self.short(x)


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


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
