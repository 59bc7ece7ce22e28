"""Several schedulers on one optimizer: one after the other, or all at once."""

from bisect import bisect_right
from collections.abc import Sequence
from typing import Any

from torch2jax.helpers.schedules import Schedule, learning_rates, set_learning_rates


class SequentialSchedule(Schedule):
    """One scheduler up to each milestone, starting anew at its first epoch."""

    def __init__(self, optimizer: Any, schedulers: Sequence[Any], milestones: Sequence[int]) -> None:
        self.optimizer, self.schedulers, self.milestones = optimizer, schedulers, milestones
        self.last_epoch = 0
        set_learning_rates(optimizer, optimizer.initial_lrs)
        for scheduler in schedulers:  # all but the first were started too early
            take_back(scheduler)
        self._current().start()
        self.last_lrs = learning_rates(optimizer)

    def _current(self) -> Any:
        return self.schedulers[bisect_right(self.milestones, self.last_epoch)]

    def step(self, epoch: int | None = None) -> None:
        """Step the scheduler of the next epoch."""
        self.last_epoch += 1
        scheduler = self._current()
        if self.last_epoch in self.milestones:
            scheduler.update(0)
        else:
            scheduler.step()
        self.last_lrs = scheduler.get_last_lr()

    def state_dict(self) -> dict[str, Any]:
        """The epoch, and what each of the schedulers gives."""
        own = {"last_epoch": self.last_epoch, "last_lrs": self.last_lrs}
        return {**own, "schedulers": [scheduler.state_dict() for scheduler in self.schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        self.last_epoch, self.last_lrs = state_dict["last_epoch"], state_dict["last_lrs"]
        for scheduler, state in zip(self.schedulers, state_dict["schedulers"], strict=True):
            scheduler.load_state_dict(state)


def take_back(scheduler: Any) -> None:
    """Takes back the step of the start of a scheduler, or of all that it is made of."""
    for part in getattr(scheduler, "schedulers", ()):
        take_back(part)
    if not hasattr(scheduler, "schedulers"):
        scheduler.last_epoch -= 1


class ChainedSchedule:
    """Steps several schedulers one after the other, each from the rates that the one before it left."""

    def __init__(self, schedulers: Sequence[Any]) -> None:
        self.schedulers, self.optimizer = schedulers, schedulers[0].optimizer
        self.last_lrs = learning_rates(self.optimizer)

    def start(self) -> None:
        """Step for the first time."""
        self.step()

    def step(self) -> None:
        """Step them all."""
        for scheduler in self.schedulers:
            scheduler.step()
        self.last_lrs = learning_rates(self.optimizer)

    def get_last_lr(self) -> list[float]:
        """The rates that the last step left."""
        return self.last_lrs

    def state_dict(self) -> dict[str, Any]:
        """What each of them gives."""
        return {"schedulers": [scheduler.state_dict() for scheduler in self.schedulers]}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Go on from what `state_dict` gave."""
        for scheduler, state in zip(self.schedulers, state_dict["schedulers"], strict=True):
            scheduler.load_state_dict(state)
