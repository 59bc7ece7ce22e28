"""Values as text: arguments as Python that means the same on both sides, tensors as specifications."""

from __future__ import annotations

import argparse
import dataclasses
import enum
import math
from collections.abc import Callable, Mapping
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import nn

from torch2jax.verify.inputs import ArraySpec, ArrayValue, Inputs
from torch2jax.weights.arrays import as_numpy

_FEW = 64
"""Up to so many integers are worth writing down one by one."""


class InexpressibleError(Exception):
    """A value that has no text of its own (a lambda, a tensor, a layer of torch); the message says which."""


Construction = tuple[tuple[Any, ...], Mapping[str, Any]]
"""The arguments that an object was made with."""


@dataclasses.dataclass(frozen=True)
class Writer:
    """Writes values as Python for the namespace of a module.

    module: where the text will be evaluated. names: the top-level names of the program, usable in full.
    constructed: what an nn.Module was made with, None where nobody saw it.
    """

    module: ModuleType
    names: frozenset[str]
    constructed: Callable[[nn.Module], Construction | None] = lambda _: None

    def arguments(self, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> str:
        """The inside of a call's parentheses. Raises InexpressibleError."""
        parts = [self.value(value) for value in args]
        return ", ".join([*parts, *(f"{name}={self.value(value)}" for name, value in kwargs.items())])

    def value(self, value: Any) -> str:
        """One value. Raises InexpressibleError."""
        if value is None or (isinstance(value, bool | int | str | bytes) and not isinstance(value, enum.Enum)):
            return repr(value)
        if isinstance(value, float):
            return repr(value) if math.isfinite(value) else f"float('{value}')"
        if isinstance(value, list | tuple | set | dict):
            return self._container(value)
        if isinstance(value, range | complex):
            return repr(value)
        if isinstance(value, enum.Enum):
            return f"{self._name(type(value))}.{value.name}"
        if isinstance(value, type) or (callable(value) and hasattr(value, "__qualname__")):
            return self._name(value)
        return self._object(value)

    def _container(self, value: list[Any] | tuple[Any, ...] | set[Any] | dict[Any, Any]) -> str:
        if isinstance(value, dict):
            return "{" + ", ".join(f"{self.value(key)}: {self.value(item)}" for key, item in value.items()) + "}"
        inner = ", ".join(map(self.value, value))
        if isinstance(value, list):
            return f"[{inner}]"
        if isinstance(value, set):
            return f"{{{inner}}}" if value else "set()"
        if type(value) is not tuple and hasattr(value, "_fields"):
            return f"{self._name(type(value))}({inner})"
        return f"({inner},)" if len(value) == 1 else f"({inner})"

    def _name(self, value: Any) -> str:
        """What a class or function is called in the module, or in full in another module of the program."""
        name = value.__qualname__
        if (
            "." not in name
            and vars(self.module).get(name) is value
            and value.__module__.partition(".")[0] in self.names
        ):
            return str(name)
        if value.__module__ == "builtins":
            return str(name)
        if value.__module__.partition(".")[0] in self.names and "<" not in name:
            return f"{value.__module__}.{name}"
        raise InexpressibleError(f"{value.__module__}.{name}")

    def _object(self, value: Any) -> str:
        if isinstance(value, nn.Module):
            made = self.constructed(value)
            if made is None:
                raise InexpressibleError(f"a {type(value).__name__}")
            return f"{self._name(type(value))}({self.arguments(*made)})"
        if dataclasses.is_dataclass(value):
            return f"{self._name(type(value))}({self.arguments((), _changed_fields(value))})"
        if isinstance(value, argparse.Namespace | SimpleNamespace):
            return f"type('Namespace', (), {self.value(vars(value))})()"
        if isinstance(value, torch.Size):
            return self.value(tuple(value))
        if isinstance(value, torch.device):
            return repr(str(value))
        raise InexpressibleError(f"a {type(value).__name__}")


def _changed_fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass instance that differ from their defaults."""
    found = {}
    for field in dataclasses.fields(value):
        current = getattr(value, field.name)
        default = field.default
        if default is dataclasses.MISSING and field.default_factory is not dataclasses.MISSING:
            default = field.default_factory()
        if field.init and not (type(current) is type(default) and current == default):
            found[field.name] = current
    return found


def inputs_like(args: tuple[Any, ...], kwargs: Mapping[str, Any], *, exact: bool = False) -> Inputs:
    """Inputs of the same structure, shapes and ranges; ``exact`` keeps the values of small integer arrays.

    Raises InexpressibleError for what is neither tensor nor literal.
    """
    return Inputs(
        tuple(_like(value, exact) for value in args), {name: _like(value, exact) for name, value in kwargs.items()}
    )


def _like(value: Any, exact: bool) -> Any:
    if isinstance(value, list):
        return [_like(item, exact) for item in value]
    if isinstance(value, dict):
        return {key: _like(item, exact) for key, item in value.items()}
    if isinstance(value, tuple):
        return tuple(_like(item, exact) for item in value)
    if isinstance(value, torch.Tensor | np.ndarray):
        return _array_like(value, exact)
    if value is None or isinstance(value, bool | int | str | float | complex):
        return value
    raise InexpressibleError(f"a {type(value).__name__}")


def _array_like(value: Any, exact: bool) -> ArraySpec | ArrayValue:
    """The distribution that a tensor could have come from."""
    array = as_numpy(value)
    if exact and array.dtype.kind in "biu" and 0 < array.size <= _FEW and array.ndim:
        return ArrayValue(array.tolist())
    if array.dtype.kind == "b":
        return ArraySpec("true" if array.size and array.all() else "bool", array.shape)
    if array.dtype.kind in "iu":
        low = min(int(array.min(initial=0)), 0)
        return ArraySpec("int", array.shape, max(int(array.max(initial=0)) + 1, low + 1, 1), low)
    if array.dtype.kind == "c":
        return ArraySpec("c64", array.shape)
    in_unit_interval = array.size > 0 and array.min() >= 0 and array.max() <= 1
    return ArraySpec("unit" if in_unit_interval else "f32", array.shape)
