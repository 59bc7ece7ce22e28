"""Linear and bilinear maps, identity, flattening."""

from torch2jax.rulebook import *


@rule("torch.nn.Linear", "torch.nn.modules.linear.NonDynamicallyQuantizableLinear", mode="along")
def Linear(in_features: int, out_features: int, bias=True, device: Device = None, dtype: Dtype = None) -> Module:
    """Affine map of the last axis.

    >>> nn.Linear(3, 4)(f32(2, 5, 3))
    >>> nn.Linear(3, 4, bias=False)(f32(2, 3))
    >>> nn.Linear(in_features=3, out_features=4, bias=bool(1), device="cpu", dtype=torch.float64)(f32(2, 3).double())
    """
    return nnx.Linear(
        in_features, out_features, use_bias=bias, param_dtype=dtype, **helpers.fan_in_uniform(in_features), rngs=rngs
    )


@Linear.state
def _(torch, flax):
    flax.kernel = torch.weight.T
    flax.bias = torch.bias


@Linear.attributes
def _(torch, flax):
    torch.in_features: int = flax.in_features
    torch.out_features: int = flax.out_features


@rule("torch.nn.LazyLinear")
def LazyLinear(out_features: int, bias=True, device: Device = None, dtype: Dtype = None) -> Module:
    """A linear map that learns its input size from the first input.

    >>> nn.LazyLinear(4)(f32(2, 3))
    """
    raise Unsupported(
        "flax layers need their input sizes when they are built", "use nn.Linear with the number of input features"
    )


@rule("torch.nn.functional.linear", rank=rank(input))
def linear(input: Tensor, weight: Tensor, bias: Tensor = None) -> Tensor:
    """Affine map of the last axis by a weight of shape (out, in).

    >>> F.linear(f32(2, 5, 3), f32(4, 3))
    >>> F.linear(f32(2, 3), f32(4, 3), f32(4))
    >>> bias = f32(4) if f32(2).shape[0] == 2 else None
    >>> F.linear(f32(2, 3), weight=f32(4, 3), bias=bias)
    """
    if bias is None:
        return input @ weight.T
    if bias is not None:
        return input @ weight.T + bias
    return helpers.linear(input, weight, bias)


@rule("torch.nn.Bilinear", mode="along")
def Bilinear(
    in1_features: int, in2_features: int, out_features: int, bias=True, device: Device = None, dtype: Dtype = None
) -> Module:
    """Bilinear form of two inputs.

    >>> nn.Bilinear(3, 4, 5)(f32(2, 3), f32(2, 4))
    >>> nn.Bilinear(3, 4, 5, bias=False)(f32(2, 6, 3), f32(2, 6, 4))
    """
    return helpers.Bilinear(in1_features, in2_features, out_features, use_bias=bias, param_dtype=dtype, rngs=rngs)


@Bilinear.attributes
def _(torch, flax):
    torch.in1_features: int = flax.weight.shape[1]
    torch.in2_features: int = flax.weight.shape[2]
    torch.out_features: int = flax.weight.shape[0]


@Bilinear.call
def _(self, input1: Tensor, input2: Tensor) -> Tensor:
    return self(input1, input2)


@rule("torch.nn.functional.bilinear", "torch.bilinear", rank=rank(input1))
def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor = None) -> Tensor:
    """Bilinear form by a weight of shape (out, in1, in2).

    >>> F.bilinear(f32(2, 3), f32(2, 4), f32(5, 3, 4))
    >>> F.bilinear(f32(2, 3), f32(2, 4), f32(5, 3, 4), f32(5))
    """
    return helpers.bilinear(input1, input2, weight, bias)


@rule("torch.nn.Identity", mode="pointwise", fresh=False)
def Identity(*args: Ignored, **kwargs: Ignored) -> Module:
    """The input itself.

    >>> nn.Identity()(f32(2, 3))
    >>> nn.Identity(54, unused=0.1)(f32(2, 3))
    """
    return nnx.identity


@rule("torch.nn.Flatten")
def Flatten(start_dim=1, end_dim=-1) -> Module:
    """Merges axes into one.

    >>> nn.Flatten()(f32(2, 3, 4, 5))
    >>> nn.Flatten(0)(f32(2, 3, 4))
    >>> nn.Flatten(start_dim=1, end_dim=2)(f32(2, 3, 4, 5))
    >>> nn.Flatten(-2)(f32(2, 3, 4))
    """
    if start_dim == 1 and end_dim == -1:
        return lambda x: x.reshape(x.shape[0], -1)
    return partial(helpers.flatten, start=start_dim, end=end_dim)


@rule("torch.nn.Unflatten")
def Unflatten(dim: int, unflattened_size: Shape) -> Module:
    """Splits an axis.

    >>> nn.Unflatten(1, (2, 3))(f32(4, 6))
    >>> nn.Unflatten(-1, torch.Size([2, -1]))(f32(4, 5, 6))
    """
    return partial(helpers.unflatten, axis=dim, sizes=unflattened_size)
