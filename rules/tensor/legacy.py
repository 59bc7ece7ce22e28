"""Constructors and methods from the days before torch.tensor."""

from torch2jax.rulebook import *


@rule("torch.FloatTensor", "torch.cuda.FloatTensor")
def FloatTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.FloatTensor([1, 0])
    >>> torch.FloatTensor(((1, 2), (3, 4)))
    >>> torch.FloatTensor(2).dtype, torch.FloatTensor(2).shape
    >>> torch.FloatTensor(f32(3).float())
    >>> torch.FloatTensor(max([[3, 4], [1, 2]]))
    >>> torch.FloatTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.float32)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.float32)
    return helpers.legacy_tensor(data, jnp.float32)


@rule("torch.FloatTensor", "torch.cuda.FloatTensor", rank=len(size))
def FloatTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.FloatTensor(2, 3).dtype, torch.FloatTensor(2, 3).shape
    >>> torch.FloatTensor().dtype, torch.FloatTensor().shape
    >>> torch.FloatTensor(*max((2, 3), (1, 1))).shape, torch.FloatTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.float32)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.float32)
    return helpers.legacy_tensor_of(*size, dtype=jnp.float32)


@rule("torch.DoubleTensor", "torch.cuda.DoubleTensor")
def DoubleTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.DoubleTensor([1, 0])
    >>> torch.DoubleTensor(((1, 2), (3, 4)))
    >>> torch.DoubleTensor(2).dtype, torch.DoubleTensor(2).shape
    >>> torch.DoubleTensor(f32(3))
    >>> torch.DoubleTensor(max([[3, 4], [1, 2]]))
    >>> torch.DoubleTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.float64)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.float64)
    return helpers.legacy_tensor(data, jnp.float64)


@rule("torch.DoubleTensor", "torch.cuda.DoubleTensor", rank=len(size))
def DoubleTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.DoubleTensor(2, 3).dtype, torch.DoubleTensor(2, 3).shape
    >>> torch.DoubleTensor().dtype, torch.DoubleTensor().shape
    >>> torch.DoubleTensor(*max((2, 3), (1, 1))).shape, torch.DoubleTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.float64)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.float64)
    return helpers.legacy_tensor_of(*size, dtype=jnp.float64)


@rule("torch.HalfTensor", "torch.cuda.HalfTensor")
def HalfTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.HalfTensor([1, 0])
    >>> torch.HalfTensor(((1, 2), (3, 4)))
    >>> torch.HalfTensor(2).dtype, torch.HalfTensor(2).shape
    >>> torch.HalfTensor(f32(3).half())
    >>> torch.HalfTensor(max([[3, 4], [1, 2]]))
    >>> torch.HalfTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.float16)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.float16)
    return helpers.legacy_tensor(data, jnp.float16)


@rule("torch.HalfTensor", "torch.cuda.HalfTensor", rank=len(size))
def HalfTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.HalfTensor(2, 3).dtype, torch.HalfTensor(2, 3).shape
    >>> torch.HalfTensor().dtype, torch.HalfTensor().shape
    >>> torch.HalfTensor(*max((2, 3), (1, 1))).shape, torch.HalfTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.float16)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.float16)
    return helpers.legacy_tensor_of(*size, dtype=jnp.float16)


@rule("torch.BFloat16Tensor", "torch.cuda.BFloat16Tensor")
def BFloat16Tensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.BFloat16Tensor([1, 0])
    >>> torch.BFloat16Tensor(((1, 2), (3, 4)))
    >>> torch.BFloat16Tensor(2).dtype, torch.BFloat16Tensor(2).shape
    >>> torch.BFloat16Tensor(f32(3).bfloat16())
    >>> torch.BFloat16Tensor(max([[3, 4], [1, 2]]))
    >>> torch.BFloat16Tensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.bfloat16)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.bfloat16)
    return helpers.legacy_tensor(data, jnp.bfloat16)


