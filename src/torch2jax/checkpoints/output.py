"""Checkpoints that appear whole or not at all, and replace nothing but a checkpoint."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from torch2jax.source.write import OutputError, check_file, copy_mode

_ORBAX = "_METADATA"


def check_output(target: Path, source: Path, *, folder: bool, force: bool) -> None:
    """Raise OutputError now for what would go wrong when the checkpoint is written."""
    if target.resolve() == source.resolve():
        raise OutputError(f"{target}: the output would replace its input; choose another one with -o.")
    if not folder:
        check_file(target, force=force)
        return
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: is a file, and a checkpoint of Orbax is a folder; choose another one with -o.")
    if target.is_dir() and any(target.iterdir()):
        if not (target / _ORBAX).is_file():
            raise OutputError(f"{target}: holds other things than a checkpoint; choose another folder with -o.")
        if not force:
            raise OutputError(f"{target}: exists already; pass --force to replace it.")
    parent = target.resolve().parent
    while not parent.exists():
        parent = parent.parent
    if not parent.is_dir() or not os.access(parent, os.W_OK):
        raise OutputError(f"{target}: can't be written, because {parent} is read-only or no folder.")


@contextmanager
def new_checkpoint(target: Path) -> Iterator[Path]:
    """A path to write a file or a folder to, which takes the target's place when the block ends without an exception.

    It lies in a temporary folder beside the target, which is removed in any case. Raises OutputError where there can't
    be one.
    """
    place = target.resolve()
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent))
    except OSError as error:
        raise OutputError(f"{target}: can't be written: {error.strerror or error}.") from None
    try:
        made = building / place.name
        yield made
        _put(made, place, building / "replaced")
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _put(made: Path, place: Path, aside: Path) -> None:
    """Rename to the final place; an old folder is moved aside, and comes back if that fails. Raises OutputError."""
    try:
        if made.is_file():
            copy_mode(made, place)
            made.replace(place)
            return
        if not place.exists():
            made.rename(place)
            return
        place.rename(aside)
        try:
            made.rename(place)
        except OSError:
            aside.rename(place)
            raise
    except OSError as error:
        raise OutputError(f"{place}: can't be written: {error.strerror or error}.") from None
