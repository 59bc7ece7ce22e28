"""Inputs with another size of the batch."""

from __future__ import annotations

from dataclasses import replace

from torch2jax.verify.bench.settings import BenchError
from torch2jax.verify.inputs import ArraySpec, Inputs, map_leaves


def with_batch(inputs: Inputs, batch: int | None) -> Inputs:
    """The inputs with another first size: of every array whose first size is that of the first array.

    Raises BenchError where no input has a first axis.
    """
    if batch is None:
        return inputs
    size = batch_of(inputs)
    if size is None:
        raise BenchError("there is no batch to change: no input is an array with axes")

    def resized(leaf: object) -> object:
        if isinstance(leaf, ArraySpec) and leaf.shape[:1] == (size,):
            return replace(leaf, shape=(batch, *leaf.shape[1:]))
        return leaf

    return inputs.map(resized)


def batch_of(inputs: Inputs) -> int | None:
    """The first size of the first array that has axes; None without one."""
    return next((spec.shape[0] for spec in specs_of(inputs) if spec.shape), None)


def specs_of(inputs: Inputs) -> list[ArraySpec]:
    """The arrays among the inputs, in order."""
    found: list[ArraySpec] = []
    for value in (*inputs.args, *(inputs.kwargs or {}).values()):
        map_leaves(value, lambda leaf: found.append(leaf) if isinstance(leaf, ArraySpec) else None)
    return found


def shapes_of(inputs: Inputs) -> str:
    """The shapes of the arrays, for people: `f32[8,3,32,32], int[8]`."""
    return ", ".join(f"{spec.kind}[{','.join(map(str, spec.shape)) or '()'}]" for spec in specs_of(inputs))
