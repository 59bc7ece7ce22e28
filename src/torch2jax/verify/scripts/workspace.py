"""Copies of the working directory, one for each run: what a script writes there does not touch the user's files."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch2jax.verify.cases import CaseError
from torch2jax.verify.spaces import write_files

LARGEST = 4 * 2**30
"""Bytes that are copied at most."""
_LEFT_OUT = frozenset(
    (".git", ".hg", ".svn", ".venv", "venv", "node_modules", "__pycache__", ".mypy_cache", ".pytest_cache", ".tox")
)
_WORK, _PROGRAM = "work", "program"


@dataclass(frozen=True, slots=True)
class Workspace:
    """A copy. folder: of the working directory. root: of the folder that the program's files are in."""

    folder: Path
    root: Path


def check_size(*folders: Path) -> None:
    """Raise CaseError for folders that are too large to be copied."""
    for folder in folders:
        total = 0
        for path, names, files in os.walk(folder):
            names[:] = [name for name in names if name not in _LEFT_OUT]
            total += sum((Path(path) / file).lstat().st_size for file in files)
            if total > LARGEST:
                raise CaseError(
                    f"{folder}: holds more than {LARGEST >> 30} GiB, and both programs run in a copy of it: "
                    "run the command in a folder that holds what the script needs, and no more"
                )


@contextmanager
def copied(working: Path, root: Path, files: Mapping[str, str], inside: Path) -> Iterator[Workspace]:
    """Copy the working directory, and the program's folder if it is elsewhere, and write files over the program's.

    files: by path relative to ``root``. inside: the folder in which the copy is made, to be removed at the end.
    """
    target = inside / _WORK
    _copy(working, target)
    try:
        if root.is_relative_to(working):
            copy = target / root.relative_to(working)
        else:
            copy = inside / _PROGRAM
            _copy(root, copy)
        write_files(files, copy)
        yield Workspace(target, copy)
    finally:
        for folder in (target, inside / _PROGRAM):
            shutil.rmtree(folder, ignore_errors=True)


def _copy(folder: Path, target: Path) -> None:
    """Copy a folder; links that lead out of it lead to the same place."""
    shutil.copytree(folder, target, symlinks=True, ignore=_ignored)
    for path, names, files in os.walk(target):
        for link in (Path(path, name) for name in (*names, *files)):
            if link.is_symlink():
                place = folder / link.relative_to(target)
                if not place.resolve().is_relative_to(folder):
                    link.unlink()
                    link.symlink_to(place.resolve())


def _ignored(folder: str, names: list[str]) -> set[str]:
    """What a copy leaves out: the bookkeeping of other tools, and what is neither file nor folder."""
    special = {name for name in names if not _is_plain(Path(folder, name))}
    return special | (set(names) & _LEFT_OUT)


def _is_plain(path: Path) -> bool:
    return path.is_file() or path.is_dir() or path.is_symlink()
