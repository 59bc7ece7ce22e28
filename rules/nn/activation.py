"""Activations as layers. Those without parameters become functions."""

from torch2jax.rulebook import *


@rule("torch.nn.ReLU", mode="pointwise")
def ReLU(inplace: Ignored = False) -> Module:
    """max(x, 0).

    >>> nn.ReLU()(f32(2, 3))
    >>> nn.ReLU(inplace=True)(f32(2, 3) * 0)
    >>> nn.ReLU()(9 * f32(2, 3))
    """
    return nnx.relu


@rule("torch.nn.ReLU6", mode="pointwise")
def ReLU6(inplace: Ignored = False) -> Module:
    """min(max(x, 0), 6).

    >>> nn.ReLU6(inplace=True)(f32(2, 3) * 6)
    """
    return nnx.relu6


@rule("torch.nn.LeakyReLU", mode="pointwise")
def LeakyReLU(negative_slope=0.01, inplace: Ignored = False) -> Module:
    """x where positive, else a fraction of it.

    >>> nn.LeakyReLU()(f32(2, 3))
    >>> nn.LeakyReLU(0.2, inplace=True)(f32(2, 3) * 0)
    """
    return partial(helpers.leaky_relu, negative_slope=negative_slope)


@rule("torch.nn.PReLU", layout="N C ... -> N ... C")
def PReLU(num_parameters=1, init=0.25, device: Device = None, dtype: Dtype = None) -> Module:
    """x where positive, else a learned fraction of it.

    >>> nn.PReLU()(f32(2, 3, 4, 5))
    >>> nn.PReLU(3, init=0.1)(f32(2, 3, 4, 5))
    >>> nn.PReLU(3)(f32(2, 3))
    >>> nn.PReLU()(f32(2, 3) * 0)
    >>> nn.PReLU()(f32(2, 3).sum())
    """
    return helpers.PReLU(jnp.full(num_parameters, init), param_dtype=dtype)


@PReLU.state
def _(torch, flax):
    flax.negative_slope = torch.weight


@rule("torch.nn.RReLU", mode="pointwise")
def RReLU(lower=0.125, upper=0.3333333333333333, inplace: Ignored = False) -> Module:
    """Leaky ReLU with random slopes in training.

    >>> nn.RReLU()(f32(2, 3).detach())  # random
    >>> nn.RReLU(0.1, 0.3)(f32(2, 3).detach())  # random
    """
    return helpers.RReLU(lower=lower, upper=upper, rngs=rngs)


@rule("torch.nn.ELU", mode="pointwise")
def ELU(alpha=1.0, inplace: Ignored = False) -> Module:
    """x where positive, else alpha (exp(x) - 1).

    >>> nn.ELU()(f32(2, 3))
    >>> nn.ELU(alpha=0.5)(f32(2, 3))
    """
    return partial(nnx.elu, alpha=alpha)


@rule("torch.nn.CELU", mode="pointwise")
def CELU(alpha=1.0, inplace: Ignored = False) -> Module:
    """A continuously differentiable ELU.

    >>> nn.CELU()(f32(2, 3))
    >>> nn.CELU(0.5)(f32(2, 3))
    """
    return partial(nnx.celu, alpha=alpha)


@rule("torch.nn.SELU", mode="pointwise")
def SELU(inplace: Ignored = False) -> Module:
    """Self-normalising ELU.

    >>> nn.SELU()(f32(2, 3))
    """
    return nnx.selu


@rule("torch.nn.GELU", mode="pointwise")
def GELU(approximate="none") -> Module:
    """x times the normal distribution function.

    >>> nn.GELU()(f32(2, 3))
    >>> nn.GELU(approximate="tanh")(f32(2, 3))
    >>> nn.GELU(str("tanh"))(f32(2, 3))
    """
    if approximate == "none":
        return partial(nnx.gelu, approximate=False)
    if approximate == "tanh":
        return nnx.gelu
    return partial(nnx.gelu, approximate=approximate == "tanh")


@rule("torch.nn.SiLU", mode="pointwise")
def SiLU(inplace: Ignored = False) -> Module:
    """x sigmoid(x).

    >>> nn.SiLU()(f32(2, 3))
    """
    return nnx.silu


@rule("torch.nn.Mish", mode="pointwise")
def Mish(inplace: Ignored = False) -> Module:
    """x tanh(softplus(x)).

    >>> nn.Mish()(f32(2, 3))
    """
    return jax.nn.mish


@rule("torch.nn.Sigmoid", mode="pointwise")
def Sigmoid() -> Module:
    """1 / (1 + exp(-x)).

    >>> nn.Sigmoid()(f32(2, 3))
    """
    return nnx.sigmoid


@rule("torch.nn.Tanh", mode="pointwise")
def Tanh() -> Module:
    """Hyperbolic tangent.

    >>> nn.Tanh()(f32(2, 3))
    """
    return nnx.tanh


@rule("torch.nn.Hardswish", mode="pointwise")
def Hardswish(inplace: Ignored = False) -> Module:
    """x times the hard sigmoid.

    >>> nn.Hardswish()(f32(2, 3) * 4)
    """
    return nnx.hard_swish


@rule("torch.nn.Hardsigmoid", mode="pointwise")
def Hardsigmoid(inplace: Ignored = False) -> Module:
    """relu6(x + 3) / 6.

    >>> nn.Hardsigmoid()(f32(2, 3) * 4)
    """
    return nnx.hard_sigmoid


