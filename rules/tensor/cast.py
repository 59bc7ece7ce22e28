"""Dtypes, devices, and the way out of arrays."""

from torch2jax.rulebook import *


@rule("torch.Tensor.to", mode="pointwise", fresh=False)
def to(
    self: Tensor,
    device: Device = None,
    dtype: Dtype = None,
    non_blocking: Ignored = False,
    copy: Ignored = False,
    memory_format: Ignored = None,
) -> Tensor:
    """Another device, another dtype. JAX places arrays itself.

    >>> f32(2, 3).to('cpu')
    >>> f32(2, 3).to(torch.device('cpu'), torch.float32)
    >>> f32(2, 3).to(dtype=torch.float16)
    >>> target = (torch.float64, "cpu")[i64(1, high=1).item()]
    >>> i64(2, 3, high=5).to(target)
    >>> f32(2, 3).to(dtype=(torch.float64, None)[i64(1, high=1).item()])
    >>> f32(2, 3).to(device='cpu', non_blocking=True)
    """
    if dtype is None and not is_tensor(device):
        return self
    if dtype is None:
        return helpers.to(self, device)
    return self.astype(dtype if dtype is not None else self.dtype)


@rule("torch.Tensor.to", mode="pointwise", fresh=False)
def to_dtype(
    self: Tensor, dtype: Dtype, non_blocking: Ignored = False, copy: Ignored = False, memory_format: Ignored = None
) -> Tensor:
    """Another dtype.

    >>> f32(2, 3).to(torch.float32)
    >>> i64(2, 3, high=5).to(torch.float64)
    >>> f32(2, 3).to(torch.long)
    """
    return self.astype(dtype)


@rule("torch.Tensor.to", mode="pointwise", fresh=False)
def to_other(
    self: Tensor, other: Tensor, non_blocking: Ignored = False, copy: Ignored = False, memory_format: Ignored = None
) -> Tensor:
    """The device and the dtype of another tensor.

    >>> f32(2, 3).to(i64(2, 3, high=5))
    """
    return self.astype(other.dtype)


@rule(
    "torch.Tensor.cpu",
    "torch.Tensor.cuda",
    "torch.Tensor.xpu",
    "torch.Tensor.pin_memory",
    "torch.Tensor.share_memory_",
    mode="pointwise",
    fresh=False,
)
def cpu(self: Tensor, device: Device = None, non_blocking: Ignored = False, memory_format: Ignored = None) -> Tensor:
    """JAX places arrays itself.

    >>> f32(2, 3).cpu()
    """
    return self


