"""Dtypes and numeric constants."""

from torch2jax.rulebook import *


@constant("torch.float32", "torch.float")
def float32_() -> Dtype:
    """A dtype.

    >>> f32(2, 3).detach().to(torch.float32)
    """
    return jnp.float32


@constant("torch.float64", "torch.double")
def float64_() -> Dtype:
    """A dtype.

    >>> f32(2, 3).detach().to(torch.float64)
    """
    return jnp.float64


@constant("torch.float16", "torch.half")
def float16_() -> Dtype:
    """A dtype.

    >>> f32(2, 3).detach().to(torch.float16)
    """
    return jnp.float16


@constant("torch.bfloat16")
def bfloat16_() -> Dtype:
    """A dtype.

    >>> f32(2, 3).detach().to(torch.bfloat16).float()
    """
    return jnp.bfloat16


@constant("torch.int64", "torch.long")
def int64_() -> Dtype:
    """The default integer type: JAX's is int32 unless x64 is enabled.

    >>> (pos(2, 3).detach() * 5).to(torch.int64)
    """
    return jnp.int32


@constant("torch.int32", "torch.int")
def int32_() -> Dtype:
    """A dtype.

    >>> (pos(2, 3).detach() * 5).to(torch.int32)
    """
    return jnp.int32


@constant("torch.int16", "torch.short")
def int16_() -> Dtype:
    """A dtype.

    >>> (pos(2, 3).detach() * 5).to(torch.int16)
    """
    return jnp.int16


@constant("torch.int8")
def int8_() -> Dtype:
    """A dtype.

    >>> (pos(2, 3).detach() * 5).to(torch.int8)
    """
    return jnp.int8


@constant("torch.uint8")
def uint8_() -> Dtype:
    """A dtype.

    >>> (pos(2, 3).detach() * 5).to(torch.uint8)
    """
    return jnp.uint8


@constant("torch.uint16")
def uint16_() -> Dtype:
    """A dtype.

    >>> (pos(2, 3).detach() * 5).to(torch.uint16)
    """
    return jnp.uint16


@constant("torch.uint32")
def uint32_() -> Dtype:
    """A dtype.

    >>> (pos(2, 3).detach() * 5).to(torch.uint32)
    """
    return jnp.uint32


@constant("torch.uint64")
def uint64_() -> Dtype:
    """A dtype.

    >>> (pos(2, 3).detach() * 5).to(torch.uint64)
    """
    return jnp.uint32


@constant("torch.bool")
def bool_() -> Dtype:
    """A dtype.

    >>> i64(2, 3, high=2).to(torch.bool)
    """
    return bool


@constant("torch.complex64", "torch.cfloat")
def complex64_() -> Dtype:
    """A dtype.

    >>> f32(2, 3).detach().to(torch.complex64)
    """
    return jnp.complex64


@constant("torch.complex128", "torch.cdouble")
def complex128_() -> Dtype:
    """A dtype.

    >>> f32(2, 3).detach().to(torch.complex128)
    """
    return jnp.complex128


@constant("torch.float8_e4m3fn")
def float8_e4m3fn_() -> Dtype:
    """A dtype.

    >>> f32(2, 3).detach().to(torch.float8_e4m3fn).float()
    """
    return jnp.float8_e4m3fn


@constant("torch.float8_e5m2")
def float8_e5m2_() -> Dtype:
    """A dtype.

    >>> f32(2, 3).detach().to(torch.float8_e5m2).float()
    """
    return jnp.float8_e5m2


@constant("torch.FloatTensor", "torch.cuda.FloatTensor")
def FloatTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.FloatTensor)
    """
    return jnp.float32


@constant("torch.DoubleTensor", "torch.cuda.DoubleTensor")
def DoubleTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.DoubleTensor)
    """
    return jnp.float64


@constant("torch.HalfTensor", "torch.cuda.HalfTensor")
def HalfTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.HalfTensor)
    """
    return jnp.float16


@constant("torch.BFloat16Tensor", "torch.cuda.BFloat16Tensor")
def BFloat16Tensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.BFloat16Tensor).float()
    """
    return jnp.bfloat16


