"""The objects that rules of modules build, and the axis order that these work in."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.kinds import (
    MISSING,
    Layer,
)
from torch2jax.infer.layout import Layout, normal
from torch2jax.rules.bind import Arg, Bound, bind
from torch2jax.rules.guards import choose
from torch2jax.rules.model import Branch, Refusal, Rule


def uses_rngs(template: Any) -> bool:
    """Whether a template mentions ``rngs``."""
    if not isinstance(template, tuple):
        return False
    if template[:2] == ("name", "rngs"):
        return True
    return any(uses_rngs(part) for part in template)


def layer_of(rule: Rule, template: Any, site: Any = None) -> Layer:
    """The object that a template of a Module rule builds."""
    flax = ""
    if template is not None and template[0] == "call":
        flax = _spelled(template[1])
    stateless = flax in ("", "partial") or not uses_rngs(template)
    return Layer(rule.name, flax, stateless, site=site, rule=rule)


def default_branch(rule: Rule, given: dict[str, Arg] | None = None) -> Branch | None:
    """The branch that a call with nothing but required arguments of unknown value, and those given, takes."""
    required = [p.name for p in rule.params if p.required and p.kind in ("pos", "pos_only")]
    keywords = {name: Arg(cst.Name("given")) for name in required} | (given or {})
    positional = [keywords.pop(p.name) for p in rule.params if p.kind == "pos_only" and p.name in keywords]
    bound = bind(rule, positional, keywords)
    if not isinstance(bound, Bound):
        return None
    choice = choose(rule, bound)
    return None if isinstance(choice, Refusal) else choice.branch


def default_layer(rule: Rule) -> Layer:
    """The object that a Module rule builds when nothing is known of the optional arguments."""
    branch = default_branch(rule)
    return layer_of(rule, branch.template if branch is not None else rule.branches[-1].template)


def _spelled(expr: Any) -> str:
    if expr[0] in ("name", "helper"):
        return str(expr[1])
    return f"{_spelled(expr[1])}.{expr[2]}" if expr[0] == "attr" else ""


def bound_layout(rule: Rule, rank: int | None) -> Layout:
    """The layout that a rule wants of a tensor of this rank; MISSING when the rank decides and is unknown."""
    layout = rule.layout
    if layout is None:
        return None
    if layout.rank is None:
        if rank is None:
            return MISSING  # type: ignore[no-any-return]
        return normal(layout.permutation(rank)) if rank >= 2 else None
    full = layout.permutation(layout.rank)
    if rank == layout.rank - 1:
        return normal(tuple(axis - 1 for axis in full if axis != 0))
    return normal(full)


_TAKE_ONE = ("nnx.Conv", "nnx.ConvTranspose")  # layers of Flax that do without an axis for the batch


def lacks_batch(rule: Rule, rank: int | None, flax: str = "") -> bool:
    """Whether an array has all axes of a rule's layout but the first: PyTorch's layers take one example alone.

    ``flax``: the class of the layer that is called.
    """
    layout = rule.layout
    return layout is not None and layout.rank is not None and rank == layout.rank - 1 and flax not in _TAKE_ONE
