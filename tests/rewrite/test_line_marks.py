"""Which line of the source an output's line comes from."""

from pathlib import Path

import pytest

from torch2jax.convert import _convert_files, convert_files, source_lines
from torch2jax.options import Options
from torch2jax.rewrite.line_marks import without_marks

ROOT = Path(__file__).parents[2]
SOURCES = sorted([*ROOT.glob("samples/*/*.py"), *ROOT.glob("tests/golden/*/in.py")])

SOURCE = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)  # a comment

    def forward(self, x):
        x = x.contiguous()
        if x.shape[0] > 1:
            x = self.fc(x)
        else:
            x.add_(1)
        return torch.relu(x)
"""


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_marks_leave_the_output_as_it_is(path: Path) -> None:
    files = {path.name: path.read_text(encoding="utf-8")}
    marked = _convert_files(files, Options(), True, None, 1, line_marks=True)[path.name]
    assert without_marks(marked.code)[0] == convert_files(files, single=True)[path.name].code


def test_each_statement_has_its_line() -> None:
    code = convert_files({"net.py": SOURCE}, single=True)["net.py"].code.splitlines()
    lines = SOURCE.splitlines()
    pairs = {
        code[new - 1].strip(): lines[old - 1].strip()
        for new, old in source_lines({"net.py": SOURCE}, single=True)["net.py"].items()
    }
    assert pairs["class Net(nnx.Module):"] == "class Net(nn.Module):"
    assert pairs["def __call__(self, x):"] == "def forward(self, x):"
    assert pairs["self.fc = nnx.Linear(3, 4, **fan_in_uniform(3), rngs=rngs)  # a comment"].startswith("self.fc =")
    assert pairs["if x.shape[0] > 1:"] == "if x.shape[0] > 1:"
    assert pairs["x = x + 1"] == "x.add_(1)"
    assert pairs["return nnx.relu(x)"] == "return torch.relu(x)"
    assert not any(line.startswith("def fan_in_uniform") for line in pairs)
