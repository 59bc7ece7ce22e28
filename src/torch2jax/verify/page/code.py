"""Source and translation side by side: highlighted lines in blocks, with what was found at them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from markupsafe import Markup
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from torch2jax.verify.page.alignment import aligned


@dataclass(frozen=True, slots=True)
class Anchors:
    """Where on the page a line of a program is.

    sources, codes: by a file's name, its number and how many lines it has, in the original and in the translation.
    """

    sources: Mapping[str, tuple[int, int]]
    codes: Mapping[str, tuple[int, int]]

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Anchors:
        """Those for the data of a report."""
        files = list(enumerate(data["files"]))
        sources = {file["path"]: (number, len(_lines(file["source"]))) for number, file in files}
        return cls(sources, {file["shown"]: (number, len(_lines(file["code"]))) for number, file in files})

    def source(self, file: str, line: int | None) -> str | None:
        """The link to a line of the original; None where the page does not show it."""
        return _link(self.sources, file, line, "s")

    def code(self, file: str, line: int | None) -> str | None:
        """The link to a line of the translation."""
        return _link(self.codes, file, line, "t")


def _link(files: Mapping[str, tuple[int, int]], file: str, line: int | None, side: str) -> str | None:
    number, count = files.get(file, (0, 0))
    return f"#f{number}-{side}{line}" if line and line <= count else None


@dataclass(slots=True)
class LineView:
    """A line: its number, its text with highlighting, its id, a link to where it comes from if that is not beside it.

    marks: sentences about the line: that the sides part here. findings: diagnostics at it.
    """

    number: int
    text: Markup
    id: str
    origin: int | None = None
    marks: list[str] = field(default_factory=list)
    findings: list[Mapping[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class BlockView:
    """Lines beside each other; `same` where the translation changed nothing."""

    source: list[LineView]
    code: list[LineView]
    same: bool


@dataclass(frozen=True, slots=True)
class FileView:
    """A file: names, blocks, diagnostics about the whole file, and whether it is worth opening at once."""

    number: int
    path: str
    shown: str
    blocks: list[BlockView]
    findings: list[Mapping[str, Any]]
    only_code: bool
    changed: bool
    opened: bool
    errors: int
    warnings: int


def file_views(data: Mapping[str, Any], anchors: Anchors) -> list[FileView]:
    """The files of a report, in its order."""
    few = len(data["files"]) <= 2
    return [_file(number, file, data, few=few) for number, file in enumerate(data["files"])]


def _file(number: int, file: Mapping[str, Any], data: Mapping[str, Any], *, few: bool) -> FileView:
    findings = [found for found in data["diagnostics"] if found["path"] == file["path"]]
    source = [LineView(at, text, f"f{number}-s{at}") for at, text in enumerate(_highlighted(file["source"]), 1)]
    code = [LineView(at, text, f"f{number}-t{at}") for at, text in enumerate(_highlighted(file["code"]), 1)]
    whole: list[Mapping[str, Any]] = []
    for found in findings:
        line = found["line"]
        (source[line - 1].findings if 1 <= line <= len(source) else whole).append(found)
    marked = _mark(data, file, source, code)
    counts = {kind: sum(found["severity"] == kind for found in findings) for kind in ("error", "warning")}
    changed = file["source"] != file["code"]
    opened = (few and changed and bool(source)) or marked or counts["error"] > 0
    blocks = _blocks(file, source, code)
    return FileView(
        number,
        file["path"],
        file["shown"],
        blocks,
        whole,
        not source,
        changed,
        opened,
        counts["error"],
        counts["warning"],
    )


def _mark(data: Mapping[str, Any], file: Mapping[str, Any], source: list[LineView], code: list[LineView]) -> bool:
    """Note at its lines where the two sides part. Whether that is in this file."""
    marked = False
    several = len({outcome["case"] for outcome in data["outcomes"]}) > 1
    for outcome in data["outcomes"]:
        place = outcome["place"]
        if place is None:
            continue
        text = f"the two sides part here first ({outcome['rung']}{' of ' + outcome['case'] if several else ''})"
        for name, at, lines in ((file["path"], place["original"], source), (file["shown"], place["translation"], code)):
            if at is not None and at["file"] == name and 1 <= at["line"] <= len(lines):
                lines[at["line"] - 1].marks.append(text)
                marked = True
    return marked


def _blocks(file: Mapping[str, Any], source: list[LineView], code: list[LineView]) -> list[BlockView]:
    pairs: list[tuple[int, int]] = [(line, origin) for line, origin in file["lines"]]
    if file["source"] == file["code"]:
        pairs = []
    origins = dict(pairs)
    found: list[BlockView] = []
    for block in aligned(pairs, len(source), len(code)):
        left, right = [source[at - 1] for at in block.source], [code[at - 1] for at in block.code]
        for line in right:
            origin = origins.get(line.number)
            if origin is not None and origin not in block.source:
                line.origin = origin
        for view in _parts(left, right):
            if view.same and found and found[-1].same:
                found[-1].source.extend(view.source)
                found[-1].code.extend(view.code)
            else:
                found.append(view)
    return found


def _parts(source: list[LineView], code: list[LineView]) -> Iterator[BlockView]:
    """A block as up to three: the lines at its beginning that are the same, what differs, the same lines at its end."""
    same = [left.text == right.text for left, right in zip(source, code, strict=False)]
    head = same.index(False) if False in same else len(same)
    ends = [left.text == right.text for left, right in zip(source[:head:-1], code[:head:-1], strict=False)]
    tail = ends.index(False) if False in ends else len(ends)
    parts = [
        (slice(0, head), True),
        (slice(head, -tail or None), False),
        (slice(-tail, None) if tail else slice(0), True),
    ]
    for part, alike in parts:
        if source[part] or code[part]:
            yield BlockView(source[part], code[part], alike)


def _highlighted(text: str) -> Iterable[Markup]:
    """The lines of a Python file, escaped, with spans for what they are made of."""
    if not text:
        return []
    found = highlight(text, PythonLexer(stripnl=False, ensurenl=False), HtmlFormatter(nowrap=True))
    return [Markup(line) for line in found.removesuffix("\n").split("\n")]  # noqa: S704 - Pygments escapes


def _lines(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n") if text else []
