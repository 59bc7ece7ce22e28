"""Blocks of statements in a function, and the backward passes and steps in them that belong together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from torch2jax.regions.region import Marked, Role
from torch2jax.source.nodes import children


@dataclass(slots=True)
class Group:
    """Backward passes in a block and the steps that use up their gradients, by the numbers of their statements."""

    backward: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Block:
    """Statements in a row.

    ``loop``: the outermost loop around them in their function. ``before``: what was run before them in the same turn of
    the innermost loop.
    """

    statements: Sequence[Any]
    loop: Any
    before: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Place:
    """Where a region may be: a group in a block, and the first statement that can belong to it."""

    block: Block
    roles: Mapping[int, Marked]
    group: Group
    start: int

    def is_zeroed(self) -> bool:
        """Whether gradients are zeroed in front of the backward pass, in the same block."""
        return any(self.roles[i].role is Role.ZERO for i in self.roles if self.start <= i < self.group.backward[0])

    @property
    def sink(self) -> Marked:
        """The first backward pass."""
        return self.roles[self.group.backward[0]]


def groups(roles: Mapping[int, Marked], *, by_zeros: bool = False) -> Iterator[tuple[Group, int]]:
    """The groups of a block, each with the number of the first statement that can belong to it.

    ``by_zeros``: gradients that are zeroed are those of a group of their own, without a step.
    """
    group, start = Group(), 0
    for index, marked in roles.items():
        if by_zeros and marked.role is Role.ZERO and group.backward and not group.steps:
            yield group, start
            start = index
            group = Group()
        if marked.role is Role.BACKWARD:
            if group.steps:
                yield group, start
                start = group.steps[-1] + 1
                group = Group()
            group.backward.append(index)
        elif marked.role is Role.STEP and group.backward:
            group.steps.append(index)
    if group.backward:
        yield group, start


def blocks(node: cst.CSTNode, loop: Any = None, before: tuple[Any, ...] = ()) -> Iterator[Block]:
    """The blocks of a function, without those of functions in it."""
    body = node.body if isinstance(node, cst.Module | cst.IndentedBlock) else None
    if body is None:
        for child in children(node):
            if not isinstance(child, cst.FunctionDef | cst.ClassDef | cst.Lambda | cst.SimpleStatementLine):
                yield from blocks(child, loop, before)
        return
    statements = list(body)
    yield Block(statements, loop, before)
    for index, statement in enumerate(statements):
        if isinstance(statement, cst.FunctionDef | cst.ClassDef | cst.SimpleStatementLine):
            continue
        if isinstance(statement, cst.For | cst.While):
            yield from blocks(statement, loop or statement, ())
        else:
            yield from blocks(statement, loop, (*before, *statements[:index]))
