"""Normalisation, as layers and as functions."""

from torch2jax.rulebook import *


@rule("torch.nn.BatchNorm1d", "torch.nn.modules.batchnorm._BatchNorm", layout="N C ... -> N ... C")
def BatchNorm1d(
    num_features: int,
    eps=1e-5,
    momentum=0.1,
    affine=True,
    track_running_stats=True,
    device: Device = None,
    dtype: Dtype = None,
    *,
    bias=True,
) -> Module:
    """Batch normalisation; in training, running statistics are kept.

    >>> nn.BatchNorm1d(3, eps=1e-3, affine=False)(f32(4, 3))
    >>> nn.BatchNorm1d(3)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, momentum=0.3, bias=False)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, momentum=None)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, momentum=None, affine=False)(f32(4, 3))
    >>> nn.BatchNorm1d(3, track_running_stats=False)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, 1e-3, 0.3, True, False)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, momentum=None, track_running_stats=False)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3)(f32(0, 3, 5))
    >>> nn.BatchNorm1d(3, 0.1, affine=False, track_running_stats=False)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, track_running_stats=False, bias=False)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, 0.1, None)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, 0.1, None, bias=False)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, 0.1, 0.3)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, 0.1, 0.3, affine=False)(f32(2, 3, 5))
    >>> nn.BatchNorm1d(3, 0.1, 0.3, bias=False)(f32(2, 3, 5))
    """
    if not track_running_stats:
        return helpers.UntrackedBatchNorm(
            num_features,
            momentum=None if momentum is None else 1 - momentum,
            epsilon=eps,
            use_bias=affine and bias,
            use_scale=affine,
            param_dtype=dtype,
        )
    if momentum is None and affine and bias:
        return helpers.CumulativeBatchNorm(num_features, epsilon=eps, param_dtype=dtype, rngs=rngs)
    if momentum is None:
        return helpers.CumulativeBatchNorm(
            num_features, epsilon=eps, use_bias=affine and bias, use_scale=affine, param_dtype=dtype, rngs=rngs
        )
    if affine and bias:
        return helpers.BatchNorm(num_features, momentum=1 - momentum, epsilon=eps, param_dtype=dtype, rngs=rngs)
    return helpers.BatchNorm(
        num_features,
        momentum=1 - momentum,
        epsilon=eps,
        use_bias=affine and bias,
        use_scale=affine,
        param_dtype=dtype,
        rngs=rngs,
    )


@BatchNorm1d.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias
    flax.mean = torch.running_mean
    flax.var = torch.running_var
    flax.num_batches_tracked = torch.num_batches_tracked


@BatchNorm1d.attributes
def _(torch, flax):
    torch.num_features: int = flax.num_features
    torch.eps: float = flax.epsilon
    torch.momentum = (
        None if flax.momentum is None or getattr(flax, "num_batches_tracked", None) is not None else 1 - flax.momentum
    )
    torch.affine: bool = flax.scale is not None
    torch.track_running_stats: bool = getattr(flax, "mean", None) is not None


@rule("torch.nn.BatchNorm2d", layout="N C H W -> N H W C")
def BatchNorm2d(
    num_features: int,
    eps=1e-5,
    momentum=0.1,
    affine=True,
    track_running_stats=True,
    device: Device = None,
    dtype: Dtype = None,
    *,
    bias=True,
) -> Module:
    """Batch normalisation of images; in training, running statistics are kept.

    >>> nn.BatchNorm2d(3)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, momentum=0.3, bias=False)(f32(2, 3, 4, 5))

    >>> norm = nn.BatchNorm2d(3)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, momentum=None)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, momentum=None, affine=False)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, track_running_stats=False)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, 1e-3, 0.3, True, False)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, momentum=None, track_running_stats=False)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3)(f32(0, 3, 4, 5))
    >>> nn.BatchNorm2d(3, 0.1, affine=False, track_running_stats=False)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, track_running_stats=False, bias=False)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, 0.1, None)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, 0.1, None, bias=False)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, 0.1, 0.3)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, 0.1, 0.3, affine=False)(f32(2, 3, 4, 5))
    >>> nn.BatchNorm2d(3, 0.1, 0.3, bias=False)(f32(2, 3, 4, 5))
    """
    if not track_running_stats:
        return helpers.UntrackedBatchNorm(
            num_features,
            momentum=None if momentum is None else 1 - momentum,
            epsilon=eps,
            use_bias=affine and bias,
            use_scale=affine,
            param_dtype=dtype,
        )
    if momentum is None and affine and bias:
        return helpers.CumulativeBatchNorm(num_features, epsilon=eps, param_dtype=dtype, rngs=rngs)
    if momentum is None:
        return helpers.CumulativeBatchNorm(
            num_features, epsilon=eps, use_bias=affine and bias, use_scale=affine, param_dtype=dtype, rngs=rngs
        )
    if affine and bias:
        return helpers.BatchNorm(num_features, momentum=1 - momentum, epsilon=eps, param_dtype=dtype, rngs=rngs)
    return helpers.BatchNorm(
        num_features,
        momentum=1 - momentum,
        epsilon=eps,
        use_bias=affine and bias,
        use_scale=affine,
        param_dtype=dtype,
        rngs=rngs,
    )


