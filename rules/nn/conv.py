"""Convolutions and transposed convolutions, as layers and as functions."""

from torch2jax.rulebook import *


@rule("torch.nn.Conv1d", layout="N C L -> N L C")
def Conv1d(
    in_channels: int,
    out_channels: int,
    kernel_size,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    bias=True,
    padding_mode="zeros",
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """1-D convolution.

    >>> nn.Conv1d(3, 4, 5)(f32(2, 3, 9))
    >>> nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)(f32(2, 4, 9))
    >>> nn.Conv1d(3, 4, 2, padding="same")(f32(2, 3, 9))
    >>> nn.Conv1d(3, 4, (3,), padding="valid")(f32(2, 3, 9))
    >>> nn.Conv1d(3, 4, (3,), [2], padding=(1,))(f32(2, 3, 9))
    >>> nn.Conv1d(3, 4, int("3"), padding=int("2"))(f32(2, 3, 9))
    >>> nn.Conv1d(3, 4, 3, padding=2, padding_mode="circular")(f32(2, 3, 9))
    >>> nn.Conv1d(4, 6, 3, stride=2, dilation=2, groups=2, bias=False)(f32(2, 4, 9))
    >>> nn.Conv1d(4, 6, 3, 2, "valid", 2, 2, False)(f32(2, 4, 9))
    >>> nn.Conv1d(4, 6, 3, 2, 1, 2, 2, bias=False, padding_mode="circular")(f32(2, 4, 9))
    >>> nn.Conv1d(3, 4, 3, padding="same", padding_mode="circular")(f32(2, 3, 9))
    """
    if padding_mode == "zeros" and padding == 0:
        return nnx.Conv(
            in_channels,
            out_channels,
            kernel_size,
            strides=stride,
            padding="VALID",
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, kernel_size, groups=groups),
            rngs=rngs,
        )
    if padding_mode == "zeros" and isinstance(padding, str):
        return nnx.Conv(
            in_channels,
            out_channels,
            kernel_size,
            strides=stride,
            padding="SAME" if padding == "same" else padding,
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, kernel_size, groups=groups),
            rngs=rngs,
        )
    if padding_mode == "zeros":
        return nnx.Conv(
            in_channels,
            out_channels,
            kernel_size,
            strides=stride,
            padding=padding,
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, kernel_size, groups=groups),
            rngs=rngs,
        )
    return helpers.PaddedConv(
        in_channels,
        out_channels,
        kernel_size,
        strides=stride,
        padding=padding,
        padding_mode=padding_mode,
        kernel_dilation=dilation,
        feature_group_count=groups,
        use_bias=bias,
        param_dtype=dtype,
        **helpers.fan_in_uniform(in_channels, kernel_size, groups=groups),
        rngs=rngs,
    )


@Conv1d.state
def _(torch, flax):
    flax.kernel = torch.weight.transpose(2, 1, 0)
    flax.bias = torch.bias


@Conv1d.attributes
def _(torch, flax):
    torch.in_channels: int = flax.in_features
    torch.out_channels: int = flax.out_features
    torch.kernel_size: (int,) = flax.kernel_size
    torch.stride: (int,) = single(flax.strides)
    torch.padding = helpers.padding_sizes(flax.padding, 1)
    torch.dilation: (int,) = single(flax.kernel_dilation)
    torch.groups: int = flax.feature_group_count
    torch.padding_mode: str = getattr(flax, "padding_mode", "zeros")


@rule("torch.nn.Conv1d._conv_forward", layout="N C L -> N L C")
def conv1d_forward(self, input: Tensor, weight: Tensor, bias) -> Tensor:
    """What the layer would compute with another weight and bias.

    >>> conv = nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2)
    >>> conv._conv_forward(f32(2, 4, 9), f32(6, 2, 3), None)

    >>> conv = nn.Conv1d(4, 6, 3, padding=2, padding_mode="reflect")
    >>> conv._conv_forward(f32(2, 4, 9), conv.weight * 2, f32(6))
    """
    return helpers.convolve_like(self, input, weight, bias)