@constant("torch.LongTensor", "torch.cuda.LongTensor")
def LongTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.LongTensor)
    """
    return jnp.int32


@constant("torch.IntTensor", "torch.cuda.IntTensor")
def IntTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.IntTensor)
    """
    return jnp.int32


@constant("torch.ShortTensor", "torch.cuda.ShortTensor")
def ShortTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.ShortTensor)
    """
    return jnp.int16


@constant("torch.ByteTensor", "torch.cuda.ByteTensor")
def ByteTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.ByteTensor)
    """
    return jnp.uint8


@constant("torch.CharTensor", "torch.cuda.CharTensor")
def CharTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.CharTensor)
    """
    return jnp.int8


@constant("torch.BoolTensor", "torch.cuda.BoolTensor")
def BoolTensor() -> Dtype:
    """A legacy tensor type as a dtype.

    >>> pos(2, 3).type(torch.BoolTensor)
    """
    return bool


@constant("torch.pi")
def pi() -> float:
    """A constant.

    >>> f32(2, 3).detach() * torch.pi
    """
    return math.pi


@constant("torch.inf")
def inf() -> float:
    """A constant.

    >>> f32(2, 3).detach() * torch.inf
    """
    return math.inf


@constant("torch.nan")
def nan() -> float:
    """A constant.

    >>> f32(2, 3).detach() * torch.nan
    """
    return math.nan


@constant("torch.e")
def e() -> float:
    """A constant.

    >>> f32(2, 3).detach() * torch.e
    """
    return math.e


@constant(
    "torch.strided", "torch.contiguous_format", "torch.preserve_format", "torch.channels_last", "torch.channels_last_3d"
)
def memory_format():
    """Memory layouts are XLA's affair.

    >>> torch.zeros(2, 3, layout=torch.strided)
    >>> f32(2, 3).contiguous(memory_format=torch.contiguous_format)
    """
    return


@rule("torch.finfo")
def finfo(type: Dtype):
    """Limits of a float type.

    >>> torch.finfo(torch.float32).max
    >>> torch.finfo(f32(2).dtype).eps
    """
    return jnp.finfo(type)


@rule("torch.finfo")
def finfo_default():
    """Limits of the default float type.

    >>> torch.finfo().max
    """
    return jnp.finfo(jnp.float32)


@rule("torch.iinfo")
def iinfo(type: Dtype):
    """Limits of an integer type.

    >>> torch.iinfo(torch.int32).max
    """
    return jnp.iinfo(type)


@rule("torch.get_default_dtype")
def get_default_dtype() -> Dtype:
    """The dtype of new tensors.

    >>> torch.zeros(2, dtype=torch.get_default_dtype())
    """
    return jnp.float32


@rule("torch.set_default_dtype")
def set_default_dtype(d):
    """The dtype of new tensors.

    >>> torch.set_default_dtype(torch.float64)
    """
    raise Unsupported("JAX has no default dtype to set", "pass dtype=... or set jax_enable_x64 for float64")


@rule("torch.Size")
def Size(sizes=()) -> Shape:
    """A shape.

    >>> torch.Size([2, 3])
    >>> torch.Size((4,))
    """
    return tuple(sizes)


@rule("torch.set_default_tensor_type")
def set_default_tensor_type(t) -> None:
    """The type of new tensors: the usual one is JAX's as well, which has its default device itself.

    >>> torch.set_default_tensor_type(torch.DoubleTensor)
    >>> torch.set_default_tensor_type("torch.DoubleTensor")
    >>> torch.set_default_tensor_type("torch.FloatTensor") if torch.backends.mps.is_available() else None
    """
    if t in ("torch.FloatTensor", "torch.cuda.FloatTensor"):
        return
    raise Unsupported("JAX has no default dtype to set", "pass dtype=... or set jax_enable_x64 for float64")
