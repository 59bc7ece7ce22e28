"""Transposed convolutions, as layers and as functions."""

from torch2jax.rulebook import *


@rule("torch.nn.ConvTranspose1d", layout="N C L -> N L C")
def ConvTranspose1d(
    in_channels: int,
    out_channels: int,
    kernel_size,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    bias=True,
    dilation=1,
    padding_mode: Ignored = "zeros",
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """1-D transposed convolution.

    >>> nn.ConvTranspose1d(3, 4, 4, 2, 1)(f32(2, 3, 9))
    >>> nn.ConvTranspose1d(3, 4, 2, stride=3, bias=False)(f32(2, 3, 9))
    >>> nn.ConvTranspose1d(3, 4, 3, stride=2, padding=2, output_padding=1, dilation=2)(f32(2, 3, 9))
    >>> nn.ConvTranspose1d(3, 4, 3, 2, 2, 1)(f32(2, 3, 9))
    >>> nn.ConvTranspose1d(3, 4, 3, 2, dilation=2, bias=False)(f32(2, 3, 9))
    >>> nn.ConvTranspose1d(4, 6, (3,), 2, output_padding=(1,), groups=2)(f32(2, 4, 9))
    >>> nn.ConvTranspose1d(4, 6, 3, 2, groups=2)(f32(2, 4, 9))
    >>> nn.ConvTranspose1d(3, 4, (3,), 2)(f32(2, 3, 9))
    >>> nn.ConvTranspose1d(3, 4, 3, 2, (1,))(f32(2, 3, 9))
    >>> nn.ConvTranspose1d(3, 4, int("3"), 2, int("1"))(f32(2, 3, 9))
    """
    if (
        groups == 1
        and output_padding == 0
        and dilation == 1
        and isinstance(kernel_size, int)
        and isinstance(padding, int)
    ):
        return nnx.ConvTranspose(
            in_channels,
            out_channels,
            single(kernel_size),
            strides=stride,
            padding=kernel_size - 1 - padding,
            transpose_kernel=True,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(out_channels, single(kernel_size)),
            rngs=rngs,
        )
    return helpers.ConvTranspose(
        in_channels,
        out_channels,
        single(kernel_size),
        strides=stride,
        padding=padding,
        output_padding=output_padding,
        kernel_dilation=dilation,
        feature_group_count=groups,
        use_bias=bias,
        param_dtype=dtype,
        **helpers.fan_in_uniform(out_channels, single(kernel_size), groups=groups),
        rngs=rngs,
    )


@ConvTranspose1d.state
def _(torch, flax):
    flax.kernel = torch.weight.transpose(2, 1, 0)
    flax.bias = torch.bias


@ConvTranspose1d.attributes
def _(torch, flax):
    torch.in_channels: int = flax.in_features
    torch.out_channels: int = flax.out_features
    torch.kernel_size: (int,) = flax.kernel_size
    torch.stride: (int,) = single(flax.strides)
    torch.output_padding: (int,) = single(getattr(flax, "output_padding", 0))
    torch.dilation: (int,) = single(flax.kernel_dilation or 1)
    torch.groups: int = getattr(flax, "feature_group_count", 1)


@ConvTranspose1d.call
def _(self, input: Tensor, output_size=None) -> Tensor:
    if output_size is not None:
        raise Unsupported("output_size= of a transposed convolution", "give output_padding= to the constructor instead")
    return self(input)


@rule("torch.nn.ConvTranspose2d", layout="N C H W -> N H W C")
def ConvTranspose2d(
    in_channels: int,
    out_channels: int,
    kernel_size,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    bias=True,
    dilation=1,
    padding_mode: Ignored = "zeros",
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """2-D transposed convolution.

    >>> nn.ConvTranspose2d(3, 4, 4, 2, 1)(f32(2, 3, 6, 7))
    >>> nn.ConvTranspose2d(3, 4, 2, stride=3, bias=False)(f32(2, 3, 6, 7))
    >>> nn.ConvTranspose2d(3, 4, 3, stride=2, padding=2, output_padding=1, dilation=2)(f32(2, 3, 6, 7))
    >>> nn.ConvTranspose2d(3, 4, 3, 2, 2, 1)(f32(2, 3, 6, 7))
    >>> nn.ConvTranspose2d(3, 4, 3, 2, dilation=2, bias=False)(f32(2, 3, 6, 7))
    >>> nn.ConvTranspose2d(4, 6, (3, 2), 2, output_padding=(1, 0), groups=2)(f32(2, 4, 6, 7))
    >>> nn.ConvTranspose2d(4, 6, 3, 2, groups=2)(f32(2, 4, 6, 7))
    >>> nn.ConvTranspose2d(3, 4, (3, 2), 2)(f32(2, 3, 6, 7))
    >>> nn.ConvTranspose2d(3, 4, 3, 2, (1, 0))(f32(2, 3, 6, 7))
    >>> nn.ConvTranspose2d(3, 4, int("3"), 2, int("1"))(f32(2, 3, 6, 7))
    """
    if (
        groups == 1
        and output_padding == 0
        and dilation == 1
        and isinstance(kernel_size, int)
        and isinstance(padding, int)
    ):
        return nnx.ConvTranspose(
            in_channels,
            out_channels,
            pair(kernel_size),
            strides=stride,
            padding=kernel_size - 1 - padding,
            transpose_kernel=True,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(out_channels, pair(kernel_size)),
            rngs=rngs,
        )
    return helpers.ConvTranspose(
        in_channels,
        out_channels,
        pair(kernel_size),
        strides=stride,
        padding=padding,
        output_padding=output_padding,
        kernel_dilation=dilation,
        feature_group_count=groups,
        use_bias=bias,
        param_dtype=dtype,
        **helpers.fan_in_uniform(out_channels, pair(kernel_size), groups=groups),
        rngs=rngs,
    )


@ConvTranspose2d.state
def _(torch, flax):
    flax.kernel = torch.weight.transpose(2, 3, 1, 0)
    flax.bias = torch.bias


@ConvTranspose2d.attributes
def _(torch, flax):
    torch.in_channels: int = flax.in_features
    torch.out_channels: int = flax.out_features
    torch.kernel_size: (int, int) = flax.kernel_size
    torch.stride: (int, int) = pair(flax.strides)
    torch.output_padding: (int, int) = pair(getattr(flax, "output_padding", 0))
    torch.dilation: (int, int) = pair(flax.kernel_dilation or 1)
    torch.groups: int = getattr(flax, "feature_group_count", 1)


@ConvTranspose2d.call
def _(self, input: Tensor, output_size=None) -> Tensor:
    if output_size is not None:
        raise Unsupported("output_size= of a transposed convolution", "give output_padding= to the constructor instead")
    return self(input)


@rule("torch.nn.ConvTranspose3d", layout="N C D H W -> N D H W C")
def ConvTranspose3d(
    in_channels: int,
    out_channels: int,
    kernel_size,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    bias=True,
    dilation=1,
    padding_mode: Ignored = "zeros",
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """3-D transposed convolution.

    >>> nn.ConvTranspose3d(3, 4, 4, 2, 1)(f32(2, 3, 4, 5, 6))
    >>> nn.ConvTranspose3d(3, 4, 2, stride=3, bias=False)(f32(2, 3, 4, 5, 6))
    >>> nn.ConvTranspose3d(3, 4, 3, stride=2, padding=2, output_padding=1, dilation=2)(f32(2, 3, 4, 5, 6))
    >>> nn.ConvTranspose3d(3, 4, 3, 2, 2, 1)(f32(2, 3, 4, 5, 6))
    >>> nn.ConvTranspose3d(3, 4, 3, 2, dilation=2, bias=False)(f32(2, 3, 4, 5, 6))
    >>> nn.ConvTranspose3d(4, 6, (3, 2, 1), 2, output_padding=(1, 0, 1), groups=2)(f32(2, 4, 4, 5, 6))
    >>> nn.ConvTranspose3d(4, 6, 3, 2, groups=2)(f32(2, 4, 4, 5, 6))
    >>> nn.ConvTranspose3d(3, 4, (3, 2, 1), 2)(f32(2, 3, 4, 5, 6))
    >>> nn.ConvTranspose3d(3, 4, 3, 2, (1, 0, 2))(f32(2, 3, 4, 5, 6))
    >>> nn.ConvTranspose3d(3, 4, int("3"), 2, int("1"))(f32(2, 3, 4, 5, 6))
    """
    if (
        groups == 1
        and output_padding == 0
        and dilation == 1
        and isinstance(kernel_size, int)
        and isinstance(padding, int)
    ):
        return nnx.ConvTranspose(
            in_channels,
            out_channels,
            triple(kernel_size),
            strides=stride,
            padding=kernel_size - 1 - padding,
            transpose_kernel=True,
            use_bias=bias,
            param_dtype=dtype,
            **helpers.fan_in_uniform(out_channels, triple(kernel_size)),
            rngs=rngs,
        )
    return helpers.ConvTranspose(
        in_channels,
        out_channels,
        triple(kernel_size),
        strides=stride,
        padding=padding,
        output_padding=output_padding,
        kernel_dilation=dilation,
        feature_group_count=groups,
        use_bias=bias,
        param_dtype=dtype,
        **helpers.fan_in_uniform(out_channels, triple(kernel_size), groups=groups),
        rngs=rngs,
    )


@ConvTranspose3d.state
def _(torch, flax):
    flax.kernel = torch.weight.transpose(2, 3, 4, 1, 0)
    flax.bias = torch.bias


@ConvTranspose3d.attributes
def _(torch, flax):
    torch.in_channels: int = flax.in_features
    torch.out_channels: int = flax.out_features
    torch.kernel_size: (int, int, int) = flax.kernel_size
    torch.stride: (int, int, int) = triple(flax.strides)
    torch.output_padding: (int, int, int) = triple(getattr(flax, "output_padding", 0))
    torch.dilation: (int, int, int) = triple(flax.kernel_dilation or 1)
    torch.groups: int = getattr(flax, "feature_group_count", 1)


@ConvTranspose3d.call
def _(self, input: Tensor, output_size=None) -> Tensor:
    if output_size is not None:
        raise Unsupported("output_size= of a transposed convolution", "give output_padding= to the constructor instead")
    return self(input)
