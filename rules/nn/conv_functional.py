"""Convolutions with given weights: the functions. Weights keep torch's axis order."""

from torch2jax.rulebook import *


@rule("torch.nn.functional.conv1d", "torch.conv1d", layout="N C L -> N L C")
def conv1d(input: Tensor, weight: Tensor, bias: Tensor = None, stride=1, padding=0, dilation=1, groups=1) -> Tensor:
    """1-D convolution with a given weight.

    >>> F.conv1d(f32(2, 3, 9), f32(4, 3, 3))
    >>> F.conv1d(f32(2, 4, 9), f32(6, 2, 3), f32(6), stride=2, padding=1, groups=2)
    >>> F.conv1d(f32(2, 3, 9), f32(4, 3, 3), padding="same", dilation=2)
    """
    return helpers.convolve(input, weight, bias=bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


@rule("torch.nn.functional.conv_tbc", "torch.conv_tbc", rank=3)
def conv_tbc(input: Tensor, weight: Tensor, bias: Tensor, pad: int = 0) -> Tensor:
    """1-D convolution of (time, batch, channels) with a weight (window, in, out).

    >>> F.conv_tbc(f32(9, 2, 3), f32(5, 3, 4), f32(4))
    >>> F.conv_tbc(f32(9, 2, 3), f32(5, 3, 4), f32(4), 2)
    """
    return lax.conv_general_dilated(input, weight, (1,), ((pad, pad),), dimension_numbers=("WNC", "WIO", "WNC")) + bias


@rule("torch.nn.functional.conv_transpose1d", "torch.conv_transpose1d", layout="N C L -> N L C")
def conv_transpose1d(
    input: Tensor, weight: Tensor, bias: Tensor = None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
) -> Tensor:
    """1-D transposed convolution with a given weight.

    >>> F.conv_transpose1d(f32(2, 3, 9), f32(3, 4, 3))
    >>> F.conv_transpose1d(f32(2, 4, 9), f32(4, 3, 3), f32(6), 2, 1, 1, groups=2, dilation=2)
    """
    return helpers.convolve_transpose(
        input,
        weight,
        bias=bias,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
    )


@rule("torch.nn.functional.conv2d", "torch.conv2d", layout="N C H W -> N H W C")
def conv2d(input: Tensor, weight: Tensor, bias: Tensor = None, stride=1, padding=0, dilation=1, groups=1) -> Tensor:
    """2-D convolution with a given weight.

    >>> F.conv2d(f32(2, 3, 6, 7), f32(4, 3, 3, 2))
    >>> F.conv2d(f32(2, 4, 6, 7), f32(6, 2, 3, 2), f32(6), stride=2, padding=1, groups=2)
    >>> F.conv2d(f32(2, 3, 6, 7), f32(4, 3, 3, 2), padding="same", dilation=2)
    """
    return helpers.convolve(input, weight, bias=bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


@rule("torch.nn.functional.conv_transpose2d", "torch.conv_transpose2d", layout="N C H W -> N H W C")
def conv_transpose2d(
    input: Tensor, weight: Tensor, bias: Tensor = None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
) -> Tensor:
    """2-D transposed convolution with a given weight.

    >>> F.conv_transpose2d(f32(2, 3, 6, 7), f32(3, 4, 3, 2))
    >>> F.conv_transpose2d(f32(2, 4, 6, 7), f32(4, 3, 3, 2), f32(6), 2, 1, 1, groups=2, dilation=2)
    """
    return helpers.convolve_transpose(
        input,
        weight,
        bias=bias,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
    )


@rule("torch.nn.functional.conv3d", "torch.conv3d", layout="N C D H W -> N D H W C")
def conv3d(input: Tensor, weight: Tensor, bias: Tensor = None, stride=1, padding=0, dilation=1, groups=1) -> Tensor:
    """3-D convolution with a given weight.

    >>> F.conv3d(f32(2, 3, 4, 5, 6), f32(4, 3, 3, 2, 1))
    >>> F.conv3d(f32(2, 4, 4, 5, 6), f32(6, 2, 3, 2, 1), f32(6), stride=2, padding=1, groups=2)
    >>> F.conv3d(f32(2, 3, 4, 5, 6), f32(4, 3, 3, 2, 1), padding="same", dilation=2)
    """
    return helpers.convolve(input, weight, bias=bias, stride=stride, padding=padding, dilation=dilation, groups=groups)


@rule("torch.nn.functional.conv_transpose3d", "torch.conv_transpose3d", layout="N C D H W -> N D H W C")
def conv_transpose3d(
    input: Tensor, weight: Tensor, bias: Tensor = None, stride=1, padding=0, output_padding=0, groups=1, dilation=1
) -> Tensor:
    """3-D transposed convolution with a given weight.

    >>> F.conv_transpose3d(f32(2, 3, 4, 5, 6), f32(3, 4, 3, 2, 1))
    >>> F.conv_transpose3d(f32(2, 4, 4, 5, 6), f32(4, 3, 3, 2, 1), f32(6), 2, 1, 1, groups=2, dilation=2)
    """
    return helpers.convolve_transpose(
        input,
        weight,
        bias=bias,
        stride=stride,
        padding=padding,
        output_padding=output_padding,
        groups=groups,
        dilation=dilation,
    )