@rule("torch.nn.Hardtanh", mode="pointwise")
def Hardtanh(min_val=-1.0, max_val=1.0, inplace: Ignored = False, min_value=None, max_value=None) -> Module:
    """Cut to an interval.

    >>> nn.Hardtanh()(f32(2, 3))
    >>> nn.Hardtanh(-0.5, 0.3)(f32(2, 3))
    >>> nn.Hardtanh(min_value=-0.5)(f32(2, 3))
    >>> nn.Hardtanh(max_value=0.3)(f32(2, 3))
    """
    if min_value is not None or max_value is not None:
        raise Unsupported("min_value= and max_value= are deprecated in torch", "write min_val= and max_val=")
    return partial(helpers.hardtanh, min_val=min_val, max_val=max_val)


@rule("torch.nn.Softplus", mode="pointwise")
def Softplus(beta=1.0, threshold=20.0) -> Module:
    """log(1 + exp(beta x)) / beta, x itself above a threshold.

    >>> nn.Softplus()(f32(2, 3))
    >>> nn.Softplus(beta=2)(f32(2, 3))
    >>> nn.Softplus(2.0, 0.5)(f32(2, 3))
    >>> nn.Softplus(threshold=0.5)(f32(2, 3))
    """
    if beta == 1 and threshold == 20:
        return nnx.softplus
    return partial(helpers.softplus, beta=beta, threshold=threshold)


@rule("torch.nn.LogSigmoid", mode="pointwise")
def LogSigmoid() -> Module:
    """log(sigmoid(x)).

    >>> nn.LogSigmoid()(f32(2, 3))
    """
    return nnx.log_sigmoid


@rule("torch.nn.Softsign", mode="pointwise")
def Softsign() -> Module:
    """x / (1 + |x|).

    >>> nn.Softsign()(f32(2, 3))
    """
    return nnx.soft_sign


@rule("torch.nn.Tanhshrink", mode="pointwise")
def Tanhshrink() -> Module:
    """x - tanh(x).

    >>> nn.Tanhshrink()(f32(2, 3))
    """
    return lambda x: x - jnp.tanh(x)


@rule("torch.nn.Hardshrink", mode="pointwise")
def Hardshrink(lambd=0.5) -> Module:
    """0 near 0.

    >>> nn.Hardshrink()(f32(2, 3))
    >>> nn.Hardshrink(0.3)(f32(2, 3))
    """
    return partial(helpers.hardshrink, lambd=lambd)


@rule("torch.nn.Softshrink", mode="pointwise")
def Softshrink(lambd=0.5) -> Module:
    """Shrunk towards 0.

    >>> nn.Softshrink()(f32(2, 3))
    >>> nn.Softshrink(0.3)(f32(2, 3))
    """
    return partial(helpers.softshrink, lambd=lambd)


@rule("torch.nn.Threshold", mode="pointwise")
def Threshold(threshold, value, inplace: Ignored = False) -> Module:
    """A value where x is not above a threshold.

    >>> nn.Threshold(0.1, -1.0)(f32(2, 3))
    """
    return partial(helpers.threshold, threshold=threshold, value=value)


@rule("torch.nn.GLU", mode="along")
def GLU(dim: Axis = -1) -> Module:
    """One half times the sigmoid of the other.

    >>> nn.GLU()(f32(2, 6))
    >>> nn.GLU(dim=1)(f32(2, 6, 4, 5))
    """
    return partial(nnx.glu, axis=dim)


@rule("torch.nn.Softmax", mode="along")
def Softmax(dim: Axis) -> Module:
    """Exponentials divided by their sum.

    >>> nn.Softmax(dim=1)(f32(2, 3, 4))
    >>> nn.Softmax(-1)(f32(2, 3))
    """
    return partial(nnx.softmax, axis=dim)


@rule("torch.nn.Softmax")
def Softmax_without_axis(dim=None) -> Module:
    """Softmax over the axis that torch guesses.

    >>> nn.Softmax()(f32(2, 3))
    >>> nn.Softmax(dim=None)(f32(2, 3, 4))
    """
    return lambda x: nnx.softmax(x, axis=0 if x.ndim in (0, 1, 3) else 1)


@rule("torch.nn.LogSoftmax", mode="along")
def LogSoftmax(dim: Axis) -> Module:
    """Logarithm of the softmax.

    >>> nn.LogSoftmax(dim=1)(f32(2, 3, 4))
    >>> nn.LogSoftmax(-1)(f32(2, 3))
    """
    return partial(nnx.log_softmax, axis=dim)


@rule("torch.nn.LogSoftmax")
def LogSoftmax_without_axis(dim=None) -> Module:
    """Log-softmax over the axis that torch guesses.

    >>> nn.LogSoftmax()(f32(2, 3))
    >>> nn.LogSoftmax()(f32(2, 3, 4))
    """
    return lambda x: nnx.log_softmax(x, axis=0 if x.ndim in (0, 1, 3) else 1)


@rule("torch.nn.Softmin", mode="along")
def Softmin(dim: Axis) -> Module:
    """Softmax of -x.

    >>> nn.Softmin(dim=1)(f32(2, 3, 4))
    """
    return partial(helpers.softmin, axis=dim)


@rule("torch.nn.Softmin")
def Softmin_without_axis(dim=None) -> Module:
    """Softmax of -x over the axis that torch guesses.

    >>> nn.Softmin()(f32(2, 3))
    >>> nn.Softmin()(f32(2, 3, 4))
    >>> nn.Softmin()(f32(2, 3, 4, 5))
    """
    return lambda x: nnx.softmax(-x, axis=0 if x.ndim in (0, 1, 3) else 1)


@rule("torch.nn.Softmax2d", layout="N C H W -> N H W C")
def Softmax2d() -> Module:
    """Softmax over the channels.

    >>> nn.Softmax2d()(f32(2, 3, 4, 5))
    """
    return nnx.softmax
