"""What the tool tells its user: a diagnostic with a stable code and a place in the source, as text and as JSON."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from torch2jax.codes import CODES, CodeInfo, Severity, severity_of

__all__ = ["CODES", "CodeInfo", "Diagnostic", "Severity", "severity_of"]

_TAB = "    "


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding.

    Lines count from 1 (0: the finding concerns the whole file). Columns count characters from 0, as `ast` and libcst
    have them; text and JSON show them from 1, as editors do. The end is exclusive; 0 means unknown.
    """

    code: str
    severity: Severity
    message: str
    hint: str = ""
    path: str = ""
    line: int = 0
    column: int = 0
    end_line: int = 0
    end_column: int = 0

    @classmethod
    def of(
        cls,
        code: str,
        message: str,
        *,
        hint: str = "",
        path: str = "",
        line: int = 0,
        column: int = 0,
        end_line: int = 0,
        end_column: int = 0,
    ) -> "Diagnostic":
        """Make a diagnostic with the severity that its code has. Raises KeyError for an unknown code."""
        return cls(code, severity_of(code), message, hint, path, line, column, end_line, end_column)

    @property
    def sort_key(self) -> tuple[str, int, int, str, str]:
        """Order by place, then by code and message."""
        return (self.path, self.line, self.column, self.code, self.message)

    @property
    def place(self) -> str:
        """`path:line:column`, or the path alone where the whole file is meant."""
        path = self.path or "<string>"
        return f"{path}:{self.line}:{self.column + 1}" if self.line else path

    @property
    def headline(self) -> str:
        """The one-line form: `path:line:column: error T2J101: message`."""
        return f"{self.place}: {self.severity} {self.code}: {self.message}"

    def text(self, source_lines: Sequence[str] | None = None) -> str:
        """The form for people: the headline, the source line with carets where it is known, and the hint."""
        parts = [self.headline]
        if source_lines is not None and 1 <= self.line <= len(source_lines):
            parts += self._excerpt(source_lines[self.line - 1].rstrip("\r\n"))
        if self.hint:
            parts.append(f"  hint: {self.hint}")
        return "\n".join(parts)

    def _excerpt(self, line: str) -> list[str]:
        number = f"{self.line:5d}"
        start = min(self.column, len(line))
        same_line = self.end_line in (0, self.line)
        end = self.end_column if same_line and self.end_column > start else (start + 1 if same_line else len(line))
        end = max(min(end, len(line)), start)
        indent = " " * _width(line[:start])
        carets = "^" * max(1, _width(line[start:end]))
        shown = line.replace("\t", _TAB)
        return [f"{number} | {shown}", f"{' ' * len(number)} | {indent}{carets}"]

    def to_json(self) -> dict[str, str | int]:
        """The JSON form, with lines and columns from 1 and positions left out where unknown (docs/cli.md)."""
        out: dict[str, str | int] = {"code": self.code, "severity": self.severity.value, "message": self.message}
        if self.hint:
            out["hint"] = self.hint
        out["path"] = self.path
        if self.line:
            out["line"] = self.line
            out["column"] = self.column + 1
        if self.end_line:
            out["end_line"] = self.end_line
            out["end_column"] = self.end_column + 1
        return out


def count_by_severity(diagnostics: Iterable[Diagnostic]) -> dict[Severity, int]:
    """How many there are of each severity, zeros included, errors first."""
    counts = dict.fromkeys(Severity, 0)
    for diagnostic in diagnostics:
        counts[diagnostic.severity] += 1
    return counts


def _width(text: str) -> int:
    """Columns that a terminal uses for the text, tabs as four."""
    width = 0
    for char in text:
        if char == "\t":
            width += len(_TAB)
        elif not unicodedata.combining(char):
            width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return width