@rule("torch.nn.Conv2d", layout="N C H W -> N H W C")
def Conv2d(
    in_channels: int,
    out_channels: int,
    kernel_size,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    bias=True,
    padding_mode="zeros",
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """2-D convolution.

    >>> nn.Conv2d(3, 4, 5)(f32(2, 3, 8, 9))
    >>> nn.Conv2d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)(f32(2, 4, 8, 9))
    >>> nn.Conv2d(3, 4, 2, padding="same")(f32(2, 3, 8, 9))
    >>> nn.Conv2d(3, 4, (3, 2), padding="valid")(f32(2, 3, 8, 9))
    >>> nn.Conv2d(3, 4, (3, 2), [2, 1], padding=(1, 2))(f32(2, 3, 8, 9))
    >>> nn.Conv2d(3, 4, int("3"), padding=int("2"))(f32(2, 3, 8, 9))
    >>> nn.Conv2d(3, 4, 3, padding=2, padding_mode="circular")(f32(2, 3, 8, 9))
    >>> nn.Conv2d(4, 6, 3, stride=2, dilation=2, groups=2, bias=False)(f32(2, 4, 8, 9))
    >>> nn.Conv2d(4, 6, 3, 2, "valid", 2, 2, False)(f32(2, 4, 8, 9))
    >>> nn.Conv2d(4, 6, 3, 2, 1, 2, 2, bias=False, padding_mode="circular")(f32(2, 4, 8, 9))
    >>> nn.Conv2d(3, 4, 3, padding="same", padding_mode="circular")(f32(2, 3, 8, 9))
    """
    if padding_mode == "zeros" and padding == 0:
        return nnx.Conv(
            in_channels,
            out_channels,
            pair(kernel_size),
            strides=stride,
            padding="VALID",
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, pair(kernel_size), groups=groups),
            rngs=rngs,
        )
    if padding_mode == "zeros" and isinstance(padding, str):
        return nnx.Conv(
            in_channels,
            out_channels,
            pair(kernel_size),
            strides=stride,
            padding="SAME" if padding == "same" else padding,
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, pair(kernel_size), groups=groups),
            rngs=rngs,
        )
    if padding_mode == "zeros":
        return nnx.Conv(
            in_channels,
            out_channels,
            pair(kernel_size),
            strides=stride,
            padding=padding,
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, pair(kernel_size), groups=groups),
            rngs=rngs,
        )
    return helpers.PaddedConv(
        in_channels,
        out_channels,
        pair(kernel_size),
        strides=stride,
        padding=padding,
        padding_mode=padding_mode,
        kernel_dilation=dilation,
        feature_group_count=groups,
        use_bias=bias,
        param_dtype=dtype,
        **helpers.fan_in_uniform(in_channels, pair(kernel_size), groups=groups),
        rngs=rngs,
    )


@Conv2d.state
def _(torch, flax):
    flax.kernel = torch.weight.transpose(2, 3, 1, 0)
    flax.bias = torch.bias


@Conv2d.attributes
def _(torch, flax):
    torch.in_channels: int = flax.in_features
    torch.out_channels: int = flax.out_features
    torch.kernel_size: (int, int) = flax.kernel_size
    torch.stride: (int, int) = pair(flax.strides)
    torch.padding = helpers.padding_sizes(flax.padding, 2)
    torch.dilation: (int, int) = pair(flax.kernel_dilation)
    torch.groups: int = flax.feature_group_count
    torch.padding_mode: str = getattr(flax, "padding_mode", "zeros")


@rule("torch.nn.Conv2d._conv_forward", layout="N C H W -> N H W C")
def conv2d_forward(self, input: Tensor, weight: Tensor, bias) -> Tensor:
    """What the layer would compute with another weight and bias.

    >>> conv = nn.Conv2d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2)
    >>> conv._conv_forward(f32(2, 4, 8, 9), f32(6, 2, 3, 2), None)

    >>> conv = nn.Conv2d(4, 6, 3, padding=2, padding_mode="reflect")
    >>> conv._conv_forward(f32(2, 4, 8, 9), conv.weight * 2, f32(6))
    """
    return helpers.convolve_like(self, input, weight, bias)


