"""Text and positions of nodes: libcst's own code generation, without the bookkeeping for nodes that nobody asks of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass

import libcst as cst
from libcst._nodes.internal import CodegenState

_LINE_END = re.compile(r"\r\n?|\n")
_NOTHING: AbstractContextManager[None] = nullcontext()


@dataclass(frozen=True, slots=True)
class Span:
    """Where a node stands: lines from 1, columns from 0."""

    line: int
    column: int
    end_line: int
    end_column: int


def code_of(node: cst.CSTNode, module: cst.Module) -> str:
    """What `module.code_for_node(node)` gives."""
    state = _Printer(module.default_indent, module.default_newline)
    node._codegen(state)
    return "".join(state.tokens)


def spans_of(nodes: Iterable[cst.CSTNode], module: cst.Module) -> dict[cst.CSTNode, Span]:
    """What libcst's `PositionProvider` says of these nodes; those that are not in the module are left out."""
    wanted = list(nodes)
    state = _Marker(module, wanted)
    module._codegen(state)
    found = {node: mark for node in wanted if (mark := state.marks[id(node)]) is not None}
    places = _places(state.tokens, sorted({index for mark in found.values() for index in mark}))
    return {node: Span(*places[start], *places[end]) for node, (start, end) in found.items()}


class _Printer(CodegenState):
    """Collects the text only."""

    def record_syntactic_position(  # type: ignore[override]  # a generator for each node takes longer than the rest
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> AbstractContextManager[None]:
        return _NOTHING


class _Marker(_Printer):
    """Notes between which tokens the nodes in `marks` stand, by identity; None until they have been printed."""

    def __init__(self, module: cst.Module, wanted: Iterable[cst.CSTNode]) -> None:
        super().__init__(module.default_indent, module.default_newline)
        self.marks: dict[int, tuple[int, int] | None] = {id(node): None for node in wanted}
        self.starts: list[int] = []

    def before_codegen(self, node: cst.CSTNode) -> None:
        if id(node) in self.marks:
            self.starts.append(len(self.tokens))

    def after_codegen(self, node: cst.CSTNode) -> None:
        if id(node) in self.marks:
            start = self.starts.pop()
            self.marks[id(node)] = self.marks[id(node)] or (start, len(self.tokens))

    def record_syntactic_position(  # type: ignore[override]
        self, node: cst.CSTNode, *, start_node: cst.CSTNode | None = None, end_node: cst.CSTNode | None = None
    ) -> AbstractContextManager[None]:
        return self._recorded(node, start_node, end_node) if id(node) in self.marks else _NOTHING

    @contextmanager
    def _recorded(
        self, node: cst.CSTNode, start_node: cst.CSTNode | None, end_node: cst.CSTNode | None
    ) -> Iterator[None]:
        """A node without the white space around it, or from the start of one of its parts to the end of another."""
        for part in (start_node, end_node):
            if part is not None:
                self.marks.setdefault(id(part), None)
        start = len(self.tokens)
        yield
        first, last = (self.marks[id(part)] if part is not None else None for part in (start_node, end_node))
        self.marks[id(node)] = (first[0] if first else start, last[1] if last else len(self.tokens))

    def pop_trailing_newline(self) -> None:
        """The last token may end a node."""


def _places(tokens: list[str], indices: list[int]) -> dict[int, tuple[int, int]]:
    """The line and column before the tokens of these indices, which ascend."""
    places: dict[int, tuple[int, int]] = {}
    line, column, done = 1, 0, 0
    for index in indices:
        lines = _LINE_END.split("".join(tokens[done:index]))
        column = len(lines[-1]) + (column if len(lines) == 1 else 0)
        line += len(lines) - 1
        places[index] = line, column
        done = index
    return places
