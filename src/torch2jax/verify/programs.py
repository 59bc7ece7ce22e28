"""A program and its translation, side by side and importable."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from torch2jax.conversion import Conversion, Interface
from torch2jax.options import Options
from torch2jax.report import Diagnostic
from torch2jax.verify.cases import Case, CaseError
from torch2jax.verify.sources import bare_packages, default_module, root_of, sources_of
from torch2jax.verify.spaces import Space, top_level_names, write_files


@dataclass(frozen=True, slots=True)
class Programs:
    """The files of an original and of its translation, in two folders that mirror each other.

    conversions: by path relative to the folders; empty where the translation was given and not made.
    options: how it was, or would be, converted. given: the translation that was given.
    bare: packages whose `__init__` is no part of the program (see `Space`).
    """

    original_root: Path
    translation_root: Path
    names: frozenset[str]
    default_module: str
    conversions: Mapping[str, Conversion]
    options: Options = Options()
    given: Path | None = None
    bare: frozenset[str] = frozenset()

    @property
    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """What the conversion reported, in order of place."""
        found = (d for conversion in self.conversions.values() for d in conversion.diagnostics)
        return tuple(sorted(found, key=lambda d: d.sort_key))

    def spaces(self) -> tuple[Space, Space]:
        """Fresh import spaces of the original and the translation."""
        first, second = (Space(root, self.names, self.bare) for root in (self.original_root, self.translation_root))
        return first, second

    def shown(self, file: str) -> str:
        """How the user calls a file of the translation."""
        return self.given.name if self.given is not None and self.given.is_file() else file

    def sources(self) -> dict[str, str]:
        """The files of the original that have a translation, by path."""
        paths = (path.relative_to(self.translation_root) for path in sorted(self.translation_root.rglob("*.py")))
        own = [path for path in paths if (self.original_root / path).is_file()]
        return {path.as_posix(): (self.original_root / path).read_text(encoding="utf-8") for path in own}

    def module_of(self, case: Case) -> tuple[str, str]:
        """The dotted module and the name in it that a case's entry means."""
        module, _, name = case.entry.rpartition(":")
        if not module and not self.default_module:
            raise CaseError(f"entry {case.entry!r}: write it as module:name, since the source is a folder")
        return module or self.default_module, name

    def interface(self, cls: type, method: str = "forward") -> Interface:
        """The axis orders that a method of a class, or of its nearest base that has any, takes and returns."""
        suffix = "" if method == "forward" else f".{method}"
        for base in cls.__mro__:
            path = base.__module__.replace(".", "/")
            for name in (f"{path}.py", f"{path}/__init__.py"):
                conversion = self.conversions.get(name)
                key = f"{base.__name__}{suffix}"
                if conversion is not None and key in conversion.interfaces:
                    return conversion.interfaces[key]
        return Interface()


@contextmanager
def translated(path: Path, translation: Path | None, options: Options) -> Iterator[Programs]:
    """Convert ``path`` into a temporary folder, or take the translation that is given. The folder goes at the end."""
    root, files = sources_of(path)
    default = default_module(path, root)
    with tempfile.TemporaryDirectory(prefix="torch2jax-") as folder:
        target = Path(folder)
        if translation is None:
            around = {f"{name.replace('.', '/')}/__init__.py": "" for name in bare_packages(files)}
            conversions = _convert({**around, **files}, options, single=len(files) == 1)
            write_files({name: conversion.code for name, conversion in conversions.items()}, target)
        else:
            conversions = {}
            write_files(_given(path, translation), target)
        names = top_level_names([*files, *conversions])
        yield Programs(
            root, target, frozenset(names), default, conversions, options, translation, frozenset(bare_packages(files))
        )


def _convert(files: Mapping[str, str], options: Options, *, single: bool) -> Mapping[str, Conversion]:
    from torch2jax import convert_files
    from torch2jax.batch import convert_safely

    def together(texts: Mapping[str, str], options: Options, _: object) -> Mapping[str, Conversion]:
        return convert_files(texts, options, single=single)

    return convert_safely(files, options, together)


def _given(path: Path, translation: Path) -> dict[str, str]:
    """The files of a finished translation under the names that the original's files have."""
    if translation.is_dir() != path.is_dir():
        raise CaseError(f"{translation}: the translation of a file is a file, and that of a folder a folder")
    root, files = sources_of(translation)
    if translation.is_file():
        files[path.relative_to(root_of(path)).as_posix()] = files.pop(translation.relative_to(root).as_posix())
    elif (path / "__init__.py").exists():
        prefix = f"{translation.name}/"
        files = {f"{path.name}/{name.removeprefix(prefix)}": text for name, text in files.items()}
    return files
