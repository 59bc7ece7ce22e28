"""Random numbers. PyTorch's streams are not reproduced: shapes, dtypes and distributions are."""

from torch2jax.rulebook import *


@rule("torch.randn", rank=len(size), dtype="float")
def randn(
    *size: Shape,
    generator: Dropped = None,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Standard normal.

    >>> torch.randn(2, 3)  # random
    >>> torch.randn((2, 3), dtype=torch.float64)  # random
    >>> torch.randn(f32(2, 3).shape)  # random
    >>> n = len([f32(2)])
    >>> torch.randn(2, dtype=torch.float16).dtype, torch.randn(max([n, 3]), dtype=torch.float16).dtype

    >>> n = len([f32(2)])
    >>> torch.randn(max([n, 3]))  # random
    >>> torch.randn(math.floor(2.5), dtype=torch.float64)  # random
    """
    if isinstance(size, (tuple, list)):
        return rngs.normal(size, dtype=dtype)
    return rngs.normal(helpers.as_shape(size), dtype=dtype)


@rule("torch.randn_like", mode="pointwise", dtype="float")
def randn_like(
    input: Tensor,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
    memory_format: Ignored = None,
    generator: Dropped = None,
) -> Tensor:
    """Standard normal, in the shape and dtype of another tensor.

    >>> torch.randn_like(f32(2, 3))  # random
    >>> torch.randn_like(i64(2, 3, high=5), dtype=torch.float64)  # random
    """
    return rngs.normal(input.shape, dtype=input.dtype if dtype is None else dtype)


@rule("torch.rand", rank=len(size), dtype="float")
def rand(
    *size: Shape,
    generator: Dropped = None,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Uniform in [0, 1).

    >>> torch.rand(2, 3)  # random
    >>> torch.rand((2, 3), dtype=torch.float64)  # random
    >>> torch.rand(f32(2, 3).shape)  # random
    >>> n = len([f32(2)])
    >>> torch.rand(2, dtype=torch.float16).dtype, torch.rand(max([n, 3]), dtype=torch.float16).dtype

    >>> n = len([f32(2)])
    >>> torch.rand(max([n, 3]))  # random
    >>> torch.rand(math.floor(2.5), dtype=torch.float64)  # random
    """
    if isinstance(size, (tuple, list)):
        return rngs.uniform(size, dtype=dtype)
    return rngs.uniform(helpers.as_shape(size), dtype=dtype)


@rule("torch.rand_like", mode="pointwise", dtype="float")
def rand_like(
    input: Tensor,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
    memory_format: Ignored = None,
    generator: Dropped = None,
) -> Tensor:
    """Uniform in [0, 1), in the shape and dtype of another tensor.

    >>> torch.rand_like(f32(2, 3))  # random
    >>> torch.rand_like(i64(2, 3, high=5), dtype=torch.float64)  # random
    """
    return rngs.uniform(input.shape, dtype=input.dtype if dtype is None else dtype)


@rule("torch.randint", rank=len(size), dtype="int")
def randint(
    low: int,
    high: int,
    size: Shape,
    *,
    generator: Dropped = None,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Integers from low up to, without, high.

    >>> torch.randint(2, 7, (2, 3))  # random
    >>> torch.randint(0, high=5, size=(4,), dtype=torch.int16).dtype
    >>> torch.randint(0, 5, (4,), dtype=torch.float64)  # random
    >>> torch.randint(0, 2, (4,), dtype=torch.bool)  # random
    """
    if dtype(dtype) in ("float", "bool"):
        return rngs.randint(size, low, high).astype(dtype)
    return rngs.randint(size, low, high, dtype=dtype)


@rule("torch.randint", rank=len(size), dtype="int")
def randint_below(
    high: int,
    size: Shape,
    *,
    generator: Dropped = None,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Integers from 0 up to, without, high.

    >>> torch.randint(7, (2, 3))  # random
    >>> torch.randint(high=5, size=[4])  # random
    >>> torch.randint(5, (4,), dtype=torch.int16).dtype
    >>> torch.randint(5, (4,), dtype=torch.float64)  # random
    """
    if dtype(dtype) in ("float", "bool"):
        return rngs.randint(size, 0, high).astype(dtype)
    return rngs.randint(size, 0, high, dtype=dtype)


@rule("torch.randint_like", mode="pointwise")
def randint_like(
    input: Tensor,
    low: int,
    high: int,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    memory_format: Ignored = None,
) -> Tensor:
    """Integers in the shape of another tensor.

    >>> torch.randint_like(i64(2, 3, high=5), 2, 9)  # random
    >>> torch.randint_like(f32(2, 3), 2, 9, dtype=torch.long)  # random
    """
    return rngs.randint(input.shape, low, high).astype(input.dtype if dtype is None else dtype)


@rule("torch.randint_like", mode="pointwise")
def randint_like_below(
    input: Tensor,
    high: int,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    memory_format: Ignored = None,
) -> Tensor:
    """Integers in the shape of another tensor.

    >>> torch.randint_like(i64(2, 3, high=5), 9)  # random
    >>> torch.randint_like(f32(2, 3), 9, dtype=torch.long)  # random
    """
    return rngs.randint(input.shape, 0, high).astype(input.dtype if dtype is None else dtype)


@rule("torch.randperm", rank=1)
def randperm(
    n,
    *,
    generator: Dropped = None,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """0, ..., n - 1 in random order.

    >>> torch.randperm(5)  # random
    >>> torch.randperm(5, dtype=torch.float64)  # random
    """
    if dtype is None:
        return rngs.permutation(n)
    return rngs.permutation(n).astype(dtype if dtype is not None else int)


@rule("torch.normal", rank=len(size), dtype="float")
def normal(
    mean: float,
    std: float,
    size: Shape,
    *,
    generator: Dropped = None,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Normal numbers.

    >>> torch.normal(0.0, 0.5, (2, 3))  # random
    >>> torch.normal(1.0, 0.5, size=(2, 3))  # random
    >>> torch.normal(0, 1, size=(2, 3))  # random
    >>> torch.normal(0, 1, (2,), dtype=torch.float16).dtype, torch.normal(0, 2, (2,), dtype=torch.float16).dtype
    >>> torch.normal(1, 1, (2,), dtype=torch.float16).dtype
    """
    if mean == 0 and std == 1:
        return rngs.normal(size, dtype=dtype)
    if mean == 0:
        return std * rngs.normal(size, dtype=dtype)
    return mean + std * rngs.normal(size, dtype=dtype)


@rule("torch.normal", mode="pointwise", dtype="float")
def normal_around(mean: Tensor, std: Scalar = 1.0, *, generator: Dropped = None, out: Out = None) -> Tensor:
    """Normal numbers around a tensor.

    >>> torch.normal(f32(2, 3).detach(), pos(2, 3).detach())  # random
    >>> torch.normal(f32(2, 3).detach(), 0.5)  # random
    >>> torch.normal(f32(2, 3).detach())  # random
    >>> torch.normal(f32(2, 3).half()).dtype, torch.normal(f32(2, 3).half(), 0.5).dtype
    """
    if std == 1:
        return mean + rngs.normal(mean.shape, dtype=mean.dtype)
    return mean + std * rngs.normal(mean.shape, dtype=mean.dtype)


@rule("torch.normal", mode="pointwise", dtype="float")
def normal_spread(mean: float, std: Tensor, *, generator: Dropped = None, out: Out = None) -> Tensor:
    """Normal numbers of given spreads.

    >>> torch.normal(0.0, pos(2, 3).detach())  # random
    >>> torch.normal(1.5, pos(2, 3).detach())  # random
    >>> torch.normal(0.0, pos(2, 3).half()).dtype, torch.normal(1.5, pos(2, 3).half()).dtype
    """
    if mean == 0:
        return std * rngs.normal(std.shape, dtype=std.dtype)
    return mean + std * rngs.normal(std.shape, dtype=std.dtype)


@rule("torch.bernoulli", "torch.Tensor.bernoulli", mode="pointwise")
def bernoulli(input: Tensor, *, generator: Dropped = None, out: Out = None) -> Tensor:
    """0 or 1 with the given probabilities.

    >>> torch.bernoulli(unit(2, 3).detach())  # random
    """
    return rngs.bernoulli(input).astype(input.dtype)


@rule("torch.bernoulli", "torch.Tensor.bernoulli", mode="pointwise")
def bernoulli_p(input: Tensor, p: Scalar, *, generator: Dropped = None) -> Tensor:
    """0 or 1 with one probability.

    >>> f32(2, 3).detach().bernoulli(0.3)  # random
    """
    return rngs.bernoulli(p, input.shape).astype(input.dtype)


@rule("torch.multinomial", "torch.Tensor.multinomial", rank=rank(input), dtype="int")
def multinomial(
    input: Tensor, num_samples, replacement: bool = False, *, generator: Dropped = None, out: Out = None
) -> Tensor:
    """Indices drawn by weight.

    >>> torch.multinomial(pos(2, 5).detach(), 1)  # random
    >>> pos(5).detach().multinomial(3)  # random
    >>> torch.multinomial(torch.ones(5, 5), 5).sum(dim=1)
    >>> torch.multinomial(pos(2, 5).detach(), 9, replacement=True)  # random
    """
    if num_samples == 1:
        return rngs.categorical(jnp.log(input))[..., None]
    return helpers.multinomial(rngs(), input, num_samples, replacement=replacement)


@rule("torch.poisson", mode="pointwise")
def poisson(input: Tensor, generator: Dropped = None) -> Tensor:
    """Poisson numbers of given rates.

    >>> torch.poisson(pos(2, 3).detach())  # random
    """
    return rngs.poisson(input).astype(input.dtype)


@rule("torch.Tensor.normal_", mode="pointwise")
def normal_(self: Tensor, mean: Scalar = 0, std: Scalar = 1, *, generator: Dropped = None) -> Tensor:
    """Filled with normal numbers.

    >>> f32(2, 3).detach().normal_()  # random
    >>> f32(2, 3).detach().normal_(1.0)  # random
    >>> torch.zeros(2, dtype=torch.float16).normal_().dtype, torch.zeros(2, dtype=torch.float16).normal_(0, 0.02).dtype
    >>> torch.zeros(2, dtype=torch.float16).normal_(1.0).dtype
    >>> f32(2, 3).detach().normal_(0, 0.02)  # random
    >>> f32(2, 3).detach().normal_(mean=1.0, std=0.5)  # random
    """
    if mean == 0 and std == 1:
        return rngs.normal(self.shape, dtype=self.dtype)
    if mean == 0:
        return std * rngs.normal(self.shape, dtype=self.dtype)
    return mean + std * rngs.normal(self.shape, dtype=self.dtype)


@rule("torch.Tensor.uniform_", mode="pointwise")
def uniform_(self: Tensor, low: Scalar = 0, to: Scalar = 1, *, generator: Dropped = None) -> Tensor:
    """Filled with uniform numbers.

    >>> f32(2, 3).detach().uniform_()  # random
    >>> f32(2, 3).detach().uniform_(-0.5, 0.5)  # random
    >>> f32(2, 3).detach().uniform_(0, 3)  # random
    >>> f32(2, 3).detach().uniform_(0.5)  # random
    >>> torch.zeros(2, dtype=torch.float16).uniform_().dtype, torch.zeros(2, dtype=torch.float16).uniform_(0.5).dtype
    """
    if low == 0 and to == 1:
        return rngs.uniform(self.shape, dtype=self.dtype)
    return rngs.uniform(self.shape, dtype=self.dtype, minval=low, maxval=to)


@rule("torch.Tensor.bernoulli_", mode="pointwise")
def bernoulli_(self: Tensor, p: Scalar = 0.5, *, generator: Dropped = None) -> Tensor:
    """Filled with 0 and 1.

    >>> f32(2, 3).detach().bernoulli_()  # random
    >>> f32(2, 3).detach().bernoulli_(0.3)  # random
    """
    return rngs.bernoulli(p, self.shape).astype(self.dtype)


@rule("torch.Tensor.random_", mode="pointwise")
def random_(self: Tensor, low: int, to: int, *, generator: Dropped = None) -> Tensor:
    """Filled with integers from low up to, without, to.

    >>> f32(2, 3).detach().random_(2, 7)  # random
    """
    return rngs.randint(self.shape, low, to).astype(self.dtype)


@rule("torch.Tensor.random_", mode="pointwise")
def random_below(self: Tensor, to: int, *, generator: Dropped = None) -> Tensor:
    """Filled with integers below a bound.

    >>> f32(2, 3).detach().random_(7)  # random
    """
    return rngs.randint(self.shape, 0, to).astype(self.dtype)


@rule("torch.Tensor.exponential_", mode="pointwise")
def exponential_(self: Tensor, lambd: Scalar = 1, *, generator: Dropped = None) -> Tensor:
    """Filled with exponential numbers.

    >>> f32(2, 3).detach().exponential_()  # random
    >>> f32(2, 3).detach().exponential_(2.5)  # random
    >>> torch.zeros(2).half().exponential_().dtype, torch.zeros(2).half().exponential_(2.5).dtype
    """
    if lambd == 1:
        return rngs.exponential(self.shape, dtype=self.dtype)
    return rngs.exponential(self.shape, dtype=self.dtype) / lambd


@rule("torch.Tensor.log_normal_", mode="pointwise")
def log_normal_(self: Tensor, mean: Scalar = 1, std: Scalar = 2, *, generator: Dropped = None) -> Tensor:
    """Filled with log-normal numbers.

    >>> f32(2, 3).detach().log_normal_(0.0, 0.5)  # random
    >>> torch.zeros(2, dtype=torch.float16).log_normal_().dtype, f32(2, 3).detach().log_normal_(std=1e-12)
    >>> (torch.zeros(999).log_normal_().log().std() - 2).abs() < 0.5
    """
    return jnp.exp(mean + std * rngs.normal(self.shape, dtype=self.dtype))


@rule("torch.Tensor.cauchy_", mode="pointwise")
def cauchy_(self: Tensor, median: Scalar = 0, sigma: Scalar = 1, *, generator: Dropped = None) -> Tensor:
    """Filled with Cauchy numbers.

    >>> f32(2, 3).detach().cauchy_()  # random
    >>> torch.zeros(2, dtype=torch.float16).cauchy_().dtype
    """
    return median + sigma * rngs.cauchy(self.shape, dtype=self.dtype)


@rule("torch.Tensor.geometric_", mode="pointwise")
def geometric_(self: Tensor, p: Scalar, *, generator: Dropped = None) -> Tensor:
    """Filled with geometric numbers.

    >>> f32(2, 3).detach().geometric_(0.3)  # random
    """
    return rngs.geometric(p, self.shape).astype(self.dtype)