@rule("torch.Tensor.float", mode="pointwise", dtype="float", fresh=False)
def float(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As float.

    >>> i64(2, 3, high=2).float()
    """
    return self.astype(jnp.float32)


@rule("torch.Tensor.double", mode="pointwise", dtype="float", fresh=False)
def double(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As double.

    >>> i64(2, 3, high=2).double()
    """
    return self.astype(jnp.float64)


@rule("torch.Tensor.half", mode="pointwise", dtype="float", fresh=False)
def half(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As half.

    >>> i64(2, 3, high=2).half()
    """
    return self.astype(jnp.float16)


@rule("torch.Tensor.bfloat16", mode="pointwise", dtype="float", fresh=False)
def bfloat16(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As bfloat16.

    >>> i64(2, 3, high=2).bfloat16()
    """
    return self.astype(jnp.bfloat16)


@rule("torch.Tensor.int", mode="pointwise", dtype="int", fresh=False)
def int(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As int.

    >>> pos(2, 3).detach().int()
    """
    return self.astype(jnp.int32)


@rule("torch.Tensor.long", mode="pointwise", dtype="int", fresh=False)
def long(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As long.

    >>> pos(2, 3).detach().long()
    """
    return self.astype(jnp.int32)


@rule("torch.Tensor.short", mode="pointwise", dtype="int", fresh=False)
def short(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As short.

    >>> pos(2, 3).detach().short()
    """
    return self.astype(jnp.int16)


@rule("torch.Tensor.char", mode="pointwise", dtype="int", fresh=False)
def char(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As char.

    >>> pos(2, 3).detach().char()
    """
    return self.astype(jnp.int8)


@rule("torch.Tensor.byte", mode="pointwise", dtype="int", fresh=False)
def byte(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As byte.

    >>> pos(2, 3).detach().byte()
    """
    return self.astype(jnp.uint8)


@rule("torch.Tensor.bool", mode="pointwise", dtype="bool", fresh=False)
def bool(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As bool.

    >>> i64(2, 3, high=2).bool()
    """
    return self.astype(bool)


@rule("torch.Tensor.cfloat", mode="pointwise", dtype="complex", fresh=False)
def cfloat(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As cfloat.

    >>> i64(2, 3, high=2).cfloat()
    """
    return self.astype(jnp.complex64)


@rule("torch.Tensor.cdouble", mode="pointwise", dtype="complex", fresh=False)
def cdouble(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """As cdouble.

    >>> i64(2, 3, high=2).cdouble()
    """
    return self.astype(jnp.complex128)


@rule("torch.Tensor.type_as", mode="pointwise", fresh=False)
def type_as(self: Tensor, other: Tensor) -> Tensor:
    """The dtype of another tensor.

    >>> i64(2, 3, high=5).type_as(f32(2, 3))
    """
    return self.astype(other.dtype)


@rule("torch.Tensor.type", mode="pointwise", fresh=False)
def type(self: Tensor, dtype: Dtype, non_blocking: Ignored = False) -> Tensor:
    """Another dtype.

    >>> i64(2, 3, high=5).type(torch.float32)
    >>> f32(2, 3).type(torch.LongTensor)
    """
    return self.astype(dtype)


@rule("torch.Tensor.type", mode="pointwise", fresh=False)
def type_by_name(self: Tensor, dtype: str, non_blocking: Ignored = False) -> Tensor:
    """Another dtype, by its legacy name.

    >>> i64(2, 3, high=5).type("torch.FloatTensor")
    >>> i64(2, 3, high=5).type("torch.DoubleTensor")
    >>> f32(2, 3).type("torch.HalfTensor")
    >>> f32(2, 3).type("torch.LongTensor")
    >>> f32(2, 3).type("torch.BoolTensor")
    >>> pos(2, 3).type("torch.ByteTensor")
    >>> f32(2, 3).type("torch.ShortTensor")
    """
    if dtype in ("torch.FloatTensor", "torch.cuda.FloatTensor"):
        return self.astype(jnp.float32)
    if dtype in ("torch.DoubleTensor", "torch.cuda.DoubleTensor"):
        return self.astype(jnp.float64)
    if dtype in ("torch.HalfTensor", "torch.cuda.HalfTensor"):
        return self.astype(jnp.float16)
    if dtype in ("torch.LongTensor", "torch.cuda.LongTensor", "torch.IntTensor", "torch.cuda.IntTensor"):
        return self.astype(jnp.int32)
    if dtype in ("torch.BoolTensor", "torch.cuda.BoolTensor"):
        return self.astype(bool)
    if dtype in ("torch.ByteTensor", "torch.cuda.ByteTensor"):
        return self.astype(jnp.uint8)
    raise Unsupported("the name of the type is not known", "write x.to(torch.float32) or another dtype")


@rule("torch.Tensor.type")
def type_name(self: Tensor) -> str:
    """The name of the type.

    >>> f32(2, 3).type()
    """
    raise Unsupported("the names of PyTorch's tensor types mean nothing in JAX", "compare x.dtype")


@rule("torch.Tensor.numpy", fresh=False)
def numpy(self: Tensor, *, force: Ignored = False) -> NDArray:
    """As a NumPy array.

    >>> f32(2, 3).detach().numpy()
    """
    return np.asarray(self)


@rule("torch.Tensor.__array__", fresh=False)
def dunder_array(self: Tensor) -> NDArray:
    """As a NumPy array.

    >>> f32(2, 3).detach().__array__()
    """
    return np.asarray(self)


@rule("torch.Tensor.tolist")
def tolist(self: Tensor):
    """As nested lists.

    >>> i64(2, 3, high=5).tolist()
    """
    return self.tolist()


@rule("torch.Tensor.item")
def item(self: Tensor) -> Scalar:
    """As a Python number.

    >>> f32(2, 3).sum().item()
    >>> i64(1, high=5).item()
    """
    return self.item()


@rule("torch.result_type")
def result_type(tensor1, tensor2) -> Dtype:
    """The common dtype.

    >>> torch.result_type(f32(2), i64(2, high=3))
    """
    return jnp.result_type(tensor1, tensor2)


@rule("torch.promote_types")
def promote_types(type1: Dtype, type2: Dtype) -> Dtype:
    """The dtype of what is computed from arrays of two dtypes.

    >>> torch.promote_types(torch.int32, torch.float64)
    >>> torch.promote_types(f32(2).dtype, torch.bool)
    """
    return jnp.promote_types(type1, type2)