@BatchNorm2d.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias
    flax.mean = torch.running_mean
    flax.var = torch.running_var
    flax.num_batches_tracked = torch.num_batches_tracked


@BatchNorm2d.attributes
def _(torch, flax):
    torch.num_features: int = flax.num_features
    torch.eps: float = flax.epsilon
    torch.momentum = (
        None if flax.momentum is None or getattr(flax, "num_batches_tracked", None) is not None else 1 - flax.momentum
    )
    torch.affine: bool = flax.scale is not None
    torch.track_running_stats: bool = getattr(flax, "mean", None) is not None


@rule("torch.nn.BatchNorm3d", layout="N C D H W -> N D H W C")
def BatchNorm3d(
    num_features: int,
    eps=1e-5,
    momentum=0.1,
    affine=True,
    track_running_stats=True,
    device: Device = None,
    dtype: Dtype = None,
    *,
    bias=True,
) -> Module:
    """Batch normalisation of volumes; in training, running statistics are kept.

    >>> nn.BatchNorm3d(3, 1e-4, 0.2)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, affine=False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, momentum=None)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, momentum=None, affine=False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, track_running_stats=False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, 1e-3, 0.3, True, False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, momentum=None, track_running_stats=False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3)(f32(0, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, 0.1, affine=False, track_running_stats=False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, track_running_stats=False, bias=False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, 0.1, None)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, 0.1, None, bias=False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, 0.1, 0.3)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, 0.1, 0.3, affine=False)(f32(2, 3, 4, 5, 6))
    >>> nn.BatchNorm3d(3, 0.1, 0.3, bias=False)(f32(2, 3, 4, 5, 6))
    """
    if not track_running_stats:
        return helpers.UntrackedBatchNorm(
            num_features,
            momentum=None if momentum is None else 1 - momentum,
            epsilon=eps,
            use_bias=affine and bias,
            use_scale=affine,
            param_dtype=dtype,
        )
    if momentum is None and affine and bias:
        return helpers.CumulativeBatchNorm(num_features, epsilon=eps, param_dtype=dtype, rngs=rngs)
    if momentum is None:
        return helpers.CumulativeBatchNorm(
            num_features, epsilon=eps, use_bias=affine and bias, use_scale=affine, param_dtype=dtype, rngs=rngs
        )
    if affine and bias:
        return helpers.BatchNorm(num_features, momentum=1 - momentum, epsilon=eps, param_dtype=dtype, rngs=rngs)
    return helpers.BatchNorm(
        num_features,
        momentum=1 - momentum,
        epsilon=eps,
        use_bias=affine and bias,
        use_scale=affine,
        param_dtype=dtype,
        rngs=rngs,
    )


@BatchNorm3d.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias
    flax.mean = torch.running_mean
    flax.var = torch.running_var
    flax.num_batches_tracked = torch.num_batches_tracked


@BatchNorm3d.attributes
def _(torch, flax):
    torch.num_features: int = flax.num_features
    torch.eps: float = flax.epsilon
    torch.momentum = (
        None if flax.momentum is None or getattr(flax, "num_batches_tracked", None) is not None else 1 - flax.momentum
    )
    torch.affine: bool = flax.scale is not None
    torch.track_running_stats: bool = getattr(flax, "mean", None) is not None


