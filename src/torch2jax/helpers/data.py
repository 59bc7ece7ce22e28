"""Between PyTorch's data loading and JAX: NumPy batches out of a DataLoader, and arrays into a data set."""

import copy
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import jax
import numpy as np
import torch
from torch.utils.data import default_collate


def to_numpy(value: Any) -> Any:
    """Replace the PyTorch tensors in nested lists, tuples and dictionaries by NumPy arrays of the same memory."""
    if isinstance(value, torch.Tensor):
        return value.numpy()
    if isinstance(value, MutableMapping):
        result = copy.copy(value)
        result.update({key: to_numpy(item) for key, item in value.items()})
        return result
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(to_numpy, value))
    return type(value)(map(to_numpy, value)) if isinstance(value, list | tuple) else value


def numpy_collate(samples: Sequence[Any], collate: Callable[[Any], Any] = default_collate) -> Any:
    """Collate samples as a DataLoader does, or by a function of one's own, into NumPy arrays."""
    return to_numpy(collate(samples))


def to_torch(array: Any) -> Any:
    """A PyTorch tensor with a copy of an array, integers as int64; what is no array of JAX comes back."""
    if not isinstance(array, jax.Array):
        return array
    tensor = torch.from_numpy(np.array(array))
    return tensor.long() if tensor.dtype == torch.int32 else tensor
