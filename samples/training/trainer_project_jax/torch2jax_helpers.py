"""What PyTorch has and neither JAX nor Flax nor optax: used by the modules of this package."""

import copy
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
import torch
from flax import nnx
from torch.utils.data import default_collate


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


def map_nested(function: Callable[[Any], Any], value: Any) -> Any:
    """Apply a function to what is inside nested lists, tuples and dictionaries, which stay what they are."""
    if isinstance(value, MutableMapping):
        result = copy.copy(value)
        result.update({key: map_nested(function, item) for key, item in value.items()})
        return result
    if isinstance(value, list | tuple):
        items = [map_nested(function, item) for item in value]
        return type(value)(*items) if hasattr(value, "_fields") else type(value)(items)
    return function(value)


def numpy_collate(samples: Sequence[Any], collate: Callable[[Any], Any] = default_collate) -> Any:
    """Collate samples as a DataLoader does, or by a function of one's own, into NumPy arrays."""
    return map_nested(lambda item: item.numpy() if isinstance(item, torch.Tensor) else item, collate(samples))


class MomentsState(NamedTuple):
    """Number of steps taken, the running means of gradients and of their squares, and what else is kept."""

    steps: jax.Array
    mu: optax.Updates
    nu: optax.Updates
    kept: Any = None


def _moments(state: MomentsState, grads: optax.Updates, b1: float, b2: float) -> tuple[jax.Array, Any, Any]:
    """The number of this step and the running means with its gradients."""
    mu = jax.tree.map(lambda m, g: b1 * m + (1 - b1) * g, state.mu, grads)
    nu = jax.tree.map(lambda v, g: b2 * v + (1 - b2) * g * g, state.nu, grads)
    return state.steps + 1, mu, nu


def scale_by_amsgrad(b1: float = 0.9, b2: float = 0.999, eps: float = 1e-8) -> optax.GradientTransformation:
    """AMSGrad: Adam that divides by the largest mean of squares so far, which is corrected for bias afterwards."""

    def init(params: optax.Params) -> MomentsState:
        zeros = optax.tree.zeros_like(params)
        return MomentsState(jnp.zeros([], jnp.int32), zeros, zeros, zeros)

    def update(grads: optax.Updates, state: MomentsState, params: Any = None) -> tuple[optax.Updates, MomentsState]:
        step, mu, nu = _moments(state, grads, b1, b2)
        largest = jax.tree.map(jnp.maximum, state.kept, nu)
        updates = jax.tree.map(lambda m, v: m / (1 - b1**step) / (jnp.sqrt(v / (1 - b2**step)) + eps), mu, largest)
        return updates, MomentsState(step, mu, nu, largest)

    return optax.GradientTransformation(init, update)