@rule("torch.nn.SyncBatchNorm", "apex.parallel.SyncBatchNorm", layout="N C ... -> N ... C")
def SyncBatchNorm(
    num_features: int,
    eps=1e-5,
    momentum=0.1,
    affine=True,
    track_running_stats=True,
    process_group: Ignored = None,
    device: Device = None,
    dtype: Dtype = None,
    *,
    bias=True,
) -> Module:
    """Batch normalisation over all devices, as it is in JAX where the batch is sharded under jit.

    >>> norm = nn.SyncBatchNorm(3)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))

    >>> norm = nn.SyncBatchNorm(3, 1e-3, momentum=None)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))

    >>> norm = nn.SyncBatchNorm(3, momentum=None, affine=False)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))

    >>> norm = nn.SyncBatchNorm(3, affine=False)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))
    >>> nn.SyncBatchNorm(3, track_running_stats=False)(f32(2, 3, 4, 5))

    >>> norm = nn.SyncBatchNorm(3, 0.1, 0.3)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))

    >>> norm = nn.SyncBatchNorm(3, 0.1, 0.3, bias=False)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))

    >>> norm = nn.SyncBatchNorm(3, 0.1, 0.3, affine=False)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))

    >>> norm = nn.SyncBatchNorm(3, 0.1, None, bias=False)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))

    >>> norm = nn.SyncBatchNorm(3, 0.1, None, affine=False)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))
    """
    caveat("the statistics are those of the whole batch where it is sharded over devices under jit")
    if not track_running_stats:
        raise Unsupported(
            "SyncBatchNorm without running statistics", "use nn.BatchNorm2d, whose statistics are global under jit"
        )
    if momentum is None and affine and bias:
        return helpers.CumulativeBatchNorm(num_features, epsilon=eps, param_dtype=dtype, rngs=rngs)
    if momentum is None:
        return helpers.CumulativeBatchNorm(
            num_features, epsilon=eps, use_bias=affine and bias, use_scale=affine, param_dtype=dtype, rngs=rngs
        )
    if affine and bias:
        return helpers.BatchNorm(num_features, momentum=1 - momentum, epsilon=eps, param_dtype=dtype, rngs=rngs)
    return helpers.BatchNorm(
        num_features,
        momentum=1 - momentum,
        epsilon=eps,
        use_bias=affine and bias,
        use_scale=affine,
        param_dtype=dtype,
        rngs=rngs,
    )


@SyncBatchNorm.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias
    flax.mean = torch.running_mean
    flax.var = torch.running_var
    flax.num_batches_tracked = torch.num_batches_tracked


@SyncBatchNorm.attributes
def _(torch, flax):
    torch.num_features: int = flax.num_features
    torch.eps: float = flax.epsilon
    torch.momentum = None if getattr(flax, "num_batches_tracked", None) is not None else 1 - flax.momentum
    torch.affine: bool = flax.scale is not None
    torch.track_running_stats: bool = getattr(flax, "mean", None) is not None


@rule("torch.nn.SyncBatchNorm.convert_sync_batchnorm")
def convert_sync_batchnorm(module, process_group: Ignored = None) -> Module:
    """The module itself: batch statistics are global in JAX where the batch is sharded under jit.

    >>> nn.Sequential(nn.SyncBatchNorm.convert_sync_batchnorm(nn.Linear(3, 4)))(f32(2, 3))
    """
    return module


@rule(
    "torch.nn.LazyBatchNorm1d",
    "torch.nn.LazyBatchNorm2d",
    "torch.nn.LazyBatchNorm3d",
    "torch.nn.LazyInstanceNorm1d",
    "torch.nn.LazyInstanceNorm2d",
    "torch.nn.LazyInstanceNorm3d",
)
def LazyBatchNorm(
    eps=1e-5,
    momentum=0.1,
    affine=True,
    track_running_stats=True,
    device: Device = None,
    dtype: Dtype = None,
    *,
    bias=True,
) -> Module:
    """A normalisation that learns its number of features from the first input.

    >>> nn.LazyBatchNorm2d()(f32(2, 3, 4, 5))
    """
    raise Unsupported(
        "flax layers need their input sizes when they are built", "use the layer without Lazy, with its num_features"
    )


@rule("torch.nn.functional.batch_norm", layout="N C ... -> N ... C", rank=rank(input))
def batch_norm(
    input: Tensor,
    running_mean,
    running_var,
    weight: Tensor = None,
    bias: Tensor = None,
    training: Ignored = False,
    momentum: Ignored = 0.1,
    eps=1e-5,
) -> Tensor:
    """Batch normalisation by given statistics, or by those of the batch.

    >>> F.batch_norm(f32(2, 3, 4, 5), f32(3), pos(3))
    >>> F.batch_norm(f32(2, 3, 4, 5), f32(3), pos(3), f32(3), f32(3), eps=1e-3)
    >>> F.batch_norm(f32(2, 3, 4), None, None, f32(3), f32(3), training=True)
    >>> F.batch_norm(f32(2, 3, 4), torch.zeros(3).double(), torch.ones(3).double(), training=True)
    >>> F.batch_norm(f32(2, 3, 4), None, None, eps=0.1, training=True)
    """
    if running_mean is None and running_var is None:
        return helpers.batch_norm(input, scale=weight, bias=bias, epsilon=eps)
    if not training:
        return helpers.batch_norm(input, running_mean, running_var, weight, bias, epsilon=eps)
    raise Unsupported(
        "F.batch_norm in training changes the running statistics that it is given",
        "use nn.BatchNorm2d, or pass None for both running statistics",
    )


