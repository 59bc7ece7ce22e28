"""The order of the names of a state dict, which tells named children of an `nn.Sequential` apart.

A pickle keeps it; safetensors sorts its names, and so does the index of a sharded checkpoint.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

from flax import nnx

from torch2jax.weights.walk import slots

Value = TypeVar("Value")


def in_order_of(names: Iterable[str], arrays: Mapping[str, Value]) -> dict[str, Value]:
    """The arrays in the order of these names, then the others."""
    first = {name: arrays[name] for name in names if name in arrays}
    return {**first, **{name: array for name, array in arrays.items() if name not in first}}


def ambiguous(model: nnx.Module, names: Iterable[str], source: Path) -> Iterator[str]:
    """Sentences for the arrays that another order of the names would give other names: at most one for all."""
    one, other = ({s.path: s.name for s in slots(model, sorted(names, reverse=reverse))} for reverse in (False, True))
    found = [name for path, name in one.items() if other.get(path) != name]
    if found:
        several = f"{', '.join(found[:4])}{', ...' if len(found) > 4 else ''}"
        yield (
            f"{several}: named children of an nn.Sequential are told apart by their order, which {source} "
            "does not keep; use a checkpoint that torch.save wrote, as the source or with --like"
        )
