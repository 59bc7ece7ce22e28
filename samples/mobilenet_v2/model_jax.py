"""MobileNetV2: depthwise convolutions between narrow linear layers (Sandler et al., 2018)."""

import math
from collections.abc import Callable, Sequence
from typing import Any, List, Optional, Type

import jax
import jax.numpy as jnp
from flax import nnx


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


def make_divisible(channels: float, divisor: int = 8, minimum: Optional[int] = None) -> int:
    """The nearest multiple of `divisor`, but never more than 10 % below `channels`."""
    minimum = divisor if minimum is None else minimum
    rounded = max(minimum, int(channels + divisor / 2) // divisor * divisor)
    return rounded if rounded >= 0.9 * channels else rounded + divisor


class ConvBNReLU(nnx.Sequential):
    """Convolution that keeps the size (up to the stride), batch norm, ReLU6."""

    def __init__(
        self,
        c_in: int,
        c_out: int,
        kernel_size: int = 3,
        stride: int = 1,
        groups: int = 1,
        norm_layer: Type[nnx.Module] = BatchNorm,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(
            nnx.Conv(
                c_in,
                c_out,
                (kernel_size, kernel_size),
                strides=stride,
                padding=(kernel_size - 1) // 2,
                feature_group_count=groups,
                use_bias=False,
                **fan_in_uniform(c_in, (kernel_size, kernel_size), groups=groups),
                rngs=rngs,
            ),
            norm_layer(c_out, rngs=rngs),
            nnx.relu6,
        )
        self.out_channels = c_out


class InvertedResidual(nnx.Module):
    """Widen, filter each channel, narrow without an activation; add the input where shapes allow it."""

    def __init__(self, c_in: int, c_out: int, stride: int, expand_ratio: int, *, rngs: nnx.Rngs) -> None:
        if stride not in (1, 2):
            raise ValueError(f"stride must be 1 or 2, got {stride}")
        self.shortcut = stride == 1 and c_in == c_out
        wide = int(round(c_in * expand_ratio))

        layers: List[nnx.Module] = []
        if expand_ratio != 1:
            layers.append(ConvBNReLU(c_in, wide, kernel_size=1, rngs=rngs))
        layers.extend([
            ConvBNReLU(wide, wide, stride=stride, groups=wide, rngs=rngs),  # depthwise
            nnx.Conv(
                wide,
                c_out,
                (1, 1),
                padding="VALID",
                use_bias=False,
                **fan_in_uniform(wide, (1, 1)),
                rngs=rngs,
            ),
            BatchNorm(c_out, rngs=rngs),
        ])
        self.conv = nnx.Sequential(*layers)

    # x: N H W C; result: N H W C
    def __call__(self, x: jax.Array) -> jax.Array:
        if self.shortcut:
            return x + self.conv(x)
        return self.conv(x)


class MobileNetV2(nnx.Module):
    """
    Args:
        num_classes: number of scores
        width_mult: factor on the channels of every layer
        in_channels: channels of the images
        settings: one row for each stage: expansion, channels, blocks, stride of the first block
        round_nearest: the channels become multiples of this
        dropout: probability in front of the classifier
    """

    # expansion, channels, blocks, stride
    default_settings = (
        (1, 16, 1, 1),
        (6, 24, 2, 2),
        (6, 32, 3, 2),
        (6, 64, 4, 2),
        (6, 96, 3, 1),
        (6, 160, 3, 2),
        (6, 320, 1, 1),
    )

    def __init__(
        self,
        num_classes: int = 1000,
        width_mult: float = 1.0,
        in_channels: int = 3,
        settings=None,
        round_nearest: int = 8,
        dropout: float = 0.2,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        if settings is None:
            settings = self.default_settings

        channels = make_divisible(32 * width_mult, round_nearest)
        last = make_divisible(1280 * max(1.0, width_mult), round_nearest)
        features: List[nnx.Module] = [ConvBNReLU(in_channels, channels, stride=2, rngs=rngs)]
        for expansion, c, repeats, stride in settings:
            c_out = make_divisible(c * width_mult, round_nearest)
            for i in range(repeats):
                features.append(
                    InvertedResidual(channels, c_out, stride if i == 0 else 1, expansion, rngs=rngs)
                )
                channels = c_out
        features.append(ConvBNReLU(channels, last, kernel_size=1, rngs=rngs))

        self.features = nnx.Sequential(*features)
        self.classifier = nnx.Sequential(
            nnx.Dropout(dropout, rngs=rngs),
            nnx.Linear(last, num_classes, **fan_in_uniform(last), rngs=rngs),
        )
        self.reset_parameters(rngs=rngs)

    def reset_parameters(self, *, rngs: nnx.Rngs) -> None:
        for _, m in nnx.iter_modules(self):
            if isinstance(m, nnx.Conv):
                m.kernel[...] = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")(
                    rngs.params(), m.kernel.shape, m.kernel.dtype
                )
                if m.bias is not None:
                    m.bias[...] = jnp.zeros_like(m.bias)
            elif isinstance(m, BatchNorm):
                m.scale[...] = jnp.ones_like(m.scale)
                m.bias[...] = jnp.zeros_like(m.bias)
            elif isinstance(m, nnx.Linear):
                m.kernel[...] = nnx.initializers.normal(0.01)(
                    rngs.params(), m.kernel.shape, m.kernel.dtype
                )
                m.bias[...] = jnp.zeros_like(m.bias)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.features(x)
        x = x.transpose(0, 3, 1, 2).mean(axis=(2, 3))  # global average pooling
        return self.classifier(x)


def mobilenet_v2_tiny(*, rngs: nnx.Rngs, **kwargs) -> MobileNetV2:
    """A quarter of the width and four stages, for small images."""
    settings = [[1, 16, 1, 1], [4, 24, 2, 2], [4, 32, 2, 1], [4, 48, 1, 2]]
    return MobileNetV2(width_mult=0.25, settings=settings, rngs=rngs, **kwargs)


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
