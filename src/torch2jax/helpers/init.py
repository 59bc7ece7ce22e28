"""Initial values: PyTorch's default distributions and the parts of `torch.nn.init` that have no jax initializer."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def dirac(
    shape: tuple[int, ...], groups: int = 1, dtype: Any = jnp.float32, in_axis: int = -2, out_axis: int = -1
) -> jax.Array:
    """Convolution kernel that passes each input channel on unchanged: 1 at the centre of the window, 0 elsewhere.

    ``shape`` holds the window and, at ``in_axis`` and ``out_axis``, the channels per group and the output channels.
    With fewer inputs than outputs the surplus outputs of each group are zero.
    """
    channels = (in_axis % len(shape), out_axis % len(shape))
    inputs, outputs = (shape[axis] for axis in channels)
    per_group = outputs // groups
    passed = jnp.arange(min(inputs, per_group))
    matrix = jnp.zeros((inputs, groups, per_group), dtype).at[passed, :, passed].set(1)
    window = tuple(size for axis, size in enumerate(shape) if axis not in channels)
    kernel = jnp.zeros((*window, inputs, outputs), dtype)
    kernel = kernel.at[tuple(size // 2 for size in window)].set(matrix.reshape(inputs, outputs))
    return jnp.moveaxis(kernel, (-2, -1), channels)


def fan_in_and_fan_out(weight: jax.Array) -> tuple[int, int]:
    """Inputs and outputs of one unit, for a weight of shape (outputs, inputs, *window)."""
    outputs, inputs, *window = weight.shape
    return inputs * math.prod(window), outputs * math.prod(window)


def sparse(
    key: jax.Array,
    shape: tuple[int, int],
    sparsity: float,
    std: float = 0.01,
    dtype: Any = jnp.float32,
    out_axis: int = -1,
) -> jax.Array:
    """Normal matrix in which a share ``sparsity`` of the weights of each input is 0 (Martens 2010)."""
    place, value = jax.random.split(key)
    order = jax.random.uniform(place, shape).argsort(out_axis).argsort(out_axis)
    values = std * jax.random.normal(value, shape, dtype)
    return jnp.where(order < math.ceil(sparsity * shape[out_axis]), 0, values)
