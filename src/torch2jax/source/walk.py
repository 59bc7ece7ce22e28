"""Which files a run concerns: the folder tree, without following links in circles or reading what is no source."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

_IGNORED = frozenset(
    {
        "__pycache__",
        ".git",
        ".hg",
        ".svn",
        ".venv",
        ".tox",
        ".nox",
        ".mypy_cache",
        ".pytest_cache",
        ".ruff_cache",
        ".ipynb_checkpoints",
        ".eggs",
        "node_modules",
    }
)


class InputError(Exception):
    """An input that can't be used; the message is one sentence for the user."""


@dataclass
class Tree:
    """The files under a base folder, as posix paths relative to it, sorted.

    shown: the base as the user wrote it, for messages.
    python: sources. others: everything else, to be copied. notebooks: those of `others` that are Jupyter notebooks.
    links: symbolic links to be made again, with their targets.
    skipped: what is neither file, folder nor link, and what can't be read, each with the reason.
    """

    base: Path
    shown: Path
    python: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)
    notebooks: list[str] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)

    def display(self, path: str) -> str:
        """A path in the tree as the user would write it."""
        return str(self.shown / path)

    @property
    def is_package(self) -> bool:
        """Whether the base folder itself is a Python package."""
        return "__init__.py" in self.python


def find(paths: Sequence[Path]) -> Tree:
    """The files that the paths name. One folder is the base itself; otherwise it is the folder that holds all paths.

    Raises InputError for a path that does not exist or can't be a source.
    """
    for path in paths:
        try:
            path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(f"{path}: there is no such file or folder.") from None
        except OSError as error:
            raise InputError(f"{path}: can't be read: {error.strerror}.") from None
        if not path.exists():
            raise InputError(f"{path}: a link that leads nowhere (or in a circle).")
    if len(paths) == 1 and paths[0].is_dir():
        tree = Tree(_absolute(paths[0]), paths[0])
        _walk(tree, tree.base)
    else:
        absolute = [_absolute(path) for path in paths]
        base = Path(os.path.commonpath([path.parent for path in absolute]))
        tree = Tree(base, paths[0].parent if len(paths) == 1 else _from_here(base))
        for path in absolute:
            if path.is_dir():
                _walk(tree, path)
            else:
                _add_named_file(tree, path)
    for names in (tree.python, tree.others, tree.notebooks):
        names[:] = sorted(set(names))
    return tree


def _absolute(path: Path) -> Path:
    """The path from the root without `..`, links kept: a link's own name is the one the user knows."""
    return Path(os.path.abspath(path))  # noqa: PTH100  (Path.absolute keeps `..`)


def _from_here(path: Path) -> Path:
    """Relative to the working folder where the path is inside it."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _add_named_file(tree: Tree, path: Path) -> None:
    """Take a file that the user named, whatever its suffix, but only if it is one that has an end."""
    if path.suffix == ".ipynb":
        raise InputError(f"{path}: notebooks are not converted; run `jupyter nbconvert --to script` on it first.")
    if not path.is_file():
        raise InputError(f"{path}: neither a file nor a folder.")
    tree.python.append(_relative(tree, path))


def _walk(tree: Tree, folder: Path) -> None:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        tree.skipped[_relative(tree, folder)] = f"the folder can't be read: {error.strerror}"
        return
    for entry in entries:
        path = Path(entry.path)
        name = _relative(tree, path)
        if entry.is_symlink():
            _add_link(tree, path, name)
        elif entry.is_dir():
            if not _is_ignored(path):
                _walk(tree, path)
        elif not entry.is_file():
            tree.skipped[name] = "neither a file nor a folder"
        elif path.suffix == ".py":
            tree.python.append(name)
        elif not os.access(path, os.R_OK):
            tree.skipped[name] = "the file can't be read"
        elif path.suffix not in (".pyc", ".pyo"):
            tree.others.append(name)
            if path.suffix == ".ipynb":
                tree.notebooks.append(name)


def _add_link(tree: Tree, path: Path, name: str) -> None:
    """Keep a link as a link, so that no circle is walked and nothing is translated twice.

    A link that leads out of the tree to a source is read as that source; other links out are made absolute.
    """
    target = Path(os.path.realpath(path))  # unlike Path.resolve, this does not mind circles
    if target.is_relative_to(os.path.realpath(tree.base)):
        text = path.readlink()
        tree.links[name] = os.path.relpath(target, path.parent.resolve()) if text.is_absolute() else str(text)
    elif path.suffix == ".py" and os.path.isfile(target):  # noqa: PTH113  (does not mind what can't be read)
        tree.python.append(name)
    else:
        tree.links[name] = str(target)


def _is_ignored(folder: Path) -> bool:
    """Caches, version control, and virtual environments under any name."""
    # Unlike Path.exists, os.path.exists does not mind folders that can't be read.
    is_environment = os.path.exists(folder / "pyvenv.cfg")  # noqa: PTH110
    return is_environment or folder.name in _IGNORED or folder.name.endswith(".egg-info")


def _relative(tree: Tree, path: Path) -> str:
    return str(PurePosixPath(path.relative_to(tree.base)))
