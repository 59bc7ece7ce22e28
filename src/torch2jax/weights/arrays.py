"""Arrays of any framework as NumPy, without importing the framework."""

from __future__ import annotations

from typing import Any, TypeAlias

import ml_dtypes
import numpy as np

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]

_EXTENDED = {
    "torch.bfloat16": ml_dtypes.bfloat16,
    "torch.float8_e4m3fn": ml_dtypes.float8_e4m3fn,
    "torch.float8_e5m2": ml_dtypes.float8_e5m2,
}


def as_numpy(value: Any) -> Array:
    """A torch tensor, JAX array, NumPy array or nested list as a NumPy array of the same shape and dtype.

    Torch tensors are recognised by their methods; dtypes that NumPy lacks (bfloat16, float8) become those of ml_dtypes.
    """
    if not (hasattr(value, "detach") and hasattr(value, "cpu")):
        return np.asarray(value)
    tensor = value.detach().cpu()
    if tensor.layout.__str__() != "torch.strided":
        tensor = tensor.to_dense()
    tensor = tensor.resolve_conj().resolve_neg()
    extended = _EXTENDED.get(str(tensor.dtype))
    if extended is not None:
        return np.asarray(tensor.float().numpy()).astype(extended)
    return np.asarray(tensor.numpy())
