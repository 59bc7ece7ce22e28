"""Activations, padding and other functions of torch.nn.functional. Layers of weights have files of their own."""

from torch2jax.rulebook import *


@rule(
    "torch.relu",
    "torch.Tensor.relu",
    "torch.nn.functional.relu",
    "torch.nn.functional.relu_",
    "torch.relu_",
    mode="pointwise",
)
def relu(input: Tensor, inplace: Inplace = False) -> Tensor:
    """max(x, 0).

    >>> F.relu(f32(2, 3))
    >>> torch.relu(f32(2, 3) * 0)
    >>> f32(2, 3).relu()
    >>> torch.relu(9 * f32(2, 3))
    """
    return nnx.relu(input)


@rule("torch.nn.functional.relu6", mode="pointwise")
def relu6(input: Tensor, inplace: Inplace = False) -> Tensor:
    """min(max(x, 0), 6).

    >>> F.relu6(f32(2, 3) * 6)
    """
    return nnx.relu6(input)


@rule("torch.nn.functional.leaky_relu", "torch.nn.functional.leaky_relu_", mode="pointwise")
def leaky_relu(input: Tensor, negative_slope=0.01, inplace: Inplace = False) -> Tensor:
    """x where positive, else a fraction of it.

    >>> F.leaky_relu(f32(2, 3))
    >>> F.leaky_relu(f32(2, 3) * 0, 0.2)
    """
    return helpers.leaky_relu(input, negative_slope=negative_slope)


@rule("torch.nn.functional.elu", "torch.nn.functional.elu_", mode="pointwise")
def elu(input: Tensor, alpha=1.0, inplace: Inplace = False) -> Tensor:
    """x where positive, else alpha (exp(x) - 1).

    >>> F.elu(f32(2, 3))
    >>> F.elu(f32(2, 3), alpha=0.5)
    """
    return nnx.elu(input, alpha=alpha)


@rule("torch.nn.functional.celu", "torch.celu", mode="pointwise")
def celu(input: Tensor, alpha=1.0, inplace: Inplace = False) -> Tensor:
    """A continuously differentiable elu.

    >>> F.celu(f32(2, 3))
    >>> F.celu(f32(2, 3), alpha=0.5)
    """
    return nnx.celu(input, alpha=alpha)


@rule("torch.nn.functional.selu", "torch.selu", mode="pointwise")
def selu(input: Tensor, inplace: Inplace = False) -> Tensor:
    """Self-normalising elu.

    >>> F.selu(f32(2, 3))
    """
    return nnx.selu(input)


@rule("torch.nn.functional.gelu", mode="pointwise")
def gelu(input: Tensor, *, approximate="none") -> Tensor:
    """x times the normal distribution function.

    >>> F.gelu(f32(2, 3))
    >>> F.gelu(f32(2, 3), approximate="tanh")
    >>> F.gelu(f32(2, 3), approximate=str("tanh"))
    """
    if approximate == "none":
        return nnx.gelu(input, approximate=False)
    if approximate == "tanh":
        return nnx.gelu(input)
    return nnx.gelu(input, approximate=approximate == "tanh")


@rule("torch.nn.functional.silu", mode="pointwise")
def silu(input: Tensor, inplace: Inplace = False) -> Tensor:
    """x sigmoid(x).

    >>> F.silu(f32(2, 3))
    """
    return nnx.silu(input)


@rule("torch.nn.functional.mish", mode="pointwise")
def mish(input: Tensor, inplace: Inplace = False) -> Tensor:
    """x tanh(softplus(x)).

    >>> F.mish(f32(2, 3))
    """
    return jax.nn.mish(input)


@rule("torch.nn.functional.hardswish", mode="pointwise")
def hardswish(input: Tensor, inplace: Inplace = False) -> Tensor:
    """x times hardsigmoid.

    >>> F.hardswish(f32(2, 3) * 4)
    """
    return nnx.hard_swish(input)


@rule("torch.nn.functional.hardsigmoid", mode="pointwise")
def hardsigmoid(input: Tensor, inplace: Inplace = False) -> Tensor:
    """relu6(x + 3) / 6.

    >>> F.hardsigmoid(f32(2, 3) * 4)
    """
    return nnx.hard_sigmoid(input)


