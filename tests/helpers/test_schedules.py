"""Schedulers against torch: rates and momenta over many steps, with several settings, groups, and in chains."""

from __future__ import annotations

import math
from typing import Any

import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from flax import nnx
from torch.optim import lr_scheduler

from torch2jax.helpers import combined_schedules, schedules

STEPS = 70

# What our own are called.
OURS = {
    "StepLR": schedules.StepSchedule,
    "MultiStepLR": schedules.MultiStepSchedule,
    "ConstantLR": schedules.ConstantSchedule,
    "LinearLR": schedules.LinearSchedule,
    "ExponentialLR": schedules.ExponentialSchedule,
    "PolynomialLR": schedules.PolynomialSchedule,
    "CosineAnnealingLR": schedules.CosineSchedule,
    "CosineAnnealingWarmRestarts": schedules.CosineRestartsSchedule,
    "LambdaLR": schedules.LambdaSchedule,
    "MultiplicativeLR": schedules.MultiplicativeSchedule,
    "CyclicLR": schedules.CyclicSchedule,
    "OneCycleLR": schedules.OneCycleSchedule,
}

pytestmark = [
    pytest.mark.filterwarnings("ignore:Detected call of"),
    pytest.mark.filterwarnings("ignore:The epoch parameter"),
    pytest.mark.filterwarnings("ignore:To get the last learning rate"),
]


class Weights(nnx.Module):
    """Two arrays, for two groups."""

    def __init__(self, dtype: Any) -> None:
        self.a, self.b = nnx.Param(jnp.zeros(3, dtype)), nnx.Param(jnp.zeros(2, dtype))


def optimizers(rates: list[float], kind: str = "sgd", dtype: Any = None) -> tuple[torch.optim.Optimizer, Any]:
    """An optimizer with these rates on each side."""
    model = Weights(dtype or jnp.float64)
    transforms = [_transform(kind, rate) for rate in rates]
    if len(rates) == 1:
        ours = nnx.Optimizer(model, transforms[0], wrt=nnx.Param)
    else:
        by_group = lambda params: nnx.State({0: 0, 1: 1})  # noqa: E731
        ours = nnx.Optimizer((model.a, model.b), optax.partition(dict(enumerate(transforms)), by_group), wrt=nnx.Param)
    groups = [{"params": [torch.zeros(2, requires_grad=True)], "lr": rate} for rate in rates]
    if kind == "sgd":
        return torch.optim.SGD(groups, lr=1.0, momentum=0.9), ours
    return torch.optim.Adam(groups, lr=1.0), ours


def _transform(kind: str, rate: float) -> Any:
    if kind == "sgd":
        return optax.inject_hyperparams(optax.sgd)(learning_rate=rate, momentum=0.9)
    return optax.inject_hyperparams(optax.adam)(learning_rate=rate)


def held(optimizer: Any) -> list[float]:
    """Rates and momenta that an optimizer uses now."""
    if isinstance(optimizer, torch.optim.Optimizer):
        found = [(g["lr"], g["momentum"] if "momentum" in g else g["betas"][0]) for g in optimizer.param_groups]
    else:
        groups = schedules.hyperparams(optimizer)
        found = [(float(g["learning_rate"][...]), float(g["b1" if "b1" in g else "momentum"][...])) for g in groups]
    return [value for pair in found for value in pair]


