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


@rule("torch.nn.RNNCellBase")
def RNNCellBase(
    input_size: int, hidden_size: int, bias: bool, num_chunks: int, device: Device = None, dtype: Dtype = None
) -> Module:
    """The base class of recurrent cells.

    >>> nn.RNNCellBase(3, 4, True, 4)
    """
    raise Unsupported("nn.RNNCellBase", "use nn.RNNCell, nn.LSTMCell or nn.GRUCell")


@rule("torch.nn.UninitializedParameter", "torch.nn.UninitializedBuffer", "torch.nn.parameter.UninitializedBuffer")
def Uninitialized(*args, **kwargs):
    """A tensor whose shape the first input says.

    >>> nn.UninitializedParameter()
    """
    raise Unsupported("arrays have their shape when they are made", "give the shape: nn.Parameter(torch.empty(...))")


@rule("torch.nn.Container")
def Container(**kwargs):
    """The oldest container, which PyTorch warns of.

    >>> nn.Container()
    """
    raise Unsupported("nn.Container, which PyTorch has deprecated", "use nn.ModuleDict")


@rule("torch.nn.functional.grouped_mm")
def grouped_mm(mat_a: Tensor, mat_b: Tensor, *, offs: Tensor = None, bias: Tensor = None, out_dtype=None) -> Tensor:
    """Products of groups of matrices.

    >>> F.grouped_mm(f32(4, 3), f32(2, 3, 5), offs=torch.tensor([1, 4]))
    """
    raise Unsupported("products of groups of matrices are made for GPUs", "use jax.lax.ragged_dot")


@rule("torch.nn.functional.scaled_mm")
def scaled_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    scale_a,
    scale_recipe_a,
    scale_b,
    scale_recipe_b,
    swizzle_a=None,
    swizzle_b=None,
    bias: Tensor = None,
    output_dtype=None,
    contraction_dim=(),
    use_fast_accum=False,
) -> Tensor:
    """Products of matrices in 8 bits.

    >>> F.scaled_mm(f32(4, 3), f32(3, 5), f32(1), 0, f32(1), 0)
    """
    raise Unsupported("products of scaled 8-bit matrices are made for GPUs", "use jax.nn.scaled_matmul")


@rule("torch.nn.functional.scaled_grouped_mm")
def scaled_grouped_mm(
    mat_a: Tensor,
    mat_b: Tensor,
    scale_a,
    scale_recipe_a,
    scale_b,
    scale_recipe_b,
    swizzle_a=None,
    swizzle_b=None,
    bias: Tensor = None,
    offs: Tensor = None,
    output_dtype=None,
    contraction_dim=(),
    use_fast_accum=False,
) -> Tensor:
    """Products of groups of matrices in 8 bits.

    >>> F.scaled_grouped_mm(f32(4, 3), f32(2, 3, 5), f32(1), 0, f32(1), 0)
    """
    raise Unsupported("products of scaled 8-bit matrices are made for GPUs", "use jax.nn.scaled_matmul")


@rule("torch.nn.utils.skip_init")
def skip_init(module_cls, *args, **kwargs):
    """A layer whose parameters are not initialised.

    >>> nn.utils.skip_init(nn.Linear, 3, 4)
    """
    raise Unsupported("layers of Flax initialise their parameters when they are built", "build the layer itself")


@rule("torch.nn.utils.fuse_conv_bn_eval")
def fuse_conv_bn_eval(conv, bn, transpose=False):
    """Weights with the normalisation behind the layer in them.

    >>> nn.utils.fuse_conv_bn_eval(nn.Conv2d(3, 4, 2).eval(), nn.BatchNorm2d(4).eval())
    """
    raise Unsupported(
        "layers are not fused with the normalisation behind them",
        "leave it out: XLA fuses the normalisation of a model in evaluation",
    )


@rule("torch.nn.utils.fuse_linear_bn_eval")
def fuse_linear_bn_eval(linear, bn):
    """Weights with the normalisation behind the layer in them.

    >>> nn.utils.fuse_linear_bn_eval(nn.Linear(3, 4).eval(), nn.BatchNorm1d(4).eval())
    """
    raise Unsupported(
        "layers are not fused with the normalisation behind them",
        "leave it out: XLA fuses the normalisation of a model in evaluation",
    )


@rule("torch.nn.utils.fuse_conv_bn_weights")
def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """Weights with the normalisation behind the layer in them.

    >>> nn.utils.fuse_conv_bn_weights(f32(4, 3, 2, 2), None, f32(4), pos(4), 1e-5, None, None)
    """
    raise Unsupported(
        "layers are not fused with the normalisation behind them",
        "leave it out: XLA fuses the normalisation of a model in evaluation",
    )


@rule("torch.nn.utils.fuse_linear_bn_weights")
def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """Weights with the normalisation behind the layer in them.

    >>> nn.utils.fuse_linear_bn_weights(f32(4, 3), None, f32(4), pos(4), 1e-5, None, None)
    """
    raise Unsupported(
        "layers are not fused with the normalisation behind them",
        "leave it out: XLA fuses the normalisation of a model in evaluation",
    )


@rule("torch.nn.utils.convert_conv2d_weight_memory_format", "torch.nn.utils.convert_conv3d_weight_memory_format")
def convert_conv_weight_memory_format(module, memory_format: Ignored):
    """Weights in another order in memory.

    >>> nn.utils.convert_conv2d_weight_memory_format(nn.Conv2d(3, 4, 2), torch.channels_last)
    """
    raise Unsupported("XLA decides on the order in memory", "leave it out")
