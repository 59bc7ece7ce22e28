"""A few steps of gradient descent with momentum on both sides, from the same weights, inputs and random numbers.

The loss is the weighted sum of `torch2jax.verify.gradients`. Every step sees the same inputs and the same draws, so
that the step of the translation is compiled once. Torch's side is `torch.optim.SGD`; the other makes the same updates.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
import torch

from torch2jax.verify.calls import CallArrays, to_torch
from torch2jax.verify.compare import leaves
from torch2jax.verify.gradients import GradientRun, TranslationStep, torch_sum
from torch2jax.verify.sides import Original
from torch2jax.weights.arrays import Array

MOMENTUM = 0.9
_FIRST_STEP = 0.01


@dataclass(frozen=True, slots=True)
class Training:
    """The losses before each step, and the state dict after the last one."""

    losses: tuple[float, ...]
    state: dict[str, Array]

    def leaves(self) -> dict[str, Any]:
        """All of it by name, to be compared."""
        return {**{f"loss {step}": np.float64(loss) for step, loss in enumerate(self.losses)}, **self.state}


def learning_rate(original: Original, run: GradientRun) -> float:
    """A rate at which the first step moves the parameters, taken as one vector, by a hundredth of its length.

    So the trajectory neither stands still nor becomes chaotic, whatever the size of the outputs, and a parameter that
    starts near zero does not hold the others back. 0 where no parameter has a gradient.
    """
    grads = run.grads or {}
    names = [name for name in original.trained if name in grads]
    length = math.hypot(*(_norm(original.state[name].numpy()) for name in names))
    slope = math.hypot(*(_norm(grads[name]) for name in names))
    return _FIRST_STEP * length / slope if slope else 0.0


def _norm(array: Array) -> float:
    return float(np.sqrt((np.abs(array) ** 2).sum()))


def train_original(original: Original, inputs: CallArrays, rate: float, steps: int) -> Training:
    """Torch's trajectory."""
    model = original.fresh()
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=rate, momentum=MOMENTUM)
    losses = []
    for _ in range(steps):
        tensors = {name: to_torch(array) for name, array in inputs.arrays.items()}
        with original.running():
            total = torch_sum(dict(leaves(original.call(model, inputs, tensors))))
            assert total is not None, "the first step had gradients"
            optimizer.zero_grad()
            total.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
        losses.append(float(total.detach()))
    return Training(tuple(losses), original.state_of(model))


def train_translation(step: TranslationStep, first: GradientRun, rate: float, steps: int) -> Training:
    """The same updates in JAX. ``first`` is the run that ``step`` has made already, from the first weights."""
    losses = [first.loss]
    velocity = step.gradients
    _update(step, velocity, rate)
    for _ in range(steps - 1):
        losses.append(step.run().loss)
        velocity = jax.tree.map(lambda v, grad: MOMENTUM * np.asarray(v) + np.asarray(grad), velocity, step.gradients)
        _update(step, velocity, rate)
    model = step.translation.merge(step.graphdef, step.params, step.rest)
    return Training(tuple(losses), step.translation.state_of(model))


def _update(step: TranslationStep, velocity: Any, rate: float) -> None:
    """One step along ``velocity``. The gradient of a complex number points along its conjugate."""

    def moved(value: Any, v: Any) -> Any:
        return value if v.dtype == jax.dtypes.float0 else np.asarray(value) - rate * np.conj(np.asarray(v))

    step.params = jax.tree.map(moved, step.params, velocity)