@rule("torch.nn.LayerNorm", mode="along")
def LayerNorm(
    normalized_shape, eps=1e-5, elementwise_affine=True, bias=True, device: Device = None, dtype: Dtype = None
) -> Module:
    """Layer normalisation of the last axes.

    >>> nn.LayerNorm(5)(f32(2, 3, 5))
    >>> nn.LayerNorm(5, eps=1e-6, elementwise_affine=False)(f32(2, 3, 5))
    >>> nn.LayerNorm(5, bias=False)(f32(2, 5))
    >>> nn.LayerNorm((5,))(f32(2, 3, 5))
    >>> nn.LayerNorm([3, 5])(f32(2, 3, 5))
    >>> nn.LayerNorm(f32(2, 3, 5).shape[1:], bias=False)(f32(2, 3, 5))
    >>> nn.LayerNorm((5,), eps=0.1, elementwise_affine=False)(f32(2, 3, 5))
    >>> nn.LayerNorm((5,), bias=False)(f32(2, 3, 5))
    >>> nn.LayerNorm((5,))(1e4 + f32(2, 3, 5))
    >>> nn.LayerNorm([3, 5], eps=0.1)(f32(2, 3, 5))
    >>> nn.LayerNorm([3, 5], elementwise_affine=False)(f32(2, 3, 5))
    >>> nn.LayerNorm([3, 5], bias=False)(f32(2, 3, 5))
    >>> nn.LayerNorm(5)(1e4 + f32(2, 3, 5))
    """
    if isinstance(normalized_shape, (tuple, list)) and len(normalized_shape) == 1:
        return nnx.LayerNorm(
            normalized_shape[0],
            epsilon=eps,
            use_bias=elementwise_affine and bias,
            use_scale=elementwise_affine,
            use_fast_variance=False,
            param_dtype=dtype,
            rngs=rngs,
        )
    if isinstance(normalized_shape, (tuple, list)):
        return helpers.LayerNorm(
            normalized_shape,
            epsilon=eps,
            use_bias=elementwise_affine and bias,
            use_scale=elementwise_affine,
            param_dtype=dtype,
        )
    return nnx.LayerNorm(
        normalized_shape,
        epsilon=eps,
        use_bias=elementwise_affine and bias,
        use_scale=elementwise_affine,
        use_fast_variance=False,
        param_dtype=dtype,
        rngs=rngs,
    )


@LayerNorm.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias


@LayerNorm.attributes
def _(torch, flax):
    torch.normalized_shape = single(flax.num_features)
    torch.eps: float = flax.epsilon
    torch.elementwise_affine: bool = flax.scale is not None


@rule("torch.nn.functional.layer_norm", rank=rank(input))
def layer_norm(input: Tensor, normalized_shape: Shape, weight: Tensor = None, bias: Tensor = None, eps=1e-5) -> Tensor:
    """Layer normalisation of the last axes.

    >>> F.layer_norm(f32(2, 3, 5), (5,))
    >>> F.layer_norm(f32(2, 3, 5), [3, 5], weight=f32(3, 5), bias=f32(3, 5), eps=1e-6)
    >>> x = f32(2, 3, 5)
    >>> F.layer_norm(x, x.shape[-1:], f32(5))
    """
    return helpers.layer_norm(input, normalized_shape, weight, bias, epsilon=eps)


@rule("torch.layer_norm", rank=rank(input))
def layer_norm_native(
    input: Tensor,
    normalized_shape: Shape,
    weight: Tensor = None,
    bias: Tensor = None,
    eps=1e-5,
    cudnn_enable: Ignored = True,
) -> Tensor:
    """Layer normalisation of the last axes.

    >>> torch.layer_norm(f32(2, 3, 5), (5,), f32(5), f32(5)), torch.layer_norm(f32(2, 3, 5), (5,), eps=0.1)
    """
    return helpers.layer_norm(input, normalized_shape, weight, bias, epsilon=eps)


