"""Networks built from a list of settings, the way VGG and YOLO are."""
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

CFG = {"A": [4, "M", 6, "M"], "B": [4, 4, "M", (8, 1), "U"]}


def make_layers(cfg, in_channels=3, batch_norm=False, *, rngs: nnx.Rngs):
    layers = []
    for v in cfg:
        if v == "M":
            layers += [partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))]
        elif v == "U":
            layers += [partial(repeat_pixels, factor=2)]
        else:
            width, k = v if isinstance(v, tuple) else (v, 3)
            conv2d = nnx.Conv(
                in_channels,
                width,
                pair(k),
                padding=k // 2,
                **fan_in_uniform(in_channels, pair(k)),
                rngs=rngs,
            )
            if batch_norm:
                layers += [conv2d, BatchNorm(width, rngs=rngs), nnx.relu]
            else:
                layers += [conv2d, nnx.relu]
            in_channels = width
    return nnx.Sequential(*layers), in_channels


class VGG(nnx.Module):
    def __init__(self, name="A", num_classes=5, *, rngs: nnx.Rngs, **kwargs):
        self.features, width = make_layers(CFG[name], rngs=rngs, **kwargs)
        self.avgpool = partial(adaptive_avg_pool, output_size=(2, 3))
        in_features = width * 2 * 3
        self.classifier = nnx.Linear(
            in_features, num_classes, **fan_in_uniform(in_features), rngs=rngs
        )

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.avgpool(self.features(x))
        value = x.transpose(0, 3, 1, 2)
        x = value.reshape(value.shape[0], -1)
        return self.classifier(x)


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


def adaptive_bounds(spatial: Sequence[int], output_size: int | Sequence[int | None]) -> list[list[tuple[int, int]]]:
    """(start, end) of the windows along each axis: from floor(i * size / count) to ceil((i + 1) * size / count)."""
    counts = (output_size,) * len(spatial) if isinstance(output_size, int) else output_size
    bounds = []
    for size, given in zip(spatial, counts, strict=True):
        count = size if given is None else given
        bounds.append([(i * size // count, -(-(i + 1) * size // count)) for i in range(count)])
    return bounds


def adaptive_avg_pool(x: jax.Array, output_size: int | Sequence[int | None]) -> jax.Array:
    """Mean over windows that share each spatial axis evenly, ``output_size`` of them (None: the axis stays)."""
    for axis, bounds in enumerate(adaptive_bounds(x.shape[1:-1], output_size), start=1):
        parts = [lax.slice_in_dim(x, start, end, axis=axis) for start, end in bounds]
        x = jnp.concatenate([part.mean(axis, keepdims=True) for part in parts], axis)
    return x


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


def _repeated(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """The same size for height and width, or the two that are given."""
    return _repeated(value, 2)  # type: ignore[return-value]


def repeat_pixels(x: jax.Array, factor: float) -> jax.Array:
    """Enlarges the spatial axes of x (batch, *spatial, features) by an integer factor: each pixel is repeated."""
    for axis in range(1, x.ndim - 1):
        x = jnp.repeat(x, int(factor), axis)
    return x
