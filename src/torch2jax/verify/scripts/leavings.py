"""The arrays and numbers that a program leaves in its module's globals."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from torch2jax.verify.alike import kept
from torch2jax.weights.arrays import as_numpy


def values_in(namespace: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What the public names hold, each by path; names without an array or number are left out."""
    found = {}
    for name, value in namespace.items():
        if name.startswith("_") or inspect.ismodule(value) or inspect.isroutine(value) or isinstance(value, type):
            continue
        try:
            inside = {path: _plain(leaf) for path, leaf in kept(value).items()}
        except Exception:  # noqa: S112 - an object of the program that can't be looked into has no value to compare
            continue
        if inside:
            found[name] = inside
    return found


def _plain(leaf: Any) -> Any:
    """An array as one of NumPy: JAX would round one of float64 in a process that has no 64-bit switch."""
    return leaf if isinstance(leaf, bool | int | float) else as_numpy(leaf)
