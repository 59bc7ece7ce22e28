import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class WSConv2d(nnx.Conv):
    """Convolution with standardised weights."""

    def __init__(
        self,
        in_channels,
        out_channels,
        kernel_size,
        stride=1,
        padding=0,
        dilation=1,
        groups=1,
        bias=True,
        *,
        rngs: nnx.Rngs,
    ):
        super().__init__(
            in_channels,
            out_channels,
            (kernel_size, kernel_size),
            strides=stride,
            padding=padding,
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            **fan_in_uniform(in_channels, (kernel_size, kernel_size), groups=groups),
            rngs=rngs,
        )

    # x: N H W C; result: N H W C
    def __call__(self, x):
        w = self.kernel
        mean = w[...].mean(axis=(0, 1, 2), keepdims=True)
        value = w[...].transpose(3, 2, 0, 1)
        std = (
            safe_sqrt(value.reshape(value.shape[0], -1).var(axis=1, ddof=1)).reshape(-1, 1, 1, 1) + 1e-5
        ).transpose(2, 3, 1, 0)
        return convolve(
            x,
            ((w[...] - mean) / std).transpose(3, 2, 0, 1),
            bias=None if self.bias is None else self.bias[...],
            stride=pair(self.strides),
            padding=padding_sizes(self.padding, 2),
            dilation=pair(self.kernel_dilation),
            groups=self.feature_group_count,
        )


class EqualLinear(nnx.Linear):
    def __init__(self, in_features, out_features, lr_mul=0.5, *, bias=True, rngs: nnx.Rngs):
        super().__init__(in_features, out_features, use_bias=bias, **fan_in_uniform(in_features), rngs=rngs)
        self.scale = lr_mul / math.sqrt(in_features)

    def __call__(self, x):
        return linear(x, self.kernel[...].T * self.scale, None if self.bias is None else self.bias[...])


class Residual(nnx.Sequential):
    def __call__(self, x):
        return x + super().__call__(x)


class ChannelNorm(nnx.LayerNorm):
    """LayerNorm for (N, C, H, W)."""

    def __init__(self, normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, *, rngs: nnx.Rngs):
        super().__init__(
            normalized_shape,
            epsilon=eps,
            use_bias=elementwise_affine and bias,
            use_scale=elementwise_affine,
            use_fast_variance=False,
            rngs=rngs,
        )

    def __call__(self, x: jax.Array) -> jax.Array:
        x = x.transpose(0, 2, 3, 1)
        x = layer_norm(
            x,
            single(self.num_features),
            self.scale[...],
            None if self.bias is None else self.bias[...],
            epsilon=self.epsilon,
        )
        return x.transpose(0, 3, 1, 2)


class Net(nnx.Module):
    def __init__(self, width=6, out=4, *, rngs: nnx.Rngs):
        self.stem = WSConv2d(3, width, 3, stride=2, padding=1, rngs=rngs)
        self.norm = ChannelNorm(width, rngs=rngs)
        self.mlp = Residual(EqualLinear(width, width, rngs=rngs), nnx.relu)
        self.head = EqualLinear(width, out, lr_mul=1.0, bias=False, rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.norm(self.stem(x).transpose(0, 3, 1, 2)).mean(axis=(2, 3))
        return self.head(self.mlp(x))


# Helpers without a Flax equivalent.


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


def scale_and_shift(x: jax.Array, scale: jax.Array | None = None, bias: jax.Array | None = None) -> jax.Array:
    """The affine map x * scale + bias, each where it is given."""
    if scale is not None:
        x = x * scale
    return x if bias is None else x + bias


def standardize(x: jax.Array, axes: Iterable[int], epsilon: float) -> jax.Array:
    """(x - mean) / sqrt(variance + epsilon) with statistics over ``axes``, computed in float32 at least."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    centred = wide - wide.mean(tuple(axes), keepdims=True)
    variance = jnp.square(centred).mean(tuple(axes), keepdims=True)
    return (centred * lax.rsqrt(variance + epsilon)).astype(x.dtype)


def layer_norm(
    x: jax.Array,
    shape: Sequence[int],
    scale: jax.Array | None = None,
    bias: jax.Array | None = None,
    epsilon: float = 1e-5,
) -> jax.Array:
    """Normalisation over the last axes, whose sizes are ``shape`` (https://arxiv.org/abs/1607.06450)."""
    return scale_and_shift(standardize(x, range(-len(shape), 0), epsilon), scale, bias)


def linear(x: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """Maps (..., in) to (..., out) by a weight of shape (out, in)."""
    y = x @ weight.T
    return y if bias is None else y + bias


def padding_sizes(padding: int | str | Sequence[int], n: int) -> str | tuple[int, ...]:
    """The padding of a convolution as PyTorch keeps it: a size for each of n axes, "same" or "valid"."""
    if padding == "VALID":
        return (0,) * n
    return padding.lower() if isinstance(padding, str) else spread(padding, n)


def _repeated(value: int | Sequence[int], count: int) -> tuple[int, ...]:
    return (value,) * count if isinstance(value, int) else tuple(value)


def pair(value: int | Sequence[int]) -> tuple[int, int]:
    """The same size for height and width, or the two that are given."""
    return _repeated(value, 2)  # type: ignore[return-value]


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def single(value: int | Sequence[int]) -> tuple[int]:
    """The size as a tuple of one."""
    return _repeated(value, 1)  # type: ignore[return-value]
