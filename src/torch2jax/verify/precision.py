"""Everything that is needed to compute in float64 on both sides.

Double precision decides whether two programs are the same, so nothing may be rounded to single precision on the way,
and both frameworks pin float32 in places:

- defaults: torch's default dtype, JAX's 64-bit switch;
- source that says ``.float()``, ``torch.float32`` or ``jnp.float32``: these names mean float64 while ``float64()`` is
  active (programs must be imported inside it, since default arguments are bound at import);
- flax layers keep the ``param_dtype`` (Embed and recurrent cells also the ``dtype``) of their signature, captured when
  flax was imported: `widen` lifts the Variables and those attributes of a built module;
- `jax.nn.dot_product_attention` computes its softmax in NumPy's float32, by name;
- torch's backward pass of hardsigmoid takes 1/6 from a table of single-precision numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from types import ModuleType
from typing import Any
from unittest.mock import patch

import jax
import jax._src.nn.functions as jax_nn_functions
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx


class _WideNumpy(ModuleType):
    """NumPy, except that single precision is double."""

    float32 = np.float64
    complex64 = np.complex128

    def __getattr__(self, name: str) -> Any:
        return getattr(np, name)


@contextmanager
def float64() -> Iterator[None]:
    """Both frameworks compute in double precision, also where a program asks for single."""
    before = torch.get_default_dtype()
    torch.storage._storage_type_to_dtype_map()  # of files of weights: it is made once, from names that change below
    torch.set_default_dtype(torch.double)
    try:
        with ExitStack() as stack:
            stack.enter_context(jax.enable_x64(True))
            for owner, name, value in _single_precision_names():
                stack.enter_context(patch.object(owner, name, value))
            yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def float32() -> Iterator[None]:
    """Both frameworks compute in single precision, as users do."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with jax.enable_x64(False):
            yield
    finally:
        torch.set_default_dtype(before)


@contextmanager
def bfloat16() -> Iterator[None]:
    """Torch makes floats in bfloat16. Models are converted by themselves; JAX has no default below float32."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        yield
    finally:
        torch.set_default_dtype(before)


def widen(module: Any) -> None:
    """Lift the float32 arrays of a built flax module, and the dtypes its layers compute in, to float64. In place."""
    recast(module, "float64")


def recast(module: Any, dtype: str) -> None:
    """Convert the float32 arrays of a built flax module, and the dtypes its layers compute in. In place."""
    for _, node in list(nnx.iter_graph(module)):
        if isinstance(node, nnx.Variable):
            value = node.get_value()
            if isinstance(value, jax.Array) and value.dtype == np.float32:
                node.set_value(value.astype(dtype))
        elif isinstance(node, nnx.Pytree):
            for name in ("dtype", "param_dtype"):
                if _is_single(vars(node).get(name)):
                    setattr(node, name, jnp.dtype(dtype))
            for name, value in vars(node).items():
                if isinstance(value, jax.Array) and value.dtype == np.float32:
                    setattr(node, name, value.astype(dtype))


def _is_single(dtype: Any) -> bool:
    try:
        return dtype is not None and np.dtype(dtype) == np.float32
    except TypeError:
        return False


def _hardsigmoid(input: torch.Tensor, inplace: bool = False) -> torch.Tensor:
    result = torch.nn.functional.relu6(input + 3) / 6
    return input.copy_(result) if inplace else result


def _single_precision_names() -> list[tuple[Any, str, Any]]:
    return [
        (torch, "float32", torch.float64),
        (torch, "float", torch.float64),
        (torch, "complex64", torch.complex128),
        (torch, "cfloat", torch.complex128),
        (torch, "FloatTensor", torch.DoubleTensor),
        (torch.Tensor, "float", torch.Tensor.double),
        (torch.Tensor, "cfloat", torch.Tensor.cdouble),  # type: ignore[attr-defined]
        (torch.nn.Module, "float", torch.nn.Module.double),
        (torch.nn.functional, "hardsigmoid", _hardsigmoid),
        (jnp, "float32", jnp.float64),
        (jnp, "complex64", jnp.complex128),
        (jax_nn_functions, "np", _WideNumpy("numpy")),
    ]
