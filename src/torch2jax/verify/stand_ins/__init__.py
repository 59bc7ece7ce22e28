"""Stand-ins for packages that can't be installed beside the pinned PyTorch, so that rules for them have examples.

A module here is called like the package, and has what rules translate of it, written from the package's
documentation with PyTorch's own operations. A package that is installed takes precedence.
"""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path

STAND_INS = Path(__file__).parent
PACKAGES = frozenset(path.stem for path in STAND_INS.glob("*.py") if path.stem != "__init__")
"""The packages that have a stand-in."""


class _StandIns(MetaPathFinder, Loader):
    """Finds `timm`, and whatever module below it, in the stand-in of that name."""

    def __init__(self) -> None:
        self.imported: list[str] = []

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: types.ModuleType | None = None
    ) -> ModuleSpec | None:
        known = fullname.partition(".")[0] in PACKAGES
        return ModuleSpec(fullname, self, is_package=True) if known else None

    def create_module(self, spec: ModuleSpec) -> types.ModuleType | None:
        return None

    def exec_module(self, module: types.ModuleType) -> None:
        self.imported.append(module.__name__)
        stand_in = importlib.import_module(f"{__name__}.{module.__name__.partition('.')[0]}")
        vars(module)["__getattr__"] = partial(getattr, stand_in)


@contextmanager
def stand_ins() -> Iterator[None]:
    """While this lasts, packages that are not installed can be imported if they have a stand-in."""
    finder = _StandIns()
    sys.meta_path.append(finder)
    try:
        yield
    finally:
        sys.meta_path.remove(finder)
        for name in finder.imported:
            sys.modules.pop(name, None)
