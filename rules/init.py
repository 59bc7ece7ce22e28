"""Initial values: torch.nn.init. Each template is the new value of the tensor."""

from torch2jax.rulebook import *


@rule("torch.nn.init.zeros_", mode="init")
def zeros_(tensor: Tensor) -> Tensor:
    """Zeros.

    >>> nn.init.zeros_(f32(2, 3).detach())
    """
    return jnp.zeros_like(tensor)


@rule("torch.nn.init.ones_", mode="init")
def ones_(tensor: Tensor) -> Tensor:
    """Ones.

    >>> nn.init.ones_(f32(2, 3).detach())
    """
    return jnp.ones_like(tensor)


@rule("torch.nn.init.constant_", "torch.nn.init.constant", mode="init")
def constant_(tensor: Tensor, val) -> Tensor:
    """One value everywhere.

    >>> nn.init.constant_(f32(2, 3).detach(), 0.5)
    >>> nn.init.constant_(f32(2, 3).detach(), 0.0)
    >>> nn.init.constant_(f32(2, 3).detach(), val=1)
    """
    if val == 0:
        return jnp.zeros_like(tensor)
    if val == 1:
        return jnp.ones_like(tensor)
    return jnp.full_like(tensor, val)


@rule("torch.nn.init.normal_", "torch.nn.init.normal", mode="init")
def normal_(tensor: Tensor, mean=0.0, std=1.0, generator: Dropped = None) -> Tensor:
    """Normal distribution.

    >>> nn.init.normal_(f32(2, 3).detach())  # random
    >>> nn.init.normal_(f32(2, 3).detach(), 0, 0.02)  # random
    >>> nn.init.normal_(f32(2, 3).detach(), mean=1.0, std=0.02)  # random
    """
    if mean == 0:
        return nnx.initializers.normal(std)(rngs.params(), tensor.shape, tensor.dtype)
    return mean + std * jax.random.normal(rngs.params(), tensor.shape, tensor.dtype)


@rule("torch.nn.init.uniform_", "torch.nn.init.uniform", mode="init")
def uniform_(tensor: Tensor, a=0.0, b=1.0, generator: Dropped = None) -> Tensor:
    """Uniform distribution on [a, b).

    >>> nn.init.uniform_(f32(2, 3).detach())  # random
    >>> nn.init.uniform_(f32(2, 3).detach(), -0.1, 0.1)  # random
    """
    return jax.random.uniform(rngs.params(), tensor.shape, tensor.dtype, minval=a, maxval=b)


@rule(
    "torch.nn.init.trunc_normal_",
    "timm.layers.trunc_normal_",
    "timm.models.layers.trunc_normal_",
    "timm.models.layers.weight_init.trunc_normal_",
    mode="init",
)
def trunc_normal_(tensor: Tensor, mean=0.0, std=1.0, a=-2.0, b=2.0, generator: Dropped = None) -> Tensor:
    """Normal distribution cut at the values a and b, which do not matter from 20 std on.

    >>> nn.init.trunc_normal_(f32(2, 3).detach())  # random
    >>> nn.init.trunc_normal_(f32(2, 3).detach(), std=0.02)  # random
    >>> nn.init.trunc_normal_(f32(2, 3).detach(), std=0.02, a=-0.04, b=0.04)  # random
    >>> nn.init.trunc_normal_(f32(2, 3).detach(), mean=1.0, std=0.5, a=0.5)  # random

    >>> y = nn.init.trunc_normal_(torch.zeros(200, 50), std=0.5, a=-0.2, b=0.1)
    >>> (y >= -0.2).all() & (y <= 0.1).all() & (y.min() < -0.18) & (y.max() > 0.08)

    >>> y = nn.init.trunc_normal_(torch.zeros(200, 50), mean=1.0, std=0.5, a=0.8, b=1.3)
    >>> (y >= 0.8).all() & (y <= 1.3).all() & (y.min() < 0.82) & (y.max() > 1.28)

    >>> y = nn.init.trunc_normal_(torch.zeros(200, 50), std=2.0)
    >>> (y >= -2).all() & (y <= 2).all() & (y.min() < -1.9) & (y.max() > 1.9)
    >>> (nn.init.trunc_normal_(torch.zeros(200, 50), mean=1.0, std=0.05) > 0.5).all()
    >>> (nn.init.trunc_normal_(torch.zeros(200, 50), std=0.05, a=0.0) >= 0).all()
    >>> (nn.init.trunc_normal_(torch.zeros(200, 50), std=0.05, b=0.0) <= 0).all()
    """
    if mean == 0 and a == -2 and b == 2 and 0 < std <= 0.1:
        return nnx.initializers.normal(std)(rngs.params(), tensor.shape, tensor.dtype)
    if mean == 0:
        return nnx.initializers.truncated_normal(std, lower=a / std, upper=b / std)(
            rngs.params(), tensor.shape, tensor.dtype
        )
    return mean + nnx.initializers.truncated_normal(std, lower=(a - mean) / std, upper=(b - mean) / std)(
        rngs.params(), tensor.shape, tensor.dtype
    )


