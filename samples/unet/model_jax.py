"""U-Net for segmentation: an encoder, a decoder, and a skip connection at each resolution."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


class DoubleConv(nnx.Module):
    """Two rounds of 3x3 convolution, batch norm and ReLU."""

    def __init__(self, c_in, c_out, c_mid=None, *, rngs: nnx.Rngs):
        c_mid = c_mid or c_out
        self.net = nnx.Sequential(
            nnx.Conv(
                c_in,
                c_mid,
                (3, 3),
                padding=1,
                use_bias=False,
                **fan_in_uniform(c_in, (3, 3)),
                rngs=rngs,
            ),
            BatchNorm(c_mid, rngs=rngs),
            nnx.relu,
            nnx.Conv(
                c_mid,
                c_out,
                (3, 3),
                padding=1,
                use_bias=False,
                **fan_in_uniform(c_mid, (3, 3)),
                rngs=rngs,
            ),
            BatchNorm(c_out, rngs=rngs),
            nnx.relu,
        )

    # x: N H W C; result: N H W C
    def __call__(self, x):
        return self.net(x)


class Up(nnx.Module):
    """Double the resolution, join with the encoder's features, and convolve.

    With `bilinear` the upsampling has no weights and the convolutions narrow the channels;
    otherwise a transposed convolution halves them.
    """

    def __init__(self, c_in, c_skip, c_out, bilinear, *, rngs: nnx.Rngs):
        if bilinear:
            self.up = partial(resize_linear, scale_factor=2, align_corners=True)
            self.conv = DoubleConv(c_in + c_skip, c_out, c_mid=(c_in + c_skip) // 2, rngs=rngs)
        else:
            self.up = nnx.ConvTranspose(
                c_in,
                c_in // 2,
                (2, 2),
                strides=2,
                padding=1,
                transpose_kernel=True,
                **fan_in_uniform(c_in // 2, (2, 2)),
                rngs=rngs,
            )
            self.conv = DoubleConv(c_in // 2 + c_skip, c_out, rngs=rngs)

    # x: N H W C; skip: N H W C; result: N H W C
    def __call__(self, x, skip):
        x = self.up(x)
        # pooling rounds odd sizes down: pad what is missing, evenly on both sides
        dh = skip.shape[1] - x.shape[1]
        dw = skip.shape[2] - x.shape[2]
        x = pad(x, (dw // 2, dw - dw // 2, dh // 2, dh - dh // 2), channel_axis=-1)
        return self.conv(jnp.concatenate([skip, x], axis=3))


class UNet(nnx.Module):
    """Image (N, C, H, W) -> scores (N, classes, H, W), for any H and W down to 2**depth.

    Args:
        in_channels: channels of the image
        num_classes: number of classes
        base: channels at full resolution, doubled at each level
        depth: number of times the resolution is halved
        bilinear: upsample by interpolation instead of transposed convolutions
    """

    def __init__(
        self, in_channels=3, num_classes=2, base=16, depth=4, bilinear=False, *, rngs: nnx.Rngs
    ):
        widths = [base * 2**level for level in range(depth + 1)]

        self.stem = DoubleConv(in_channels, widths[0], rngs=rngs)
        self.pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))
        self.downs = nnx.List(DoubleConv(a, b, rngs=rngs) for a, b in zip(widths[:-1], widths[1:]))

        self.ups = nnx.List([])
        for level in reversed(range(depth)):
            self.ups.append(
                Up(widths[level + 1], widths[level], widths[level], bilinear, rngs=rngs)
            )
        self.head = nnx.Conv(
            widths[0],
            num_classes,
            (1, 1),
            padding="VALID",
            **fan_in_uniform(widths[0], (1, 1)),
            rngs=rngs,
        )

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        skips = [self.stem(x)]
        for down in self.downs:
            skips.append(down(self.pool(skips[-1])))

        x = skips.pop()
        for up in self.ups:
            x = up(x, skips.pop())
        return self.head(x).transpose(0, 3, 1, 2)


class SmallUNet(nnx.Module):
    """The same network with three levels spelled out, as many people write it."""

    def __init__(self, in_channels=1, num_classes=2, base=8, bilinear=True, *, rngs: nnx.Rngs):
        self.deterministic = False
        self.enc1 = DoubleConv(in_channels, base, rngs=rngs)
        self.enc2 = DoubleConv(base, base * 2, rngs=rngs)
        self.bottom = DoubleConv(base * 2, base * 4, rngs=rngs)
        self.dec2 = Up(base * 4, base * 2, base * 2, bilinear, rngs=rngs)
        self.dec1 = Up(base * 2, base, base, bilinear, rngs=rngs)
        self.out = nnx.Conv(
            base, num_classes, (1, 1), padding="VALID", **fan_in_uniform(base, (1, 1)), rngs=rngs
        )

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        e1 = self.enc1(x)
        e2 = self.enc2(nnx.max_pool(e1, window_shape=(2, 2), strides=(2, 2)))
        b = self.bottom(nnx.max_pool(e2, window_shape=(2, 2), strides=(2, 2)))
        d2 = self.dec2(b, e2)
        d1 = self.dec1(d2, e1)
        out = self.out(d1)
        if not self.deterministic:
            return out.transpose(0, 3, 1, 2)
        return nnx.softmax(out, axis=3).transpose(0, 3, 1, 2)


class DiceLoss(nnx.Module):
    """One minus the soft Dice overlap, averaged over images and classes."""

    def __init__(self, smooth=1.0, from_logits=True, *, rngs: nnx.Rngs):
        self.smooth = smooth
        self.from_logits = from_logits

    def __call__(self, pred, target):
        # both (N, C, H, W)
        prob = nnx.sigmoid(pred) if self.from_logits else pred
        dims = (2, 3)
        inter = (prob * target).sum(axis=dims)
        total = prob.sum(axis=dims) + target.sum(axis=dims)
        dice = (2.0 * inter + self.smooth) / (total + self.smooth)
        return 1 - dice.mean()


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
