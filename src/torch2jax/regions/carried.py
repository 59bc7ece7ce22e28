"""Values that a loss takes from outside its region, and that depend on the parameters all the same.

What a training step gets as an argument is a constant to it. PyTorch differentiates through such values too.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Api
from torch2jax.infer.program import FunctionInfo
from torch2jax.regions.callees import receiver_of
from torch2jax.regions.paths import Access, access_of, overlap, shown
from torch2jax.regions.region import NoRegionError
from torch2jax.regions.slicing import backward_slice, dependent
from torch2jax.regions.trained import calls_of
from torch2jax.source.nodes import walk


def carried(
    statements: Sequence[Any], access: Mapping[Any, Access], inputs: Collection[str], models: Collection[str]
) -> list[Any]:
    """Those of the statements in front of a region through which its inputs depend on the models, in order."""
    end = object()
    needed, _ = backward_slice([*statements, end], access, {end: inputs})
    return dependent(needed, access, models)


def check_given(fn: FunctionInfo, inputs: Collection[str], models: Collection[str]) -> None:
    """Raise `NoRegionError` where what comes from another function may depend on the models.

    A parameter may be given what a caller has computed with the model; an attribute may be set by another method.
    """
    receiver = receiver_of(fn)
    for path in sorted(inputs):
        root = path.partition(".")[0]
        if root in fn.params and root != receiver:
            for caller, node, given in calls_of(fn):
                sources = {given[m] for m in models if m in given} | {
                    m for m in models if m.partition(".")[0] == receiver
                }
                if root in given and overlap([given[root]], depending(caller, sources)):
                    raise NoRegionError(f"`{given[root]}` depends on the model", node, "compute it beside the loss")
        elif receiver and path.startswith(f"{receiver}.") and fn.owner is not None:
            _check_attribute(fn, path, models)


def _check_attribute(fn: FunctionInfo, path: str, models: Collection[str]) -> None:
    assert fn.owner is not None
    for cls in fn.owner.mro():
        for method in cls.methods.values():
            if method is fn or method.name == "__init__":
                continue
            own = receiver_of(method)
            here = path.replace(receiver_of(fn), own, 1)
            sources = {m.replace(receiver_of(fn), own, 1) for m in models if m.startswith(f"{receiver_of(fn)}.")}
            if here in depending(method, sources):
                message = f"`{shown(path)}` is computed with the model in `{method.name}`"
                raise NoRegionError(message, method.node, "compute it in the function that calls backward")


def depending(fn: FunctionInfo, models: Collection[str]) -> set[str]:
    """The places in a function whose values may depend on models, whatever the order of the statements."""
    reached = set(models)
    lines = [node for node in walk(fn.node) if isinstance(node, cst.Assign | cst.AnnAssign | cst.AugAssign)]
    lines = [line for line in lines if not _is_copied(fn, line.value)]
    does = [access_of(line, fn.facts.kinds.get) for line in lines]
    while True:
        new = {path for each in does if overlap(each.reads, reached) for path in each.writes} - reached
        if not new:
            return reached - set(models)
        reached |= new


def _is_copied(fn: FunctionInfo, value: cst.BaseExpression | None) -> bool:
    """Whether a value is a deep copy, which nothing is differentiated through."""
    kind = fn.facts.kinds.get(value.func) if isinstance(value, cst.Call) else None
    return isinstance(kind, Api) and kind.name == "copy.deepcopy"