@rule("torch.nn.init.xavier_uniform_", "torch.nn.init.xavier_uniform", mode="init")
def xavier_uniform_(tensor: Tensor, gain=1.0, generator: Dropped = None) -> Tensor:
    """Uniform distribution by the mean of fan in and fan out (Glorot and Bengio 2010).

    >>> nn.init.xavier_uniform_(f32(2, 3).detach())  # random
    >>> nn.init.xavier_uniform_(f32(2, 3, 4, 5).detach(), gain=0.5)  # random
    """
    if gain == 1:
        return nnx.initializers.xavier_uniform(in_axis=in_axis, out_axis=out_axis)(
            rngs.params(), tensor.shape, tensor.dtype
        )
    return nnx.initializers.variance_scaling(gain**2, "fan_avg", "uniform", in_axis=in_axis, out_axis=out_axis)(
        rngs.params(), tensor.shape, tensor.dtype
    )


@rule("torch.nn.init.xavier_normal_", "torch.nn.init.xavier_normal", mode="init")
def xavier_normal_(tensor: Tensor, gain=1.0, generator: Dropped = None) -> Tensor:
    """Normal distribution by the mean of fan in and fan out; jax's xavier_normal is a truncated one.

    >>> nn.init.xavier_normal_(f32(2, 3).detach())  # random
    >>> nn.init.xavier_normal_(f32(2, 3).detach(), 1.5)  # random
    """
    return nnx.initializers.variance_scaling(gain**2, "fan_avg", "normal", in_axis=in_axis, out_axis=out_axis)(
        rngs.params(), tensor.shape, tensor.dtype
    )


