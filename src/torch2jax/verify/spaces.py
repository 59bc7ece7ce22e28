"""Programs imported from one folder each, so that an original and its translation can have the same module names."""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType


class Space:
    """The modules of one folder: importable by their own names while the space is active, hidden otherwise.

    Activate it for every call into the program too, since functions may import when they run.
    """

    def __init__(self, root: Path, names: Iterable[str]) -> None:
        """``root`` goes in front of `sys.path`; ``names`` are the top-level names of the modules and packages in it."""
        self.root = root
        self.names = frozenset(names)
        self._modules: dict[str, ModuleType] = {}

    @contextmanager
    def active(self) -> Iterator[None]:
        """Inside, this space's modules are the ones in `sys.modules` under their names."""
        hidden = self._take()
        sys.modules.update(self._modules)
        path, write_bytecode = sys.path[:], sys.dont_write_bytecode
        sys.path.insert(0, str(self.root))
        sys.dont_write_bytecode = True
        importlib.invalidate_caches()
        try:
            yield
        finally:
            self._modules = self._take()
            sys.modules.update(hidden)
            sys.path[:], sys.dont_write_bytecode = path, write_bytecode

    def load(self, name: str) -> ModuleType:
        """Import a module of this space by its dotted name."""
        with self.active():
            return importlib.import_module(name)

    def _take(self) -> dict[str, ModuleType]:
        found = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in self.names}
        for name in found:
            del sys.modules[name]
        return found


def sources_of(path: Path) -> tuple[Path, dict[str, str]]:
    """The folder to import from, and the files that make up the program, by path relative to that folder.

    A package brings all its Python files; a single file brings the files beside it that it imports, directly or not.
    Raises OSError for what can't be read and UnicodeDecodeError for what is not UTF-8.
    """
    if path.is_dir():
        root = path.parent if (path / "__init__.py").exists() else path
        files = [file for file in sorted(path.rglob("*.py")) if not _is_hidden(file.relative_to(path))]
        return root, {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in files}
    root = path.parent
    found: dict[str, str] = {}
    pending = [path]
    while pending:
        file = pending.pop()
        name = file.relative_to(root).as_posix()
        if name not in found:
            found[name] = file.read_text(encoding="utf-8")
            pending += _imported_beside(found[name], root)
    return root, found


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _imported_beside(source: str, root: Path) -> list[Path]:
    """Files and packages in ``root`` that the source imports by an absolute name."""
    files: list[Path] = []
    for name in _imported_names(source):
        head = name.partition(".")[0]
        if (root / f"{head}.py").is_file():
            files.append(root / f"{head}.py")
        elif (root / head / "__init__.py").is_file():
            files += [f for f in sorted((root / head).rglob("*.py")) if not _is_hidden(f.relative_to(root))]
    return files


def _imported_names(source: str) -> list[str]:
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return []  # the conversion reports it
    names: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return names


def top_level_names(files: Iterable[str]) -> set[str]:
    """The importable names of relative paths: `model.py` is `model`, `pkg/net.py` is `pkg`."""
    return {Path(file).parts[0].removesuffix(".py") for file in files}


def write_files(files: Mapping[str, str], root: Path) -> None:
    """Write a program's files under ``root``."""
    for name, text in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
