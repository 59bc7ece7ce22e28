"""Convolutions that flax lacks: other paddings, transposed ones with groups, functions. Data are channel-last."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class PaddedConv(nnx.Conv):
    """Convolution whose input is padded by its own values: "reflect", "replicate" or "circular" (or by "zeros")."""

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: int | Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: int | str | Sequence[int] = 0,
        padding_mode: str,
        kernel_dilation: int | Sequence[int] = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        param_dtype: Any = jnp.float32,
        kernel_init: Callable[..., jax.Array],
        bias_init: Callable[..., jax.Array],
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(
            *(in_features, out_features, kernel_size, strides),
            padding=padding,
            kernel_dilation=kernel_dilation,
            feature_group_count=feature_group_count,
            use_bias=use_bias,
            param_dtype=param_dtype,
            kernel_init=kernel_init,
            bias_init=bias_init,
            rngs=rngs,
        )
        self.padding_mode = padding_mode

    def __call__(self, inputs: jax.Array, out_sharding: Any = None) -> jax.Array:
        """Convolves inputs of shape (batch, *spatial, in_features)."""
        bias = None if self.bias is None else self.bias[...]
        return convolve_like(self, inputs, jnp.moveaxis(self.kernel[...], (-1, -2), (0, 1)), bias)


class ConvTranspose(nnx.Module):
    """Transposed convolution as PyTorch defines it: the gradient of a convolution with these arguments.

    `nnx.ConvTranspose` has no groups and no output padding, and pads the dilated input, not the output. The kernel has
    shape (*window, out_features // groups, in_features).
    """

    torch_names: ClassVar = {"kernel": "weight"}

    def __init__(
        self,
        in_features: int,
        out_features: int,
        kernel_size: Sequence[int],
        strides: int | Sequence[int] = 1,
        *,
        padding: int | Sequence[int] = 0,
        output_padding: int | Sequence[int] = 0,
        kernel_dilation: int | Sequence[int] = 1,
        feature_group_count: int = 1,
        use_bias: bool = True,
        param_dtype: Any = jnp.float32,
        kernel_init: Callable[..., jax.Array],
        bias_init: Callable[..., jax.Array],
        rngs: nnx.Rngs,
    ) -> None:
        self.in_features = in_features
        self.out_features = out_features
        self.kernel_size = tuple(kernel_size)
        shape = (*kernel_size, out_features // feature_group_count, in_features)
        self.kernel = nnx.Param(kernel_init(rngs.params(), shape, param_dtype))
        self.bias = nnx.Param(bias_init(rngs.params(), (out_features,), param_dtype)) if use_bias else None
        self.strides = strides
        self.padding = padding
        self.output_padding = output_padding
        self.feature_group_count = feature_group_count
        self.kernel_dilation = kernel_dilation

    def __call__(self, inputs: jax.Array) -> jax.Array:
        """Maps (batch, *spatial, in_features) to (batch, *larger, out_features)."""
        return convolve_transpose(
            inputs,
            jnp.moveaxis(self.kernel[...], (-1, -2), (0, 1)),
            None if self.bias is None else self.bias[...],
            self.strides,
            self.padding,
            self.output_padding,
            self.feature_group_count,
            self.kernel_dilation,
        )


def convolve_like(conv: Any, x: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """What ``conv`` would compute with this weight, of shape (out, in // groups, *window), and this bias."""
    window = weight.shape[2:]
    padding: Any = padding_sizes(conv.padding, len(window))
    mode = getattr(conv, "padding_mode", "zeros")
    if mode != "zeros":
        pads = symmetric_pads(padding, window, conv.kernel_dilation)
        unpadded = [(0, 0)] * (x.ndim - len(window) - 1)
        numpy_mode = {"reflect": "reflect", "replicate": "edge", "circular": "wrap"}[mode]
        x = jnp.pad(x, [*unpadded, *pads, (0, 0)], mode=numpy_mode)
        padding = 0
    batch = x.shape[: -len(window) - 1]
    y = convolve(
        x.reshape(-1, *x.shape[len(batch) :]),
        weight,
        bias,
        conv.strides,
        padding,
        conv.kernel_dilation,
        conv.feature_group_count,
    )
    return y.reshape(*batch, *y.shape[1:])


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


def convolve_transpose(
    x: jax.Array,
    weight: jax.Array,
    bias: jax.Array | None = None,
    stride: int | Sequence[int] = 1,
    padding: int | Sequence[int] = 0,
    output_padding: int | Sequence[int] = 0,
    groups: int = 1,
    dilation: int | Sequence[int] = 1,
) -> jax.Array:
    """Transposed convolution of x (batch, *spatial, in) with a weight of shape (in, out // groups, *window).

    It is a convolution with the flipped window over x dilated by the stride (https://arxiv.org/abs/1603.07285, 4).
    """
    n = weight.ndim - 2
    inputs, outputs, *window = weight.shape
    grouped = weight.reshape(groups, inputs // groups, outputs, *window)
    kernel = jnp.flip(grouped, range(3, 3 + n)).swapaxes(1, 2).reshape(groups * outputs, inputs // groups, *window)
    dilations = spread(dilation, n)
    pads = []
    for k, d, p, extra in zip(window, dilations, spread(padding, n), spread(output_padding, n), strict=True):
        pads.append((d * (k - 1) - p, d * (k - 1) - p + extra))
    dtype = jnp.result_type(x, weight)
    y = lax.conv_general_dilated(
        x.astype(dtype),
        kernel.astype(dtype),
        (1,) * n,
        pads,
        lhs_dilation=spread(stride, n),
        rhs_dilation=dilations,
        dimension_numbers=channel_last(n),
        feature_group_count=groups,
    )
    return y if bias is None else y + bias


def channel_last(n: int) -> tuple[str, str, str]:
    """Axis names of input, kernel (out, in, *window) and output of a convolution over n spatial axes."""
    spatial = "DHW"[3 - n :]
    return f"N{spatial}C", f"OI{spatial}", f"N{spatial}C"


def symmetric_pads(
    padding: int | str | Sequence[int], window: Sequence[int], dilation: int | Sequence[int] = 1
) -> tuple[tuple[int, int], ...]:
    """(before, after) of each spatial axis; "same" puts the odd element of an even window behind."""
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(spread(dilation, len(window)), window, strict=True)]
        return tuple((total // 2, total - total // 2) for total in totals)
    sizes = spread(0 if isinstance(padding, str) else padding, len(window))
    return tuple((size, size) for size in sizes)


def padding_sizes(padding: int | str | Sequence[int], n: int) -> str | tuple[int, ...]:
    """The padding of a convolution as PyTorch keeps it: a size for each of n axes, "same" or "valid"."""
    if padding == "VALID":
        return (0,) * n
    return padding.lower() if isinstance(padding, str) else spread(padding, n)


def spread(size: int | Sequence[int], n: int) -> tuple[int, ...]:
    """One size for each of n axes, from one for all or from n of them."""
    if isinstance(size, int):
        return (size,) * n
    return tuple(size) * n if len(size) == 1 else tuple(size)
