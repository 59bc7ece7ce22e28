"""Layers that have no translation, and why."""

from torch2jax.rulebook import *


@rule("torch.nn.LazyConv1d", "torch.nn.LazyConv2d", "torch.nn.LazyConv3d")
def LazyConv(
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
    """A convolution that learns its input channels from the first input.

    >>> nn.LazyConv2d(4, 3)(f32(2, 3, 6, 7))
    """
    raise Unsupported(
        "flax layers need their input sizes when they are built", "use the layer without Lazy, with its in_channels"
    )


@rule("torch.nn.LazyConvTranspose1d", "torch.nn.LazyConvTranspose2d", "torch.nn.LazyConvTranspose3d")
def LazyConvTranspose(
    out_channels: int,
    kernel_size,
    stride=1,
    padding=0,
    output_padding=0,
    groups=1,
    bias=True,
    dilation=1,
    padding_mode="zeros",
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """A transposed convolution that learns its input channels from the first input.

    >>> nn.LazyConvTranspose2d(4, 3)(f32(2, 3, 6, 7))
    """
    raise Unsupported(
        "flax layers need their input sizes when they are built", "use the layer without Lazy, with its in_channels"
    )


@rule("torch.nn.CrossMapLRN2d")
def CrossMapLRN2d(size: int, alpha=1e-4, beta=0.75, k=1) -> Module:
    """Legacy response normalisation, whose window never lets go of the first channel.

    >>> nn.CrossMapLRN2d(3)(f32(2, 5, 3, 4))
    """
    raise Unsupported("nn.CrossMapLRN2d, a legacy layer with a mistake", "use nn.LocalResponseNorm")


@rule("torch.nn.AdaptiveLogSoftmaxWithLoss")
def AdaptiveLogSoftmaxWithLoss(
    in_features: int,
    n_classes: int,
    cutoffs,
    div_value=4.0,
    head_bias=False,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """A softmax over clusters of classes.

    >>> nn.AdaptiveLogSoftmaxWithLoss(4, 10, [3, 6])(f32(5, 4), i64(5, high=10)).loss
    """
    raise Unsupported(
        "nn.AdaptiveLogSoftmaxWithLoss, whose shapes depend on the labels",
        "use nn.Linear and nn.CrossEntropyLoss",
    )


@rule("torch.nn.RNNBase")
def RNNBase(
    mode,
    input_size: int,
    hidden_size: int,
    num_layers=1,
    bias=True,
    batch_first=False,
    dropout=0.0,
    bidirectional=False,
    proj_size=0,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """The base class of recurrent layers.

    >>> nn.RNNBase("LSTM", 3, 4)(f32(5, 2, 3))
    """
    raise Unsupported("nn.RNNBase", "use nn.RNN, nn.LSTM or nn.GRU")
