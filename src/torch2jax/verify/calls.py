"""The inputs of a case on each side: arrays apart from everything else, in each framework and axis order."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
import torch

from torch2jax.conversion import Axes
from torch2jax.infer.layout import AXIS_NAMES
from torch2jax.verify.compare import leaves
from torch2jax.verify.inputs import Inputs, map_leaves
from torch2jax.weights.arrays import Array


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the array of a name goes."""

    name: str


@dataclass(frozen=True, slots=True)
class CallArrays:
    """What a call receives: its arrays by name (`input 0`, `input 1[2]`, `input mask`), and the rest around them."""

    arrays: dict[str, Array]
    template: Inputs

    def fill(self, arrays: dict[str, Any]) -> Inputs:
        """The inputs with these arrays, by the same names."""
        return self.template.map(lambda leaf: arrays[leaf.name] if isinstance(leaf, _Place) else leaf)

    def map(self, transform: Callable[[Array], Array]) -> CallArrays:
        """The same with every array replaced."""
        return CallArrays({name: transform(array) for name, array in self.arrays.items()}, self.template)

    @property
    def floats(self) -> list[str]:
        """The names of the arrays that have gradients."""
        return [name for name, array in self.arrays.items() if array.dtype.kind in "fc"]


def take_apart(inputs: Inputs) -> CallArrays:
    """Inputs that were drawn, with their arrays apart."""
    arrays: dict[str, Array] = {}

    def apart(head: str, value: Any) -> Any:
        found = {f"{head}{path}": leaf for path, leaf in leaves(value) if isinstance(leaf, np.ndarray)}
        arrays.update(found)
        names = iter(found)
        return map_leaves(value, lambda leaf: _Place(next(names)) if isinstance(leaf, np.ndarray) else leaf)

    args = tuple(apart(f"input {number}", value) for number, value in enumerate(inputs.args))
    kwargs = {name: apart(f"input {name}", value) for name, value in (inputs.kwargs or {}).items()}
    return CallArrays(arrays, Inputs(args, kwargs))


def to_torch(array: Array) -> torch.Tensor:
    """A tensor of its own, of the default width where it holds floats or complex numbers."""
    tensor = torch.from_numpy(array.copy())
    if tensor.is_complex():
        return tensor.to(torch.complex128 if torch.get_default_dtype() == torch.double else torch.complex64)
    return tensor.to(torch.get_default_dtype()) if tensor.is_floating_point() else tensor


def in_order(array: Any, axes: Axes) -> Any:
    """A JAX array in torch's axis order transposed into ``axes``, where these are given."""
    return array if axes is None or not hasattr(array, "ndim") else jnp.transpose(array, _permutation(axes))


def in_torch_order(result: Any, axes: Axes | Sequence[Axes]) -> Any:
    """A result whose arrays have the order ``axes`` (or one each) in torch's order."""
    if axes is None:
        return result
    if not isinstance(axes, str):
        return tuple(in_torch_order(part, order) for part, order in zip(result, axes, strict=True))
    return jnp.transpose(result, [int(axis) for axis in np.argsort(_permutation(axes))])


def _permutation(axes: str) -> tuple[int, ...]:
    """Where each axis of an order such as "N H W C" is in torch's order "N C H W"."""
    order = axes.split()
    torch_order = AXIS_NAMES.get(len(order), "").split()
    if set(torch_order) != set(order):
        return tuple(int(name.removeprefix("D")) for name in order)
    return tuple(torch_order.index(name) for name in order)
