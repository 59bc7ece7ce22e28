"""Residual networks, ResNet-18/34 (basic blocks) and ResNet-50 (bottlenecks).

K. He et al., "Deep residual learning for image recognition", 2015.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

__all__ = ["ResNet", "BasicBlock", "Bottleneck", "resnet18", "resnet34", "resnet50"]


def conv3x3(in_ch, out_ch, stride=1, *, rngs: nnx.Rngs):
    return nnx.Conv(
        in_ch,
        out_ch,
        (3, 3),
        strides=stride,
        padding=1,
        use_bias=False,
        **fan_in_uniform(in_ch, (3, 3)),
        rngs=rngs,
    )


def conv1x1(in_ch, out_ch, stride=1, *, rngs: nnx.Rngs):
    return nnx.Conv(
        in_ch,
        out_ch,
        (1, 1),
        strides=stride,
        padding="VALID",
        use_bias=False,
        **fan_in_uniform(in_ch, (1, 1)),
        rngs=rngs,
    )


class BasicBlock(nnx.Module):
    """Two 3x3 convolutions; `downsample` brings the shortcut to the shape of the branch."""

    expansion = 1

    def __init__(self, in_ch, width, stride=1, downsample=None, norm_layer=None, *, rngs: nnx.Rngs):
        norm = norm_layer or BatchNorm
        self.conv1 = conv3x3(in_ch, width, stride, rngs=rngs)
        self.bn1 = norm(width, rngs=rngs)
        self.conv2 = conv3x3(width, width, rngs=rngs)
        self.bn2 = norm(width, rngs=rngs)
        self.relu = nnx.relu
        self.downsample = downsample

    # x: N H W C; result: N H W C
    def __call__(self, x):
        shortcut = x
        if self.downsample is not None:
            shortcut = self.downsample(x)

        h = self.conv1(x)
        h = self.bn1(h)
        h = self.relu(h)
        h = self.conv2(h)
        h = self.bn2(h)

        h += shortcut
        return self.relu(h)


class Bottleneck(nnx.Module):
    """1x1 down, 3x3 (which carries the stride), 1x1 up by a factor of four."""

    expansion = 4

    def __init__(self, in_ch, width, stride=1, downsample=None, norm_layer=None, *, rngs: nnx.Rngs):
        if norm_layer is None:
            norm_layer = BatchNorm
        out_ch = width * self.expansion
        self.conv1, self.bn1 = conv1x1(in_ch, width, rngs=rngs), norm_layer(width, rngs=rngs)
        self.conv2, self.bn2 = (
            conv3x3(width, width, stride, rngs=rngs), norm_layer(width, rngs=rngs)
        )
        self.conv3, self.bn3 = conv1x1(width, out_ch, rngs=rngs), norm_layer(out_ch, rngs=rngs)
        self.relu = nnx.relu
        self.downsample = downsample

    # x: N H W C; result: N H W C
    def __call__(self, x):
        h = self.relu(self.bn1(self.conv1(x)))
        h = self.relu(self.bn2(self.conv2(h)))
        h = self.bn3(self.conv3(h))
        h += x if self.downsample is None else self.downsample(x)
        return self.relu(h)


class ResNet(nnx.Module):
    """Stem, four stages of residual blocks, global pooling and one linear layer.

    Args:
        block: `BasicBlock` or `Bottleneck`
        layers: how many blocks each stage has
        num_classes: number of scores
        width: channels of the first stage; each later stage doubles them
        in_channels: channels of the images
        zero_init_residual: let every block start out as the identity
        small_images: stem for 32x32 images, without the stride and the pooling
        norm_layer: class (or factory) of the normalisation, called with the number of channels
    """

    def __init__(self, block, layers, num_classes=1000, width=64, in_channels=3,
                 zero_init_residual=False, small_images=False, norm_layer=None, *, rngs: nnx.Rngs):
        if norm_layer is None:
            norm_layer = BatchNorm
        self.norm_layer = norm_layer
        self.in_ch = width  # what the next block receives

        if small_images:
            self.conv1 = conv3x3(in_channels, width, rngs=rngs)
            self.pool = nnx.identity
        else:
            self.conv1 = nnx.Conv(
                in_channels,
                width,
                (7, 7),
                strides=2,
                padding=3,
                use_bias=False,
                **fan_in_uniform(in_channels, (7, 7)),
                rngs=rngs,
            )
            self.pool = partial(
                nnx.max_pool, window_shape=(3, 3), strides=(2, 2), padding=((1, 1), (1, 1))
            )
        self.bn1 = norm_layer(width, rngs=rngs)
        self.relu = nnx.relu

        self.layer1 = self._make_layer(block, width, layers[0], rngs=rngs)
        self.layer2 = self._make_layer(block, 2 * width, layers[1], stride=2, rngs=rngs)
        self.layer3 = self._make_layer(block, 4 * width, layers[2], stride=2, rngs=rngs)
        self.layer4 = self._make_layer(block, 8 * width, layers[3], stride=2, rngs=rngs)

        self.avgpool = partial(jnp.mean, axis=(1, 2), keepdims=True)
        self.fc = nnx.Linear(
            8 * width * block.expansion,
            num_classes,
            **fan_in_uniform(8 * width * block.expansion),
            rngs=rngs,
        )
        self._init_weights(zero_init_residual, rngs=rngs)

    def _init_weights(self, zero_init_residual, *, rngs: nnx.Rngs):
        for _, m in nnx.iter_modules(self):
            if isinstance(m, nnx.Conv):
                m.kernel[...] = nnx.initializers.variance_scaling(2.0, "fan_out", "normal")(
                    rngs.params(), m.kernel.shape, m.kernel.dtype
                )
            elif isinstance(m, (BatchNorm, nnx.GroupNorm)):
                m.scale[...] = jnp.ones_like(m.scale)
                m.bias[...] = jnp.zeros_like(m.bias)
        if not zero_init_residual:
            return
        # a zero scale in the last norm silences the branch at the start of the training
        for _, m in nnx.iter_modules(self):
            if isinstance(m, BasicBlock):
                m.bn2.scale[...] = jnp.zeros_like(m.bn2.scale)
            elif isinstance(m, Bottleneck):
                m.bn3.scale[...] = jnp.zeros_like(m.bn3.scale)

    def _make_layer(self, block, width, num_blocks, stride=1, *, rngs: nnx.Rngs):
        out_ch = width * block.expansion
        downsample = None
        if stride != 1 or self.in_ch != out_ch:
            downsample = nnx.Sequential(
                conv1x1(self.in_ch, out_ch, stride, rngs=rngs), self.norm_layer(out_ch, rngs=rngs)
            )

        blocks = [block(self.in_ch, width, stride, downsample, self.norm_layer, rngs=rngs)]
        self.in_ch = out_ch
        for _ in range(1, num_blocks):
            blocks.append(block(self.in_ch, width, norm_layer=self.norm_layer, rngs=rngs))
        return nnx.Sequential(*blocks)

    def features(self, x):
        """Feature map before pooling, 1/32 of the image's size (1/8 for small images)."""
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.pool(x)
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = stage(x)
        return x.transpose(0, 3, 1, 2)

    def __call__(self, x):
        x = self.features(x).transpose(0, 2, 3, 1)
        x = self.avgpool(x)
        x = x.reshape(x.shape[0], -1)
        return self.fc(x)


def resnet18(*, rngs: nnx.Rngs, **kwargs):
    """ResNet-18; keyword arguments go on to `ResNet`."""
    return ResNet(BasicBlock, [2, 2, 2, 2], rngs=rngs, **kwargs)


def resnet34(*, rngs: nnx.Rngs, **kwargs):
    """ResNet-34."""
    return ResNet(BasicBlock, [3, 4, 6, 3], rngs=rngs, **kwargs)


def resnet50(*, rngs: nnx.Rngs, **kwargs):
    """ResNet-50."""
    return ResNet(Bottleneck, [3, 4, 6, 3], rngs=rngs, **kwargs)


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
