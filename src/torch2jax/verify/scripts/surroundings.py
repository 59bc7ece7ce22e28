"""What a script finds around it in a process of its own: no workers, and one precision."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import jax.numpy as jnp
import numpy as np
import torch
import torch.utils.data

from torch2jax.verify.precision import float64

_HERE = {"num_workers": 0, "prefetch_factor": None, "persistent_workers": False, "multiprocessing_context": None}
"""Arguments of a DataLoader that works in its own process: draws can't be shared with others."""


@contextmanager
def double_precision() -> Iterator[None]:
    """As `float64`, for whole programs: arrays that come from files and from NumPy are lifted where they cross."""
    with float64(), ExitStack() as stack:
        for owner, name in (
            *((torch, name) for name in ("from_numpy", "tensor", "as_tensor")),
            *((jnp, name) for name in ("asarray", "array")),
        ):
            stack.enter_context(patch.object(owner, name, _lifted(getattr(owner, name))))
        for owner, name, value in _half_precision_names():
            stack.enter_context(patch.object(owner, name, value))
        stack.enter_context(patch.object(torch.utils.data.DataLoader, "__init__", _alone(torch.utils.data.DataLoader)))
        yield


def _lifted(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def lifted(*args: Any, **kwargs: Any) -> Any:
        result = function(*args, **kwargs)
        if isinstance(result, torch.Tensor):
            if result.dtype not in _NARROW:
                return result
            wide = result.detach().double()
            return wide.requires_grad_() if result.requires_grad else wide
        return result.astype(np.float64) if result.dtype == np.float32 else result

    return lifted


_NARROW = (torch.float32, torch.float16)


def _half_precision_names() -> list[tuple[Any, str, Any]]:
    """Mixed precision computes in float64 as everything else."""
    return [
        *((torch, name, torch.float64) for name in ("bfloat16", "float16", "half")),
        *((torch.Tensor, name, torch.Tensor.double) for name in ("bfloat16", "half")),
        *((torch.nn.Module, name, torch.nn.Module.double) for name in ("bfloat16", "half")),
        *((jnp, name, jnp.float64) for name in ("bfloat16", "float16")),
    ]


def _alone(loader: type[Any]) -> Callable[..., None]:
    """The constructor of a DataLoader without workers."""
    constructor = loader.__init__
    signature = inspect.signature(constructor)

    @functools.wraps(constructor)
    def init(*args: Any, **kwargs: Any) -> None:
        call = signature.bind(*args, **kwargs)
        if call.arguments.get("num_workers"):
            call.arguments.update(_HERE)
        constructor(*call.args, **call.kwargs)

    return init
