"""The cases that are written down: in `verify.toml`, or in comments."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from torch2jax.verify.cases import SETTINGS, Case, read_cases
from torch2jax.verify.comments import commented_cases
from torch2jax.verify.sources import default_module, module_name, sources_of


def written_cases(path: Path) -> list[Case]:
    """The cases of the `verify.toml` beside a file or in a folder, or else those of comments in it; none without both.

    Raises:
        CaseError: they can't be read. OSError, UnicodeDecodeError: the source can't be read.
    """
    settings = (path if path.is_dir() else path.parent) / SETTINGS
    if settings.is_file():
        return read_cases(settings)
    root, files = sources_of(path)
    default, found = default_module(path, root), []
    for name, source in files.items():
        module = module_name(name)
        if path.is_dir() or module == default:
            for case in commented_cases(source, name):
                elsewhere = module != default and ":" not in case.entry
                found.append(replace(case, entry=f"{module}:{case.entry}") if elsewhere else case)
    return found