@rule("torch.BFloat16Tensor", "torch.cuda.BFloat16Tensor", rank=len(size))
def BFloat16Tensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.BFloat16Tensor(2, 3).dtype, torch.BFloat16Tensor(2, 3).shape
    >>> torch.BFloat16Tensor().dtype, torch.BFloat16Tensor().shape
    >>> torch.BFloat16Tensor(*max((2, 3), (1, 1))).shape, torch.BFloat16Tensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.bfloat16)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.bfloat16)
    return helpers.legacy_tensor_of(*size, dtype=jnp.bfloat16)


@rule("torch.LongTensor", "torch.cuda.LongTensor")
def LongTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.LongTensor([1.5, 0])
    >>> torch.LongTensor(i64(3, high=5))
    >>> torch.LongTensor(((1, 2), (3, 4)))
    >>> torch.LongTensor(2)  # random
    >>> torch.LongTensor(max([[3, 4], [1, 2]]))
    >>> torch.LongTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.int32)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.int32)
    return helpers.legacy_tensor(data, jnp.int32)


@rule("torch.LongTensor", "torch.cuda.LongTensor", rank=len(size))
def LongTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.LongTensor(2, 3)  # random
    >>> torch.LongTensor()
    >>> torch.LongTensor(*max((2, 3), (1, 1))).shape, torch.LongTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.int32)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.int32)
    return helpers.legacy_tensor_of(*size, dtype=jnp.int32)


@rule("torch.IntTensor", "torch.cuda.IntTensor")
def IntTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.IntTensor([1.5, 0])
    >>> torch.IntTensor(i64(3, high=5).int())
    >>> torch.IntTensor(((1, 2), (3, 4)))
    >>> torch.IntTensor(2)  # random
    >>> torch.IntTensor(max([[3, 4], [1, 2]]))
    >>> torch.IntTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.int32)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.int32)
    return helpers.legacy_tensor(data, jnp.int32)


@rule("torch.IntTensor", "torch.cuda.IntTensor", rank=len(size))
def IntTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.IntTensor(2, 3)  # random
    >>> torch.IntTensor()
    >>> torch.IntTensor(*max((2, 3), (1, 1))).shape, torch.IntTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.int32)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.int32)
    return helpers.legacy_tensor_of(*size, dtype=jnp.int32)


@rule("torch.ShortTensor", "torch.cuda.ShortTensor")
def ShortTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.ShortTensor([1.5, 0])
    >>> torch.ShortTensor(i64(3, high=5).short())
    >>> torch.ShortTensor(((1, 2), (3, 4)))
    >>> torch.ShortTensor(2)  # random
    >>> torch.ShortTensor(max([[3, 4], [1, 2]]))
    >>> torch.ShortTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.int16)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.int16)
    return helpers.legacy_tensor(data, jnp.int16)


@rule("torch.ShortTensor", "torch.cuda.ShortTensor", rank=len(size))
def ShortTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.ShortTensor(2, 3)  # random
    >>> torch.ShortTensor()
    >>> torch.ShortTensor(*max((2, 3), (1, 1))).shape, torch.ShortTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.int16)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.int16)
    return helpers.legacy_tensor_of(*size, dtype=jnp.int16)


@rule("torch.ByteTensor", "torch.cuda.ByteTensor")
def ByteTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.ByteTensor([1.5, 0])
    >>> torch.ByteTensor(i64(3, high=5).byte())
    >>> torch.ByteTensor(((1, 2), (3, 4)))
    >>> torch.ByteTensor(2)  # random
    >>> torch.ByteTensor(max([[3, 4], [1, 2]]))
    >>> torch.ByteTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.uint8)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.uint8)
    return helpers.legacy_tensor(data, jnp.uint8)


@rule("torch.ByteTensor", "torch.cuda.ByteTensor", rank=len(size))
def ByteTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.ByteTensor(2, 3)  # random
    >>> torch.ByteTensor()
    >>> torch.ByteTensor(*max((2, 3), (1, 1))).shape, torch.ByteTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.uint8)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.uint8)
    return helpers.legacy_tensor_of(*size, dtype=jnp.uint8)


@rule("torch.CharTensor", "torch.cuda.CharTensor")
def CharTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.CharTensor([1.5, 0])
    >>> torch.CharTensor(i64(3, high=5).char())
    >>> torch.CharTensor(((1, 2), (3, 4)))
    >>> torch.CharTensor(2)  # random
    >>> torch.CharTensor(max([[3, 4], [1, 2]]))
    >>> torch.CharTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.int8)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.int8)
    return helpers.legacy_tensor(data, jnp.int8)


