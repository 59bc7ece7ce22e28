"""Which line of the source each line of the output comes from.

Where that is asked for, every statement gets a comment above it that says where it comes from; once the output is
printed, the comments are taken out, and what followed them is known.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from torch2jax.infer.program import FileInfo
from torch2jax.source.nodes import walk

_MARK = re.compile(r"[ \t]*#@line (\d+)\n?")


@dataclass(slots=True)
class LineMarks:
    """The lines of a file's statements, and those marked statements that the translation did not change."""

    lines: Mapping[cst.CSTNode, int]
    unchanged: list[cst.CSTNode] = field(default_factory=list)

    @classmethod
    def of(cls, file: FileInfo) -> LineMarks:
        """For the statements of a file, save for imports, which are put together anew."""
        kinds = (cst.SimpleStatementLine, cst.BaseCompoundStatement)
        statements = {node for node in walk(file.tree) if isinstance(node, kinds) and not _is_import(node)}
        return cls({node: span.line for node, span in file.spans(statements).items()})

    def marked(self, node: cst.CSTNode, new: Sequence[Any]) -> list[Any]:
        """What ``node`` became, each statement with the line of ``node`` above it."""
        line = self.lines.get(node)
        if line is None:
            return list(new)
        mark = cst.EmptyLine(comment=cst.Comment(f"#@line {line}"))
        result = []
        for statement in new:
            if hasattr(statement, "leading_lines"):
                marked = statement.with_changes(leading_lines=[*statement.leading_lines, mark])
                if statement is node:
                    self.unchanged.append(marked)
                statement = marked
            result.append(statement)
        return result


def is_mark(comment: cst.Comment) -> bool:
    """Whether a comment is a mark, which counts for nothing."""
    return _MARK.fullmatch(comment.value) is not None


def _is_import(node: cst.CSTNode) -> bool:
    parts = node.body if isinstance(node, cst.SimpleStatementLine) else ()
    return any(isinstance(part, cst.Import | cst.ImportFrom) for part in parts)


def without_marks(code: str) -> tuple[str, dict[int, int]]:
    """The output as it is without the marks, and for the lines at which a statement begins the source's line."""
    lines: list[str] = []
    found: dict[int, int] = {}
    for line in code.splitlines(keepends=True):
        mark = _MARK.fullmatch(line)
        if mark is None:
            lines.append(line)
        else:
            found[len(lines) + 1] = int(mark[1])
    return "".join(lines), found
