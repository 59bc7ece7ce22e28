"""Attributes of tensors and questions about them."""

from torch2jax.rulebook import *


@attribute("torch.Tensor.shape")
def shape(self: Tensor) -> Shape:
    """Sizes.

    >>> f32(2, 3).shape
    """
    return self.shape


@attribute("torch.Tensor.dtype")
def dtype(self: Tensor) -> Dtype:
    """Dtype.

    >>> f32(2, 3).dtype == torch.float64
    """
    return self.dtype


@attribute("torch.Tensor.ndim")
def ndim(self: Tensor) -> int:
    """Number of axes.

    >>> f32(2, 3).ndim
    """
    return self.ndim


@attribute("torch.Tensor.device")
def device(self: Tensor) -> Device:
    """Where the data lies: JAX decides that itself.

    >>> f32(2, 3).to(f32(2).device)
    >>> f32(2, 3).device == f32(2).device
    """
    return jax.devices()[0]


@attribute("torch.Tensor.nbytes")
def nbytes(self: Tensor) -> int:
    """Bytes.

    >>> f32(2, 3).nbytes
    """
    return self.nbytes


@attribute("torch.Tensor.itemsize")
def itemsize(self: Tensor) -> int:
    """Bytes of an element.

    >>> f32(2, 3).itemsize
    """
    return self.itemsize


@attribute("torch.Tensor.is_cuda")
def is_cuda(self: Tensor) -> bool:
    """Whether the default device is of this kind.

    >>> f32(2, 3).is_cuda
    """
    return jax.default_backend() == "gpu"


@attribute("torch.Tensor.is_cpu")
def is_cpu(self: Tensor) -> bool:
    """Whether the default device is of this kind.

    >>> f32(2, 3).is_cpu
    """
    return jax.default_backend() == "cpu"


@attribute("torch.Tensor.is_mps")
def is_mps(self: Tensor) -> bool:
    """Whether the default device is of this kind.

    >>> f32(2, 3).is_mps
    """
    return jax.default_backend() == "METAL"


@attribute("torch.Tensor.is_xpu")
def is_xpu(self: Tensor) -> bool:
    """Whether the default device is of this kind.

    >>> f32(2, 3).is_xpu
    """
    return jax.default_backend() == "xpu"


@attribute("torch.Tensor.is_sparse")
def is_sparse(self: Tensor) -> bool:
    """JAX arrays are dense.

    >>> f32(2, 3).is_sparse
    """
    return False


@attribute("torch.Tensor.is_quantized")
def is_quantized(self: Tensor) -> bool:
    """JAX arrays are dense.

    >>> f32(2, 3).is_quantized
    """
    return False


@attribute("torch.Tensor.is_nested")
def is_nested(self: Tensor) -> bool:
    """JAX arrays are dense.

    >>> f32(2, 3).is_nested
    """
    return False


@attribute("torch.Tensor.is_meta")
def is_meta(self: Tensor) -> bool:
    """JAX arrays are dense.

    >>> f32(2, 3).is_meta
    """
    return False


@attribute("torch.Tensor.is_mkldnn")
def is_mkldnn(self: Tensor) -> bool:
    """JAX arrays are dense.

    >>> f32(2, 3).is_mkldnn
    """
    return False


@attribute("torch.Tensor.is_sparse_csr")
def is_sparse_csr(self: Tensor) -> bool:
    """JAX arrays are dense.

    >>> f32(2, 3).is_sparse_csr
    """
    return False


@rule("torch.Tensor.size")
def size(self: Tensor) -> Shape:
    """Sizes.

    >>> f32(2, 3).size()
    """
    return self.shape


@rule("torch.Tensor.size")
def size_of_axis(self: Tensor, dim: Axis) -> int:
    """Size of an axis.

    >>> f32(2, 3).size(0)
    >>> f32(2, 3).size(-1)
    >>> f32(2, 3).size(dim=1)
    """
    return self.shape[dim]


@rule("torch.Tensor.dim", "torch.Tensor.ndimension")
def dim(self: Tensor) -> int:
    """Number of axes.

    >>> f32(2, 3).dim()
    """
    return self.ndim


@rule("torch.numel", "torch.Tensor.numel", "torch.Tensor.nelement")
def numel(input: Tensor) -> int:
    """Number of elements.

    >>> torch.numel(f32(2, 3))
    >>> f32(2, 3).numel()
    """
    return input.size


@rule("torch.Tensor.__len__")
def dunder_len(self: Tensor) -> int:
    """Size of the first axis.

    >>> f32(2, 3).__len__()
    """
    return self.shape[0]


@rule("torch.Tensor.element_size")
def element_size(self: Tensor) -> int:
    """Bytes of an element.

    >>> f32(2, 3).element_size()
    """
    return self.itemsize


@rule("torch.is_tensor")
def is_tensor(obj) -> bool:
    """Whether it is a tensor.

    >>> torch.is_tensor(f32(2, 3))
    >>> torch.is_tensor(3)
    """
    return helpers.is_array(obj)


@rule("torch.is_floating_point", "torch.Tensor.is_floating_point")
def is_floating_point(input: Tensor) -> bool:
    """Whether the dtype is a float.

    >>> torch.is_floating_point(f32(2, 3))
    >>> i64(2, high=3).is_floating_point()
    """
    return jnp.issubdtype(input.dtype, jnp.floating)


@attribute("torch.dtype.is_floating_point")
def dtype_is_floating_point(self: Dtype) -> bool:
    """Whether a dtype is a float.

    >>> f32(2, 3).dtype.is_floating_point, i64(2, high=3).dtype.is_floating_point
    >>> c64(2).dtype.is_floating_point
    """
    return jnp.issubdtype(self, jnp.floating)


