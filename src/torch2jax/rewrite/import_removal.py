"""Taking names out of import statements wherever they stand, and leaving a sane block behind."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, TypeVar

import libcst as cst

from torch2jax.rewrite.line_marks import is_mark
from torch2jax.source.scope import walk

Statement: TypeAlias = cst.SimpleStatementLine | cst.BaseCompoundStatement
_Suite = TypeVar("_Suite", bound=cst.BaseSuite)
_Clause = TypeVar("_Clause", cst.Else, cst.Finally)
_Bodied = TypeVar("_Bodied", cst.With, cst.FunctionDef, cst.ClassDef, cst.MatchCase)
_IMPORTS: Final = (cst.Import, cst.ImportFrom)
PASS: Final = cst.SimpleStatementLine([cst.Pass()])


@dataclass(slots=True, eq=False)
class Removal:
    """Removes import aliases, and whole star imports, from statements.

    `statement` and `suite` return what they got, the same object, where nothing in it goes.
    """

    dropped: Collection[cst.CSTNode]

    def statement(self, node: Statement) -> Sequence[Statement]:
        """What is left of a statement: itself, an edited copy, its surviving parts, or nothing."""
        edit = _EDITS.get(type(node))
        return [node] if edit is None else edit(self, node)

    def statements(self, nodes: Sequence[Statement]) -> Sequence[Statement]:
        """The statements without the dropped imports; comments above a removed one move to the next."""
        kept: list[Statement] = []
        orphaned: Sequence[cst.EmptyLine] = ()
        changed = False
        for node in nodes:
            left = self.statement(node)
            changed = changed or len(left) != 1 or left[0] is not node
            if not left:
                orphaned = join_lines(orphaned, node.leading_lines)
                continue
            first = left[0]
            if orphaned or first is not node:
                first = first.with_changes(leading_lines=join_lines(orphaned, node.leading_lines))
            kept += [first, *left[1:]]
            orphaned = ()
        return kept if changed else nodes

    def _line(self, node: cst.SimpleStatementLine) -> Sequence[Statement]:
        small = self._small(node.body)
        return [node] if small is node.body else [node.with_changes(body=small)] if small else []

    def _loop(self, node: cst.For | cst.While) -> Sequence[Statement]:
        body, orelse = self._filled(node.body), self._clause(node.orelse)
        return [node if body is node.body and orelse is node.orelse else node.with_changes(body=body, orelse=orelse)]

    def _with_body(self, node: _Bodied) -> Sequence[_Bodied]:
        body = self._filled(node.body)
        return [node if body is node.body else node.with_changes(body=body)]

    def _match(self, node: cst.Match) -> Sequence[Statement]:
        cases = [edited for case in node.cases for edited in self._with_body(case)]
        same = all(a is b for a, b in zip(cases, node.cases, strict=True))
        return [node if same else node.with_changes(cases=cases)]

    def _small(self, nodes: Sequence[cst.BaseSmallStatement]) -> Sequence[cst.BaseSmallStatement]:
        if not any(type(node) in _IMPORTS for node in nodes):
            return nodes
        left = [edited for node in nodes if (edited := self._import(node)) is not None]
        if len(left) == len(nodes) and all(a is b for a, b in zip(left, nodes, strict=True)):
            return nodes
        if left:
            left[-1] = left[-1].with_changes(semicolon=nodes[-1].semicolon)
        return left

    def _import(self, node: cst.BaseSmallStatement) -> cst.BaseSmallStatement | None:
        if not isinstance(node, (cst.Import, cst.ImportFrom)):
            return node
        if isinstance(node.names, cst.ImportStar):
            return None if node.names in self.dropped else node
        names = [alias for alias in node.names if alias not in self.dropped]
        if len(names) == len(node.names):
            return node
        if not names:
            return None
        if names[-1] is not node.names[-1]:
            names[-1] = names[-1].with_changes(comma=_closing_comma(names[-1].comma, node.names[-1].comma))
        return node.with_changes(names=names)

    def _block(self, suite: _Suite) -> _Suite | None:
        """The block; None when nothing is left in it."""
        simple = type(suite) is cst.SimpleStatementSuite
        body = self._small(suite.body) if simple else self.statements(suite.body)  # type: ignore[arg-type]
        if body is suite.body:
            return suite
        return suite.with_changes(body=body) if body else None

    def _filled(self, suite: cst.BaseSuite) -> cst.BaseSuite:
        """The block, with `pass` in it when nothing else is left."""
        block = self._block(suite)
        if block is not None:
            return block
        small = isinstance(suite, cst.SimpleStatementSuite)
        return suite.with_changes(body=[cst.Pass()] if small else [PASS])

    def _clause(self, node: _Clause | None) -> _Clause | None:
        if node is None:
            return None
        body = self._block(node.body)
        return node if body is node.body else None if body is None else node.with_changes(body=body)

    def _if(self, node: cst.If) -> Sequence[Statement]:
        body = self._block(node.body)
        orelse = self._orelse(node.orelse)
        if body is node.body and orelse is node.orelse:
            return [node]
        if body is None and orelse is None and not _has_effects(node.test):
            return []
        return [node.with_changes(body=self._filled(node.body) if body is None else body, orelse=orelse)]

    def _orelse(self, node: cst.If | cst.Else | None) -> cst.If | cst.Else | None:
        if not isinstance(node, cst.If):
            return self._clause(node)
        left = self._if(node)
        return left[0] if left else None  # type: ignore[return-value]

    def _try(self, node: cst.Try | cst.TryStar) -> Sequence[Statement]:
        body = self._block(node.body)
        orelse, finalbody = self._clause(node.orelse), self._clause(node.finalbody)
        if body is None:  # nothing can fail: the handlers are dead, the other clauses always run
            return [s for clause in (orelse, finalbody) if clause is not None for s in _as_statements(clause.body)]
        handlers = []
        for handler in node.handlers:
            edited = self._filled(handler.body)
            handlers.append(handler if edited is handler.body else handler.with_changes(body=edited))
        same = all(a is b for a, b in zip(handlers, node.handlers, strict=True))
        if same and body is node.body and orelse is node.orelse and finalbody is node.finalbody:
            return [node]
        if not handlers and finalbody is None:
            return _as_statements(body)
        return [node.with_changes(body=body, handlers=handlers, orelse=orelse, finalbody=finalbody)]


# A table, since `isinstance` on libcst's abstract classes is slow.
_EDITS: Final[dict[type[cst.CSTNode], Callable[[Removal, Any], Sequence[Statement]]]] = {
    cst.ClassDef: Removal._with_body,
    cst.For: Removal._loop,
    cst.FunctionDef: Removal._with_body,
    cst.If: Removal._if,
    cst.Match: Removal._match,
    cst.SimpleStatementLine: Removal._line,
    cst.Try: Removal._try,
    cst.TryStar: Removal._try,
    cst.While: Removal._loop,
    cst.With: Removal._with_body,
}


def join_lines(above: Sequence[cst.EmptyLine], below: Sequence[cst.EmptyLine]) -> list[cst.EmptyLine]:
    """The blank lines and comments of a removed statement and of the next one, as those of the next one."""
    if any(line.comment is not None and not is_mark(line.comment) for line in above):
        return [*above, *below]
    above = [line for line in above if line.comment is None]
    blanks = next((i for i, line in enumerate(below) if line.comment is not None), len(below))
    return [*above[: max(0, len(above) - blanks)], *below]


def _closing_comma(
    own: cst.Comma | cst.MaybeSentinel, last: cst.Comma | cst.MaybeSentinel
) -> cst.Comma | cst.MaybeSentinel:
    """The comma behind an alias that becomes the last one: placed like the old last, with the alias's own comment."""
    if not isinstance(own, cst.Comma) or not isinstance(last, cst.Comma):
        return last
    mine, closing = own.whitespace_after, last.whitespace_after
    if isinstance(mine, cst.ParenthesizedWhitespace) and isinstance(closing, cst.ParenthesizedWhitespace):
        return last.with_changes(whitespace_after=closing.with_changes(first_line=mine.first_line))
    return last


def _as_statements(suite: cst.BaseSuite) -> list[Statement]:
    if isinstance(suite, cst.SimpleStatementSuite):
        return [cst.SimpleStatementLine(suite.body)]
    return list(suite.body)  # type: ignore[arg-type]


def _has_effects(test: cst.BaseExpression) -> bool:
    return any(isinstance(node, (cst.Call, cst.NamedExpr, cst.Await)) for node in walk(test))
