"""A verification as one HTML page that needs nothing else: no network, no other file.

`page` takes the report's JSON data, so that the page can show nothing that the JSON does not hold.
"""

from __future__ import annotations

import base64
import hashlib
import os
import shlex
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from torch2jax.verify.page.cases import case_views
from torch2jax.verify.page.code import Anchors, file_views
from torch2jax.verify.page.numbers import filters
from torch2jax.verify.page.speed import speed_view

_TEMPLATES = Path(__file__).parent / "templates"


def page(data: Mapping[str, Any]) -> str:
    """The page for the data of `VerifyReport.to_json`; ``bench``, if it is there, holds what `--bench` measured."""
    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=select_autoescape(["html", "svg"]),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(filters())
    script = environment.get_template("script.js").render()
    data = {**data, "diagnostics": [{"hint": "", "line": 0, **found} for found in data["diagnostics"]]}
    anchors = Anchors.of(data)
    cases = case_views(data, anchors)
    return environment.get_template("page.html").render(
        report=data,
        name=PurePath(data["path"]).name,
        files_named=_named(PurePath(data["path"]), data["translation"]),
        cases=cases,
        files=file_views(data, anchors),
        findings=[{**found, "href": anchors.source(found["path"], found["line"])} for found in data["diagnostics"]],
        speed=speed_view(data["bench"]) if data.get("bench") else None,
        script=script,
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
    )


def _named(path: PurePath, translation: str | None) -> str:
    """The original and its finished translation, if there is one, as arguments in the original's folder."""
    return shlex.join([path.name, *([os.path.relpath(translation, path.parent)] if translation else [])])
