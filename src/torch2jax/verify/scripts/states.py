"""The parameters and buffers that two programs leave in their models, side by side."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from torch2jax.verify.scripts.recording import Recording, Root
from torch2jax.weights.arrays import Array


@dataclass(slots=True)
class States:
    """The arrays of both sides under the same names, and what stands on one side only, as a sentence."""

    expected: dict[str, Array] = field(default_factory=dict)
    actual: dict[str, Array] = field(default_factory=dict)
    problem: str = ""

    def add(
        self, label: str, first: Mapping[str, Array], last: Mapping[str, Array], actual: Mapping[str, Array]
    ) -> None:
        """One model. first: the original's arrays before the training, if they are known."""
        for name, array in last.items():
            if name in actual:
                self.expected[f"{label}.{name}"] = array
                self.actual[f"{label}.{name}"] = actual[name]
            elif not (_is_counter(name) or _is_tied(array, last, actual) or _is_constant(name, first, array)):
                self.problem = self.problem or f"{label}.{name} changes in torch and has no place in the translation"


def states_of(expected: Recording, actual: Recording) -> States:
    """The models that the original built, and those that it left in globals, with their counterparts."""
    states, named = States(), set[str]()
    for name, arrays in expected.models.items():
        root = next((root for root in expected.roots if root.label == name and root.last), None)
        if name in actual.models:
            states.add(name, root.first if root else {}, arrays, actual.models[name])
            named.add(name)
    twins = {root.number: root for root in actual.roots}
    for root, label in _labelled(expected.roots):
        if root.last and root.number in twins and root.label not in named:
            states.add(label, root.first, root.last, twins[root.number].last)
    return states


def _labelled(roots: list[Root]) -> Iterator[tuple[Root, str]]:
    """Each model with a name of its own: several of one class are numbered."""
    labels = [root.label for root in roots]
    for place, root in enumerate(roots):
        many = labels.count(root.label) > 1
        yield root, f"{root.label} {labels[: place + 1].count(root.label)}" if many else root.label


def _is_counter(name: str) -> bool:
    return name.rpartition(".")[2] == "num_batches_tracked"


def _is_tied(array: Array, last: Mapping[str, Array], actual: Mapping[str, Array]) -> bool:
    """Whether the array is another one under a second name."""
    return any(name in actual and np.array_equal(array, other, equal_nan=True) for name, other in last.items())


def _is_constant(name: str, first: Mapping[str, Array], array: Array) -> bool:
    """Whether the array never changed: a translation may hold it as a plain constant."""
    return name in first and np.array_equal(first[name], array, equal_nan=True)
