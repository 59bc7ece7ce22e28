"""Squeeze-and-excitation (Hu et al., 2018) and relatives that reweight channels or pixels."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class SELayer(nnx.Module):
    """Two linear layers on the averages of the channels decide how much of each channel passes."""

    def __init__(self, channel, reduction=16, *, rngs: nnx.Rngs):
        hidden = max(channel // reduction, 1)
        self.pool = partial(jnp.mean, axis=(1, 2), keepdims=True)
        self.gate = nnx.Sequential(
            nnx.Linear(channel, hidden, use_bias=False, **fan_in_uniform(channel), rngs=rngs),
            nnx.relu,
            nnx.Linear(hidden, channel, use_bias=False, **fan_in_uniform(hidden), rngs=rngs),
            nnx.sigmoid
        )

    def __call__(self, x):
        b, c, _, _ = x.shape
        s = self.pool(x.transpose(0, 2, 3, 1)).reshape(b, c)
        s = self.gate(s).reshape(b, c, 1, 1)
        return x * jnp.broadcast_to(s, x.shape)


class ECALayer(nnx.Module):
    """Efficient channel attention: a convolution along the channels, its size grows with their number."""

    def __init__(self, channel, gamma=2, b=1, *, rngs: nnx.Rngs):
        k = int(abs((math.log(channel, 2) + b) / gamma))
        k += 1 - k % 2  # an odd size, so that "same" padding is symmetric
        self.conv = nnx.Conv(1, 1, k, padding=k // 2, use_bias=False, **fan_in_uniform(1, k), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        y = x.mean((1, 2), keepdims=True)         # (b, c, 1, 1)
        y = squeeze(y.transpose(0, 3, 1, 2), -1).swapaxes(-1, -2).transpose(0, 2, 1)     # (b, 1, c)
        y = nnx.sigmoid(self.conv(y))
        return (x * y[..., None].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)


class SpatialGate(nnx.Module):
    """Attention over pixels from the maximum and the mean over the channels (CBAM)."""

    def __init__(self, kernel_size=7, *, rngs: nnx.Rngs):
        self.conv = nnx.Conv(
            2,
            1,
            (kernel_size, kernel_size),
            padding=(kernel_size - 1) // 2,
            **fan_in_uniform(2, (kernel_size, kernel_size)),
            rngs=rngs,
        )

    # x: N H W C; result: N H W C
    def __call__(self, x):
        strongest = max_with_indices(x, axis=3)[0][:, None]
        average = x.mean(axis=3)[:, None]
        pixels = self.conv(jnp.concatenate((strongest, average), axis=1).transpose(0, 2, 3, 1))
        return x * nnx.sigmoid(pixels)


class SEBasicBlock(nnx.Module):
    """Residual block with an attention layer before the addition."""

    attention_types = {'se': SELayer, 'eca': ECALayer}

    def __init__(self, inplanes, planes, stride=1, attention='se', *, rngs: nnx.Rngs, **kwargs):
        self.conv1 = nnx.Conv(
            inplanes,
            planes,
            (3, 3),
            strides=stride,
            padding=1,
            use_bias=False,
            **fan_in_uniform(inplanes, (3, 3)),
            rngs=rngs,
        )
        self.bn1 = BatchNorm(planes, rngs=rngs)
        self.conv2 = nnx.Conv(
            planes, planes, (3, 3), padding=1, use_bias=False, **fan_in_uniform(planes, (3, 3)), rngs=rngs
        )
        self.bn2 = BatchNorm(planes, rngs=rngs)
        self.att = self.attention_types[attention](planes, **kwargs, rngs=rngs)
        if inplanes != planes or stride != 1:
            self.downsample = nnx.Sequential(
                nnx.Conv(
                    inplanes,
                    planes,
                    (1, 1),
                    strides=stride,
                    padding="VALID",
                    use_bias=False,
                    **fan_in_uniform(inplanes, (1, 1)),
                    rngs=rngs,
                ),
                BatchNorm(planes, rngs=rngs),
            )
        else:
            self.downsample = lambda x: x

    # x: N H W C; result: N H W C
    def __call__(self, x):
        residual = self.downsample(x)
        out = nnx.relu(self.bn1(self.conv1(x)))
        out = self.att(self.bn2(self.conv2(out)).transpose(0, 3, 1, 2)).transpose(0, 2, 3, 1)
        out += residual
        return nnx.relu(out)


class SENet(nnx.Module):
    """A small SE-ResNet for CIFAR."""

    def __init__(
        self, num_classes=10, in_channels=3, planes=(16, 32, 64), n_size=1, reduction=8, *, rngs: nnx.Rngs
    ):
        self.conv1 = nnx.Conv(
            in_channels,
            planes[0],
            (3, 3),
            padding=1,
            use_bias=False,
            **fan_in_uniform(in_channels, (3, 3)),
            rngs=rngs,
        )
        self.bn1 = BatchNorm(planes[0], rngs=rngs)
        self.inplane = planes[0]
        for i, width in enumerate(planes):
            stride = 1 if i == 0 else 2
            setattr(
                self, 'layer%d' % (i + 1), self._make_layer(width, n_size, stride, reduction, rngs=rngs)
            )
        self.num_layers = len(planes)
        self.gate = SpatialGate(kernel_size=3, rngs=rngs)
        self.fc = nnx.Linear(planes[-1], num_classes, **fan_in_uniform(planes[-1]), rngs=rngs)

        for _, m in nnx.iter_modules(self):
            if isinstance(m, nnx.Conv) and len(m.kernel_size) == 2:
                n = m.kernel_size[0] * m.kernel_size[1] * m.out_features
                m.kernel[...] = math.sqrt(2. / n) * rngs.normal(m.kernel.shape, dtype=m.kernel.dtype)
            elif isinstance(m, BatchNorm):
                m.scale[...] = jnp.full_like(m.scale[...], 1)
                m.bias[...] = jnp.zeros_like(m.bias[...])

    def _make_layer(self, planes, blocks, stride, reduction, *, rngs: nnx.Rngs):
        strides = [stride] + [1] * (blocks - 1)
        layers = []
        for stride in strides:
            layers.append(SEBasicBlock(self.inplane, planes, stride, reduction=reduction, rngs=rngs))
            self.inplane = planes
        return nnx.Sequential(*layers)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = nnx.relu(self.bn1(self.conv1(x)))
        for i in range(1, self.num_layers + 1):
            x = getattr(self, 'layer%d' % i)(x)
        x = self.gate(x)
        kernel_size = x.shape[1:3]
        x = nnx.avg_pool(x, window_shape=kernel_size, strides=kernel_size)
        x = x.transpose(0, 3, 1, 2).reshape(x.shape[0], -1)
        return self.fc(x)


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


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))