@rule("torch.nn.Conv3d", layout="N C D H W -> N D H W C")
def Conv3d(
    in_channels: int,
    out_channels: int,
    kernel_size,
    stride=1,
    padding=0,
    dilation=1,
    groups=1,
    bias=True,
    padding_mode="zeros",
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """3-D convolution.

    >>> nn.Conv3d(3, 4, 3)(f32(2, 3, 6, 7, 8))
    >>> nn.Conv3d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)(f32(2, 4, 6, 7, 8))
    >>> nn.Conv3d(3, 4, 2, padding="same")(f32(2, 3, 6, 7, 8))
    >>> nn.Conv3d(3, 4, (3, 2, 1), padding="valid")(f32(2, 3, 6, 7, 8))
    >>> nn.Conv3d(3, 4, (3, 2, 1), [2, 1, 1], padding=(1, 2, 0))(f32(2, 3, 6, 7, 8))
    >>> nn.Conv3d(3, 4, int("3"), padding=int("2"))(f32(2, 3, 6, 7, 8))
    >>> nn.Conv3d(3, 4, 3, padding=2, padding_mode="circular")(f32(2, 3, 6, 7, 8))
    >>> nn.Conv3d(4, 6, 3, stride=2, dilation=2, groups=2, bias=False)(f32(2, 4, 6, 7, 8))
    >>> nn.Conv3d(4, 6, 3, 2, "valid", 2, 2, False)(f32(2, 4, 6, 7, 8))
    >>> nn.Conv3d(4, 6, 3, 2, 1, 2, 2, bias=False, padding_mode="circular")(f32(2, 4, 6, 7, 8))
    >>> nn.Conv3d(3, 4, 3, padding="same", padding_mode="circular")(f32(2, 3, 6, 7, 8))
    """
    if padding_mode == "zeros" and padding == 0:
        return nnx.Conv(
            in_channels,
            out_channels,
            triple(kernel_size),
            strides=stride,
            padding="VALID",
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, triple(kernel_size), groups=groups),
            rngs=rngs,
        )
    if padding_mode == "zeros" and isinstance(padding, str):
        return nnx.Conv(
            in_channels,
            out_channels,
            triple(kernel_size),
            strides=stride,
            padding="SAME" if padding == "same" else padding,
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, triple(kernel_size), groups=groups),
            rngs=rngs,
        )
    if padding_mode == "zeros":
        return nnx.Conv(
            in_channels,
            out_channels,
            triple(kernel_size),
            strides=stride,
            padding=padding,
            kernel_dilation=dilation,
            feature_group_count=groups,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(in_channels, triple(kernel_size), groups=groups),
            rngs=rngs,
        )
    return helpers.PaddedConv(
        in_channels,
        out_channels,
        triple(kernel_size),
        strides=stride,
        padding=padding,
        padding_mode=padding_mode,
        kernel_dilation=dilation,
        feature_group_count=groups,
        use_bias=bias,
        param_dtype=dtype,
        **helpers.fan_in_uniform(in_channels, triple(kernel_size), groups=groups),
        rngs=rngs,
    )


@Conv3d.state
def _(torch, flax):
    flax.kernel = torch.weight.transpose(2, 3, 4, 1, 0)
    flax.bias = torch.bias


@Conv3d.attributes
def _(torch, flax):
    torch.in_channels: int = flax.in_features
    torch.out_channels: int = flax.out_features
    torch.kernel_size: (int, int, int) = flax.kernel_size
    torch.stride: (int, int, int) = triple(flax.strides)
    torch.padding = helpers.padding_sizes(flax.padding, 3)
    torch.dilation: (int, int, int) = triple(flax.kernel_dilation)
    torch.groups: int = flax.feature_group_count
    torch.padding_mode: str = getattr(flax, "padding_mode", "zeros")


@rule("torch.nn.Conv3d._conv_forward", layout="N C D H W -> N D H W C")
def conv3d_forward(self, input: Tensor, weight: Tensor, bias) -> Tensor:
    """What the layer would compute with another weight and bias.

    >>> conv = nn.Conv3d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2)
    >>> conv._conv_forward(f32(2, 4, 6, 7, 8), f32(6, 2, 3, 2, 1), None)

    >>> conv = nn.Conv3d(4, 6, 3, padding=2, padding_mode="reflect")
    >>> conv._conv_forward(f32(2, 4, 6, 7, 8), conv.weight * 2, f32(6))
    """
    return helpers.convolve_like(self, input, weight, bias)