@rule("torch.nn.GroupNorm", layout="N C ... -> N ... C")
def GroupNorm(
    num_groups: int, num_channels: int, eps=1e-5, affine=True, device: Device = None, dtype: Dtype = None, *, bias=True
) -> Module:
    """Normalisation over space and groups of channels.

    >>> nn.GroupNorm(2, 6)(f32(3, 6, 4, 5))
    >>> nn.GroupNorm(3, 6, eps=1e-3, affine=False)(f32(2, 6, 5))
    >>> nn.GroupNorm(1, 6, bias=False)(f32(2, 6))
    >>> nn.GroupNorm(2, 6)(1e4 + f32(3, 6, 4, 5))
    """
    return nnx.GroupNorm(
        num_channels,
        num_groups=num_groups,
        epsilon=eps,
        use_bias=affine and bias,
        use_scale=affine,
        use_fast_variance=False,
        param_dtype=dtype,
        rngs=rngs,
    )


@GroupNorm.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias


@GroupNorm.attributes
def _(torch, flax):
    torch.num_groups: int = flax.num_groups
    torch.num_channels: int = flax.num_groups * flax.group_size
    torch.eps: float = flax.epsilon
    torch.affine: bool = flax.scale is not None


@rule("torch.nn.functional.group_norm", layout="N C ... -> N ... C", rank=rank(input))
def group_norm(input: Tensor, num_groups: int, weight: Tensor = None, bias: Tensor = None, eps=1e-5) -> Tensor:
    """Normalisation over space and groups of channels.

    >>> F.group_norm(f32(3, 6, 4, 5), 2)
    >>> F.group_norm(f32(2, 6, 5), 3, weight=f32(6), bias=f32(6), eps=1e-6)
    """
    return helpers.group_norm(input, num_groups, weight, bias, epsilon=eps)


@rule("torch.nn.RMSNorm", mode="along")
def RMSNorm(normalized_shape, eps=None, elementwise_affine=True, device: Device = None, dtype: Dtype = None) -> Module:
    """Division by the root mean square of the last axes.

    >>> nn.RMSNorm(5)(f32(2, 3, 5))
    >>> nn.RMSNorm(5, eps=1e-6)(f32(2, 3, 5))
    >>> nn.RMSNorm(5, 1e-3, elementwise_affine=False)(f32(2, 3, 5))
    >>> nn.RMSNorm((3, 5), eps=1e-6)(f32(2, 3, 5))
    >>> nn.RMSNorm((3, 5), elementwise_affine=False)(f32(2, 3, 5)) * f32(5)
    """
    if eps is None or isinstance(normalized_shape, (tuple, list)):
        return helpers.RMSNorm(normalized_shape, epsilon=eps, use_scale=elementwise_affine, param_dtype=dtype)
    return nnx.RMSNorm(
        normalized_shape,
        epsilon=eps,
        use_scale=elementwise_affine,
        use_fast_variance=False,
        param_dtype=dtype,
        rngs=rngs,
    )


@RMSNorm.state
def _(torch, flax):
    flax.scale = torch.weight


@RMSNorm.attributes
def _(torch, flax):
    torch.normalized_shape = single(flax.num_features)
    torch.eps = flax.epsilon
    torch.elementwise_affine: bool = flax.scale is not None


@rule("torch.nn.functional.rms_norm", "torch.rms_norm", rank=rank(input))
def rms_norm(input: Tensor, normalized_shape: Shape, weight: Tensor = None, eps=None) -> Tensor:
    """Division by the root mean square of the last axes.

    >>> F.rms_norm(pos(2, 3, 5), (5,))
    >>> F.rms_norm(f32(2, 3, 5), (3, 5), weight=f32(3, 5), eps=1e-6)
    """
    return helpers.rms_norm(input, normalized_shape, weight, epsilon=eps)


@rule("torch.nn.LocalResponseNorm", layout="N C ... -> N ... C")
def LocalResponseNorm(size: int, alpha=1e-4, beta=0.75, k=1.0) -> Module:
    """Division by the activity of neighbouring channels.

    >>> nn.LocalResponseNorm(3)(f32(2, 5, 3, 4))
    >>> nn.LocalResponseNorm(2, alpha=0.1, beta=0.5, k=2.0)(f32(2, 5, 4))
    """
    return partial(helpers.local_response_norm, size=size, alpha=alpha, beta=beta, k=k)


@rule("torch.nn.functional.local_response_norm", layout="N C ... -> N ... C", rank=rank(input))
def local_response_norm(input: Tensor, size: int, alpha=1e-4, beta=0.75, k=1.0) -> Tensor:
    """Division by the activity of neighbouring channels.

    >>> F.local_response_norm(f32(2, 5, 3, 4), 3)
    >>> F.local_response_norm(f32(2, 5, 4), 2, alpha=0.1, beta=0.5, k=2.0)
    """
    return helpers.local_response_norm(input, size, alpha=alpha, beta=beta, k=k)