SETTINGS: list[tuple[str, dict[str, Any]]] = [
    ("StepLR", {"step_size": 7}),
    ("StepLR", {"step_size": 1, "gamma": 0.9}),
    ("MultiStepLR", {"milestones": [3, 10, 10, 30]}),
    ("MultiStepLR", {"milestones": [0, 5], "gamma": 0.5}),
    ("ConstantLR", {}),
    ("ConstantLR", {"factor": 0.25, "total_iters": 9}),
    ("LinearLR", {}),
    ("LinearLR", {"start_factor": 0.1, "end_factor": 0.7, "total_iters": 20}),
    ("ExponentialLR", {"gamma": 0.97}),
    ("PolynomialLR", {}),
    ("PolynomialLR", {"total_iters": 30, "power": 2.0}),
    ("CosineAnnealingLR", {"T_max": 10}),
    ("CosineAnnealingLR", {"T_max": 25, "eta_min": 0.01}),
    ("CosineAnnealingLR", {"T_max": 100}),
    ("CosineAnnealingWarmRestarts", {"T_0": 6}),
    ("CosineAnnealingWarmRestarts", {"T_0": 5, "T_mult": 2, "eta_min": 0.001}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.95**epoch}),
    ("LambdaLR", {"lr_lambda": lambda epoch: min(1.0, (epoch + 1) / 5)}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.95 if epoch % 2 else 1.01}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 5, "step_size_down": 3, "mode": "triangular2"}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "mode": "exp_range", "gamma": 0.98}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "cycle_momentum": False}),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "scale_fn": lambda x: 1 / (5 ** (x * 0.1))}),
    (
        "CyclicLR",
        {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "scale_fn": lambda x: 0.99**x, "scale_mode": "iterations"},
    ),
    ("CyclicLR", {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4, "base_momentum": 0.6, "max_momentum": 0.95}),
    ("OneCycleLR", {"max_lr": 0.2, "total_steps": STEPS}),
    ("OneCycleLR", {"max_lr": 0.2, "epochs": 10, "steps_per_epoch": 8, "anneal_strategy": "linear"}),
    ("OneCycleLR", {"max_lr": 0.2, "total_steps": 80, "pct_start": 0.2, "div_factor": 10.0, "final_div_factor": 100.0}),
    ("OneCycleLR", {"max_lr": 0.2, "total_steps": 80, "three_phase": True, "base_momentum": 0.5, "max_momentum": 0.8}),
    ("OneCycleLR", {"max_lr": 0.2, "total_steps": 80, "cycle_momentum": False}),
]


@pytest.mark.parametrize("kind", ["sgd", "adam"])
@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_rates_and_momenta_are_torchs(name: str, settings: dict[str, Any], kind: str) -> None:
    theirs, ours = optimizers([0.1], kind)
    expected = getattr(lr_scheduler, name)(theirs, **settings)
    actual = OURS[name](ours, **settings)
    for _ in range(STEPS):
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(actual.get_last_lr(), expected.get_last_lr(), rtol=1e-12, atol=1e-15)
        assert actual.last_epoch == expected.last_epoch
        expected.step()
        actual.step()


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_every_group_has_its_own_rate(name: str, settings: dict[str, Any]) -> None:
    theirs, ours = optimizers([0.1, 0.03])
    if "max_lr" in settings:
        settings = {**settings, "max_lr": [0.1, 0.3]}
    expected = getattr(lr_scheduler, name)(theirs, **settings)
    actual = OURS[name](ours, **settings)
    for _ in range(20):
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-12, atol=1e-15)
        assert len(actual.get_last_lr()) == 2
        expected.step()
        actual.step()


def test_functions_of_each_group() -> None:
    functions = [lambda epoch: 0.9**epoch, lambda epoch: 1 / (1 + epoch)]
    for name in ("LambdaLR", "MultiplicativeLR"):
        theirs, ours = optimizers([0.1, 0.03])
        expected, actual = getattr(lr_scheduler, name)(theirs, functions), OURS[name](ours, functions)
        for _ in range(10):
            np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-12)
            expected.step()
            actual.step()


