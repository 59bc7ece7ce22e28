"""The header of a rule compared with the signature that the installed torch has."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Mapping
from functools import reduce
from typing import Any

import torch

from torch2jax.rules.expr import literal
from torch2jax.rules.model import UNKNOWN, Param, Rule


def header_problem(rule: Rule, names: Iterable[str]) -> str | None:
    """What the header misses or gets wrong, "" if nothing; None where torch's signature can't be read.

    Parameter names, their order and literal defaults are compared. Functions implemented in C++ have no signature.
    ``names`` are those of the rule's names that no other rule overloads.
    """
    if rule.kind != "rule":
        return None
    problems: list[str] = []
    readable = False
    for name in names:
        signature = _signature(name)
        if signature is None:
            continue
        readable = True
        problem = _difference(rule, signature)
        if problem:
            problems.append(f"{name}: {problem}")
    return "; ".join(problems) if readable else None


def _signature(name: str) -> Mapping[str, inspect.Parameter] | None:
    if name.startswith("torch.Tensor.") or name.endswith(".*"):
        return None
    try:
        target: Any = reduce(getattr, name.split(".")[1:], torch)
        if isinstance(target, type):
            target = inspect.unwrap(target.__init__)  # type: ignore[misc]
        parameters = dict(inspect.signature(target).parameters)
    except (AttributeError, TypeError, ValueError):
        return None
    parameters.pop("self", None)
    if any(p.kind is p.VAR_KEYWORD or p.kind is p.VAR_POSITIONAL for p in parameters.values()):
        return None
    return parameters


def _difference(rule: Rule, theirs: Mapping[str, inspect.Parameter]) -> str:
    ours = {param.name: param for param in rule.params if param.name != "self"}
    missing = [name for name in theirs if name not in ours and not name.startswith("_")]
    # Functions and their nn.functional twins share a rule, and the twins lack `out=`.
    unknown = [name for name, param in ours.items() if name not in theirs and param.annotation != "Out"]
    if missing or unknown:
        sides = [("torch has also", missing), ("torch does not have", unknown)]
        return ", ".join(f"{text} {', '.join(names)}" for text, names in sides if names)
    positional = [name for name, p in theirs.items() if p.kind is not p.KEYWORD_ONLY and name in ours]
    if positional != [param.name for param in rule.params if param.name in positional]:
        return f"torch's order is {', '.join(positional)}"
    for name in theirs:
        problem = _default_difference(ours[name], theirs[name]) if name in ours else ""
        if problem:
            return problem
    return ""


def _default_difference(ours: Param, theirs: inspect.Parameter) -> str:
    if ours.required or theirs.default is theirs.empty:
        if ours.required and theirs.default is not theirs.empty:
            return f"torch has a default for {ours.name}: {theirs.default!r}"
        return "" if ours.required else f"torch has no default for {ours.name}"
    value = UNKNOWN if ours.default is None else literal(ours.default)
    comparable = value is not UNKNOWN and isinstance(theirs.default, bool | int | float | str | tuple | None)
    if comparable and value != theirs.default:
        return f"torch's default for {ours.name} is {theirs.default!r}"
    return ""
