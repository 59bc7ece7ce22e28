"""Between PyTorch's data loading and JAX: NumPy batches out of a DataLoader, and arrays into a data set."""

import copy
from collections.abc import Callable, MutableMapping, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from torch.utils.data import default_collate


def map_nested(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to what is inside nested lists, tuples and dictionaries, which stay what they are."""
    if isinstance(value, MutableMapping):
        result = copy.copy(value)
        result.update({key: map_nested(function, item) for key, item in value.items()})
        return result
    if isinstance(value, list | tuple):
        items = [map_nested(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return function(value)


def numpy_collate(samples: Sequence[Any], collate: Callable[[Any], Any] = default_collate) -> Any:
    """Collate samples as a DataLoader does, or by a function of one's own, into NumPy arrays."""
    return map_nested(lambda item: item.numpy() if isinstance(item, torch.Tensor) else item, collate(samples))


def to_jax(batch: Any) -> Any:
    """The arrays and tensors of a batch as JAX arrays; names, numbers and other things stay."""
    kinds = (np.ndarray, torch.Tensor)
    return map_nested(lambda item: jnp.asarray(item) if isinstance(item, kinds) else item, batch)


def to_torch(array: Any) -> Any:
    """A PyTorch tensor with a copy of an array, integers as int64; what is no array of JAX comes back."""
    if not isinstance(array, jax.Array):
        return array
    tensor = torch.from_numpy(np.array(array))
    return tensor.long() if tensor.dtype == torch.int32 else tensor
