"""The script that is verified, and its translation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch2jax.options import Options
from torch2jax.verify.cases import CaseError
from torch2jax.verify.programs import Programs, translated

_ENTRIES = ("__main__.py", "main.py", "train.py")
_GUARD = re.compile(r"^if __name__ == ['\"]__main__['\"]:", re.MULTILINE)


def entry_of(path: Path) -> Path:
    """The file to run: the path itself, or of a folder its entry point. Raises CaseError where that is not clear."""
    if path.is_file():
        return path
    for name in _ENTRIES:
        if (path / name).is_file():
            return path / name
    guarded = [file for file in sorted(path.glob("*.py")) if _GUARD.search(file.read_text(encoding="utf-8"))]
    if len(guarded) == 1:
        return guarded[0]
    names = ", ".join(file.name for file in guarded)
    found = f"several files could be run ({names})" if guarded else f"no file in it is {', '.join(_ENTRIES)}"
    raise CaseError(f"{path}: {found}: name the script itself")


@contextmanager
def script_programs(path: Path, translation: Path | None, options: Options) -> Iterator[tuple[Programs, str]]:
    """Both programs, and the script's path relative to their folders.

    The translation of a script may be a file, or a folder that holds what belongs to it under the same names.
    Raises CaseError, OSError, UnicodeDecodeError.
    """
    script = entry_of(path)
    whole = path
    if translation is not None and translation.is_dir() and path.is_file():
        whole = path.parent
    with translated(whole, translation, options) as programs:
        name = script.relative_to(programs.original_root).as_posix()
        if not (programs.translation_root / name).is_file():
            raise CaseError(f"{translation}: there is no {name} in it, which would be the translation of {script.name}")
        yield programs, name