@rule("torch.nn.init.kaiming_uniform_", "torch.nn.init.kaiming_uniform", mode="init")
def kaiming_uniform_(
    tensor: Tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator: Dropped = None
) -> Tensor:
    """Uniform distribution that keeps the variance through a nonlinearity (He et al. 2015).

    >>> nn.init.kaiming_uniform_(f32(2, 3).detach())  # random
    >>> nn.init.kaiming_uniform_(f32(2, 3).detach(), nonlinearity="relu")  # random
    >>> nn.init.kaiming_uniform_(f32(2, 3).detach(), a=math.sqrt(5))  # random
    >>> nn.init.kaiming_uniform_(f32(2, 3, 4, 5).detach(), mode="fan_out", nonlinearity="relu")  # random
    >>> nn.init.kaiming_uniform_(f32(2, 3, 4, 5).detach(), mode="fan_out", nonlinearity="tanh")  # random

    >>> y = nn.init.kaiming_uniform_(torch.zeros(90, 3), nonlinearity="relu").abs().max()
    >>> (y < 1.4143) & (y > 1.2729)

    >>> y = nn.init.kaiming_uniform_(torch.zeros(90, 3), nonlinearity="tanh").abs().max()
    >>> (y < 1.6667) & (y > 1.5)

    >>> y = nn.init.kaiming_uniform_(torch.zeros(90, 3), a=5).abs().max()
    >>> (y < 0.2774) & (y > 0.2497)

    >>> y = nn.init.kaiming_uniform_(torch.zeros(90, 3), mode="fan_out", nonlinearity="relu").abs().max()
    >>> (y < 0.2582) & (y > 0.2324)

    >>> y = nn.init.kaiming_uniform_(torch.zeros(90, 3), mode="fan_out", nonlinearity="tanh").abs().max()
    >>> (y < 0.3043) & (y > 0.2739)

    >>> y = nn.init.kaiming_uniform_(torch.zeros(90, 3), mode="fan_out", a=5).abs().max()
    >>> (y < 0.0507) & (y > 0.0456)

    >>> y = nn.init.kaiming_uniform_(torch.zeros(90, 3), 0, max(["fan_in"]), "relu").abs().max()
    >>> (y < 1.4143) & (y > 1.2729)
    """
    if mode == "fan_in" and (nonlinearity == "relu" or (nonlinearity == "leaky_relu" and a == 0)):
        return nnx.initializers.he_uniform(in_axis=in_axis, out_axis=out_axis)(
            rngs.params(), tensor.shape, tensor.dtype
        )
    if nonlinearity == "relu" or (nonlinearity == "leaky_relu" and a == 0):
        return nnx.initializers.variance_scaling(2.0, mode, "uniform", in_axis=in_axis, out_axis=out_axis)(
            rngs.params(), tensor.shape, tensor.dtype
        )
    if nonlinearity == "leaky_relu":
        return nnx.initializers.variance_scaling(2 / (1 + a**2), mode, "uniform", in_axis=in_axis, out_axis=out_axis)(
            rngs.params(), tensor.shape, tensor.dtype
        )
    return nnx.initializers.variance_scaling(
        helpers.calculate_gain(nonlinearity, a) ** 2, mode, "uniform", in_axis=in_axis, out_axis=out_axis
    )(rngs.params(), tensor.shape, tensor.dtype)


@rule("torch.nn.init.kaiming_normal_", "torch.nn.init.kaiming_normal", mode="init")
def kaiming_normal_(tensor: Tensor, a=0, mode="fan_in", nonlinearity="leaky_relu", generator: Dropped = None) -> Tensor:
    """Normal distribution that keeps the variance through a nonlinearity; jax's he_normal is a truncated one.

    >>> nn.init.kaiming_normal_(f32(2, 3).detach())  # random
    >>> nn.init.kaiming_normal_(f32(2, 3, 4, 5).detach(), mode="fan_out", nonlinearity="relu")  # random
    >>> nn.init.kaiming_normal_(f32(2, 3).detach(), 0.2)  # random
    >>> nn.init.kaiming_normal_(f32(2, 3).detach(), nonlinearity="linear")  # random

    >>> y = nn.init.kaiming_normal_(torch.zeros(300, 30), 0.2, mode="fan_out").std()
    >>> (y < 0.084) & (y > 0.076)

    >>> y = nn.init.kaiming_normal_(torch.zeros(300, 30), 0.2, "fan_out", "tanh").std()
    >>> (y < 0.101) & (y > 0.091)
    """
    if nonlinearity == "relu" or (nonlinearity == "leaky_relu" and a == 0):
        return nnx.initializers.variance_scaling(2.0, mode, "normal", in_axis=in_axis, out_axis=out_axis)(
            rngs.params(), tensor.shape, tensor.dtype
        )
    if nonlinearity == "leaky_relu":
        return nnx.initializers.variance_scaling(2 / (1 + a**2), mode, "normal", in_axis=in_axis, out_axis=out_axis)(
            rngs.params(), tensor.shape, tensor.dtype
        )
    return nnx.initializers.variance_scaling(
        helpers.calculate_gain(nonlinearity, a) ** 2, mode, "normal", in_axis=in_axis, out_axis=out_axis
    )(rngs.params(), tensor.shape, tensor.dtype)


@rule("torch.nn.init.orthogonal_", "torch.nn.init.orthogonal", mode="init")
def orthogonal_(tensor: Tensor, gain=1, generator: Dropped = None) -> Tensor:
    """A random matrix with orthonormal rows or columns.

    >>> nn.init.orthogonal_(f32(2, 3).detach())  # random
    >>> nn.init.orthogonal_(f32(4, 3, 2).detach(), gain=0.5)  # random
    >>> y = nn.init.orthogonal_(torch.zeros(4, 3, 2), gain=0.5).reshape(4, 6)
    >>> y @ y.T
    """
    return nnx.initializers.orthogonal(scale=gain, column_axis=out_axis)(rngs.params(), tensor.shape, tensor.dtype)