@rule("torch.nn.functional.hardtanh", "torch.nn.functional.hardtanh_", mode="pointwise")
def hardtanh(input: Tensor, min_val=-1.0, max_val=1.0, inplace: Inplace = False) -> Tensor:
    """Cut to an interval, with the gradient 0 at its ends.

    >>> F.hardtanh(f32(2, 3))
    >>> F.hardtanh(f32(2, 3), -0.5, 0.3)
    """
    return helpers.hardtanh(input, min_val=min_val, max_val=max_val)


@rule("torch.nn.functional.softplus", mode="pointwise")
def softplus(input: Tensor, beta=1.0, threshold=20.0) -> Tensor:
    """log(1 + exp(beta x)) / beta, x itself above a threshold.

    >>> F.softplus(f32(2, 3))
    >>> F.softplus(f32(2, 3), beta=2.0)
    >>> F.softplus(f32(2, 3), 2.0, 0.5)
    >>> F.softplus(f32(2, 3), threshold=1)
    >>> F.softplus(torch.ones(2, 3), threshold=1.0)
    """
    if beta == 1 and threshold == 20:
        return nnx.softplus(input)
    if threshold == 20:
        return nnx.softplus(beta * input) / beta
    return jnp.where(beta * input > threshold, input, nnx.softplus(beta * input) / beta)


@rule("torch.nn.functional.logsigmoid", mode="pointwise")
def logsigmoid(input: Tensor) -> Tensor:
    """log(sigmoid(x)).

    >>> F.logsigmoid(f32(2, 3))
    """
    return nnx.log_sigmoid(input)


@rule("torch.nn.functional.softsign", mode="pointwise")
def softsign(input: Tensor) -> Tensor:
    """x / (1 + |x|).

    >>> F.softsign(f32(2, 3))
    """
    return nnx.soft_sign(input)


@rule("torch.nn.functional.tanhshrink", mode="pointwise")
def tanhshrink(input: Tensor) -> Tensor:
    """x - tanh(x).

    >>> F.tanhshrink(f32(2, 3))
    """
    return input - jnp.tanh(input)


@rule("torch.nn.functional.hardshrink", "torch.hardshrink", "torch.Tensor.hardshrink", mode="pointwise")
def hardshrink(input: Tensor, lambd=0.5) -> Tensor:
    """0 near 0.

    >>> F.hardshrink(f32(2, 3))
    >>> F.hardshrink(f32(2, 3), 0.3)
    >>> F.hardshrink(torch.ones(2, 3), lambd=1.0)
    """
    return jnp.where(jnp.abs(input) > lambd, input, 0)


@rule("torch.nn.functional.softshrink", mode="pointwise")
def softshrink(input: Tensor, lambd=0.5) -> Tensor:
    """Shrunk towards 0.

    >>> F.softshrink(f32(2, 3))
    >>> F.softshrink(f32(2, 3), 0.3)
    >>> x = f32(2, 3)
    >>> F.softshrink(x - x.detach() + 0.5)
    """
    return jnp.where(jnp.abs(input) > lambd, input - lambd * jnp.sign(input), 0)


@rule("torch.nn.functional.threshold", "torch.nn.functional.threshold_", "torch.threshold", mode="pointwise")
def threshold(input: Tensor, threshold, value, inplace: Inplace = False) -> Tensor:
    """A value where x is not above a threshold.

    >>> F.threshold(f32(2, 3), 0.1, -1.0)
    >>> F.threshold(torch.ones(2, 3), 1.0, 5.0)
    """
    return jnp.where(input > threshold, input, value)


@rule("torch.nn.functional.prelu", "torch.prelu", "torch.Tensor.prelu", rank=rank(input))
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """x where positive, else a weight times x; weights by channel.

    >>> F.prelu(f32(2, 3), pos(1))
    >>> F.prelu(f32(2, 3), pos(3))
    >>> F.prelu(f32(2, 3, 4), pos(3))
    """
    return helpers.prelu(input, weight)


