"""Mistakes that a translator makes, as changes of the text of a program: one at a time, wherever they apply.

Operators (`mutation_operators.py`) look at one node of the syntax tree and give the texts that would stand there. Texts
are replaced within their lines, so that all other lines keep their numbers.
"""

from __future__ import annotations

import ast
import random
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mutation_operators import changes


@dataclass(frozen=True)
class Mutation:
    """One mistake.

    start, end: offsets of the replaced text in UTF-8. statement: the lines of the statement that it is in; whole: the
    offsets of that statement. drops: whether all of it goes. initialises: whether it is an argument of an initialiser.
    """

    kind: str
    start: int
    end: int
    old: str
    new: str
    statement: tuple[int, int]
    whole: tuple[int, int]
    drops: bool = False
    initialises: bool = False

    def applied(self, source: str) -> str:
        """The program with the mistake."""
        data = source.encode()
        return (data[: self.start] + self.new.encode() + data[self.end :]).decode()


def mutations(source: str, is_own: Callable[[int], bool]) -> list[Mutation]:
    """Every mistake that can be made in a program, in the lines of its own (not in helpers)."""
    tree = ast.parse(source)
    return [found for found in Finder(source, tree).all() if is_own(found.statement[0]) and _parses(source, found)]


def chosen(found: Sequence[Mutation], count: int, rng: random.Random) -> list[Mutation]:
    """Up to ``count`` of them at random: one of each kind in turn, no statement twice before each had one."""
    by_kind: dict[str, list[Mutation]] = defaultdict(list)
    for mutation in rng.sample(found, len(found)):
        by_kind[mutation.kind].append(mutation)
    kinds = rng.sample(sorted(by_kind), len(by_kind))
    picked: list[Mutation] = []
    used: dict[tuple[int, int], int] = defaultdict(int)
    while len(picked) < min(count, len(found)):
        for kind in kinds:
            if by_kind[kind] and len(picked) < count:
                least = min(by_kind[kind], key=lambda mutation: used[mutation.statement])
                by_kind[kind].remove(least)
                used[least.statement] += 1
                picked.append(least)
    return picked


def _parses(source: str, mutation: Mutation) -> bool:
    try:
        ast.parse(mutation.applied(source))
    except SyntaxError:
        return False
    return True


class Finder:
    """The places of one program at which operators apply."""

    def __init__(self, source: str, tree: ast.Module) -> None:
        self.source, self.tree = source, tree
        self.starts = [0]
        for line in source.encode().splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))
        self.parents = {child: node for node in ast.walk(tree) for child in ast.iter_child_nodes(node)}

    def all(self) -> Iterator[Mutation]:
        """Every mistake, each once."""
        seen: set[tuple[int, int, str]] = set()
        for node in ast.walk(self.tree):
            if not self._is_code(node):
                continue
            for kind, replaced, new in changes(node, self):
                start, end = self.span(replaced)
                old = self.source.encode()[start:end].decode()
                if old != new and (start, end, new) not in seen:
                    seen.add((start, end, new))
                    yield self._mutation(kind, replaced, new)

    def _mutation(self, kind: str, replaced: ast.AST, new: str) -> Mutation:
        start, end = self.span(replaced)
        statement = self.statement(replaced)
        whole, lines = self.span(statement), _lines(statement)
        drops = replaced is statement and new == "pass"
        if drops and len(self._siblings(statement)) > 1:  # its lines go
            start, end, new = self.starts[lines[0] - 1], self.starts[lines[1]], ""
        return Mutation(kind, start, end, self.text(replaced), new, lines, whole, drops, self._initialises(replaced))

    def _initialises(self, node: ast.AST) -> bool:
        while not isinstance(node, ast.stmt):
            if isinstance(node, ast.Call) and ("initializers" in (text := self.text(node.func)) or "fan_in" in text):
                return True
            if isinstance(node, ast.keyword) and (node.arg or "").endswith("_init"):
                return True
            node = self.parents[node]
        return False

    def _siblings(self, statement: ast.stmt) -> list[ast.stmt]:
        lists = (value for _, value in ast.iter_fields(self.parents[statement]) if isinstance(value, list))
        return next((statements for statements in lists if statement in statements), [])

    def span(self, node: ast.AST) -> tuple[int, int]:
        """Where a node is in the UTF-8 text."""
        start = self.starts[node.lineno - 1] + node.col_offset  # type: ignore[attr-defined]
        return start, self.starts[node.end_lineno - 1] + node.end_col_offset  # type: ignore[attr-defined]

    def text(self, node: ast.AST) -> str:
        """What stands at a node."""
        start, end = self.span(node)
        return self.source.encode()[start:end].decode()

    def statement(self, node: ast.AST) -> ast.stmt:
        """The statement that a node is in."""
        while not isinstance(node, ast.stmt):
            node = self.parents[node]
        return node

    def function(self, node: ast.AST) -> ast.FunctionDef | None:
        """The function that a node is in."""
        at: ast.AST | None = node
        while at is not None and not isinstance(at, ast.FunctionDef):
            at = self.parents.get(at)
        return at

    def _is_code(self, node: ast.AST) -> bool:
        """Not in imports, annotations, assertions, errors, decorators or docstrings."""
        at = node
        while at in self.parents:
            parent = self.parents[at]
            if isinstance(at, ast.Import | ast.ImportFrom | ast.Raise | ast.Assert | ast.arg | ast.JoinedStr):
                return False
            if isinstance(parent, ast.ClassDef) and (at in parent.bases or at in parent.decorator_list):
                return False
            if isinstance(parent, ast.FunctionDef) and (at is parent.returns or at in parent.decorator_list):
                return False
            if isinstance(parent, ast.AnnAssign) and at is parent.annotation:
                return False
            if isinstance(at, ast.Expr) and isinstance(at.value, ast.Constant):
                return False
            if isinstance(parent, ast.Assign) and any(
                isinstance(t, ast.Name) and t.id == "__all__" for t in parent.targets
            ):
                return False
            at = parent
        return True


def _lines(statement: ast.stmt) -> tuple[int, int]:
    """The first and last line of a statement; of a compound one, of its header."""
    body = getattr(statement, "body", None)
    last = body[0].lineno - 1 if isinstance(body, list) and body else statement.end_lineno
    return statement.lineno, max(statement.lineno, last or statement.lineno)
