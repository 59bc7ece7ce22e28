"""The files of a project, and which of them an import means.

Paths are relative to the root of what is converted, in posix style. Imports are resolved as Python would with the
files where they are: a file in a package sees the folder that holds its topmost package, a script sees its own
folder and those above it up to the root, and every file sees the folders that hold a package (`src/` layouts).
"""

import ast
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

import libcst as cst

from torch2jax.source.parse import parse
from torch2jax.source.text import SourceText

_INIT = "__init__.py"


@dataclass(frozen=True)
class SourceFile:
    """One file. Parsed when its tree is first asked for.

    module: dotted name from its topmost package, or from the root for a file in no package.
    package: the folder of its topmost package, None for a file in no package.
    """

    path: str
    module: str
    source: SourceText
    package: str | None = None

    @property
    def text(self) -> str:
        r"""The text, lines ending in ``\n``, without a byte order mark."""
        return self.source.text

    @property
    def is_package(self) -> bool:
        """Whether this is an `__init__.py`."""
        return PurePosixPath(self.path).name == _INIT

    @cached_property
    def tree(self) -> cst.Module:
        """The parsed file. Raises SourceError, with a T2J109 diagnostic, for a file that is not Python."""
        return parse(self.text, self.path)


@dataclass(frozen=True)
class Project(Mapping[str, SourceFile]):
    """The files by path. Where the root folder is a package itself, the paths begin with its name."""

    files: dict[str, SourceFile]
    _search: dict[str, tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, files: Mapping[str, str | SourceText]) -> "Project":
        """From texts by relative posix path, in the order given."""
        inits = {_folder(path) for path in files if PurePosixPath(path).name == _INIT}
        made = {}
        for path, text in files.items():
            package = _topmost_package(_folder(path), inits)
            module = _module_name(path, package)
            made[path] = SourceFile(
                path, module, text if isinstance(text, SourceText) else SourceText.of(text), package
            )
        return cls(made)

    def __getitem__(self, path: str) -> SourceFile:
        """The file at a path."""
        return self.files[path]

    def __iter__(self) -> Iterator[str]:
        """The paths."""
        return iter(self.files)

    def __len__(self) -> int:
        """How many files there are."""
        return len(self.files)

    @cached_property
    def package_roots(self) -> tuple[str, ...]:
        """Folders of the topmost packages, in order of appearance; one helpers module belongs in each."""
        return tuple(dict.fromkeys(file.package for file in self.files.values() if file.package is not None))

    def helpers_home(self, path: str) -> tuple[str, int]:
        """Where the helpers module belongs that a file imports: its folder, and the level of the import.

        Level 0 is ``from torch2jax_helpers import``, level 1 ``from .torch2jax_helpers import``, and so on. A package
        has one at its root. So has a folder without `__init__.py` from which others import by its name; a script, and
        what lies beside it, finds the module in its own folder.
        """
        root = self.files[path].package
        if root is None:
            root = self._namespaces.get(path)
        if root is None:
            return _folder(path), 0
        return root, path.count("/") - (root.count("/") + 1 if root else 0) + 1

    def related(self, paths: Iterable[str]) -> set[str]:
        """The files that import these or are imported by them, directly or through others, and these themselves.

        Only these can see a value of those: what is not related to a file that uses torch has no tensors.
        """
        if len(self.files) == 1:
            return set(paths)
        neighbours: dict[str, set[str]] = {path: set() for path in self.files}
        for path, targets in self._imported.items():
            for _, target in targets:
                neighbours[path].add(target.path)
                neighbours[target.path].add(path)
        found: set[str] = set()
        waiting = list(paths)
        while waiting:
            path = waiting.pop()
            if path not in found:
                found.add(path)
                waiting += neighbours[path]
        return found

    @cached_property
    def _imported(self) -> dict[str, list[tuple[str, SourceFile]]]:
        """The files that each file imports, each with the module's name as it is written, "" for a relative import."""
        found: dict[str, list[tuple[str, SourceFile]]] = {}
        for path, file in self.files.items():
            imports = (
                (module, level, self.resolve_import(path, module, level)) for module, level in _imports(file.text)
            )
            found[path] = [("" if level else module, target) for module, level, target in imports if target is not None]
        return found

    @cached_property
    def _namespaces(self) -> dict[str, str]:
        """For files in no package that are imported as part of a folder: the topmost such folder."""
        found: dict[str, str] = {}
        if all(file.package is not None or "/" not in path for path, file in self.files.items()):
            return found
        for targets in self._imported.values():
            for module, target in targets:
                if target.package is None and "." in module:
                    base = target.path.removesuffix(f"{module.replace('.', '/')}.py")
                    found[target.path] = base + module.partition(".")[0]
        return found

    def resolve_import(self, importer: str | SourceFile, module: str | None, level: int = 0) -> SourceFile | None:
        """The file that ``import module`` or ``from <level dots>module import ...`` in the importer means.

        None where it is no file of this project (another library, a folder without `__init__.py`, a missing file).
        """
        path = importer if isinstance(importer, str) else importer.path
        parts = tuple(module.split(".")) if module else ()
        if level:
            return self._relative(path, parts, level)
        for folder in self._search_path(path):
            found = self._file_in(folder, parts)
            if found is not None:
                return found
        return None

    def resolve_from(
        self, importer: str | SourceFile, module: str | None, name: str, level: int = 0
    ) -> SourceFile | None:
        """The file that `name` in ``from <level dots>module import name`` means, where it is a submodule."""
        return self.resolve_import(importer, f"{module}.{name}" if module else name, level)

    def _relative(self, path: str, parts: tuple[str, ...], level: int) -> SourceFile | None:
        folder: str = _folder(path)
        for _ in range(level - 1):
            if not folder:
                return None
            folder = _folder(folder)
        return self._file_in(folder, parts)

    def _file_in(self, folder: str, parts: tuple[str, ...]) -> SourceFile | None:
        base = "/".join((folder, *parts) if folder else parts)
        package = self.files.get(f"{base}/{_INIT}" if base else _INIT)
        return package or (self.files.get(f"{base}.py") if parts else None)

    def _search_path(self, path: str) -> tuple[str, ...]:
        """The folders, in order, in which an absolute import is looked up."""
        folder = _folder(path)
        if folder not in self._search:
            package = self.files[path].package if path in self.files else None
            start = _folder(package) if package else folder
            others = [_folder(root) for root in self.package_roots if root]
            self._search[folder] = tuple(dict.fromkeys([*_upwards(start), *others]))
        return self._search[folder]


