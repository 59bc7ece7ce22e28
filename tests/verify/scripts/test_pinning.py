"""Gradients that are nothing but rounding."""

from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, cast

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from torch import nn

from torch2jax.verify.scripts.judging import Reruns
from torch2jax.verify.scripts.pinning import pin_torch, uncertain, unmoved, zeroed
from torch2jax.verify.scripts.recording import Loss, Recording, Root
from torch2jax.verify.scripts.verifying import _with_pins


def recording(**last: float) -> Recording:
    first = {name: np.zeros(2) for name in last}
    arrays = {name: np.full(2, value) for name, value in last.items()}
    return Recording(roots=[Root(0, "Net", True, None, tuple(last), ("mean",), first=first, last=arrays)])


def test_parameters_that_only_rounding_moves_are_found() -> None:
    expected = recording(weight=1.0, bias=1e-8, still=0.0, mean=1e-8)
    moved = [recording(weight=1.0 + 1e-15, bias=-1e-8, still=0.0, mean=-1e-8)]
    assert unmoved(expected, moved, 32.0) == ((0, "Net", "bias"),)


def test_gradients_of_pinned_parameters_are_zero_in_torch() -> None:
    model = nn.Linear(2, 1)
    pin_torch(model, ["bias"])
    model(torch.ones(1, 2)).sum().backward()
    assert model.bias.grad is not None
    assert model.weight.grad is not None
    assert not model.bias.grad.any()
    assert model.weight.grad.all()


def test_gradients_of_pinned_parameters_are_zero_in_flax() -> None:
    model = nnx.Sequential(nnx.Linear(2, 1, rngs=nnx.Rngs(0)), nnx.Linear(1, 1, rngs=nnx.Rngs(0)))
    gradients = nnx.grad(lambda model: model(jnp.ones((1, 2))).sum() ** 2)(model)
    found = {".".join(map(str, path)): leaf for path, leaf in nnx.to_flat_state(zeroed(gradients, ["layers.0.bias"]))}
    assert not found["layers.0.bias"].any()
    assert found["layers.1.bias"].all()
    assert found["layers.0.kernel"].any()


def test_parameters_that_weight_decay_moves_as_well_are_found_by_their_uncertainty() -> None:
    expected = recording(weight=1.0, bias=0.5, mean=1.0)
    moved = [recording(weight=1.0 + 1e-15, bias=0.5 + 1e-9, mean=1.0 + 1e-9)]
    assert unmoved(expected, moved, 32.0) == ()
    assert uncertain(expected, moved, 32.0) == ((0, "Net", "bias"),)


@dataclass(frozen=True)
class Runs:
    """A script in place of its runs: what it leaves in a bias that weight decay moves, with its gradient or without."""

    without_gradient: float
    pinned: tuple[tuple[int, str, str], ...] = ()
    case: str = "train.py"
    programs: Any = field(default_factory=lambda: SimpleNamespace(shown=str))

    def original(self, moved: int | None = None, *, silent: bool = True) -> Recording:
        change = 1e-9 * (moved + 1) if moved is not None and not self.pinned else 0.0
        return self.left(self.without_gradient if self.pinned else 0.5 + change)

    def translation(self, expected: Recording, *, compiled: bool) -> Recording:
        return self.left(self.without_gradient if self.pinned else 0.5 + 2e-9)

    def left(self, bias: float) -> Recording:
        found = recording(weight=1.0, bias=bias)
        found.roots[0].label = "net"
        found.losses.append(Loss(1.0, None))
        return found


@pytest.mark.parametrize(("without_gradient", "verdict"), [(0.5 - 1e-9, "agrees"), (0.7, "undecided")])
def test_what_is_uncertain_is_decided_where_the_original_does_the_same_without_its_gradient(
    without_gradient: float, verdict: str
) -> None:
    runs = cast("Any", Runs(without_gradient))
    first = runs.original()
    reruns = Reruns(runs.original)
    outcomes = _with_pins(runs, first, runs.translation(first, compiled=True), reruns)
    assert {outcome.rung: outcome.verdict for outcome in outcomes}["models"] == verdict
