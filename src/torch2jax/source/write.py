"""Writing results so that a reader sees all of them or none: into a temporary place beside the target, then renamed."""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

_WRITE_BITS = stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH


class OutputError(Exception):
    """A target that can't be written; the message is one sentence for the user."""


def check_file(target: Path, *, force: bool) -> None:
    """Raise OutputError now for what would go wrong later when the file is written."""
    if target.is_dir():
        raise OutputError(f"{target}: is a folder, and a file is to be written there.")
    if target.exists() and target.is_file():
        if not force:
            raise OutputError(f"{target}: exists already; pass --force to replace it.")
        if not target.stat().st_mode & _WRITE_BITS:
            raise OutputError(f"{target}: the file is read-only; make it writable or choose another one with -o.")
    _check_writable(target if target.exists() and not target.is_file() else target.resolve().parent, target)


def check_folder(target: Path, inputs: Sequence[Path], *, force: bool) -> None:
    """The same for a tree that is made from the given files and folders."""
    place = target.resolve()
    for source in inputs:
        if place == source.resolve():
            raise OutputError(f"{target}: the output would replace its input; choose another folder with -o.")
        if source.resolve().is_relative_to(place):
            raise OutputError(f"{target}: the output would hold its input {source}; choose another folder with -o.")
        if source.is_dir() and place.is_relative_to(source.resolve()):
            raise OutputError(f"{target}: the output would be inside its input {source}; choose a folder outside it.")
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: exists and is no folder; choose another one with -o.")
    if target.is_dir() and any(target.iterdir()) and not force:
        raise OutputError(f"{target}: exists and is not empty; pass --force to write into it (other files stay).")
    _check_writable(place.parent, target)
    if target.is_dir() and not os.access(place, os.W_OK):
        raise OutputError(f"{target}: the folder is read-only.")


def write_file(target: Path, data: bytes, *, mode_of: Path | None = None) -> None:
    """Write the bytes in one step, with the permissions of `mode_of`. A device or a pipe is written to directly."""
    with _clear_errors(target):
        if target.exists() and not target.is_file():
            target.write_bytes(data)
            return
        place = target.resolve()  # through a link, not over it
        place.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent)
        try:
            with os.fdopen(handle, "wb") as stream:
                stream.write(data)
            copy_mode(Path(name), place if place.exists() else mode_of)
            Path(name).replace(place)
        except BaseException:
            Path(name).unlink(missing_ok=True)
            raise


def write_new(target: Path, data: bytes, *, mode_of: Path | None = None) -> None:
    """Write a file of a `new_folder`, which no one sees yet, with the permissions of `mode_of`. Raises OSError."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(data)
    copy_mode(target, mode_of)


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """A folder to fill, which takes the place of the target when the block ends without an exception.

    What the target holds and the new folder does not is kept. Nothing is left behind when the block raises.
    """
    place = target.resolve()
    with _clear_errors(target):
        place.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".tmp", dir=place.parent))
    try:
        with _clear_errors(target):
            yield building
        with _clear_errors(target):
            building.chmod(stat.S_IMODE(place.stat().st_mode) if place.exists() else 0o777 & ~_umask())
            if place.exists():
                _keep_others(place, building)
                _swap(place, building)
            else:
                building.rename(place)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _swap(place: Path, building: Path) -> None:
    """Put the new folder where the old one is; the old one comes back if that fails."""
    old = Path(tempfile.mkdtemp(prefix=f".{place.name}.", suffix=".old", dir=place.parent))
    place.rename(old / place.name)
    try:
        building.rename(place)
    except OSError:
        (old / place.name).rename(place)
        raise
    finally:
        if place.exists():
            shutil.rmtree(old, ignore_errors=True)


def _keep_others(old: Path, new: Path) -> None:
    """Bring over what only the old folder has, as hard links where the file system knows them."""
    for folder, folders, files in os.walk(old):
        here = new / Path(folder).relative_to(old)
        links = [name for name in folders if (Path(folder) / name).is_symlink()]
        for name in [*files, *links]:
            source, target = Path(folder) / name, here / name
            if os.path.lexists(target):
                continue
            if os.path.lexists(here) and not here.is_dir():
                raise OutputError(f"{old / here.relative_to(new)}: is a folder, and a file is to be written there.")
            here.mkdir(parents=True, exist_ok=True)
            try:
                os.link(source, target, follow_symlinks=False)
            except OSError:
                shutil.copy2(source, target, follow_symlinks=False)


def copy_mode(path: Path, like: Path | None) -> None:
    """Give the permissions of another file or folder; temporary ones begin private."""
    mode = stat.S_IMODE(like.stat().st_mode) if like is not None and like.exists() else 0o666 & ~_umask()
    path.chmod(mode)


def _umask() -> int:
    value = os.umask(0)
    os.umask(value)
    return value


def _check_writable(folder: Path, target: Path) -> None:
    """Whether something can be made in the folder, or in the nearest one above it that exists."""
    while not os.path.lexists(folder):
        folder = folder.parent
    if not folder.is_dir() and folder != target:
        raise OutputError(f"{target}: can't be made, because {folder} is not a folder.")
    if not os.access(folder, os.W_OK):
        raise OutputError(f"{target}: can't be written, because {folder} is read-only.")


@contextmanager
def _clear_errors(target: Path) -> Iterator[None]:
    """Turn the errors of the operating system into one sentence."""
    try:
        yield
    except OSError as error:
        raise OutputError(f"{target}: can't be written: {error.strerror or error}.") from error
