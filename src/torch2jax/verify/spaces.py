"""Programs imported from one folder each, so that an original and its translation can have the same module names."""

from __future__ import annotations

import importlib
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from torch2jax.verify.lifting import lifted_imports


class Space:
    """The modules of one folder: importable by their own names while the space is active, hidden otherwise.

    Activate it for every call into the program too, since functions may import when they run.
    """

    def __init__(self, root: Path, names: Iterable[str], bare: Iterable[str] = ()) -> None:
        """A space of the modules in ``root``.

        Args:
            root: what goes in front of `sys.path`.
            names: the top-level names of the modules and packages in it.
            bare: dotted names of packages whose `__init__` is no part of the program and does not run.
        """
        self.root = root
        self.names = frozenset(names)
        self._modules: dict[str, ModuleType] = {name: _bare_package(name, root) for name in bare}

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
            with lifted_imports(self.root):
                yield
        finally:
            self._modules = self._take()
            sys.modules.update(hidden)
            sys.path[:], sys.dont_write_bytecode = path, write_bytecode

    def load(self, name: str) -> ModuleType:
        """Import a module of this space by its dotted name."""
        with self.active():
            return importlib.import_module(name)

    def namespace(self, module: str, text: str) -> dict[str, Any]:
        """The names that an expression can use: a module's own, and other modules of the space in full."""
        own = vars(self.load(module))
        namespace = dict(own)
        for dotted in re.findall(r"[A-Za-z_][\w.]*", text):
            head, *rest = dotted.split(".")
            if head in self.names and head not in own:
                for depth in range(len(rest)):
                    self.load(".".join([head, *rest[:depth]]))
                namespace[head] = self.load(head)
        return namespace

    def _take(self) -> dict[str, ModuleType]:
        found = {name: module for name, module in sys.modules.items() if name.partition(".")[0] in self.names}
        for name in found:
            del sys.modules[name]
        return found


def _bare_package(name: str, root: Path) -> ModuleType:
    package = ModuleType(name)
    package.__path__ = [str(root.joinpath(*name.split(".")))]
    return package


def top_level_names(files: Iterable[str]) -> set[str]:
    """The importable names of relative paths: `model.py` is `model`, `pkg/net.py` is `pkg`."""
    return {Path(file).parts[0].removesuffix(".py") for file in files}


def write_files(files: Mapping[str, str], root: Path) -> None:
    """Write a program's files under ``root``."""
    for name, text in files.items():
        target = root / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
