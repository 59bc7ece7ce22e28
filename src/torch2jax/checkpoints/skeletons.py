"""The translated model without its arrays: what a checkpoint has to fit."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import jax
from flax import nnx

from torch2jax.verify.build import build_flax
from torch2jax.verify.cases import SETTINGS, Case, CaseError, read_cases
from torch2jax.verify.failures import FAILURES, one_line
from torch2jax.verify.programs import Programs
from torch2jax.verify.run import namespace_of
from torch2jax.verify.sources import sources_of
from torch2jax.verify.spaces import Space, top_level_names


@dataclass(frozen=True, slots=True)
class Skeleton:
    """A model whose Variables hold shapes and dtypes, and what was built to get it."""

    case: Case
    model: nnx.Module


class Translation:
    """A translated file or package, importable."""

    def __init__(self, path: Path) -> None:
        """``path`` is the file or the folder. Raises OSError and UnicodeDecodeError where it can't be read."""
        path = path.resolve()
        root, files = sources_of(path)
        default = "" if path.is_dir() and not (path / "__init__.py").exists() else path.stem
        self._path = path
        self._programs = Programs(root, root, frozenset(top_level_names(files)), default, {})
        self._space = Space(root, self._programs.names)

    def skeletons(self, case: Case | None) -> Iterator[Skeleton]:
        """The model of a case; without one, the models of `verify.toml` beside the translation, or of its classes.

        Classes count whose constructors take no arguments. Raises CaseError where nothing can be built.
        """
        if case is not None:
            yield Skeleton(case, self._build(case))
            return
        settings = (self._path if self._path.is_dir() else self._path.parent) / SETTINGS
        cases = read_cases(settings) if settings.is_file() else self._offered()
        seen: set[tuple[str, str]] = set()
        for offered in cases:
            if (offered.entry, offered.args) not in seen:
                seen.add((offered.entry, offered.args))
                yield Skeleton(offered, self._build(offered))
        if not seen:
            raise CaseError(
                f"{self._path}: found no module class whose constructor takes no arguments; "
                f"say --entry and --args, or write a {SETTINGS} beside the translation"
            )

    def _offered(self) -> list[Case]:
        """What `get_init_inputs` is for, or the classes that can be built without arguments."""
        name = self._programs.default_module
        if not name:
            raise CaseError(f"{self._path}: a folder of files needs --entry module:NAME, or a {SETTINGS}")
        module = self._load(name)
        classes = [c for c in vars(module).values() if _is_module_class(c) and c.__module__ == module.__name__]
        if callable(getattr(module, "get_init_inputs", None)) and (hasattr(module, "Model") or classes):
            entry = "Model" if hasattr(module, "Model") else classes[-1].__name__
            return [Case(entry, "*get_init_inputs()")]
        return [case for cls in classes if self._builds(case := Case(cls.__name__))]

    def _load(self, name: str) -> ModuleType:
        try:
            return self._space.load(name)
        except FAILURES as error:
            raise CaseError(f"{self._path}: can't be imported: {one_line(error, self._space.root)}") from None

    def _builds(self, case: Case) -> bool:
        try:
            self._build(case)
        except CaseError:
            return False
        return True

    def _build(self, case: Case) -> nnx.Module:
        """The model, without values. Raises CaseError where its constructor fails."""
        module, name = self._programs.module_of(case)
        self._load(module)

        def build() -> Any:
            model = build_flax(case, name, namespace_of(self._space, module, case), train=False)
            if inspect.isfunction(model):
                raise CaseError(f"entry {case.entry!r} is a function that needs arguments; say them with --args")
            if not isinstance(model, nnx.Module):
                raise CaseError(
                    f"entry {case.entry!r} gives a {type(model).__module__}.{type(model).__name__}, and no nnx.Module; "
                    "pass the translation of the model, and the class or function that builds it"
                )
            return model

        with self._space.active():
            try:
                abstract: nnx.Module = nnx.eval_shape(build)
                return abstract
            except FAILURES:
                pass  # a constructor that looks at values can't be traced
            try:
                return _emptied(build())
            except CaseError:
                raise
            except FAILURES as error:
                reason = one_line(error, self._space.root)
                raise CaseError(f"{case.title} can't be built: {reason}; say --entry and --args") from None


def _emptied(model: nnx.Module) -> nnx.Module:
    """The model with shapes and dtypes in place of its arrays, whose memory is free again. In place."""
    for _, node in list(nnx.iter_graph(model)):
        if isinstance(node, nnx.Variable):
            value = node.get_value()
            if hasattr(value, "shape") and hasattr(value, "dtype"):
                node.set_value(jax.eval_shape(lambda array=value: array))
    return model


def _is_module_class(value: Any) -> bool:
    return isinstance(value, type) and issubclass(value, nnx.Module)
