"""What a report tells beyond the ladder: the layers, the lines, and the JSON as its schema has it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result

from torch2jax.cli.verify import verify as command
from torch2jax.options import Options
from torch2jax.verify.programs import translated

SCHEMA = Path(__file__).parents[2] / "docs" / "verify-report.schema.json"
SOURCE = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, n=4):
        super().__init__()
        self.conv = nn.Conv2d(3, n, 3)
        self.body = nn.Sequential(nn.BatchNorm2d(n), nn.Dropout(0.1))
        self.head = nn.Linear(n, 2)

    def forward(self, x):
        y = self.body(self.conv(x))
        return self.head(y.mean((2, 3)))
"""


def run(*arguments: object, code: int) -> Result:
    result = CliRunner().invoke(command, [*map(str, arguments), "--entry", "Net", "--input", "f32[2,3,6,7]"])
    assert result.exit_code == code, result.output
    return result


@pytest.mark.parametrize("edited", [False, True])
def test_the_report_has_layers_and_lines_as_the_schema_says(tmp_path: Path, edited: bool) -> None:
    path, report, page = tmp_path / "net.py", tmp_path / "report.json", tmp_path / "report.html"
    path.write_text(SOURCE, encoding="utf-8")
    programs = [path]
    if edited:
        with translated(path, None, Options()) as found:
            code = found.conversions["net.py"].code
        programs.append(tmp_path / "net_jax.py")
        assert "BatchNorm(n, rngs" in code, code
        programs[1].write_text(code.replace("BatchNorm(n, rngs", "BatchNorm(n, epsilon=1e-3, rngs"), encoding="utf-8")
    run(*programs, "--train-steps", 2, "--report", report, "--report", page, code=int(edited))
    data = json.loads(report.read_text(encoding="utf-8"), parse_constant=pytest.fail)
    jsonschema.Draft202012Validator.check_schema(json.loads(SCHEMA.read_text(encoding="utf-8")))
    jsonschema.validate(data, json.loads(SCHEMA.read_text(encoding="utf-8")))
    (layers,) = [outcome["layers"] for outcome in data["outcomes"] if outcome["layers"]]
    errors = {layer["name"]: layer["max_rel"] for layer in layers}
    assert list(errors) == ["", "conv", "body", "body.0", "body.1", "head"]
    apart = {name for name, error in errors.items() if error is not None and error > 1e-9}
    assert apart == ({"", "body", "body.0", "body.1", "head"} if edited else set())
    built = {layer["name"]: layer["built"]["line"] for layer in layers if layer["built"]}
    assert (built["conv"], built["body.0"], built["head"]) == (8, 9, 10)
    (file,) = data["files"]
    lines = file["code"].splitlines()
    assert file["source"] == SOURCE
    assert {lines[line - 1].strip() for line, source in file["lines"] if source == 13} == {
        "y = self.body(self.conv(x))"
    }
    assert data["summary"].rstrip(".").split(": ")[-1] == ("eval DIFFERS" if edited else "1 case agrees")
    assert page.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_nothing_more_is_told_unless_it_is_asked_for(tmp_path: Path) -> None:
    from torch2jax.verify import Case, verify

    path = tmp_path / "net.py"
    path.write_text(SOURCE, encoding="utf-8")
    report = verify(path, cases=[Case("Net", inputs=("f32[2,3,6,7]",))], last="eval")
    assert report.ok
    assert not report.files
    assert not any(outcome.layers for outcome in report.outcomes)


def test_a_page_has_a_place_before_anything_runs(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("raise SystemExit('it ran')\n", encoding="utf-8")
    result = run(path, "--report", tmp_path, code=2)
    assert "it ran" not in result.output
