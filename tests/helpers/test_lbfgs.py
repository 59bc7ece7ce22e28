"""L-BFGS against PyTorch's: the parameters after every call of `step`, on a function that is no quadratic form."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from torch2jax.helpers.lbfgs import LBFGS

STEPS = 6
START = {"first": np.linspace(-1.5, 2.0, 12).reshape(3, 4), "second": np.array([0.3, -0.2])}


def value(first: Any, second: Any, exp: Any, cos: Any) -> Any:
    """A smooth function of two arrays."""
    return (
        exp(0.3 * first).sum()
        + (first**2).sum()
        + 0.5 * cos(second * first[0, :2]).sum()
        + ((second - first[1, 1]) ** 4).sum()
    )


def torch_path(**settings: Any) -> tuple[list[np.ndarray], list[float]]:
    held = [torch.nn.Parameter(torch.tensor(array)) for array in START.values()]
    optimizer = torch.optim.LBFGS(held, **settings)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = value(*held, torch.exp, torch.cos)
        loss.backward()
        return loss

    path, losses = [], []
    for _ in range(STEPS):
        losses.append(optimizer.step(closure).item())
        path.append(np.concatenate([p.detach().numpy().ravel() for p in held]))
    return path, losses


def jax_path(**settings: Any) -> tuple[list[np.ndarray], list[float], int]:
    held = tuple(nnx.Param(jnp.asarray(array)) for array in START.values())
    optimizer = LBFGS(held, **settings)
    calls = 0

    @jax.jit
    def evaluate(state: Any) -> Any:
        return jax.value_and_grad(lambda s: value(s[0][...], s[1][...], jnp.exp, jnp.cos))(state)

    def closure() -> Any:
        nonlocal calls
        calls += 1
        return evaluate(nnx.state(held, nnx.Param))

    path, losses = [], []
    for _ in range(STEPS):
        losses.append(float(optimizer.step(closure)))
        path.append(np.concatenate([np.asarray(p[...]).ravel() for p in held]))
    return path, losses, calls


@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"lr": 0.1, "max_iter": 4},
        {"line_search_fn": "strong_wolfe"},
        {"lr": 3.0, "max_iter": 3, "line_search_fn": "strong_wolfe"},
        {"lr": 0.01, "max_iter": 2, "max_eval": 20, "line_search_fn": "strong_wolfe"},
        {"lr": 0.3, "max_iter": 5, "history_size": 2},
        {"lr": 0.3, "tolerance_grad": 1e-2, "tolerance_change": 1e-3},
        {"lr": 100.0, "max_iter": 2, "max_eval": 3, "line_search_fn": "strong_wolfe"},
    ],
)
def test_parameters_are_those_of_pytorch_after_every_step(settings: dict[str, Any]) -> None:
    with jax.enable_x64(True):
        path, losses, calls = jax_path(**settings)
    expected, expected_losses = torch_path(**settings)
    np.testing.assert_allclose(losses, expected_losses, rtol=1e-9)
    np.testing.assert_allclose(path, expected, rtol=1e-9, atol=1e-10)
    assert calls > STEPS
