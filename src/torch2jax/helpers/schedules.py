"""Schedulers of learning rates that the program steps, with PyTorch's rates.

They set the hyperparameters of an optimizer that is built with `optax.inject_hyperparams`, from outside of compiled
steps, and compute in Python floats. A rate follows from the one before it where PyTorch's does, so that several
schedulers may work on one optimizer.
"""

import math
from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx


def hyperparams(optimizer: Any) -> list[dict[str, nnx.Variable[jax.Array]]]:
    """The hyperparameters that an optimizer holds for each of its groups, by the names that optax has for them."""
    state = optimizer.opt_state
    if not hasattr(state, "inner_states"):
        return [state.hyperparams]
    # the parameters that are in no group have no hyperparameters
    groups = [state.inner_states[key].inner_state for key in sorted(state.inner_states)]
    return [group.hyperparams for group in groups if hasattr(group, "hyperparams")]


def learning_rates(optimizer: Any) -> list[float]:
    """The rates of an optimizer's groups: the shortest numbers that round to the arrays' values."""
    return [float(str(np.asarray(group["learning_rate"][...]))) for group in hyperparams(optimizer)]


def set_hyperparameter(variable: nnx.Variable[jax.Array], number: float) -> None:
    """Gives a Variable another number, in the dtype that it has; cheaper than a write into its array."""
    if not jnp.issubdtype(variable.dtype, jnp.floating):
        raise TypeError(
            f"a hyperparameter of dtype {variable.dtype} can't hold {number}: build the optimizer with floats"
        )
    variable.set_value(jnp.asarray(number, variable.dtype))


def set_learning_rates(optimizer: Any, rates: Iterable[float]) -> None:
    """Gives each group of an optimizer a rate."""
    for group, rate in zip(hyperparams(optimizer), rates, strict=True):
        set_hyperparameter(group["learning_rate"], rate)


def set_momenta(optimizer: Any, momenta: Iterable[float]) -> None:
    """Gives each group of an optimizer a momentum, which is `b1` where it is Adam or like it."""
    for group, momentum in zip(hyperparams(optimizer), momenta, strict=True):
        set_hyperparameter(group["b1" if "b1" in group else "momentum"], momentum)


def of_each_group(optimizer: Any, values: Any) -> list[Any]:
    """A value for each group of an optimizer, from one for all or from a list of them."""
    return list(values) if isinstance(values, list | tuple) else [values] * len(hyperparams(optimizer))


