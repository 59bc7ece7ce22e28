"""Gradient transformations against torch.optim: the parameters after each of 50 steps, with rates that change too."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import nnx

from torch2jax.helpers import optimizers

STEPS = 50
START = {"a": np.linspace(-1.5, 2.0, 12).reshape(3, 4), "b": np.array([0.3, -0.2]), "c": np.array(0.7)}


@pytest.fixture(autouse=True)
def _double() -> Any:
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)  # torch keeps NAdam's product of momenta in the default dtype
    yield
    torch.set_default_dtype(before)


def gradient(values: Any, step: int, sin: Callable[[Any], Any]) -> Any:
    """Both signs, and none at every seventh step."""
    return (0.4 * values + sin(1.1 * step + 2 * values)) * (step % 7 != 3)


def rate_of(step: int) -> float:
    """A rate that changes."""
    return 0.05 if step < 20 else 0.05 * 0.9 ** (step - 20)


def torch_path(cls: type[torch.optim.Optimizer], changing: bool, **settings: Any) -> list[dict[str, np.ndarray]]:
    tensors = {name: torch.tensor(value, requires_grad=True) for name, value in START.items()}
    optimizer = cls(list(tensors.values()), lr=0.05, **settings)
    path = []
    for step in range(STEPS):
        optimizer.param_groups[0]["lr"] = rate_of(step) if changing else 0.05
        for tensor in tensors.values():
            tensor.grad = gradient(tensor.detach(), step, torch.sin)
        optimizer.step()
        path.append({name: tensor.detach().numpy().copy() for name, tensor in tensors.items()})
    return path


def jax_path(make: Callable[[Any], optax.GradientTransformation], changing: bool) -> list[dict[str, np.ndarray]]:
    transform = optax.inject_hyperparams(lambda learning_rate: make(learning_rate))(0.05) if changing else make(0.05)
    params = {name: jnp.asarray(value) for name, value in START.items()}
    state = transform.init(params)
    update = jax.jit(transform.update)
    path = []
    for step in range(STEPS):
        if changing:
            state.hyperparams["learning_rate"] = jnp.asarray(rate_of(step))
        grads = {name: gradient(value, step, jnp.sin) for name, value in params.items()}
        updates, state = update(grads, state, params)
        params = optax.apply_updates(params, updates)
        path.append({name: np.asarray(value) for name, value in params.items()})
    return path


def scaled(transform: Callable[..., Any], **settings: Any) -> Callable[[Any], optax.GradientTransformation]:
    """A direction at a rate."""
    return lambda rate: optax.chain(transform(**settings), optax.scale_by_learning_rate(rate))


def whole(transform: Callable[..., Any], **settings: Any) -> Callable[[Any], optax.GradientTransformation]:
    """An optimizer that has the rate among its arguments."""
    return lambda rate: transform(rate, **settings)


Case = tuple[type[torch.optim.Optimizer], dict[str, Any], Callable[[Any], optax.GradientTransformation]]
MOMENTS = {"b1": 0.7, "b2": 0.95, "eps": 1e-2}
BETAS = {"betas": (0.7, 0.95), "eps": 1e-2}
CASES: list[Case] = [
    (
        torch.optim.SGD,
        {"momentum": 0.9, "dampening": 0.4},
        scaled(optimizers.trace, decay=0.9, dampening=0.4),
    ),
    (torch.optim.SGD, {"dampening": 0.4}, scaled(optimizers.trace, decay=0.0, dampening=0.4)),
    (
        torch.optim.SGD,
        {"momentum": 0.9, "nesterov": True},
        scaled(optimizers.trace, decay=0.9, dampening=0.0, nesterov=True),
    ),
    (torch.optim.Adam, {"amsgrad": True}, scaled(optimizers.scale_by_amsgrad)),
    (torch.optim.Adam, {"amsgrad": True, **BETAS}, scaled(optimizers.scale_by_amsgrad, **MOMENTS)),
    (torch.optim.NAdam, {}, scaled(optimizers.scale_by_nadam)),
    (
        torch.optim.NAdam,
        {"momentum_decay": 0.05, **BETAS},
        scaled(optimizers.scale_by_nadam, momentum_decay=0.05, **MOMENTS),
    ),
    (torch.optim.RAdam, {}, scaled(optimizers.scale_by_radam)),
    (torch.optim.RAdam, BETAS, scaled(optimizers.scale_by_radam, **MOMENTS)),
    (torch.optim.Adagrad, {}, whole(optimizers.adagrad)),
    (
        torch.optim.Adagrad,
        {"lr_decay": 0.1, "initial_accumulator_value": 0.3, "eps": 1e-2},
        whole(optimizers.adagrad, lr_decay=0.1, initial_accumulator_value=0.3, eps=1e-2),
    ),
    (torch.optim.ASGD, {}, whole(optimizers.asgd)),
    (
        torch.optim.ASGD,
        {"lambd": 0.1, "alpha": 0.5, "t0": 5},
        whole(optimizers.asgd, lambd=0.1, alpha=0.5),
    ),
    (torch.optim.Rprop, {}, whole(optimizers.rprop)),
    (
        torch.optim.Rprop,
        {"etas": (0.3, 1.5), "step_sizes": (1e-3, 0.1)},
        whole(optimizers.rprop, eta_minus=0.3, eta_plus=1.5, min_step_size=1e-3, max_step_size=0.1),
    ),
]


@pytest.mark.parametrize("changing", [False, True], ids=["constant", "changing"])
@pytest.mark.parametrize(("cls", "settings", "make"), CASES)
def test_the_parameters_are_torchs(
    cls: type[torch.optim.Optimizer], settings: dict[str, Any], make: Any, changing: bool
) -> None:
    expected, actual = torch_path(cls, changing, **settings), jax_path(make, changing)
    for theirs, ours in zip(expected, actual, strict=True):
        for name in START:
            np.testing.assert_allclose(ours[name], theirs[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize(("cls", "settings", "make"), CASES)
def test_single_precision_stays(cls: type[torch.optim.Optimizer], settings: dict[str, Any], make: Any) -> None:
    """State and updates keep the dtype of the parameters, so that a step is compiled once."""
    del cls, settings
    for dtype in (jnp.float32, jnp.bfloat16):
        params = {name: jnp.asarray(value, dtype) for name, value in START.items()}
        transform = make(0.05)
        state = transform.init(params)
        with jax.enable_x64(False):
            updates, after = transform.update(params, state, params)
            assert all(value.dtype == dtype for value in optax.apply_updates(params, updates).values())
            before = [leaf.dtype for leaf in jax.tree.leaves(state) if leaf.ndim]
            assert [leaf.dtype for leaf in jax.tree.leaves(after) if leaf.ndim] == before


def test_groups_are_told_by_their_place() -> None:
    class Net(nnx.Module):
        def __init__(self) -> None:
            self.weight, self.bias = nnx.Param(jnp.ones(2)), nnx.Param(jnp.ones(2))

    first, second, alone = Net(), Net(), nnx.Param(jnp.ones(2))
    held = (first, (second, Net()), alone)
    transform = optax.partition({0: optax.sgd(0.1), 1: optax.sgd(0.2), 2: optax.sgd(0.5)}, optimizers.by_group)
    optimizer = nnx.Optimizer(held, transform, wrt=nnx.Param)
    optimizer.update(held, jax.tree.map(jnp.ones_like, nnx.state(held, nnx.Param)))
    np.testing.assert_allclose(first.weight[...], 0.9)
    np.testing.assert_allclose(second.bias[...], 0.8)
    np.testing.assert_allclose(held[1][1].weight[...], 0.8)
    np.testing.assert_allclose(alone[...], 0.5)
