"""The statement that an array has its first values from."""

from pathlib import Path

import numpy as np
import pytest

from torch2jax.options import Options
from torch2jax.verify import Rung, verify
from torch2jax.verify.cases import Case
from torch2jax.verify.programs import translated
from torch2jax.verify.tracing import Moment
from torch2jax.verify.writers import writer

SOURCE = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, n=24):
        super().__init__()
        self.a = nn.Linear(n, n)
        self.b = nn.Linear(n, n)
        self.token = nn.Parameter(torch.zeros(n, n))
        self.apply(self._init)
        spread = 1 / n**2
        nn.init.normal_(self.token, std=spread)

    def _init(self, m):
        if isinstance(m, nn.Linear):
            nn.init.normal_(m.weight, std=0.3)

    def forward(self, x):
        return self.b(self.a(x)) @ self.token
"""


@pytest.mark.parametrize(
    ("old", "new", "torch_line", "jax_line"),
    [
        ("normal(0.3)", "normal(0.1)", "nn.init.normal_(m.weight, std=0.3)", "m.kernel[...] = nnx.initializers"),
        ("self._init(module, rngs=rngs)", "pass", "nn.init.normal_(m.weight, std=0.3)", "self.a = nnx.Linear(n, n"),
        ("normal(spread)", "uniform(spread)", "nn.init.normal_(self.token, std=spread)", "self.token[...] = nnx.init"),
        ("1 / n**2", "1 / n", "spread = 1 / n**2", "spread = 1 / n"),
    ],
)
def test_values_from_another_distribution_show_who_wrote_them(
    tmp_path: Path, old: str, new: str, torch_line: str, jax_line: str
) -> None:
    path, edited = tmp_path / "net.py", tmp_path / "net_jax.py"
    path.write_text(SOURCE, encoding="utf-8")
    with translated(path, None, Options()) as programs:
        code = programs.conversions["net.py"].code
    assert old in code, code
    edited.write_text(code.replace(old, new, 1), encoding="utf-8")
    report = verify(path, edited, cases=[Case("Net", inputs=("f32[2,24]",))], last="initial")
    (outcome,) = (outcome for outcome in report.outcomes if outcome.rung is Rung.INITIAL)
    assert outcome.place is not None
    assert outcome.place.original is not None
    assert outcome.place.original.text == torch_line
    assert outcome.place.translation is not None
    assert outcome.place.translation.text.startswith(jax_line)


def test_the_first_statement_that_left_the_value_is_the_writer() -> None:
    value = np.array([1.0, 2.0])
    events = [
        Moment("net.py", 1, {"x": {"x": value}}, entry=True),
        Moment("net.py", 2, {"x": {"x": value + 1}, "y": {"y": 3}}),
        Moment("net.py", 3, {"x": {"x": value}}),
        Moment("net.py", 4, {"x": {"x": value}}),
    ]
    assert writer(events, value) is events[2]


def test_an_array_of_one_number_says_nothing() -> None:
    value = np.zeros(3)
    assert writer([Moment("net.py", 2, {"x": {"x": value}})], value) is None
