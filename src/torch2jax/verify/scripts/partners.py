"""Which model of the original each model of the translation stands for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from torch2jax.verify.build import load_comparable
from torch2jax.verify.scripts.recording import Root
from torch2jax.weights import StateDictError
from torch2jax.weights.arrays import as_torch


class WeightsError(BaseException):
    """A model of the translation has no place for the original's weights; the message is a sentence.

    It ends the program: without the same weights nothing can be compared.
    """


class Partners:
    """The models of the original that have no counterpart yet.

    A class of the program keeps its name in the translation, so that its objects are matched by their order. A layer
    of torch may get another class: it is matched with the first one whose arrays fit.
    """

    def __init__(self, roots: Sequence[Root]) -> None:
        self._waiting = list(roots)
        self._own = {root.kind for root in roots if root.own}

    def load(self, model: Any) -> Root | None:
        """Give a model the first weights of its counterpart, which is returned; None if the original has none."""
        kind = type(model).__name__
        own = kind in self._own
        problem: StateDictError | None = None
        for root in self._waiting:
            if root.own is own and (not own or root.kind == kind):
                try:
                    load_comparable(model, {name: as_torch(array) for name, array in root.first.items()}, root.buffers)
                except StateDictError as error:
                    problem = problem or error
                    if own:
                        break
                else:
                    self._waiting.remove(root)
                    return root
        if problem is not None and own:
            reasons = " ".join(line.strip() for line in str(problem).splitlines()[1:])
            raise WeightsError(f"the weights of {kind} do not fit its translation: {reasons}")
        return None

    @property
    def missing(self) -> list[Root]:
        """The models with parameters that the translation has not built."""
        return [root for root in self._waiting if set(root.names) - set(root.buffers)]
