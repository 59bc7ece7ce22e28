"""Comments inside statements: those that a translation has no place for go above it, so that none is lost."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import libcst as cst

# What decides where brackets are: comments, strings, brackets. The tokenizer of Python takes ten times longer.
_LANDMARK = re.compile(
    r"""#[^\n]*|("{3}|'{3})(?:\\.|.)*?\1|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|[()\[\]{}]""", re.DOTALL
)


def has_comments_inside(source: str) -> bool:
    """Whether a comment stands between brackets somewhere in a file; most files have none, and need no search."""
    if "#" not in source:
        return False
    depth = 0
    for found in _LANDMARK.finditer(source):
        sign = found[0][0]
        if sign in "([{":
            depth += 1
        elif sign in ")]}":
            depth -= 1
        elif sign == "#" and depth:
            return True
    return depth != 0  # a string was mistaken


def with_lost_comments(
    original: cst.SimpleStatementLine | cst.BaseCompoundStatement, lines: Sequence[Any]
) -> list[Any]:
    """The translation of a statement below the comments in it that are not in the translation."""
    parts: list[cst.CSTNode] = [original]
    if isinstance(original, cst.SimpleStatementLine):
        parts = [*original.body, original.trailing_whitespace]
    if not _hold_comments(parts):
        return list(lines)
    left = Counter(_comments(lines))
    lost = []
    for text in _comments(parts):
        if left[text]:
            left[text] -= 1
        else:
            lost.append(cst.EmptyLine(comment=cst.Comment(text)))
    if not lost or not lines or not hasattr(lines[0], "leading_lines"):
        return list(lines)
    first = lines[0].with_changes(leading_lines=[*lines[0].leading_lines, *lost])
    return [first, *lines[1:]]


def comments_of(node: Any) -> list[cst.EmptyLine]:
    """The comments above a statement, in it and behind it, as lines of their own."""
    lines = [line for line in getattr(node, "leading_lines", ()) if line.comment is not None]
    if not isinstance(node, cst.SimpleStatementLine):
        return lines
    return [
        *lines,
        *(cst.EmptyLine(comment=cst.Comment(text)) for text in _comments([*node.body, node.trailing_whitespace])),
    ]


def _hold_comments(nodes: Iterable[cst.CSTNode]) -> bool:
    """Whether there is a comment in the nodes: the common case, where there is none, needs no order of the parts."""
    stack: list[Any] = list(nodes)
    while stack:
        node = stack.pop()
        for name in node.__dataclass_fields__:
            part: Any = getattr(node, name) if not name.startswith("_") else None
            kind = type(part)
            if kind is cst.Comment:
                return True
            if kind is tuple or kind is list:
                stack.extend(part)
            elif kind not in _WITHOUT_PARTS:
                stack.append(part)
    return False


# Most of what fields hold, and has no fields of its own to look at.
_WITHOUT_PARTS = frozenset((str, bool, type(None), cst.MaybeSentinel, cst.SimpleWhitespace, cst.Newline))


def _comments(nodes: Iterable[cst.CSTNode]) -> Iterator[str]:
    """The texts of all comments in the nodes, in order."""
    stack = list(reversed(list(nodes)))
    while stack:
        node = stack.pop()
        if isinstance(node, cst.Comment):
            yield node.value
        stack.extend(reversed(node.children))
