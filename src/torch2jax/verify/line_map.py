"""From the lines of a translation to those of the original, also where the translation was edited afterwards."""

from __future__ import annotations

from collections.abc import Mapping
from difflib import SequenceMatcher
from functools import lru_cache
from pathlib import Path

from torch2jax.convert import convert_files, source_lines
from torch2jax.options import Options
from torch2jax.verify.found import Place
from torch2jax.verify.programs import Programs


class LineMap:
    """Finds the line of the original that a line of the translation comes from.

    files: the original's, by path. roots: the folders of the original and of the translation.
    """

    def __init__(self, files: Mapping[str, str], original: Path, translation: Path, options: Options) -> None:
        self._roots = original, translation
        converted = _converted(tuple(files.items()), options)
        self._lines = {
            path: _through_edits(code, _read(translation / path), lines)
            for path, (code, lines) in converted.items()
            if (translation / path).is_file()
        }
        self._gone = {path: set(converted[path][1].values()) - set(kept.values()) for path, kept in self._lines.items()}

    @classmethod
    def of(cls, programs: Programs) -> LineMap:
        """That of two programs. It converts twice."""
        return cls(programs.sources(), programs.original_root, programs.translation_root, programs.options)

    @property
    def of_files(self) -> Mapping[str, Mapping[int, int]]:
        """For each file, the translation's lines at which statements begin, and the original's lines."""
        return self._lines

    def source_line(self, file: str, line: int) -> int | None:
        """The original's line for a line at which a statement of the translation begins; None for a helper's."""
        return self._lines.get(file, {}).get(line)

    def is_gone(self, file: str, line: int) -> bool:
        """Whether the converter writes something for a line of the original that the translation has no more."""
        return line in self._gone.get(file, ())

    def output_line(self, file: str, line: int) -> int | None:
        """The first line of the translation that comes from a line of the original."""
        return min((new for new, old in self._lines.get(file, {}).items() if old == line), default=None)

    def original(self, file: str, line: int) -> Place:
        """A line of the original."""
        return _place(self._roots[0], file, line)

    def translation(self, file: str, line: int) -> Place:
        """A line of the translation."""
        return _place(self._roots[1], file, line)


@lru_cache(maxsize=4)
def _converted(files: tuple[tuple[str, str], ...], options: Options) -> dict[str, tuple[str, dict[int, int]]]:
    """What the converter writes for each file, and the source's line of each of its lines."""
    sources, single = dict(files), len(files) == 1
    lines = source_lines(sources, options, single=single)
    converted = convert_files(sources, options, single=single)
    return {path: (conversion.code, lines.get(path, {})) for path, conversion in converted.items()}


def _place(root: Path, file: str, line: int) -> Place:
    lines = _read(root / file).splitlines()
    return Place(file, line, lines[line - 1].strip() if 0 < line <= len(lines) else "")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _is_code(line: str) -> bool:
    """Whether there is more than blanks and a comment on a line."""
    return bool(line.strip()) and not line.lstrip().startswith("#")


def _through_edits(converted: str, edited: str, lines: Mapping[int, int]) -> dict[int, int]:
    """The map for the edited text: what is the same keeps its line, what was changed has that of what it replaces."""
    if converted == edited:
        return dict(lines)
    before, after = converted.splitlines(), edited.splitlines()
    found: dict[int, int] = {}
    for tag, old, old_end, new, new_end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "delete":
            continue
        for offset in range(new_end - new):
            place = min(old + offset, max(old_end - 1, old))
            if place + 1 in lines and _is_code(after[new + offset]):
                found[new + offset + 1] = lines[place + 1]
    return found
