"""Instance normalisation, as layers and as function."""

from torch2jax.rulebook import *


@rule("torch.nn.InstanceNorm1d", layout="N C L -> N L C")
def InstanceNorm1d(
    num_features: int,
    eps=1e-5,
    momentum: Ignored = 0.1,
    affine=False,
    track_running_stats=False,
    device: Device = None,
    dtype: Dtype = None,
    *,
    bias=True,
) -> Module:
    """Normalisation over a sequence.

    >>> nn.InstanceNorm1d(3)(f32(2, 3, 5).detach() + 1e4)
    >>> nn.InstanceNorm1d(3, eps=1e-3, affine=True)(f32(2, 3, 5))
    >>> nn.InstanceNorm1d(3, 1e-5, 0.3)(f32(2, 3, 5))
    >>> nn.InstanceNorm1d(3, 1e-3, 0.3, True, True, bias=False)(f32(2, 3, 5))
    >>> nn.InstanceNorm1d(3, momentum=None, track_running_stats=True)(f32(2, 3, 5))
    >>> nn.InstanceNorm1d(3, affine=True, bias=False)(f32(2, 3, 5))
    >>> norm = nn.InstanceNorm1d(3, affine=True, track_running_stats=True)
    >>> norm.eval()
    >>> norm(f32(2, 3, 5))
    """
    if track_running_stats:
        return helpers.InstanceNorm(
            num_features,
            momentum=1 - (momentum or 0),
            epsilon=eps,
            use_bias=affine and bias,
            use_scale=affine,
            param_dtype=dtype,
        )
    return nnx.InstanceNorm(
        num_features,
        epsilon=eps,
        use_bias=affine and bias,
        use_scale=affine,
        use_fast_variance=False,
        param_dtype=dtype,
        rngs=rngs,
    )


@InstanceNorm1d.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias
    flax.mean = torch.running_mean
    flax.var = torch.running_var


@InstanceNorm1d.attributes
def _(torch, flax):
    torch.num_features: int = flax.num_features
    torch.eps: float = flax.epsilon
    torch.affine: bool = flax.scale is not None
    torch.track_running_stats: bool = getattr(flax, "mean", None) is not None


@rule("torch.nn.InstanceNorm2d", "torch.nn.modules.instancenorm._InstanceNorm", layout="N C H W -> N H W C")
def InstanceNorm2d(
    num_features: int,
    eps=1e-5,
    momentum: Ignored = 0.1,
    affine=False,
    track_running_stats=False,
    device: Device = None,
    dtype: Dtype = None,
    *,
    bias=True,
) -> Module:
    """Normalisation over an image.

    >>> nn.InstanceNorm2d(3)(f32(2, 3, 4, 5).detach() + 1e4)
    >>> nn.InstanceNorm2d(3, eps=1e-3, affine=True)(f32(2, 3, 4, 5))
    >>> nn.InstanceNorm2d(3, 1e-5, 0.3)(f32(2, 3, 4, 5))
    >>> nn.InstanceNorm2d(3, 1e-3, 0.3, True, True, bias=False)(f32(2, 3, 4, 5))
    >>> nn.InstanceNorm2d(3, momentum=None, track_running_stats=True)(f32(2, 3, 4, 5))
    >>> nn.InstanceNorm2d(3, affine=True, bias=False)(f32(2, 3, 4, 5))
    >>> norm = nn.InstanceNorm2d(3, affine=True, track_running_stats=True)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5))
    """
    if track_running_stats:
        return helpers.InstanceNorm(
            num_features,
            momentum=1 - (momentum or 0),
            epsilon=eps,
            use_bias=affine and bias,
            use_scale=affine,
            param_dtype=dtype,
        )
    return nnx.InstanceNorm(
        num_features,
        epsilon=eps,
        use_bias=affine and bias,
        use_scale=affine,
        use_fast_variance=False,
        param_dtype=dtype,
        rngs=rngs,
    )