# Where statements hold others, in the order of their fields.
_BLOCKS = ("body", "handlers", "orelse", "finalbody", "cases")


def _imports(text: str) -> Iterator[tuple[str, int]]:
    """Modules that a file imports, or may (``from a import b`` may mean ``a.b``), each with its level."""
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    waiting: deque[Any] = deque((tree,))
    while waiting:
        node = waiting.popleft()
        for name in _BLOCKS:
            waiting.extend(getattr(node, name, ()))
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name, 0
                yield alias.name.partition(".")[0], 0
        elif isinstance(node, ast.ImportFrom):
            module = node.module or ""
            yield module, node.level
            yield from ((f"{module}.{alias.name}".lstrip("."), node.level) for alias in node.names)


def _folder(path: str) -> str:
    """The folder of a posix path, "" for the root."""
    return path.rpartition("/")[0]


def _upwards(folder: str) -> Iterator[str]:
    """The folder and those above it, the root last."""
    while folder:
        yield folder
        folder = _folder(folder)
    yield ""


def _topmost_package(folder: str, inits: set[str]) -> str | None:
    """The topmost folder of the unbroken run of packages that ends in this folder."""
    top = None
    for each in _upwards(folder):
        if each not in inits:
            break
        top = each
    return top


def _module_name(path: str, package: str | None) -> str:
    """The dotted name of a file."""
    base = _folder(package) if package else ""
    parts = path.removeprefix(f"{base}/" if base else "").removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)
