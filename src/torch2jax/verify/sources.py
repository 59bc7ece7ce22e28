"""Which files make up the program that a path means."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path

_INIT = "__init__.py"


def sources_of(path: Path) -> tuple[Path, dict[str, str]]:
    """The folder to import from, and the files that make up the program, by path relative to that folder.

    A package brings all its Python files. A file brings what it imports, directly or not: from its own package if it
    is in one (whose `__init__` it brings only if it imports names from there), else from its folder.
    Raises OSError for what can't be read and UnicodeDecodeError for what is not UTF-8.
    """
    if path.is_dir():
        root = path.parent if (path / _INIT).exists() else path
        return root, {file.relative_to(root).as_posix(): file.read_text(encoding="utf-8") for file in _files_in(path)}
    root = root_of(path)
    found: dict[str, str] = {}
    pending = [path]
    while pending:
        file = pending.pop()
        name = file.relative_to(root).as_posix()
        if name not in found:
            found[name] = file.read_text(encoding="utf-8")
            pending += _imported_in_package(found[name], file, root) if path.parent != root else []
            pending += _imported_beside(found[name], root) if path.parent == root else []
    return root, found


def root_of(file: Path) -> Path:
    """The folder from which a file is imported: its own, or the one around the packages that it is in."""
    folder = file.parent
    while (folder / _INIT).exists() and folder.parent != folder:
        folder = folder.parent
    return folder


def module_name(file: str) -> str:
    """The dotted name of a file's relative path: `pkg/net.py` is `pkg.net`, `pkg/__init__.py` is `pkg`."""
    return file.removesuffix(".py").removesuffix("/__init__").replace("/", ".")


def default_module(path: Path, root: Path) -> str:
    """The module that entries are in which name none, "" where a folder has no `__init__`."""
    if path.is_dir() and not (path / _INIT).exists():
        return ""
    return module_name(path.relative_to(root).as_posix())


def bare_packages(files: Iterable[str]) -> set[str]:
    """The packages around files, by dotted name, whose `__init__` is not among the files."""
    known = set(files)
    folders = {parent for file in known for parent in Path(file).parents if parent.parts}
    return {".".join(folder.parts) for folder in folders if (folder / _INIT).as_posix() not in known}


def _files_in(folder: Path) -> list[Path]:
    return [file for file in sorted(folder.rglob("*.py")) if not _is_hidden(file.relative_to(folder))]


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__pycache__" for part in path.parts)


def _imported_beside(source: str, root: Path) -> list[Path]:
    """Files and packages in ``root`` that the source imports by an absolute name."""
    files: list[Path] = []
    for name, _ in _imports(source, ()):
        head = name.partition(".")[0]
        if (root / f"{head}.py").is_file():
            files.append(root / f"{head}.py")
        elif (root / head / _INIT).is_file():
            files += _files_in(root / head)
    return files


def _imported_in_package(source: str, file: Path, root: Path) -> Iterator[Path]:
    """Files of the file's own package that the source imports."""
    package = file.relative_to(root).parent.parts
    for module, names in _imports(source, package):
        if module.partition(".")[0] != package[0]:
            continue
        target = root.joinpath(*module.split("."))
        if not target.is_dir():
            yield from (path for path in [target.with_suffix(".py")] if path.is_file())
            continue
        parts = [path for name in names for path in (target / f"{name}.py", target / name / _INIT) if path.is_file()]
        yield from parts
        if len(parts) < max(len(names), 1) and (target / _INIT).is_file():
            yield target / _INIT


def _imports(source: str, package: tuple[str, ...]) -> Iterator[tuple[str, list[str]]]:
    """Each imported module by its absolute name, with the names that are taken from it (none: the module itself)."""
    try:
        tree = ast.parse(source)
    except SyntaxError:
        return  # the conversion reports it
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            around = package[: len(package) - node.level + 1] if node.level else ()
            module = ".".join([*around, *([node.module] if node.module else [])])
            if module:
                yield module, [alias.name for alias in node.names]