@InstanceNorm2d.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias
    flax.mean = torch.running_mean
    flax.var = torch.running_var


@InstanceNorm2d.attributes
def _(torch, flax):
    torch.num_features: int = flax.num_features
    torch.eps: float = flax.epsilon
    torch.affine: bool = flax.scale is not None
    torch.track_running_stats: bool = getattr(flax, "mean", None) is not None


@rule("torch.nn.InstanceNorm3d", layout="N C D H W -> N D H W C")
def InstanceNorm3d(
    num_features: int,
    eps=1e-5,
    momentum: Ignored = 0.1,
    affine=False,
    track_running_stats=False,
    device: Device = None,
    dtype: Dtype = None,
    *,
    bias=True,
) -> Module:
    """Normalisation over a volume.

    >>> nn.InstanceNorm3d(3)(f32(2, 3, 4, 5, 6).detach() + 1e4)
    >>> nn.InstanceNorm3d(3, eps=1e-3, affine=True)(f32(2, 3, 4, 5, 6))
    >>> nn.InstanceNorm3d(3, 1e-5, 0.3)(f32(2, 3, 4, 5, 6))
    >>> nn.InstanceNorm3d(3, 1e-3, 0.3, True, True, bias=False)(f32(2, 3, 4, 5, 6))
    >>> nn.InstanceNorm3d(3, momentum=None, track_running_stats=True)(f32(2, 3, 4, 5, 6))
    >>> nn.InstanceNorm3d(3, affine=True, bias=False)(f32(2, 3, 4, 5, 6))
    >>> norm = nn.InstanceNorm3d(3, affine=True, track_running_stats=True)
    >>> norm.eval()
    >>> norm(f32(2, 3, 4, 5, 6))
    """
    if track_running_stats:
        return helpers.InstanceNorm(
            num_features,
            momentum=1 - (momentum or 0),
            epsilon=eps,
            use_bias=affine and bias,
            use_scale=affine,
            param_dtype=dtype,
        )
    return nnx.InstanceNorm(
        num_features,
        epsilon=eps,
        use_bias=affine and bias,
        use_scale=affine,
        use_fast_variance=False,
        param_dtype=dtype,
        rngs=rngs,
    )


@InstanceNorm3d.state
def _(torch, flax):
    flax.scale = torch.weight
    flax.bias = torch.bias
    flax.mean = torch.running_mean
    flax.var = torch.running_var


@InstanceNorm3d.attributes
def _(torch, flax):
    torch.num_features: int = flax.num_features
    torch.eps: float = flax.epsilon
    torch.affine: bool = flax.scale is not None
    torch.track_running_stats: bool = getattr(flax, "mean", None) is not None


@rule("torch.nn.functional.instance_norm", layout="N C ... -> N ... C", rank=rank(input))
def instance_norm(
    input: Tensor,
    running_mean: Tensor = None,
    running_var: Tensor = None,
    weight: Tensor = None,
    bias: Tensor = None,
    use_input_stats: Ignored = True,
    momentum: Ignored = 0.1,
    eps=1e-5,
) -> Tensor:
    """Normalisation over space.

    >>> F.instance_norm(f32(2, 3, 4, 5))
    >>> F.instance_norm(f32(2, 3, 5), weight=f32(3), bias=f32(3), eps=1e-3)
    >>> F.instance_norm(f32(2, 3, 5), f32(3), pos(3), f32(3), f32(3), False, eps=1e-3)
    >>> F.instance_norm(f32(2, 3, 5), torch.zeros(3).double(), torch.ones(3).double())
    """
    if running_mean is None and running_var is None:
        return helpers.instance_norm(input, weight, bias, epsilon=eps)
    if not use_input_stats:
        return helpers.batch_norm(input, running_mean, running_var, weight, bias, epsilon=eps)
    raise Unsupported(
        "F.instance_norm with statistics of its input changes the running statistics that it is given",
        "use nn.InstanceNorm2d, or leave the running statistics out",
    )
