"""What programs do with the files of checkpoints, which are folders of Orbax."""

from __future__ import annotations

import shutil
from pathlib import Path


def is_checkpoint(path: str | Path) -> bool:
    """Whether there is a checkpoint, or a file."""
    return Path(path).is_file() or (Path(path) / "_METADATA").is_file()


def remove_checkpoint(path: str | Path) -> None:
    """Removes a checkpoint, or a file."""
    if Path(path).is_dir():
        shutil.rmtree(path)
    else:
        Path(path).unlink()


def copy_checkpoint(source: str | Path, target: str | Path) -> None:
    """Copies a checkpoint, or a file, into a folder or in place of what is there."""
    target = Path(target)
    if target.is_dir() and not is_checkpoint(target):
        target = target / Path(source).name
    if Path(source).is_dir():
        if is_checkpoint(target):
            remove_checkpoint(target)
        shutil.copytree(source, target)
    else:
        shutil.copy(source, target)


def move_checkpoint(source: str | Path, target: str | Path) -> None:
    """Gives a checkpoint, or a file, another name, in place of what has it."""
    if is_checkpoint(target):
        remove_checkpoint(target)
    shutil.move(source, target)
