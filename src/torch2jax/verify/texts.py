"""The text of both programs, file by file, and which line of one comes from which line of the other."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch2jax.verify.line_map import LineMap
    from torch2jax.verify.programs import Programs


@dataclass(frozen=True, slots=True)
class TranslatedFile:
    """One file of the original and its translation.

    path: relative to both programs' folders. shown: how the user calls the translation. source: empty for a file that
    only the translation has. lines: for lines of the translation at which a statement begins, the source's; from 1.
    """

    path: str
    shown: str
    source: str
    code: str
    lines: Mapping[int, int] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The file as JSON data: the lines as pairs (translation, source)."""
        return {
            "path": self.path,
            "shown": self.shown,
            "source": self.source,
            "code": self.code,
            "lines": sorted(map(list, self.lines.items())),
        }


def translated_files(programs: Programs, lines: Callable[[], LineMap]) -> tuple[TranslatedFile, ...]:
    """The files of a program in order of their paths. lines: gives their line map."""
    sources, origins = programs.sources(), _origins(lines)
    found = []
    for file in sorted(programs.translation_root.rglob("*.py")):
        path = file.relative_to(programs.translation_root).as_posix()
        code = file.read_text(encoding="utf-8")
        found.append(TranslatedFile(path, programs.shown(path), sources.get(path, ""), code, origins.get(path, {})))
    return tuple(found)


def _origins(lines: Callable[[], LineMap]) -> Mapping[str, Mapping[int, int]]:
    try:
        return lines().of_files
    except Exception:
        return {}  # a file that can't be converted: a diagnostic says so, and both texts are still shown
