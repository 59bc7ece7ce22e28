"""What PyTorch and JAX compute for the samples of an operator: results, and gradients where a sample asks for them."""

from __future__ import annotations

import sys
import types
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx

from conformance.op_db_sources import Sample
from torch2jax.verify.build import accepts_rngs
from torch2jax.verify.compare import leaves
from torch2jax.weights.arrays import as_numpy

_AT_ONCE = 24  # samples that are compiled together: most of the time goes into compiling, by the function


@dataclass(slots=True)
class Side:
    """What one framework computed; grads are None where PyTorch has none."""

    outputs: dict[str, Any]
    grads: dict[str, Any] | None
    random: bool = False


def module(source: str) -> types.ModuleType:
    """Source as an imported module."""
    found = types.ModuleType("torch2jax_operator")
    sys.modules[found.__name__] = found
    exec(compile(source, f"<{found.__name__}>", "exec"), vars(found))
    return found


def sentence(error: Exception) -> str:
    """An error as one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]


# ---- torch ----


def torch_side(function: Callable[..., Any], sample: Sample) -> Side:
    """PyTorch's results. Where random numbers were drawn, they are drawn again to see whether they change anything."""
    outputs = [_torch_outputs(function, sample, 1)]
    if not torch.equal(torch.get_rng_state(), torch.manual_seed(1).get_state()):
        outputs += [_torch_outputs(function, sample, seed) for seed in range(2, 18)]
    plain = [{path: _detached(leaf) for path, leaf in one.items()} for one in outputs]
    try:
        grads = _torch_grads(outputs[0], sample)
    except RuntimeError:  # PyTorch has no derivative
        grads = None
    return Side(plain[0], grads, random=not all(_identical(plain[0], other) for other in plain[1:]))