@pytest.mark.parametrize(
    "settings",
    [
        {"patience": 2, "factor": 0.5, "cooldown": 1},
        {"patience": 0, "factor": 0.9},
        {"mode": "max", "patience": 1, "threshold": 0.05},
        {"mode": "max", "patience": 1, "threshold": 0.01, "threshold_mode": "abs"},
        {"mode": "min", "patience": 1, "threshold": 0.01, "threshold_mode": "abs", "min_lr": 0.02},
        {"patience": 1, "eps": 0.02},
        {"patience": 1, "factor": 0.3, "min_lr": [0.01, 0.02]},
    ],
)
def test_a_plateau(settings: dict[str, Any]) -> None:
    theirs, ours = optimizers([0.1, 0.03])
    expected, actual = lr_scheduler.ReduceLROnPlateau(theirs, **settings), schedules.ReduceOnPlateau(ours, **settings)
    for step in range(STEPS):
        metric = 1 / (1 + min(step, 30)) + 0.05 * math.sin(7 * step)
        expected.step(metric)
        actual.step(jnp.asarray(metric))
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-12)
        np.testing.assert_allclose(actual.get_last_lr(), expected.get_last_lr(), rtol=1e-12)
        assert (actual.best, actual.num_bad_epochs) == (expected.best, expected.num_bad_epochs)


@pytest.mark.parametrize("multiple", [1, 2, 3])
def test_restarts_by_fractions_of_epochs(multiple: int) -> None:
    theirs, ours = optimizers([0.1])
    expected = lr_scheduler.CosineAnnealingWarmRestarts(theirs, 4, multiple)
    actual = schedules.CosineRestartsSchedule(ours, 4, multiple)
    for step in range(STEPS):
        expected.step(step / 3)
        actual.step(step / 3)
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-9)
    for _ in range(5):
        expected.step()
        actual.step()
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-9)


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_an_epoch_of_ones_choice(name: str, settings: dict[str, Any]) -> None:
    theirs, ours = optimizers([0.1])
    expected = getattr(lr_scheduler, name)(theirs, **settings)
    actual = OURS[name](ours, **settings)
    for epoch in (3, 4, 12, 2, 40):
        expected.step(epoch)
        actual.step(epoch)
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-12, atol=1e-15)


PARTS: list[tuple[str, dict[str, Any]]] = [
    ("LinearLR", {"start_factor": 0.1, "total_iters": 5}),
    ("ConstantLR", {"factor": 0.5, "total_iters": 4}),
    ("ExponentialLR", {"gamma": 0.9}),
    ("CosineAnnealingLR", {"T_max": 20}),
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("MultiStepLR", {"milestones": [2, 4]}),
    ("PolynomialLR", {"total_iters": 8}),
    ("LambdaLR", {"lr_lambda": lambda epoch: 0.8**epoch}),
    ("MultiplicativeLR", {"lr_lambda": lambda epoch: 0.9}),
    ("CosineAnnealingWarmRestarts", {"T_0": 6, "T_mult": 2}),
]


@pytest.mark.parametrize("second", PARTS, ids=lambda part: part[0])
@pytest.mark.parametrize("first", PARTS, ids=lambda part: part[0])
def test_one_scheduler_after_the_other(first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]]) -> None:
    theirs, ours = optimizers([0.1, 0.03])
    parts = (first, second, ("ExponentialLR", {"gamma": 0.95}))
    expected = lr_scheduler.SequentialLR(theirs, [getattr(lr_scheduler, n)(theirs, **s) for n, s in parts], [5, 17])
    actual = combined_schedules.SequentialSchedule(ours, [OURS[n](ours, **s) for n, s in parts], [5, 17])
    for _ in range(30):
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(actual.get_last_lr(), expected.get_last_lr(), rtol=1e-12, atol=1e-15)
        expected.step()
        actual.step()


@pytest.mark.parametrize("second", PARTS[:-1], ids=lambda part: part[0])
@pytest.mark.parametrize("first", PARTS[:-1], ids=lambda part: part[0])
def test_schedulers_at_once(first: tuple[str, dict[str, Any]], second: tuple[str, dict[str, Any]]) -> None:
    theirs, ours = optimizers([0.1, 0.03])
    parts = (first, second)
    expected = lr_scheduler.ChainedScheduler([getattr(lr_scheduler, n)(theirs, **s) for n, s in parts])
    actual = combined_schedules.ChainedSchedule([OURS[n](ours, **s) for n, s in parts])
    for _ in range(30):
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-12, atol=1e-15)
        np.testing.assert_allclose(actual.get_last_lr(), expected.get_last_lr(), rtol=1e-12, atol=1e-15)
        expected.step()
        actual.step()


