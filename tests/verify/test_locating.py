"""The place in the outcome of a rung that failed."""

from pathlib import Path

import pytest

from torch2jax.options import Options
from torch2jax.verify import Outcome, Rung, verify
from torch2jax.verify.cases import Case
from torch2jax.verify.programs import translated

SOURCE = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, n=4):
        super().__init__()
        self.fc = nn.Linear(n, n)
        self.bn = nn.BatchNorm1d(n, momentum=0.2)

    def forward(self, x):
        y = self.bn(self.fc(x))
        return torch.tanh(y)
"""


def outcomes(tmp_path: Path, old: str, new: str) -> dict[Rung, Outcome]:
    path, edited = tmp_path / "net.py", tmp_path / "net_jax.py"
    path.write_text(SOURCE, encoding="utf-8")
    with translated(path, None, Options()) as programs:
        code = programs.conversions["net.py"].code
    assert old in code, code
    edited.write_text(code.replace(old, new, 1), encoding="utf-8")
    report = verify(path, edited, cases=[Case("Net", inputs=("f32[5,4]",))], last="gradients")
    return {outcome.rung: outcome for outcome in report.outcomes}


@pytest.mark.parametrize(
    ("old", "new", "rung", "line"),
    [
        ("jnp.tanh(y)", "nnx.sigmoid(y)", Rung.EVAL, "return torch.tanh(y)"),
        ("momentum=0.8", "momentum=0.2", Rung.BUFFERS, "self.bn = nn.BatchNorm1d(n, momentum=0.2)"),
        ("nnx.Linear(n, n,", "nnx.Linear(n, 'n',", Rung.BUILDS, "self.fc = nn.Linear(n, n)"),
        ("jnp.tanh(y)", "jnp.tanh(z)", Rung.EVAL, "return torch.tanh(y)"),
    ],
)
def test_a_failing_rung_says_where(tmp_path: Path, old: str, new: str, rung: Rung, line: str) -> None:
    place = outcomes(tmp_path, old, new)[rung].place
    assert place is not None
    assert place.original is not None
    assert place.original.text == line
    assert place.translation is not None
    assert place.translation.file == "net_jax.py"
    assert new in place.translation.text


def test_nothing_is_looked_for_where_all_agree(tmp_path: Path) -> None:
    assert all(outcome.place is None for outcome in outcomes(tmp_path, "jnp.tanh(y)", "jnp.tanh(y)").values())
