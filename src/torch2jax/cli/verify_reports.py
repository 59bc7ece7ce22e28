"""The files that `torch2jax verify --report` writes: pages and JSON, from the same data."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from torch2jax.source.write import check_file, write_file
from torch2jax.verify.isolated import MissingPackageError

_PAGES = (".html", ".htm")


def check_reports(paths: Sequence[Path]) -> None:
    """Before anything runs: raise OutputError for a place that can't be written, MissingPackageError for a page."""
    for path in paths:
        check_file(path, force=True)
    if any(_is_page(path) for path in paths):
        try:
            from torch2jax.verify import page as _  # noqa: F401 - jinja2
        except ImportError as error:
            raise MissingPackageError(error.name or str(error)) from None


def write_reports(paths: Sequence[Path], data: Mapping[str, Any]) -> None:
    """Write the data of a report to each path. Raises OutputError."""
    for path in paths:
        if _is_page(path):
            from torch2jax.verify.page import page

            text = page(data)
        else:
            text = f"{json.dumps(data, indent=2)}\n"
        write_file(path, text.encode())


def _is_page(path: Path) -> bool:
    return path.suffix.lower() in _PAGES