@attribute("torch.dtype.is_complex")
def dtype_is_complex(self: Dtype) -> bool:
    """Whether a dtype is complex.

    >>> c64(2).dtype.is_complex, f32(2, 3).dtype.is_complex
    """
    return jnp.issubdtype(self, jnp.complexfloating)


@attribute("torch.dtype.itemsize")
def dtype_itemsize(self: Dtype) -> int:
    """Bytes of an element.

    >>> f32(2, 3).dtype.itemsize, torch.int32.itemsize
    """
    return jnp.dtype(self).itemsize


@rule("torch.is_complex", "torch.Tensor.is_complex")
def is_complex(input: Tensor) -> bool:
    """Whether the dtype is complex.

    >>> torch.is_complex(c64(2, 3))
    >>> f32(2).is_complex()
    """
    return jnp.iscomplexobj(input)


@rule("torch.is_nonzero", "torch.Tensor.is_nonzero")
def is_nonzero(input: Tensor) -> bool:
    """Whether the one element is not 0.

    >>> torch.is_nonzero(f32(1))
    """
    return bool(input)


@rule("torch.Tensor.is_contiguous")
def is_contiguous(self: Tensor, memory_format: Ignored = None) -> bool:
    """XLA decides on memory.

    >>> f32(2, 3).is_contiguous()
    """
    return True


@rule("torch.allclose", "torch.Tensor.allclose", rank=0, dtype="bool")
def allclose(input: Tensor, other: Tensor, rtol=1e-05, atol=1e-08, equal_nan: bool = False) -> Tensor:
    """Whether all elements are close.

    >>> torch.allclose(f32(2, 3), f32(2, 3))
    >>> f32(2, 3).allclose(f32(2, 3) * 1.001, rtol=1e-2)

    >>> one, two, nan = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([math.nan])
    >>> torch.allclose(one, one + 1.5e-5), torch.allclose(one * 0, one * 1.5e-8), torch.allclose(nan, nan)

    >>> one, two, nan = torch.tensor([1.0]), torch.tensor([2.0]), torch.tensor([math.nan])
    >>> torch.allclose(one, two, 0.5, 0.0), torch.allclose(one, two, 0.0, 1.0), torch.allclose(nan, nan, equal_nan=True)
    """
    return jnp.allclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


@rule("torch.isclose", "torch.Tensor.isclose", mode="pointwise", dtype="bool")
def isclose(input: Tensor, other: Tensor, rtol=1e-05, atol=1e-08, equal_nan: bool = False) -> Tensor:
    """Which elements are close.

    >>> x, y = torch.tensor([1.0, 0.0, math.nan]), torch.tensor([1 + 1.5e-5, 1.5e-8, math.nan])
    >>> torch.isclose(x, y), torch.isclose(x, y, equal_nan=True)
    >>> torch.isclose(torch.tensor([1.0, 2.0]), torch.tensor([2.0, 1.0]), 0.25, 0.5)
    """
    return jnp.isclose(input, other, rtol=rtol, atol=atol, equal_nan=equal_nan)


@rule("torch.equal", "torch.Tensor.equal", rank=0, dtype="bool")
def equal(input: Tensor, other: Tensor) -> Tensor:
    """Whether shapes and all elements are equal.

    >>> torch.equal(f32(2, 3), f32(2, 3))
    >>> f32(2, 3).equal(f32(3, 2))
    """
    return jnp.array_equal(input, other)


@rule("torch.Tensor.get_device", "torch.get_device")
def get_device(self: Tensor) -> int:
    """The number of the GPU: the default one has 0, a processor -1.

    >>> f32(2, 3).get_device()
    >>> torch.get_device(f32(2, 3))
    >>> torch.zeros(2, device="cpu").to(f32(2, 3).device) + f32(2, 3).get_device()
    """
    return -1 if jax.default_backend() == "cpu" else 0


@rule(
    "torch.Tensor.data_ptr",
    "torch.Tensor.storage",
    "torch.Tensor.untyped_storage",
    "torch.Tensor.storage_offset",
    "torch.Tensor.is_shared",
    "torch.Tensor.is_pinned",
    "torch.Tensor.record_stream",
)
def memory(self: Tensor, *args):
    """Memory, streams, device numbers.

    >>> f32(2, 3).data_ptr()
    """
    raise Unsupported("JAX does not show where arrays lie in memory", "leave it out")


@rule("torch.is_same_size", "torch.Tensor.is_same_size")
def is_same_size(input: Tensor, other: Tensor) -> bool:
    """Whether the shapes are equal.

    >>> torch.is_same_size(f32(2, 3), f32(2, 3))
    >>> f32(2, 3).is_same_size(f32(3, 2))
    """
    return input.shape == other.shape


@rule("torch.is_signed", "torch.Tensor.is_signed")
def is_signed(input: Tensor) -> bool:
    """Whether the dtype has negative numbers.

    >>> torch.is_signed(f32(2, 3))
    >>> i64(2, 3, high=5).is_signed()
    >>> i64(2, 3, high=5).to(torch.uint8).is_signed()
    >>> torch.is_signed(b8(2, 3)), torch.is_signed(c64(2, 3))
    """
    return not jnp.issubdtype(input.dtype, jnp.unsignedinteger) and input.dtype != jnp.bool_


@attribute(
    "torch.Tensor.is_xla",
    "torch.Tensor.is_ipu",
    "torch.Tensor.is_maia",
    "torch.Tensor.is_mtia",
    "torch.Tensor.is_vulkan",
)
def is_elsewhere(self: Tensor) -> bool:
    """Other kinds of memory, which JAX does not have.

    >>> f32(2, 3).is_xla
    """
    return False