@rule("torch.CharTensor", "torch.cuda.CharTensor", rank=len(size))
def CharTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.CharTensor(2, 3)  # random
    >>> torch.CharTensor()
    >>> torch.CharTensor(*max((2, 3), (1, 1))).shape, torch.CharTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.int8)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.int8)
    return helpers.legacy_tensor_of(*size, dtype=jnp.int8)


@rule("torch.BoolTensor", "torch.cuda.BoolTensor")
def BoolTensor(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.BoolTensor([1, 0])
    >>> torch.BoolTensor(((1, 2), (3, 4)))
    >>> torch.BoolTensor(2)  # random
    >>> torch.BoolTensor(max([[3, 4], [1, 2]]))
    >>> torch.BoolTensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=bool)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    return helpers.legacy_tensor(data, bool)


@rule("torch.BoolTensor", "torch.cuda.BoolTensor", rank=len(size))
def BoolTensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.BoolTensor(2, 3)  # random
    >>> torch.BoolTensor()
    >>> torch.BoolTensor(*max((2, 3), (1, 1))).shape, torch.BoolTensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=bool)
    if len(size) > 0:
        return jnp.zeros(size, dtype=bool)
    return helpers.legacy_tensor_of(*size, dtype=bool)


@rule("torch.Tensor")
def Tensor_(data, *, device: Device = None) -> Tensor:
    """An array from data, or of a size.

    >>> torch.Tensor([1, 0])
    >>> torch.Tensor(2).dtype, torch.Tensor(2).shape
    >>> torch.Tensor(((1, 2), (3, 4)))
    >>> torch.Tensor(f32(3))
    >>> torch.Tensor(max([[3, 4], [1, 2]]))
    >>> torch.Tensor(f32(2, 3).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=jnp.float32)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    if isinstance(data, int):
        return jnp.zeros(data, dtype=jnp.float32)
    return helpers.legacy_tensor(data, jnp.float32)


@rule("torch.Tensor", rank=len(size), dtype="float")
def Tensor_of_size(*size: int, device: Device = None) -> Tensor:
    """An array of a size; PyTorch leaves its values open.

    >>> torch.Tensor(2, 3).dtype, torch.Tensor(2, 3).shape
    >>> torch.Tensor().dtype, torch.Tensor().shape
    >>> torch.Tensor(*max((2, 3), (1, 1))).shape, torch.Tensor(*max([[3, 4]], [[1, 2]]))
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=jnp.float32)
    if len(size) > 0:
        return jnp.zeros(size, dtype=jnp.float32)
    return helpers.legacy_tensor_of(*size, dtype=jnp.float32)


@rule("torch.Tensor.new")
def new(self: Tensor, data, *, device: Device = None) -> Tensor:
    """An array of the same dtype from data, or of a size.

    >>> i64(2, 3, high=5).new([1.5, 2.0]), i64(2, 3, high=5).new((1.5, 2.0))
    >>> f32(2, 3).new(3)  # random
    >>> f32(2, 3).new(f32(4, 5).size())  # random
    """
    if isinstance(data, list) or (isinstance(data, tuple) and not isinstance(data, Size)):
        return jnp.array(data, dtype=self.dtype)
    if isinstance(data, tuple):
        raise Unsupported(
            "a tuple is data here and a torch.Size is a shape, which are the same in JAX",
            "write torch.tensor(data) or torch.zeros(size)",
        )
    return helpers.legacy_tensor(data, self.dtype)


@rule("torch.Tensor.new")
def new_of_size(self: Tensor, *size: int, device: Device = None) -> Tensor:
    """An array of a size of the same dtype.

    >>> f32(2, 3).half().new(4, 5).dtype, f32(2, 3).new(4, 5).shape
    >>> f32(2, 3).half().new().dtype, f32(2, 3).new().shape
    """
    if len(size) == 0:
        return jnp.zeros(0, dtype=self.dtype)
    return jnp.zeros(size, dtype=self.dtype)