def test_a_chain_in_a_sequence() -> None:
    theirs, ours = optimizers([0.1])
    linear, step = {"total_iters": 4}, {"step_size": 3}
    for_them = [lr_scheduler.LinearLR(theirs, **linear), lr_scheduler.StepLR(theirs, **step)]
    for_us = [schedules.LinearSchedule(ours, **linear), schedules.StepSchedule(ours, **step)]
    chains = [lr_scheduler.ChainedScheduler(for_them), lr_scheduler.ExponentialLR(theirs, 0.9)]
    expected = lr_scheduler.SequentialLR(theirs, chains, [8])
    actual = combined_schedules.SequentialSchedule(
        ours, [combined_schedules.ChainedSchedule(for_us), schedules.ExponentialSchedule(ours, 0.9)], [8]
    )
    for _ in range(20):
        np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-12)
        expected.step()
        actual.step()


@pytest.mark.parametrize(("name", "settings"), SETTINGS)
def test_a_scheduler_goes_on_from_its_state(name: str, settings: dict[str, Any]) -> None:
    _, without_break = optimizers([0.1])
    whole = OURS[name](without_break, **settings)
    for _ in range(12):
        whole.step()
    state = whole.state_dict()
    _, again = optimizers([0.1])
    resumed = OURS[name](again, **settings)
    schedules.set_learning_rates(again, schedules.learning_rates(without_break))
    resumed.load_state_dict(state)
    for _ in range(5):
        whole.step()
        resumed.step()
        np.testing.assert_allclose(held(again)[0], held(without_break)[0], rtol=1e-15)


def test_rates_in_single_precision_do_not_drift() -> None:
    _, ours = optimizers([0.1], dtype=jnp.float32)
    scheduler = schedules.ExponentialSchedule(ours, 0.999)
    assert scheduler.get_last_lr() == [0.1]
    for _ in range(2000):
        scheduler.step()
    np.testing.assert_allclose(scheduler.get_last_lr(), [0.1 * 0.999**2000], rtol=1e-12)
    assert schedules.hyperparams(ours)[0]["learning_rate"].dtype == jnp.float32


def test_a_rate_that_the_program_sets_is_seen() -> None:
    theirs, ours = optimizers([0.1])
    expected, actual = lr_scheduler.ExponentialLR(theirs, 0.9), schedules.ExponentialSchedule(ours, 0.9)
    theirs.param_groups[0]["lr"] = 0.5
    ours.opt_state.hyperparams["learning_rate"][...] = 0.5
    expected.step()
    actual.step()
    np.testing.assert_allclose(held(ours), held(theirs), rtol=1e-15)


def test_a_new_rate_compiles_nothing_anew() -> None:
    model = Weights(jnp.float64)
    optimizer = nnx.Optimizer(model, _transform("sgd", 0.1), wrt=nnx.Param)
    scheduler = schedules.CosineSchedule(optimizer, 10)
    traces = []

    @nnx.jit
    def step(model: Weights, optimizer: Any) -> None:
        traces.append(1)
        optimizer.update(model, nnx.state(model, nnx.Param))

    for _ in range(5):
        step(model, optimizer)
        scheduler.step()
    assert len(traces) == 1


def test_a_whole_number_as_a_rate_is_refused() -> None:
    optimizer = nnx.Optimizer(Weights(jnp.float64), _transform("sgd", 1), wrt=nnx.Param)
    with pytest.raises(TypeError, match="build the optimizer with floats"):
        schedules.StepSchedule(optimizer, 3)
