"""Putting imports into a module where its author would have put them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import libcst as cst

from torch2jax.rewrite.import_removal import Statement
from torch2jax.rewrite.requirements import (
    Requirement,
    alias_node,
    dotted,
    import_statements,
    member_key,
    section_of,
    sort_key,
    wrap_if_long,
)
from torch2jax.source.scope import children, walk

_BLANK: Final = cst.EmptyLine(indent=False)
_STDLIB, _THIRD_PARTY, _RELATIVE = 1, 2, 3


@dataclass(frozen=True, slots=True)
class Anchor:
    """A place for imports: before `body[index]`, the first of them under `lines`."""

    index: int
    lines: Sequence[cst.EmptyLine] = ()


def insert_imports(
    body: Sequence[Statement], missing: Iterable[Requirement], anchor: Anchor | None = None, *, crowded: bool = False
) -> list[Statement]:
    """The body of a module with imports of the `missing` names.

    Args:
        body: its statements.
        missing: what to import.
        anchor: the place for third-party imports, where one was removed; behind the imports of the file by default.
        crowded: the file starts with a comment that no blank line sets apart from its first statement.
    """
    edited = list(body)
    sections: dict[int, list[Requirement]] = {}
    for requirement in missing:
        sections.setdefault(section_of(requirement.module, requirement.level), []).append(requirement)
    if _THIRD_PARTY in sections:
        anchor = anchor or _default_anchor(edited, _THIRD_PARTY, crowded=crowded)
        _insert(edited, sections[_THIRD_PARTY], anchor)
    if _RELATIVE in sections:
        _insert(edited, sections[_RELATIVE], _default_anchor(edited, _RELATIVE, crowded=crowded))
    if _STDLIB in sections:
        _insert(edited, sections[_STDLIB], _default_anchor(edited, _STDLIB, crowded=crowded))
    return edited


def join_imports(
    body: Sequence[Statement], missing: Iterable[Requirement], dropped: Collection[cst.CSTNode] = ()
) -> tuple[Sequence[Statement], list[Requirement]]:
    """Add members to `from` imports that the head of the module has already; the body, and what is still missing.

    Of an import that gets a member, names that are `dropped` go at once.
    """
    edited = list(body)
    rest: list[Requirement] = []
    head = range(end_of_imports(edited))
    for requirement in missing:
        for index in head:
            joined = _with_member(edited[index], requirement, dropped)
            if joined is not None:
                edited[index] = joined
                break
        else:
            rest.append(requirement)
    return (edited if any(a is not b for a, b in zip(edited, body, strict=True)) else body), rest


def end_of_imports(body: Sequence[Statement]) -> int:
    """The index behind the imports at the head of a module: before its first definition, loop or `__main__` block."""
    end = 1 if body and _is_docstring(body[0]) else 0
    for index, statement in enumerate(body):
        if isinstance(statement, (cst.FunctionDef, cst.ClassDef, cst.For, cst.While, cst.With, cst.Match)):
            break
        if isinstance(statement, cst.If) and any(
            isinstance(node, cst.Name) and node.value == "__name__" for node in walk(statement.test)
        ):
            break
        if contains_import(statement):
            end = index + 1
    return end


def contains_import(statement: cst.CSTNode) -> bool:
    """Whether an import stands in a simple statement, or in the blocks of an `if` or `try`."""
    if isinstance(statement, (cst.Import, cst.ImportFrom)):
        return True
    blocks = (cst.SimpleStatementLine, cst.SimpleStatementSuite, cst.IndentedBlock, cst.Else, cst.Finally)
    if isinstance(statement, (*blocks, cst.If, cst.Try, cst.ExceptHandler)):
        return any(contains_import(child) for child in children(statement))
    return False


def has_blank_above(statement: Statement) -> bool:
    """Whether a blank line sets the statement (or the comment that belongs to it) apart from what stands above."""
    return any(line.comment is None for line in statement.leading_lines)


def _default_anchor(body: list[Statement], section: int, *, crowded: bool) -> Anchor:
    """A place among the imports at the head of the module, in the order standard library, third party, relative."""
    end = end_of_imports(body)
    places = [(index, found) for index in range(end) if (found := section_of_line(body[index])) is not None]
    same = [index for index, found in places if found == section]
    if same:
        return Anchor(same[-1] + 1)
    later = [index for index, found in places if found > section]
    earlier = [index for index, found in places if found < section]
    if earlier and not (section == _STDLIB and later):
        _set_apart(body, earlier[-1] + 1)
        return Anchor(earlier[-1] + 1, [_BLANK])
    if later:
        first = body[later[0]]
        body[later[0]] = first.with_changes(leading_lines=[_BLANK])
        return Anchor(later[0], first.leading_lines)
    _set_apart(body, end)
    return Anchor(end, [_BLANK] if end or crowded else [])


def _set_apart(body: list[Statement], index: int) -> None:
    """Give the statement at `index` the blank lines that it needs below a new block of imports."""
    if index < len(body):
        statement = body[index]
        wanted = 2 if isinstance(statement, (cst.FunctionDef, cst.ClassDef)) else 1
        present = sum(1 for line in statement.leading_lines if line.comment is None)
        body[index] = _with_lines_above(statement, [_BLANK] * max(0, wanted - present))


def _insert(body: list[Statement], requirements: Iterable[Requirement], anchor: Anchor) -> None:
    """Insert imports of one section; where they touch sorted imports of that section, sort them in."""
    new: list[Statement] = [cst.SimpleStatementLine([statement]) for statement in import_statements(requirements)]
    new[0] = new[0].with_changes(leading_lines=anchor.lines)
    start, end = anchor.index, anchor.index + len(new)
    body[start:start] = new
    section = section_of_line(new[0])
    while start > 0 and section_of_line(body[start - 1]) == section and not has_blank_above(body[start]):
        start -= 1
    while end < len(body) and section_of_line(body[end]) == section and not has_blank_above(body[end]):
        end += 1
    old = [statement for statement in body[start:end] if statement not in new]
    if [_line_key(s) for s in old] == sorted(_line_key(s) for s in old):
        head = body[start].leading_lines
        body[start] = body[start].with_changes(leading_lines=[])
        body[start:end] = sorted(body[start:end], key=_line_key)
        body[start] = _with_lines_above(body[start], head)


def _with_member(line: Statement, requirement: Requirement, dropped: Collection[cst.CSTNode] = ()) -> Statement | None:
    """The line with one more imported name; None where it is no `from` import of the required module."""
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1 or requirement.name is None:
        return None
    statement = line.body[0]
    if not isinstance(statement, cst.ImportFrom) or isinstance(statement.names, cst.ImportStar):
        return None
    if (dotted(statement.module), len(statement.relative)) != (requirement.module, requirement.level):
        return None
    aliases = [alias for alias in statement.names if alias not in dropped]
    keys = [member_key(dotted(alias.name)) for alias in aliases]
    own = member_key(requirement.name)
    at = next((i for i, key in enumerate(keys) if key > own), len(keys)) if keys == sorted(keys) else len(keys)
    if statement.lpar is None or len(aliases) < len(statement.names):
        aliases.insert(at, alias_node(requirement))
        return line.with_changes(body=[wrap_if_long(statement.with_changes(names=aliases))])
    between = _comma_between(statement.lpar)
    if at < len(aliases):
        aliases.insert(at, alias_node(requirement).with_changes(comma=between))
    else:
        last = aliases[-1]
        aliases[-1] = last.with_changes(comma=between)
        aliases.append(alias_node(requirement).with_changes(comma=last.comma))
    return line.with_changes(body=[statement.with_changes(names=aliases)])


def _comma_between(opening: cst.LeftParen) -> cst.Comma:
    """A comma that continues a parenthesised list as its opening bracket began it: on the same line or the next."""
    start = opening.whitespace_after
    if isinstance(start, cst.ParenthesizedWhitespace):
        plain = cst.ParenthesizedWhitespace(indent=start.indent, last_line=start.last_line)
        return cst.Comma(whitespace_after=plain)
    return cst.Comma(whitespace_after=cst.SimpleWhitespace(" "))


def _with_lines_above(statement: Statement, lines: Sequence[cst.EmptyLine]) -> Statement:
    return statement.with_changes(leading_lines=[*lines, *statement.leading_lines]) if lines else statement


def section_of_line(line: Statement) -> int | None:
    """The section of a line that is one import statement; None for everything else."""
    if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
        return None
    statement = line.body[0]
    if isinstance(statement, cst.Import):
        return max(section_of(dotted(alias.name)) for alias in statement.names)
    if isinstance(statement, cst.ImportFrom):
        return section_of(dotted(statement.module), len(statement.relative))
    return None


def _line_key(line: Statement) -> tuple[bool, int, str]:
    """The sort key of a line for which `section_of_line` found a section."""
    statement = line.body[0] if isinstance(line, cst.SimpleStatementLine) else None
    return sort_key(statement) if isinstance(statement, (cst.Import, cst.ImportFrom)) else (True, 0, "")


def _is_docstring(statement: cst.CSTNode) -> bool:
    if not isinstance(statement, cst.SimpleStatementLine) or not isinstance(statement.body[0], cst.Expr):
        return False
    return isinstance(statement.body[0].value, (cst.SimpleString, cst.ConcatenatedString))