@rule("torch.nn.init.eye_", "torch.nn.init.eye", mode="init")
def eye_(tensor: Tensor) -> Tensor:
    """The identity matrix.

    >>> nn.init.eye_(f32(2, 3).detach())
    >>> nn.init.eye_(torch.zeros(2, 3, dtype=torch.float16)).dtype
    """
    return jnp.eye(*tensor.shape, dtype=tensor.dtype)


@rule("torch.nn.init.dirac_", "torch.nn.init.dirac", mode="init")
def dirac_(tensor: Tensor, groups: int = 1) -> Tensor:
    """A convolution that passes its channels on.

    >>> weight = f32(4, 3, 5).detach()
    >>> nn.init.dirac_(weight)
    >>> weight = f32(6, 2, 3, 4).detach()
    >>> nn.init.dirac_(weight, 3)

    >>> nn.init.dirac_(torch.zeros(4, 3, 5, dtype=torch.float16)).dtype
    """
    return helpers.dirac(tensor.shape, groups=groups, dtype=tensor.dtype, in_axis=in_axis, out_axis=out_axis)


@rule("torch.nn.init.sparse_", "torch.nn.init.sparse", mode="init")
def sparse_(tensor: Tensor, sparsity, std=0.01, generator: Dropped = None) -> Tensor:
    """Normal distribution with a share of zeros for each input (Martens 2010).

    >>> nn.init.sparse_(f32(4, 3).detach(), 0.3)  # random
    >>> nn.init.sparse_(f32(4, 3).detach(), sparsity=0.3, std=1.0)  # random
    >>> (nn.init.sparse_(torch.zeros(10, 4), 0.3) == 0).sum(dim=0)
    >>> nn.init.sparse_(torch.zeros(10, 4, dtype=torch.float16), 0.3).dtype
    """
    return helpers.sparse(rngs.params(), tensor.shape, sparsity, std=std, dtype=tensor.dtype, out_axis=out_axis)


@rule("torch.nn.init.calculate_gain")
def calculate_gain(nonlinearity: str, param=None) -> float:
    """The factor of the standard deviation for a nonlinearity.

    >>> nn.init.calculate_gain("linear")
    >>> nn.init.calculate_gain("relu")
    >>> nn.init.calculate_gain("tanh")
    >>> nn.init.calculate_gain("leaky_relu")
    >>> nn.init.calculate_gain("leaky_relu", 0.2)
    >>> nn.init.calculate_gain("selu")
    >>> nn.init.calculate_gain("selu", 0.2)
    >>> nn.init.calculate_gain(str("selu"))
    """
    if nonlinearity == "relu":
        return math.sqrt(2)
    if nonlinearity == "tanh":
        return 5 / 3
    if nonlinearity == "leaky_relu" and param is not None:
        return math.sqrt(2 / (1 + param**2))
    return helpers.calculate_gain(nonlinearity, param)


@rule("torch.nn.init._calculate_fan_in_and_fan_out")
def calculate_fan_in_and_fan_out(tensor: Tensor) -> (int, int):
    """Inputs and outputs of one unit of a weight.

    >>> nn.init._calculate_fan_in_and_fan_out(f32(2, 3, 4, 5))
    """
    return helpers.fan_in_and_fan_out(tensor)


@rule("torch.nn.init._calculate_correct_fan")
def calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """Inputs or outputs of one unit of a weight.

    >>> nn.init._calculate_correct_fan(f32(2, 3, 4), "fan_in")
    >>> nn.init._calculate_correct_fan(f32(2, 3, 4), "fan_out")
    >>> nn.init._calculate_correct_fan(f32(2, 3, 4), max(["fan_in"]))
    """
    if mode == "fan_in":
        return helpers.fan_in_and_fan_out(tensor)[0]
    return helpers.fan_in_and_fan_out(tensor)[1 if mode == "fan_out" else 0]