def _torch_outputs(function: Callable[..., Any], sample: Sample, seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    return {path: _plain(leaf) for path, leaf in leaves(function(*sample.tensors))}


def _identical(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one.keys() != other.keys():
        return False
    pairs = [(one[path], other[path]) for path in one if isinstance(one[path], torch.Tensor)]
    return all(
        a.shape == b.shape and np.array_equal(as_numpy(a), as_numpy(b), equal_nan=a.is_floating_point())
        for a, b in pairs
    )


def _torch_grads(outputs: dict[str, Any], sample: Sample) -> dict[str, Any]:
    sources = {f"x{index}": tensor for index, tensor in enumerate(sample.tensors) if tensor.requires_grad}
    results = {path: leaf for path, leaf in outputs.items() if isinstance(leaf, torch.Tensor) and leaf.requires_grad}
    grads: Any = [None] * len(sources)
    if sources and results:
        weights = [torch.from_numpy(_weights(path, leaf)).to(leaf.dtype) for path, leaf in results.items()]
        grads = torch.autograd.grad(list(results.values()), list(sources.values()), weights, allow_unused=True)
    return {
        name: np.zeros(tuple(source.shape)) if grad is None else as_numpy(grad.resolve_conj().resolve_neg())
        for (name, source), grad in zip(sources.items(), grads, strict=True)
    }


# ---- jax ----


def jax_sides(code: str, samples: Sequence[tuple[Sample, Side]]) -> list[Side | str]:
    """What a translation computes for each sample, or its error; gradients where PyTorch has them."""
    try:
        translation = module(code)
    except Exception as error:
        return [sentence(error)] * len(samples)
    calls = [_Call(getattr(translation, sample.function), sample, side.grads is not None) for sample, side in samples]
    found: list[Side | str] = []
    for start in range(0, len(calls), _AT_ONCE):
        found += _together(calls[start : start + _AT_ONCE])
    return found


class _Call:
    """One sample on JAX's side."""

    def __init__(self, function: Callable[..., Any], sample: Sample, differentiate: bool) -> None:
        self.arrays = [jnp.asarray(as_numpy(tensor.detach().resolve_conj().resolve_neg())) for tensor in sample.tensors]
        self._wanted = [i for i, tensor in enumerate(sample.tensors) if tensor.requires_grad and differentiate]
        self._function = function
        self._static: dict[str, Any] = {}

    def compute(self, arrays: Sequence[jax.Array]) -> tuple[dict[str, jax.Array], list[jax.Array]]:
        """Results that are arrays, and the gradients of all of them together."""
        floats = [arrays[index] for index in self._wanted]

        def step(*floats: jax.Array) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
            call = list(arrays)
            for index, value in zip(self._wanted, floats, strict=True):
                call[index] = value
            return self._split(call)

        if not floats:
            floating, others = step()
            return {**floating, **others}, []
        floating, pull, others = jax.vjp(step, *floats, has_aux=True)
        # JAX's cotangents of complex numbers are the conjugates of PyTorch's.
        weights = {path: jnp.asarray(np.conj(_weights(path, leaf)), leaf.dtype) for path, leaf in floating.items()}
        return {**floating, **others}, list(pull(weights))

    def _split(self, arguments: Sequence[Any]) -> tuple[dict[str, jax.Array], dict[str, jax.Array]]:
        """Results that have gradients, and other arrays; what is no array is kept."""
        random = {"rngs": nnx.Rngs(1)} if accepts_rngs(self._function) else {}
        outputs = {path: _plain(leaf) for path, leaf in leaves(self._function(*arguments, **random))}
        arrays = {path: leaf for path, leaf in outputs.items() if isinstance(leaf, jax.Array)}
        self._static = {path: leaf for path, leaf in outputs.items() if path not in arrays}
        floating = {path: leaf for path, leaf in arrays.items() if jnp.issubdtype(leaf.dtype, jnp.inexact)}
        return floating, {path: leaf for path, leaf in arrays.items() if path not in floating}

    def side(self, computed: tuple[dict[str, jax.Array], list[jax.Array]]) -> Side:
        """The results by name."""
        arrays, grads = computed
        named = {f"x{index}": np.conj(np.asarray(grad)) for index, grad in zip(self._wanted, grads, strict=True)}
        return Side({**arrays, **self._static}, named)


def _together(calls: Sequence[_Call]) -> list[Side | str]:
    """Several samples in one compiled function; those that can't be compiled one by one."""
    traced: list[bool] = []

    def everything(arrays: list[list[jax.Array]]) -> list[Any]:
        results = []
        traced.clear()
        for call, own in zip(calls, arrays, strict=True):
            try:
                results.append(call.compute(own))
                traced.append(True)
            except Exception:  # it depends on values, or is wrong: the sample alone will tell
                results.append(None)
                traced.append(False)
        return results

    try:
        computed = jax.jit(everything)([call.arrays for call in calls])
    except Exception:
        return [_alone(call) for call in calls]
    rows = zip(calls, computed, traced, strict=True)
    return [call.side(result) if compiled else _alone(call) for call, result, compiled in rows]


def _alone(call: _Call) -> Side | str:
    try:
        return call.side(call.compute(call.arrays))
    except Exception as error:
        return sentence(error)


# ---- both ----


def _weights(path: str, leaf: Any) -> Any:
    """Fixed random weights of an output, of its shape."""
    rng = np.random.default_rng([11, *path.encode()])
    shape = tuple(leaf.shape)
    real, imaginary = rng.standard_normal(shape), rng.standard_normal(shape)
    is_complex = leaf.is_complex() if isinstance(leaf, torch.Tensor) else jnp.iscomplexobj(leaf)
    return real + 1j * imaginary if is_complex else np.asarray(real)


def _plain(leaf: Any) -> Any:
    """A leaf that can be compared: dtypes by their names."""
    if isinstance(leaf, torch.dtype):
        return str(leaf).removeprefix("torch.")
    if isinstance(leaf, np.dtype) or (isinstance(leaf, type) and hasattr(leaf, "dtype")):
        return np.dtype(leaf).name
    return leaf


def _detached(leaf: Any) -> Any:
    return leaf.detach().resolve_conj().resolve_neg() if isinstance(leaf, torch.Tensor) else leaf
