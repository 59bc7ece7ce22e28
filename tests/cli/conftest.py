"""A converter that stands in for the engine, and the command to call it with."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from torch2jax.cli import main
from torch2jax.conversion import Conversion, Coverage, Interface
from torch2jax.options import Options
from torch2jax.report import Diagnostic
from torch2jax.source.parse import parse
from torch2jax.source.text import SourceError

_MARKS = {"foo": "T2J101", "assumed": "T2J201", "dropped": "T2J301"}


def fake_converter(
    files: Mapping[str, str], options: Options, progress: Callable[[int, int], None] | None
) -> dict[str, Conversion]:
    """Says jax for torch, finds torch.foo, torch.assumed and torch.dropped, and fails on torch.boom."""
    results = {}
    for number, (path, text) in enumerate(files.items(), 1):
        results[path] = _convert(path, text, options)
        if progress:
            progress(number, len(files))
    if len(files) > 1 and any("torch.helped" in text for text in files.values()):
        folder = next(iter(files)).rpartition("/")[0] if all("/" in path for path in files) else ""
        results[f"{folder}/torch2jax_helpers.py".lstrip("/")] = Conversion("# helpers\n")
    return results


def _convert(path: str, text: str, options: Options) -> Conversion:
    assert "\r" not in text
    try:
        parse(text, path)
    except SourceError as error:
        return Conversion(text, (error.diagnostic,))
    if "torch.boom" in text:
        raise RuntimeError("the engine is broken")
    uses = list(re.finditer(r"torch\.(\w+)", text))
    found = []
    for use in uses:
        code = _MARKS.get(use[1])
        if code:
            line = text.count("\n", 0, use.start()) + 1
            column = use.start() - text.rfind("\n", 0, use.start()) - 1
            end = column + len(use[0])
            found.append(
                Diagnostic.of(code, f"{use[0]}!", path=path, line=line, column=column, end_column=end, hint="try")
            )
    flagged = sum(d.code == "T2J101" for d in found)
    interfaces = {"Net": Interface({"x": "N H W C"}, ("N C", None))} if uses else {}
    code = text.replace("torch", "jax") + (f"# {options.interface}\n" if uses else "")
    return Conversion(code, tuple(found), len(uses), Coverage(len(uses) - flagged, flagged, 0), interfaces)


@dataclass
class Command:
    """`torch2jax convert` with the fake engine."""

    runner: CliRunner

    def __call__(self, *args: str | Path, stdin: bytes | None = None, code: int = 0) -> Result:
        result = self.runner.invoke(
            main, ["convert", *map(str, args)], obj=fake_converter, input=stdin, catch_exceptions=False
        )
        assert result.exit_code == code, result.output
        return result


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    monkeypatch.chdir(tmp_path)
    return Command(CliRunner())
