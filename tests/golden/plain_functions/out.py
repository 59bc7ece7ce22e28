"""Functions on tensors without a class, with constants at module level."""
import math
from collections.abc import Sequence
from typing import List, Optional, Tuple

import jax
import jax.numpy as jnp
import optax
from flax import nnx
from jax import lax

EPS = 1e-7
SOBEL = jnp.array([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])


def focal_loss(logits: jax.Array, target: jax.Array, alpha: float = 0.25, gamma: float = 2.0) -> jax.Array:
    p = nnx.sigmoid(logits)
    ce = optax.sigmoid_binary_cross_entropy(logits, target)
    p_t = p * target + (1 - p) * (1 - target)
    loss = ce * ((1 - p_t) ** gamma)
    if alpha >= 0:
        loss = (alpha * target + (1 - alpha) * (1 - target)) * loss
    return loss.mean()


def gradients(image: jax.Array) -> Tuple[jax.Array, jax.Array]:
    """Horizontal and vertical derivatives of (N, 1, H, W)."""
    image = image.transpose(0, 2, 3, 1)  # N C H W -> N H W C
    kernel = SOBEL.astype(image.transpose(0, 3, 1, 2).dtype)[None, None]
    return (
        convolve(image, kernel, padding=1).transpose(0, 3, 1, 2),
        convolve(image, kernel.swapaxes(2, 3), padding=1).transpose(0, 3, 1, 2),
    )


def pairwise_iou(a: jax.Array, b: jax.Array) -> jax.Array:
    """Boxes (N, 4) and (M, 4) as x, y, width, height -> overlaps (N, M)."""
    lt = jnp.maximum(a[:, None, :2], b[:, :2])
    rb = jnp.minimum((a[:, :2] + a[:, 2:])[:, None], b[:, :2] + b[:, 2:])
    inter = clamp(rb - lt, min=0).prod(axis=2)
    area = lambda box: box[:, 2] * box[:, 3]  # noqa: E731
    return inter / (area(a)[:, None] + area(b) - inter + EPS)


def gaussian_nll(
    x: jax.Array, mean: jax.Array, log_std: Optional[jax.Array] = None, dims: List[int] = [1]
) -> jax.Array:
    if log_std is None:
        log_std = jnp.zeros_like(mean)
    z = (x - mean) * jnp.exp(-log_std)
    return (0.5 * z**2 + log_std + 0.5 * math.log(2 * math.pi)).sum(axis=dims)


# Helpers without a Flax equivalent.


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


def channel_last(n: int) -> tuple[str, str, str]:
    """Axis names of input, kernel (out, in, *window) and output of a convolution over n spatial axes."""
    spatial = "DHW"[3 - n :]
    return f"N{spatial}C", f"OI{spatial}", f"N{spatial}C"


def spread(size: int | Sequence[int], n: int) -> tuple[int, ...]:
    """One size for each of n axes, from one for all or from n of them."""
    if isinstance(size, int):
        return (size,) * n
    return tuple(size) * n if len(size) == 1 else tuple(size)


def symmetric_pads(
    padding: int | str | Sequence[int], window: Sequence[int], dilation: int | Sequence[int] = 1
) -> tuple[tuple[int, int], ...]:
    """(before, after) of each spatial axis; "same" puts the odd element of an even window behind."""
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(spread(dilation, len(window)), window, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    sizes = spread(0 if isinstance(padding, str) else padding, len(window))
    return tuple((size, size) for size in sizes)


def convolve(
    x: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | str | Sequence[int] = 0,
    dilation: int | Sequence[int] = 1,
    groups: int = 1,
) -> jax.Array:
    """Convolution of x (batch, *spatial, in) with a weight of shape (out, in // groups, *window)."""
    window = weight.shape[2:]
    dtype = jnp.result_type(x, weight)
    y = lax.conv_general_dilated(
        x.astype(dtype),
        weight.astype(dtype),
        spread(stride, len(window)),
        symmetric_pads(padding, window, dilation),
        rhs_dilation=spread(dilation, len(window)),
        dimension_numbers=channel_last(len(window)),
        feature_group_count=groups,
    )
    return y if bias is None else y + bias