class Schedule:
    """Sets the rates of an optimizer at every `step`, starting when it is built.

    `base_lrs` are the rates that the optimizer had before any scheduler came to it.
    """

    def __init__(self, optimizer: Any) -> None:
        if not hasattr(optimizer, "initial_lrs"):
            optimizer.initial_lrs = tuple(learning_rates(optimizer))
        self.optimizer = optimizer
        self.base_lrs: list[float] = list(optimizer.initial_lrs)
        self.last_epoch = -1
        self.last_lrs: list[float] = []
        self.start()

    def start(self) -> None:
        """Set the rates of the first epoch."""
        self.starting = True
        self.step()
        self.starting = False

    def step(self, epoch: int | None = None) -> None:
        """Go to the next epoch, or to the one that is given."""
        self.update(epoch)

    def update(self, epoch: int | None = None) -> None:
        """Set the rates of the next epoch, or of the one that is given."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self.set_rates(self._following() if epoch is None else self._at_epoch())

    def _following(self) -> list[float]:
        """The rates of `last_epoch`, from the rates before."""
        raise NotImplementedError

    def _at_epoch(self) -> list[float]:
        """The rates of `last_epoch`, from the first ones."""
        return self._following()

    def rates(self) -> list[float]:
        """The rates of now; those that were set here are exact, not rounded to the precision of arrays."""
        found = learning_rates(self.optimizer)
        dtypes = [group["learning_rate"].dtype for group in hyperparams(self.optimizer)]
        known = zip(found, self.last_lrs or found, dtypes, strict=True)
        return [last if rate == float(str(np.asarray(last, dtype))) else rate for rate, last, dtype in known]

    def scaled(self, factor: float) -> list[float]:
        """The rates of now times a factor."""
        return [rate * factor for rate in self.rates()]

    def set_rates(self, rates: Sequence[float]) -> None:
        """Give each group of the optimizer its rate."""
        set_learning_rates(self.optimizer, rates)
        self.last_lrs = list(rates)

    def get_last_lr(self) -> list[float]:
        """The rates that the last step left."""
        return self.last_lrs

    def state_dict(self) -> dict[str, Any]:
        """All that changes with the steps, and the settings, without functions."""
        return {name: value for name, value in vars(self).items() if name not in ("optimizer", "functions")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        vars(self).update(state_dict)


class StepSchedule(Schedule):
    """Multiplies the rates by `gamma` every `step_size` epochs."""

    def __init__(self, optimizer: Any, step_size: int, gamma: float = 0.1) -> None:
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        return self.scaled(1.0 if self.last_epoch == 0 or self.last_epoch % self.step_size else self.gamma)

    def _at_epoch(self) -> list[float]:
        return [base * self.gamma ** (self.last_epoch // self.step_size) for base in self.base_lrs]


class MultiStepSchedule(Schedule):
    """Multiplies the rates by `gamma` at each of the milestones."""

    def __init__(self, optimizer: Any, milestones: Iterable[int], gamma: float = 0.1) -> None:
        self.milestones, self.gamma = Counter(milestones), gamma
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        return self.scaled(self.gamma ** self.milestones[self.last_epoch])

    def _at_epoch(self) -> list[float]:
        passed = bisect_right(sorted(self.milestones.elements()), self.last_epoch)
        return [base * self.gamma**passed for base in self.base_lrs]


class ConstantSchedule(Schedule):
    """Multiplies the rates by `factor` for the first `total_iters` epochs."""

    def __init__(self, optimizer: Any, factor: float = 1 / 3, total_iters: int = 5) -> None:
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        if self.last_epoch == 0:
            return self.scaled(self.factor)
        return self.scaled(1 / self.factor if self.last_epoch == self.total_iters else 1.0)

    def _at_epoch(self) -> list[float]:
        return [base * (self.factor if self.last_epoch < self.total_iters else 1.0) for base in self.base_lrs]


class LinearSchedule(Schedule):
    """Takes the factor of the rates from `start_factor` to `end_factor` in `total_iters` epochs."""

    def __init__(
        self, optimizer: Any, start_factor: float = 1 / 3, end_factor: float = 1.0, total_iters: int = 5
    ) -> None:
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        if self.last_epoch == 0:
            return self.scaled(self.start_factor)
        if self.starting or self.last_epoch > self.total_iters:
            return self.rates()
        span = self.end_factor - self.start_factor
        return self.scaled(1 + span / (self.total_iters * self.start_factor + (self.last_epoch - 1) * span))

    def _at_epoch(self) -> list[float]:
        share = min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * (self.start_factor + (self.end_factor - self.start_factor) * share) for base in self.base_lrs]


class ExponentialSchedule(Schedule):
    """Multiplies the rates by `gamma` every epoch."""

    def __init__(self, optimizer: Any, gamma: float) -> None:
        self.gamma = gamma
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        return self.scaled(1.0 if self.starting else self.gamma)

    def _at_epoch(self) -> list[float]:
        return [base * self.gamma**self.last_epoch for base in self.base_lrs]


class PolynomialSchedule(Schedule):
    """Takes the rates to zero in `total_iters` epochs, along a power of what is left of them."""

    def __init__(self, optimizer: Any, total_iters: int = 5, power: float = 1.0) -> None:
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        if self.starting or self.last_epoch > self.total_iters:
            return self.rates()
        left = 1 - self.last_epoch / self.total_iters
        return self.scaled((left / (1 - (self.last_epoch - 1) / self.total_iters)) ** self.power)

    def _at_epoch(self) -> list[float]:
        left = 1 - min(self.total_iters, self.last_epoch) / self.total_iters
        return [base * left**self.power for base in self.base_lrs]


class CosineSchedule(Schedule):
    """Takes the rates to `eta_min` along half a wave of a cosine in `T_max` epochs, and up again after that."""

    def __init__(self, optimizer: Any, T_max: int, eta_min: float = 0.0) -> None:
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        if self.starting:
            return self.rates()
        if (self.last_epoch - 1 - self.T_max) % (2 * self.T_max) == 0:  # the rate before is eta_min
            rise = (1 - math.cos(math.pi / self.T_max)) / 2
            return [rate + (base - self.eta_min) * rise for rate, base in zip(self.rates(), self.base_lrs, strict=True)]
        height, before = (1 + math.cos(math.pi * n / self.T_max) for n in (self.last_epoch, self.last_epoch - 1))
        return [height / before * (rate - self.eta_min) + self.eta_min for rate in self.rates()]

    def _at_epoch(self) -> list[float]:
        height = (1 + math.cos(math.pi * self.last_epoch / self.T_max)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]


class CosineRestartsSchedule(Schedule):
    """Takes the rates to `eta_min` along a cosine again and again: in `T_0` epochs, then in `T_mult` times as many.

    `step` takes fractions of epochs too.
    """

    def __init__(self, optimizer: Any, T_0: int, T_mult: int = 1, eta_min: float = 0.0) -> None:
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        self.period: float = T_0
        self.since_restart: float = 0
        super().__init__(optimizer)

    def step(self, epoch: float | None = None) -> None:
        """Go to the next epoch, or to the one that is given, which may be a fraction."""
        if epoch is None and self.last_epoch >= 0:
            self.last_epoch += 1
            self.since_restart += 1
            if self.since_restart >= self.period:
                self.since_restart %= self.period
                self.period *= self.T_mult
        else:
            self._go_to(epoch or 0)
        self.set_rates(self._following())

    def _go_to(self, epoch: float) -> None:
        restarts = (
            0
            if epoch < self.T_0 or self.T_mult == 1
            else int(math.log(epoch / self.T_0 * (self.T_mult - 1) + 1, self.T_mult))
        )
        self.period = self.T_0 * self.T_mult**restarts
        before = self.T_0 * (self.T_mult**restarts - 1) / (self.T_mult - 1) if self.T_mult > 1 else 0
        self.since_restart = epoch % self.T_0 if self.T_mult == 1 else epoch - before
        self.last_epoch = math.floor(epoch)

    def _following(self) -> list[float]:
        height = (1 + math.cos(math.pi * self.since_restart / self.period)) / 2
        return [self.eta_min + (base - self.eta_min) * height for base in self.base_lrs]


class LambdaSchedule(Schedule):
    """Multiplies the first rates by a function of the epoch."""

    def __init__(self, optimizer: Any, lr_lambda: Callable[[int], float] | list[Callable[[int], float]]) -> None:
        self.functions = of_each_group(optimizer, lr_lambda)
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        return [float(base * f(self.last_epoch)) for f, base in zip(self.functions, self.base_lrs, strict=True)]


class MultiplicativeSchedule(Schedule):
    """Multiplies the rates by a function of the epoch, at every epoch."""

    def __init__(self, optimizer: Any, lr_lambda: Callable[[int], float] | list[Callable[[int], float]]) -> None:
        self.functions = of_each_group(optimizer, lr_lambda)
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        if self.starting:
            return self.rates()
        return [float(rate * f(self.last_epoch)) for f, rate in zip(self.functions, self.rates(), strict=True)]


class CyclicSchedule(Schedule):
    """Moves the rates up and down between two bounds, and the momentum the other way round."""

    def __init__(
        self,
        optimizer: Any,
        base_lr: float | list[float],
        max_lr: float | list[float],
        step_size_up: int = 2000,
        step_size_down: int | None = None,
        mode: str = "triangular",
        gamma: float = 1.0,
        scale_fn: Callable[[float], float] | None = None,
        scale_mode: str = "cycle",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.8,
        max_momentum: float | list[float] = 0.9,
    ) -> None:
        scales: dict[str, Callable[[float], float]] = {
            "triangular": lambda cycle: 1.0,
            "triangular2": lambda cycle: 1 / 2.0 ** (cycle - 1),
            "exp_range": lambda step: gamma**step,
        }
        self.functions = [scale_fn or scales[mode]]
        self.of_step = scale_mode == "iterations" if scale_fn else mode == "exp_range"
        self.total_size = step_size_up + (step_size_up if step_size_down is None else step_size_down)
        self.step_ratio = step_size_up / self.total_size
        self.max_lrs = of_each_group(optimizer, max_lr)
        self.cycle_momentum = cycle_momentum
        self.base_momenta = of_each_group(optimizer, base_momentum)
        self.max_momenta = of_each_group(optimizer, max_momentum)
        self.lows = of_each_group(optimizer, base_lr)
        set_learning_rates(optimizer, self.lows)
        super().__init__(optimizer)
        self.base_lrs = self.lows

    def _following(self) -> list[float]:
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        place = 1 + self.last_epoch / self.total_size - cycle
        up = place <= self.step_ratio
        height = place / self.step_ratio if up else (place - 1) / (self.step_ratio - 1)
        height *= self.functions[0](self.last_epoch if self.of_step else cycle)
        if self.cycle_momentum:
            momenta = zip(self.base_momenta, self.max_momenta, strict=True)
            set_momenta(self.optimizer, (high - (high - low) * height for low, high in momenta))
        return [low + (high - low) * height for low, high in zip(self.lows, self.max_lrs, strict=True)]


class OneCycleSchedule(Schedule):
    """One rise of the rates to `max_lr`, and a fall to far below where they began; the momentum goes the other way."""

    def __init__(
        self,
        optimizer: Any,
        max_lr: float | list[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float | list[float] = 0.85,
        max_momentum: float | list[float] = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
    ) -> None:
        self.total_steps = total_steps if total_steps is not None else (epochs or 0) * (steps_per_epoch or 0)
        rise = pct_start * self.total_steps
        # Each phase: its last step, and the points between which rates and momenta go.
        self.phases = [(rise - 1, "initial", "max"), (self.total_steps - 1.0, "max", "min")]
        if three_phase:
            end = (self.total_steps - 1.0, "initial", "min")
            self.phases = [self.phases[0], (2 * rise - 2, "max", "initial"), end]
        self.linear = anneal_strategy == "linear"
        highest = of_each_group(optimizer, max_lr)
        self.points = [{"initial": h / div_factor, "max": h, "min": h / div_factor / final_div_factor} for h in highest]
        self.cycle_momentum = cycle_momentum
        bounds = zip(of_each_group(optimizer, base_momentum), of_each_group(optimizer, max_momentum), strict=True)
        self.momenta = [{"initial": high, "max": low, "min": high} for low, high in bounds]
        optimizer.initial_lrs = tuple(point["initial"] for point in self.points)
        super().__init__(optimizer)

    def _following(self) -> list[float]:
        if self.last_epoch > self.total_steps:
            raise ValueError(f"step {self.last_epoch} of a schedule of {self.total_steps} steps")
        begin, phase = 0.0, self.phases[0]
        for phase in self.phases:
            if self.last_epoch <= phase[0]:
                break
            if phase is not self.phases[-1]:
                begin = phase[0]
        share = (self.last_epoch - begin) / (phase[0] - begin)
        if self.cycle_momentum:
            set_momenta(self.optimizer, self._between(self.momenta, phase, share))
        return self._between(self.points, phase, share)

    def _between(self, points: list[dict[str, float]], phase: tuple[float, str, str], share: float) -> list[float]:
        return [self._anneal(point[phase[1]], point[phase[2]], share) for point in points]

    def _anneal(self, start: float, end: float, share: float) -> float:
        if self.linear:
            return (end - start) * share + start
        return end + (start - end) / 2 * (1 + math.cos(math.pi * share))


class ReduceOnPlateau:
    """Multiplies the rates by `factor` where a metric has not become better for more than `patience` epochs."""

    def __init__(
        self,
        optimizer: Any,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | list[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        self.optimizer = optimizer
        self.mode, self.factor, self.patience, self.eps = mode, factor, patience, eps
        self.threshold, self.threshold_mode, self.cooldown = threshold, threshold_mode, cooldown
        self.min_lrs = of_each_group(optimizer, min_lr)
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0
        self.last_lrs = learning_rates(optimizer)

    def step(self, metrics: Any) -> None:
        """Look at the metric of an epoch."""
        current = float(metrics)
        self.last_epoch += 1
        better = self.is_better(current)
        self.best = current if better else self.best
        self.num_bad_epochs = 0 if better else self.num_bad_epochs + 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            self.reduce()
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self.last_lrs = learning_rates(self.optimizer)

    def is_better(self, current: float) -> bool:
        """Whether a metric is better than the best so far, by more than the threshold."""
        sign = 1 if self.mode == "max" else -1
        if self.threshold_mode == "rel":
            return sign * current > sign * self.best * (1 + sign * self.threshold)
        return sign * current > sign * self.best + self.threshold

    def reduce(self) -> None:
        """Lower the rates, but for changes below `eps`."""
        rates = learning_rates(self.optimizer)
        lower = [max(rate * self.factor, least) for rate, least in zip(rates, self.min_lrs, strict=True)]
        changes = zip(rates, lower, strict=True)
        set_learning_rates(self.optimizer, [new if old - new > self.eps else old for old, new in changes])

    def get_last_lr(self) -> list[float]:
        """The rates that the last step left."""
        return self.last_lrs

    def state_dict(self) -> dict[str, Any]:
        """All that changes with the steps, and the settings."""
        return {name: value for name, value in vars(self).items() if name != "optimizer"}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        vars(self).update(state_dict)
