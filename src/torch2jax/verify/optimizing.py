"""Run what an example says of an optimizer, or of a scheduler on one, in both frameworks: the parameters' paths.

Both sides take the same steps from the same weights. Each gradient is a function of the parameter and of the number of
the step, element by element, so that no step hides a mistake of an earlier one and the order of axes does not matter.
"""

from __future__ import annotations

import math
from types import ModuleType
from typing import Any

import jax
import jax.numpy as jnp
import torch
from flax import nnx

from torch2jax.verify.precision import widen
from torch2jax.weights import load_state_dict, to_state_dict
from torch2jax.weights.arrays import Array, as_numpy

STEPS = 50
_SEED = 11
_FIXED = 1  # the step whose loss a quasi-Newton method gets every time: it learns from one step to the next


def torch_path(program: ModuleType) -> tuple[dict[str, Array], dict[str, Any]]:
    """The weights that the example starts from, and what it comes by: parameters and rates after every step."""
    torch.manual_seed(_SEED)
    model = program.Model().double()
    start = {name: as_numpy(tensor).copy() for name, tensor in model.state_dict().items()}
    built = program.example(model)
    optimizer = built if isinstance(built, torch.optim.Optimizer) else built.optimizer
    path: dict[str, Any] = {}
    for step in range(STEPS):
        if isinstance(optimizer, torch.optim.LBFGS):
            optimizer.step(lambda: _evaluate(model, _FIXED))  # type: ignore[no-untyped-call]
        else:
            _evaluate(model, step)
            optimizer.step()
        _advance(built, step, path)
        path |= {f"{name} after step {step}": as_numpy(p).copy() for name, p in model.named_parameters()}
    return start, path


def jax_path(program: ModuleType, start: dict[str, Array]) -> dict[str, Any]:
    """What the translation comes by from the same weights."""
    model = program.Model(rngs=nnx.Rngs(_SEED))
    widen(model)
    load_state_dict(model, start)
    built = program.example(model)
    calls_itself = not isinstance(built, nnx.Optimizer) and hasattr(built, "model")
    optimizer = built if isinstance(built, nnx.Optimizer) or calls_itself else built.optimizer

    @nnx.jit
    def evaluate(model: nnx.Module, step: jax.Array) -> Any:
        state = nnx.state(model, nnx.Param)
        loss = sum(_loss(p, step) for p in jax.tree.leaves(state))
        return loss, jax.tree.map(lambda p: _gradient(p, step), state)

    @nnx.jit
    def take(model: nnx.Module, optimizer: Any, step: jax.Array) -> None:
        optimizer.update(model, evaluate(model, step)[1])

    path: dict[str, Any] = {}
    for step in range(STEPS):
        if calls_itself:
            optimizer.step(lambda: evaluate(model, jnp.asarray(_FIXED)))
        else:
            take(model, optimizer, jnp.asarray(step))
        _advance(built, step, path)
        path |= {f"{name} after step {step}": array for name, array in to_state_dict(model, like=list(start)).items()}
    return path


def _evaluate(model: torch.nn.Module, step: int) -> torch.Tensor:
    """The loss; the gradients are set."""
    for parameter in model.parameters():
        parameter.grad = _gradient(parameter.detach(), step)
    return torch.stack([_loss(parameter.detach(), step) for parameter in model.parameters()]).sum()


def _loss(parameter: Any, step: Any) -> Any:
    """What the gradient is of."""
    cos = torch.cos if isinstance(parameter, torch.Tensor) else jnp.cos
    return ((0.15 * parameter**2 - cos(0.9 * step + parameter)) * (step % 7 != 3)).sum()


def _gradient(parameter: Any, step: Any) -> Any:
    """A gradient of both signs for each element, sometimes zero."""
    sin = torch.sin if isinstance(parameter, torch.Tensor) else jnp.sin
    return (0.3 * parameter + sin(0.9 * step + parameter)) * (step % 7 != 3)


def _advance(built: Any, step: int, path: dict[str, Any]) -> None:
    """Step the scheduler, if there is one: with a metric where it looks at one."""
    if not hasattr(built, "get_last_lr"):
        return
    metric = 1 / (1 + min(step, 12)) + 0.01 * math.sin(7 * step)
    built.step(metric) if hasattr(built, "patience") else built.step()
    path[f"rates after step {step}"] = [float(rate) for rate in built.get_last_lr()]