@rule("torch.nn.functional.rrelu", "torch.nn.functional.rrelu_", "torch.rrelu", mode="pointwise")
def rrelu(
    input: Tensor, lower=0.125, upper=0.3333333333333333, training: bool = False, inplace: Inplace = False
) -> Tensor:
    """Leaky relu, in training with random slopes.

    >>> F.rrelu(f32(2, 3))
    >>> F.rrelu(f32(2, 3).detach(), training=True)  # random
    >>> F.rrelu(f32(2, 3), 0.1, 0.3)
    >>> F.rrelu(f32(2, 3), 0.3, 0.3, training=True)
    >>> F.rrelu(f32(2, 3), training=min([False, True]))
    >>> y = F.rrelu(-torch.ones(99), 0.1, 0.2, training=True)
    >>> y.max() > y.min()
    """
    if not training:
        return helpers.leaky_relu(input, negative_slope=(lower + upper) / 2)
    return helpers.rrelu(rngs(), input, lower=lower, upper=upper, training=training)


@rule("torch.nn.functional.glu", mode="along", dtype="float")
def glu(input: Tensor, dim: Axis = -1) -> Tensor:
    """One half times the sigmoid of the other.

    >>> F.glu(f32(2, 6))
    >>> F.glu(f32(4, 3), dim=0)
    """
    return nnx.glu(input, axis=dim)


@rule("torch.nn.functional.gumbel_softmax", mode="along", dtype="float")
def gumbel_softmax(logits: Tensor, tau=1.0, hard: bool = False, eps: Ignored = 1e-10, dim: Axis = -1) -> Tensor:
    """Softmax with Gumbel noise.

    >>> F.gumbel_softmax(f32(2, 3).detach())  # random
    >>> F.gumbel_softmax(f32(2, 3).detach(), tau=0.5, hard=True, dim=0)  # random
    """
    return helpers.gumbel_softmax(rngs(), logits, tau=tau, hard=hard, axis=dim)


@rule("torch.nn.functional.normalize", mode="along", dtype="float")
def normalize(input: Tensor, p=2.0, dim: Axis = 1, eps=1e-12, out: Out = None) -> Tensor:
    """Divided by the norm along an axis.

    >>> F.normalize(pos(2, 3))
    >>> F.normalize(pos(2, 3), dim=-1)
    >>> F.normalize(f32(2, 3), p=1, dim=0), F.normalize(f32(2, 3), p=1, dim=0, eps=9.0)
    >>> F.normalize(f32(2, 3) * 0, dim=1)
    >>> F.normalize(pos(2, 3), p=2, dim=-1, eps=1e-6)
    >>> F.normalize(f32(2, 3), eps=2.0)
    """
    if p == 2:
        return helpers.l2_normalize(input, axis=dim, eps=eps)
    return helpers.normalize(input, p, axis=dim, eps=eps)


@rule("torch.nn.functional.cosine_similarity", "torch.cosine_similarity", dtype="float")
def cosine_similarity(x1: Tensor, x2: Tensor, dim: Axis = 1, eps=1e-8) -> Tensor:
    """Cosine of the angle between vectors.

    >>> F.cosine_similarity(f32(2, 3), f32(2, 3))
    >>> F.cosine_similarity(f32(2, 1, 3), f32(1, 4, 3), dim=-1, eps=1e-6)
    >>> F.cosine_similarity(1e-9 * f32(2, 3), 1e-9 * f32(2, 3))
    >>> F.cosine_similarity(f32(2, 3).sum(), f32(4).sum(), dim=0)
    >>> F.cosine_similarity(f32(2, 3).sum(), f32(4).sum(), dim=0, eps=9.0)
    >>> one = f32(4).sum().detach()
    >>> F.cosine_similarity(f32(2, 3), one), F.cosine_similarity(one, f32(2, 3))
    """
    if rank(x1) == 0 and rank(x2) == 0:
        return helpers.cosine_similarity(x1[None], x2[None], axis=dim, eps=eps)
    return helpers.cosine_similarity(x1, x2, axis=dim, eps=eps)


@rule("torch.nn.functional.pairwise_distance", "torch.pairwise_distance", dtype="float")
def pairwise_distance(x1: Tensor, x2: Tensor, p=2.0, eps=1e-6, keepdim: bool = False) -> Tensor:
    """Distances of corresponding rows.

    >>> F.pairwise_distance(f32(2, 3), f32(2, 3))
    >>> F.pairwise_distance(f32(2, 3), f32(2, 3), p=1, keepdim=True)
    >>> F.pairwise_distance(f32(2, 3), f32(2, 3), eps=0.1)
    """
    return helpers.pairwise_distance(x1, x2, p=p, eps=eps, keepdims=keepdim)


