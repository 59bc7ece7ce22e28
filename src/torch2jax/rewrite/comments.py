"""Comments inside statements: those that a translation has no place for go above it, so that none is lost."""

from __future__ import annotations

import io
import tokenize
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import libcst as cst


def has_comments_inside(source: str) -> bool:
    """Whether a comment stands between brackets somewhere in a file; most files have none, and need no search."""
    if "#" not in source:
        return False
    depth = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(source).readline):
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
            elif token.type == tokenize.COMMENT and depth:
                return True
    except (tokenize.TokenError, SyntaxError):
        return True
    return False


def with_lost_comments(original: cst.SimpleStatementLine, lines: Sequence[Any]) -> list[Any]:
    """The translation of a statement below the comments in it that are not in the translation."""
    left = Counter(_comments(lines))
    lost = []
    for text in _comments(original.body):
        if left[text]:
            left[text] -= 1
        else:
            lost.append(cst.EmptyLine(comment=cst.Comment(text)))
    if not lost or not lines or not hasattr(lines[0], "leading_lines"):
        return list(lines)
    first = lines[0].with_changes(leading_lines=[*lines[0].leading_lines, *lost])
    return [first, *lines[1:]]


def _comments(nodes: Iterable[cst.CSTNode]) -> Iterator[str]:
    """The texts of all comments in the nodes, in order."""
    stack = list(reversed(list(nodes)))
    while stack:
        node = stack.pop()
        if isinstance(node, cst.Comment):
            yield node.value
        stack.extend(reversed(node.children))
