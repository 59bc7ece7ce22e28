"""Comparison with torch in float64: values, shapes and gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch


@pytest.fixture(autouse=True)
def _float64() -> Iterator[None]:
    with jax.enable_x64(True):
        yield


@pytest.fixture
def normal() -> Callable[..., np.ndarray]:
    """Normal float64 arrays of the given shape, the same ones in every run."""
    rng = np.random.default_rng(0)
    return lambda *shape: rng.standard_normal(shape)


@pytest.fixture
def agree() -> Callable[..., None]:
    return _agree


def _agree(in_torch: Callable[..., Any], in_jax: Callable[..., Any], *inputs: np.ndarray, rtol: float = 1e-9) -> None:
    """Both functions give the same arrays, and the same gradients with respect to every float input."""
    tensors = [torch.tensor(x, requires_grad=np.issubdtype(x.dtype, np.floating)) for x in inputs]
    expected = _flat(in_torch(*tensors))
    arrays = [jnp.asarray(x) for x in inputs]
    actual = _flat(jax.jit(in_jax)(*arrays))
    assert len(actual) == len(expected)
    for a, e in zip(actual, expected, strict=True):
        _close(a, e.detach().numpy(), rtol)
    _gradients_agree(in_jax, tensors, arrays, expected, rtol)


def _gradients_agree(in_jax: Any, tensors: list[Any], arrays: list[Any], expected: list[Any], rtol: float) -> None:
    rng = np.random.default_rng(1)
    weights = [rng.standard_normal(e.shape) for e in expected]
    loss = sum((e * torch.tensor(w)).sum() for e, w in zip(expected, weights, strict=True) if e.requires_grad)
    if not isinstance(loss, torch.Tensor):
        return
    wanted = [i for i, t in enumerate(tensors) if t.requires_grad]
    grads = torch.autograd.grad(loss, [tensors[i] for i in wanted], allow_unused=True)
    differentiable = [e.requires_grad for e in expected]

    def weighted(*given: Any) -> Any:
        results = _flat(in_jax(*given))
        return sum((r * w).sum() for r, w, d in zip(results, weights, differentiable, strict=True) if d)

    for actual, i, grad in zip(jax.jit(jax.grad(weighted, tuple(wanted)))(*arrays), wanted, grads, strict=True):
        _close(actual, np.zeros(tensors[i].shape) if grad is None else grad.numpy(), rtol)


def _flat(result: Any) -> list[Any]:
    return [leaf for leaf in jax.tree.leaves(result) if hasattr(leaf, "shape")]


def _close(actual: Any, expected: np.ndarray, rtol: float) -> None:
    actual = np.asarray(actual)
    assert actual.shape == expected.shape
    assert actual.dtype.kind == expected.dtype.kind
    scale = np.max(np.abs(expected[np.isfinite(expected)]), initial=0.0)
    np.testing.assert_allclose(actual, expected, rtol=rtol, atol=rtol * scale)