@rule("torch.nn.functional.pad", mode="spatial")
def pad(input: Tensor, pad: Shape, mode="constant", value: Scalar = None) -> Tensor:
    """Padded at the ends of the last axes; negative widths cut.

    >>> F.pad(f32(6).view(2, 3), (1, 2))
    >>> F.pad(f32(120).view(2, 3, 4, 5), (1, 1, 2, 0))
    >>> F.pad(f32(2, 3), (1, 2))
    >>> F.pad(f32(2, 3, 4, 5), (1, 1, 2, 0), value=1.5)
    >>> F.pad(f32(2, 3, 4), (1, 2), mode="reflect")
    >>> F.pad(f32(2, 3, 4, 5), [1, 1, 2, 0], "replicate")
    >>> F.pad(f32(2, 3, 4), (1, 2), mode="circular")
    >>> F.pad(f32(2, 3), (0, 0, 1, 0), "constant", 0)
    >>> F.pad(f32(2, 5), (-1, 2))
    >>> n = f32(2).shape[0]
    >>> F.pad(f32(2, 3), (n, 1)), F.pad(f32(2, 3), (n, 1), value=2), F.pad(f32(2, 3, 4), (n, 1), mode="reflect")
    >>> F.pad(f32(2, 3, 4), (1, 1), mode=str("reflect"))
    >>> F.pad(f32(24).view(2, 3, 4), (1, 2), mode="reflect")
    >>> F.pad(f32(6).view(2, 3), (1, 2), value=1.5)
    >>> F.pad(f32(6).view(2, 3), (-1, 2))
    >>> F.pad(f32(6).view(2, 3), (2, -1))
    >>> F.pad(f32(120).view(2, 3, 4, 5), (1, 1, 2, 0), mode="reflect")
    >>> F.pad(f32(120).view(2, 3, 4, 5), (1, 1, 2, 0), value=1.5)
    >>> F.pad(f32(120).view(2, 3, 4, 5), (-1, 1, 2, 0))
    >>> F.pad(f32(120).view(2, 3, 4, 5), (1, -1, 2, 0))
    >>> F.pad(f32(120).view(2, 3, 4, 5), (1, 1, -2, 0))
    >>> F.pad(f32(120).view(2, 3, 4, 5), (1, 1, 2, -1))
    >>> F.pad(F.avg_pool2d(f32(2, 3, 6, 8), 2), (1, 2), value=1.5)
    >>> F.pad(F.avg_pool2d(f32(2, 3, 6, 8), 2), (1, 2, 2, 1), mode="replicate")
    >>> F.pad(F.avg_pool2d(f32(2, 3, 6, 8), 2), (1, 2, 2, 1), mode="circular")
    >>> F.pad(F.avg_pool2d(f32(2, 3, 6, 8), 2), (1, 2, 2, 1), mode="reflect")
    """
    if mode == "constant" and value in (None, 0) and rank(input) > 0 and len(pad) == 2 and pad[0] >= 0 and pad[1] >= 0:
        return jnp.pad(input, helpers.pad_widths(pad, rank(input), channel_axis))
    if (
        mode == "constant"
        and value in (None, 0)
        and rank(input) > 0
        and len(pad) == 4
        and pad[0] >= 0
        and pad[1] >= 0
        and pad[2] >= 0
        and pad[3] >= 0
    ):
        return jnp.pad(input, helpers.pad_widths(pad, rank(input), channel_axis))
    if mode == "constant":
        return helpers.pad(input, pad, value=0 if value is None else value, channel_axis=channel_axis)
    if mode == "replicate":
        return helpers.pad(input, pad, mode="edge", channel_axis=channel_axis)
    if mode == "circular":
        return helpers.pad(input, pad, mode="wrap", channel_axis=channel_axis)
    if mode == "reflect":
        return helpers.pad(input, pad, mode="reflect", channel_axis=channel_axis)
    raise Unsupported("the padding mode is not known at conversion", "write mode as a literal")


@rule("torch.constant_pad_nd", rank=rank(input))
def constant_pad_nd(input: Tensor, pad: Shape, value: Scalar = 0) -> Tensor:
    """Padded with a constant.

    >>> torch.constant_pad_nd(f32(2, 3), (1, 2), 1.5)
    >>> torch.constant_pad_nd(f32(2, 3), (1, 2))
    """
    return helpers.pad(input, pad, value=value)
