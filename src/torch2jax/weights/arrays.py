"""Arrays of any framework as NumPy, without importing a framework for it, and NumPy arrays as torch tensors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import ml_dtypes
import numpy as np

if TYPE_CHECKING:
    import torch

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

# The dtypes that NumPy lacks, with the integer of their size: both frameworks can look at the bits as these.
_EXTENDED = {
    "bfloat16": (ml_dtypes.bfloat16, "int16"),
    "float8_e4m3fn": (ml_dtypes.float8_e4m3fn, "uint8"),
    "float8_e4m3fnuz": (ml_dtypes.float8_e4m3fnuz, "uint8"),
    "float8_e5m2": (ml_dtypes.float8_e5m2, "uint8"),
    "float8_e5m2fnuz": (ml_dtypes.float8_e5m2fnuz, "uint8"),
}


def as_numpy(value: Any) -> Array:
    """A torch tensor, JAX array, NumPy array or nested list as a NumPy array of the same shape and dtype, bit for bit.

    Torch tensors are recognised by their methods; dtypes that NumPy lacks (bfloat16, float8) become those of ml_dtypes.
    A dense tensor in main memory, or in a mapped file, is not copied.
    """
    if not (hasattr(value, "detach") and hasattr(value, "cpu")):
        return np.asarray(value)
    tensor = value.detach().cpu()
    if str(tensor.layout) != "torch.strided":
        tensor = tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg()
    extended = _EXTENDED.get(str(tensor.dtype).removeprefix("torch."))
    if extended is None:
        return np.asarray(tensor.numpy())
    dtype, bits = extended
    import torch

    return np.asarray(tensor.view(getattr(torch, bits)).numpy()).view(dtype)


def as_torch(array: Array) -> torch.Tensor:
    """A NumPy array as a torch tensor that shares its memory, bit for bit."""
    import torch

    extended = _EXTENDED.get(array.dtype.name)
    if extended is None:
        return torch.from_numpy(array)
    bits: torch.Tensor = torch.from_numpy(array.view(extended[1]))
    return bits.view(getattr(torch, array.dtype.name))
