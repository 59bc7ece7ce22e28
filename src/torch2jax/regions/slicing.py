"""Which statements before ``backward`` the loss depends on, and which of them work on the parameters."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import libcst as cst

from torch2jax.regions.paths import Access, overlap
from torch2jax.regions.region import NoRegionError
from torch2jax.source.nodes import children


def backward_slice(
    statements: Sequence[Any], access: Mapping[Any, Access], wanted: Mapping[Any, Collection[str]]
) -> tuple[list[Any], set[str]]:
    """The statements that what is wanted depends on, in order, and what they need from before.

    ``wanted``: by the statements that want it.
    """
    needed: set[str] = set()
    found: list[Any] = []
    for statement in reversed(statements):
        if statement in wanted:
            needed |= set(wanted[statement])
            continue
        does = access[statement]
        if overlap(does.writes, needed):
            found.append(statement)
            needed -= does.kills
            needed |= does.reads.keys()
    return found[::-1], needed


def dependent(statements: Sequence[Any], access: Mapping[Any, Access], places: Collection[str]) -> list[Any]:
    """Those whose results depend on the values in some places, in order."""
    reached = set(places)
    found: list[Any] = []
    for statement in statements:
        does = access[statement]
        if overlap(does.reads, reached):
            found.append(statement)
            reached |= does.writes.keys()
        else:
            reached -= does.kills - set(places)
    return found


def check_order(statement: Any, does: Access, passed: Sequence[Access], state: Collection[str]) -> tuple[str, ...]:
    """Raise `NoRegionError` unless a statement may run after those that follow it.

    ``passed``: what those do. ``state``: modules and optimizers, which change where they are used. Returns the names
    that it reads and that have another value by then: it may, with the values kept under other names.
    """
    renewed: dict[str, None] = {}
    for other in passed:
        changed = overlap(other.reads, state)
        new = overlap(does.reads, other.writes)
        renewed |= dict.fromkeys(new)
        if overlap(does.reads, changed) or overlap(does.writes, {*changed, *other.writes, *other.reads}):
            message = "this statement between the forward pass and the update would have to run after it"
            raise NoRegionError(message, statement, "move it in front of the forward pass or behind the update")
    if any("." in path for path in renewed):
        message = "this statement between the forward pass and the update reads an attribute that changes"
        raise NoRegionError(message, statement, "move it in front of the forward pass or behind the update")
    return tuple(renewed)


def exits(statement: Any) -> Iterator[cst.CSTNode]:
    """What in a statement goes on elsewhere than behind it."""
    stack: list[tuple[cst.CSTNode, bool]] = [(statement, False)]
    while stack:
        node, in_loop = stack.pop()
        if isinstance(node, cst.FunctionDef | cst.ClassDef | cst.Lambda):
            continue
        if isinstance(node, cst.Return | cst.Raise | cst.Yield | cst.Await):
            yield node
        if isinstance(node, cst.Break | cst.Continue) and not in_loop:
            yield node
        inside = in_loop or isinstance(node, cst.For | cst.While)
        stack += [(child, inside) for child in children(node)]
