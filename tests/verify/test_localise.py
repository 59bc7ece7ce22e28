"""The place where a translation departs from its original."""

from pathlib import Path

import pytest

from torch2jax.options import Options
from torch2jax.verify.calls import take_apart
from torch2jax.verify.cases import Case
from torch2jax.verify.inputs import parse_inputs
from torch2jax.verify.line_map import LineMap
from torch2jax.verify.localise import Found, Localiser
from torch2jax.verify.precision import float64
from torch2jax.verify.programs import translated
from torch2jax.verify.sides import Original, Translation
from torch2jax.verify.sources import sources_of

SOURCE = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


def scaled(x, factor=2.0):
    y = x * factor
    return y + 1


class Block(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.norm = nn.LayerNorm(n)
        self.layers = nn.Sequential(
            nn.Linear(n, n),
            nn.GELU(),
            nn.Linear(n, n),
        )

    def forward(self, x):
        h = self.norm(x)
        return x + self.layers(h)


class Net(nn.Module):
    def __init__(self, n=6):
        super().__init__()
        self.conv = nn.Conv2d(3, n, 3, padding=1)
        self.bn = nn.BatchNorm2d(n, momentum=0.2)
        self.blocks = nn.ModuleList([Block(n) for _ in range(2)])
        self.head = nn.Linear(n, 4)

    def forward(self, x):
        x = F.relu(self.bn(self.conv(x)))
        x = x.flatten(2)
        x = x.transpose(1, 2)
        for block in self.blocks:
            x = block(x)
        x = scaled(x.mean(1))
        return self.head(x)
"""
CASE = Case("Net", inputs=("f32[2,3,8,10]",))


def localise(tmp_path: Path, old: str, new: str) -> Found | None:
    path = tmp_path / "net.py"
    path.write_text(SOURCE, encoding="utf-8")
    options = Options()
    with translated(path, None, options) as programs:
        code = programs.conversions["net.py"].code
    assert old in code, code
    edited = tmp_path / "net_jax.py"
    edited.write_text(code.replace(old, new, 1), encoding="utf-8")
    with translated(path, edited, options) as programs, float64():
        spaces = programs.spaces()
        original = Original(programs, CASE, spaces[0], double=True)
        translation = Translation(programs, CASE, spaces[1], double=True)
        original.load()
        original.build()
        lines = LineMap(sources_of(path)[1], programs.original_root, programs.translation_root, options)
        return Localiser(original, translation, lines).first_departure(take_apart(parse_inputs(CASE.inputs).draw(3)))


@pytest.mark.parametrize(
    ("old", "new", "what", "original", "called"),
    [
        ("y = x * factor", "y = x * (factor + 1)", "y", "y = x * factor", None),
        ("return y + 1", "return y - 1", "the result", "return y + 1", None),
        ("return x + self.layers(h)", "return self.layers(h)", "the result", "return x + self.layers(h)", None),
        (
            "epsilon=1e-5, use_fast_variance=False, rngs",
            "epsilon=1e-3, use_fast_variance=False, rngs",
            "blocks.0.norm",
            "self.norm = nn.LayerNorm(n)",
            "h = self.norm(x)",
        ),
        (
            "approximate=False",
            "approximate=True",
            "blocks.0.layers.1",
            "nn.GELU(),",
            "return x + self.layers(h)",
        ),
        (
            "padding=1",
            "padding=0",
            "conv",
            "self.conv = nn.Conv2d(3, n, 3, padding=1)",
            "x = F.relu(self.bn(self.conv(x)))",
        ),
        ("nnx.relu(", "nnx.silu(", "x", "x = F.relu(self.bn(self.conv(x)))", None),
        ("x.mean(axis=1)", "x.max(axis=1)", "x", "x = scaled(x.mean(1))", None),
        ("return self.head(x)", "return self.head(x) * 2", "the result", "return self.head(x)", None),
    ],
)
def test_the_place_is_named(tmp_path: Path, old: str, new: str, what: str, original: str, called: str | None) -> None:
    found = localise(tmp_path, old, new)
    assert found is not None
    assert found.original is not None
    assert (found.what, found.original.text) == (what, original)
    assert (found.called.text if found.called is not None else None) == called
    assert found.departure is not None


def test_the_changed_line_of_the_translation_is_named(tmp_path: Path) -> None:
    found = localise(tmp_path, "y = x * factor", "y = x / factor")
    assert found is not None
    assert found.translation is not None
    assert found.translation.text == "y = x / factor"


def test_a_line_that_raises_is_named(tmp_path: Path) -> None:
    found = localise(tmp_path, "y = x * factor", "y = x @ x")
    assert found is not None
    assert found.original is not None
    assert (found.original.text, found.departure) == ("y = x * factor", None)


def test_nothing_is_found_where_both_agree(tmp_path: Path) -> None:
    assert localise(tmp_path, "y = x * factor", "y = factor * x") is None
