"""New tensors: from data, filled, ranges, triangles."""

from torch2jax.rulebook import *


@rule("torch.tensor")
def tensor(
    data, *, dtype: Dtype = None, device: Device = None, requires_grad: Dropped = False, pin_memory: Ignored = False
) -> Tensor:
    """An array from numbers, lists, arrays.

    >>> torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    >>> torch.tensor(3)
    >>> torch.tensor([True, False])
    >>> torch.tensor([1, 2], dtype=torch.long, device='cpu')
    >>> torch.tensor([0.5, 1.5])
    """
    return jnp.array(data, dtype=dtype)


@rule("torch.as_tensor", "torch.asarray")
def as_tensor(data, dtype: Dtype = None, device: Device = None) -> Tensor:
    """An array from anything, without a copy where possible.

    >>> torch.as_tensor([1.5, 2.5], dtype=torch.float64)
    >>> torch.as_tensor(f32(2, 3))
    >>> torch.as_tensor(3)
    """
    return jnp.asarray(data, dtype=dtype)


@rule("torch.from_numpy")
def from_numpy(ndarray) -> Tensor:
    """An array from NumPy.

    >>> torch.from_numpy(f32(2, 3).detach().numpy())
    """
    return jnp.asarray(ndarray)


@rule("torch.scalar_tensor", rank=0)
def scalar_tensor(
    s: Scalar,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """A number as an array.

    >>> torch.scalar_tensor(3.5)
    >>> torch.scalar_tensor(2, dtype=torch.int64)
    """
    return jnp.asarray(s, dtype=dtype)


@rule("torch.zeros", rank=len(size))
def zeros(
    *size: Shape,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """All 0.

    >>> torch.zeros(2, 3)
    >>> torch.zeros((2, 3), dtype=torch.long)
    >>> torch.zeros([4], device='cpu')
    >>> torch.zeros(f32(2, 3).shape)
    """
    return jnp.zeros(size, dtype=dtype)


@rule("torch.zeros_like", mode="pointwise")
def zeros_like(
    input: Tensor,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
    memory_format: Ignored = None,
) -> Tensor:
    """zeros in the shape and dtype of another tensor.

    >>> torch.zeros_like(f32(2, 3))
    >>> torch.zeros_like(i64(2, 3, high=5), dtype=torch.float64)
    """
    return jnp.zeros_like(input, dtype=dtype)


@rule("torch.Tensor.new_zeros", rank=len(size))
def new_zeros(
    self: Tensor,
    *size: Shape,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """zeros in another shape, of the same dtype.

    >>> f32(2, 3).new_zeros(4, 5)
    >>> i64(2, 3, high=5).new_zeros((4,))
    >>> f32(2, 3).new_zeros((4, 2), dtype=torch.bool)
    """
    return jnp.zeros(size, dtype=self.dtype if dtype is None else dtype)


@rule("torch.ones", rank=len(size))
def ones(
    *size: Shape,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """All 1.

    >>> torch.ones(2, 3)
    >>> torch.ones((2, 3), dtype=torch.long)
    >>> torch.ones([4], device='cpu')
    >>> torch.ones(f32(2, 3).shape)
    """
    return jnp.ones(size, dtype=dtype)


@rule("torch.ones_like", mode="pointwise")
def ones_like(
    input: Tensor,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
    memory_format: Ignored = None,
) -> Tensor:
    """ones in the shape and dtype of another tensor.

    >>> torch.ones_like(f32(2, 3))
    >>> torch.ones_like(i64(2, 3, high=5), dtype=torch.float64)
    """
    return jnp.ones_like(input, dtype=dtype)


@rule("torch.Tensor.new_ones", rank=len(size))
def new_ones(
    self: Tensor,
    *size: Shape,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """ones in another shape, of the same dtype.

    >>> f32(2, 3).new_ones(4, 5)
    >>> i64(2, 3, high=5).new_ones((4,))
    >>> f32(2, 3).new_ones((4, 2), dtype=torch.bool)
    """
    return jnp.ones(size, dtype=self.dtype if dtype is None else dtype)


@rule("torch.empty", rank=len(size))
def empty(
    *size: Shape,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
    memory_format: Ignored = None,
) -> Tensor:
    """Any values; JAX gives 0.

    >>> torch.empty(2, 3)  # random
    >>> torch.empty((2, 3), dtype=torch.long)  # random
    >>> torch.empty([4], device='cpu')  # random
    """
    return jnp.empty(size, dtype=dtype)


@rule("torch.empty_like", mode="pointwise")
def empty_like(
    input: Tensor,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
    memory_format: Ignored = None,
) -> Tensor:
    """empty in the shape and dtype of another tensor.

    >>> torch.empty_like(f32(2, 3))  # random
    >>> torch.empty_like(i64(2, 3, high=5), dtype=torch.float64)  # random
    """
    return jnp.empty_like(input, dtype=dtype)


@rule("torch.Tensor.new_empty", rank=len(size))
def new_empty(
    self: Tensor,
    *size: Shape,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """empty in another shape, of the same dtype.

    >>> f32(2, 3).new_empty(4, 5)  # random
    >>> i64(2, 3, high=5).new_empty((4,))  # random
    >>> f32(2, 3).new_empty((4, 2), dtype=torch.bool)  # random
    """
    return jnp.empty(size, dtype=self.dtype if dtype is None else dtype)


@rule("torch.full", rank=len(size))
def full(
    size: Shape,
    fill_value: Scalar,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """All of one value.

    >>> torch.full((2, 3), 1.5)
    >>> torch.full([2], 7)
    >>> torch.full((2, 3), float('-inf'), dtype=torch.float64)
    """
    return jnp.full(size, fill_value, dtype=dtype)


@rule("torch.full_like", mode="pointwise")
def full_like(
    input: Tensor,
    fill_value: Scalar,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
    memory_format: Ignored = None,
) -> Tensor:
    """All of one value, in the shape and dtype of another tensor.

    >>> torch.full_like(f32(2, 3), 1.5)
    >>> torch.full_like(f32(2, 3), 2, dtype=torch.long)
    """
    return jnp.full_like(input, fill_value, dtype=dtype)


@rule("torch.Tensor.new_full", rank=len(size))
def new_full(
    self: Tensor,
    size: Shape,
    fill_value: Scalar,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """All of one value, of the same dtype.

    >>> f32(2, 3).new_full((4,), 1.5)
    >>> f32(2, 3).new_full((4, 5), 1, dtype=torch.long)
    """
    return jnp.full(size, fill_value, dtype=self.dtype if dtype is None else dtype)


@rule("torch.Tensor.new_tensor")
def new_tensor(
    self: Tensor, data, *, dtype: Dtype = None, device: Device = None, requires_grad: Dropped = False
) -> Tensor:
    """An array of the same dtype from data.

    >>> f32(2, 3).new_tensor([1.0, 2.0])
    >>> i64(2, high=3).new_tensor([1.0, 2.0])
    >>> f32(2, 3).new_tensor([1, 2], dtype=torch.long)
    """
    return jnp.array(data, dtype=self.dtype if dtype is None else dtype)


@rule("torch.arange", rank=1)
def arange(
    end: Scalar,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """0, 1, ..., end - 1.

    >>> torch.arange(5)
    >>> torch.arange(4, dtype=torch.float64)
    >>> torch.arange(2.5)
    >>> torch.arange(5, dtype=torch.float64)
    """
    return jnp.arange(end, dtype=dtype)


@rule("torch.arange", rank=1)
def arange_from(
    start: Scalar,
    end: Scalar,
    step: Scalar = 1,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """start, start + step, ... below end.

    >>> torch.arange(2, 7), torch.arange(2, 7, dtype=torch.float16).dtype
    >>> torch.arange(0, 1, 0.25, dtype=torch.float64)
    >>> torch.arange(start=5, end=0, step=-2)
    """
    if step == 1:
        return jnp.arange(start, end, dtype=dtype)
    return jnp.arange(start, end, step, dtype=dtype)


@rule("torch.range", rank=1, dtype="float")
def range(
    start: Scalar,
    end: Scalar,
    step: Scalar = 1,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """start, start + step, ... up to and with end.

    >>> torch.range(2, 7)
    >>> torch.range(0, 3, 1)
    >>> torch.range(0, 5, 3)
    >>> torch.range(0.5, 3)
    >>> torch.range(2, 5.5)
    >>> torch.range(0, 1, 0.1)
    >>> torch.range(4, -1, step=-2)
    """
    if step == 1 and isinstance(start, int) and isinstance(end, int):
        return jnp.arange(start, end + 1, dtype=jnp.float32)
    if step == 1 and isinstance(start, int):
        return jnp.arange(start, math.floor(end) + 1, dtype=jnp.float32)
    return start + step * jnp.arange(int((end - start) / step) + 1, dtype=jnp.float32)


@rule("torch.linspace", rank=1, dtype="float")
def linspace(
    start: Scalar,
    end: Scalar,
    steps,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Evenly spaced numbers, both ends included.

    >>> torch.linspace(0, 1, 5)
    >>> torch.linspace(-1, 1, steps=4, dtype=torch.float64)
    """
    return jnp.linspace(start, end, steps, dtype=dtype)


@rule("torch.logspace", rank=1, dtype="float")
def logspace(
    start: Scalar,
    end: Scalar,
    steps,
    base=10.0,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Powers of a base with evenly spaced exponents.

    >>> torch.logspace(0, 1, 5, dtype=torch.float64)
    >>> torch.logspace(0, 3, 4, base=2, dtype=torch.float64)
    """
    return jnp.logspace(start, end, steps, base=base, dtype=dtype)


@rule("torch.eye", rank=2)
def eye(
    n,
    m=None,
    *,
    out: Out = None,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Identity matrix.

    >>> torch.eye(3)
    >>> torch.eye(2, 3, dtype=torch.float64)
    >>> torch.eye(3, device='cpu')
    >>> torch.eye(3, dtype=torch.int64)
    """
    if m is None:
        return jnp.eye(n, dtype=dtype)
    return jnp.eye(n, m, dtype=dtype)


@rule("torch.Tensor.zero_", "torch.zero_", mode="pointwise")
def zero_(self: Tensor) -> Tensor:
    """All 0.

    >>> f32(2, 3).detach().zero_()
    """
    return jnp.zeros_like(self)


@rule("torch.Tensor.fill_", mode="pointwise")
def fill_(self: Tensor, value: Scalar) -> Tensor:
    """All of one value.

    >>> f32(2, 3).detach().fill_(1.5)
    >>> i64(2, 3, high=5).fill_(2)
    """
    return jnp.full_like(self, value)


@rule("torch.fill", mode="pointwise")
def fill(input: Tensor, value: Scalar) -> Tensor:
    """All of one value.

    >>> torch.fill(f32(2, 3), 1.5)
    """
    return jnp.full_like(input, value)


@rule("torch.Tensor.copy_", mode="pointwise")
def copy_(self: Tensor, src: Scalar, non_blocking: Ignored = False) -> Tensor:
    """The values of another tensor, in the own shape and dtype.

    >>> f32(2, 3).detach().copy_(f32(3))
    >>> i64(2, 3, high=5).copy_(pos(2, 3).detach() * 5)
    """
    return self.at[...].set(src)


@rule("torch.frombuffer", rank=1)
def frombuffer(buffer, *, dtype: Dtype, count=-1, offset=0, requires_grad: Dropped = False) -> Tensor:
    """The bytes of an object as numbers.

    >>> torch.frombuffer(bytearray(range(16)), dtype=torch.int32)
    >>> torch.frombuffer(bytearray(range(16)), dtype=torch.int16, count=3, offset=4)
    """
    return jnp.frombuffer(buffer, dtype=dtype, count=count, offset=offset)


@rule("torch.from_dlpack", "torch.utils.dlpack.from_dlpack")
def from_dlpack(ext_tensor, *, device: Device = None, copy: Ignored = None) -> Tensor:
    """An array of another package.

    >>> torch.from_dlpack(f32(2, 3).detach())
    """
    return jnp.from_dlpack(ext_tensor)
