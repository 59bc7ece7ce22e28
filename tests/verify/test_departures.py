"""Mistakes that show somewhere else than where they were made, each found where it was made."""

from pathlib import Path

import pytest

from torch2jax.options import Options
from torch2jax.verify import Rung, verify
from torch2jax.verify.cases import Case
from torch2jax.verify.found import Found
from torch2jax.verify.programs import translated

SOURCE = """\
import torch
import torch.nn as nn


def conv(n, stride=1):
    return nn.Conv1d(n, n, 3, stride=stride, padding=1)


def halves(x, size):
    first = x[..., :size]
    return first * x[..., size:]


class Mix(nn.Module):
    def __init__(self, n=2 * 3, depth=2):
        super().__init__()
        width = 2 * n
        self.scale = n ** -0.5
        self.up = nn.Linear(n, width)
        self.down = conv(n, 2)
        self.depth = depth
        self.register_buffer("seen", torch.zeros(()))

    @staticmethod
    def shifted(x, by=1.0):
        return x + by

    def forward(self, x, mask=None):
        h = halves(self.up(x), x.shape[-1])
        h = h * self.scale
        if mask is not None:
            h = h * mask
        else:
            h = self.shifted(h)
        total = h
        for i in range(self.depth):
            total = total + torch.sin(h)
        if self.training:
            self.seen = self.seen + total.detach().mean()
        total = total.transpose(1, 2)
        return self.down(total), x.detach() * 2
"""
CASE = Case("Mix", inputs=("f32[3,5,6]",))


def place(tmp_path: Path, old: str, new: str, source: str = SOURCE, case: Case = CASE) -> tuple[Rung, Found | None]:
    path, edited = tmp_path / "net.py", tmp_path / "net_jax.py"
    path.write_text(source, encoding="utf-8")
    with translated(path, None, Options()) as programs:
        code = programs.conversions["net.py"].code
    assert old in code, code
    edited.write_text(code.replace(old, new, 1), encoding="utf-8")
    report = verify(path, edited, cases=[case], last="gradients", dtypes=["float64"])
    bad = report.bad[0]
    return bad.rung, bad.place


@pytest.mark.parametrize(
    ("old", "new", "rung", "original"),
    [
        ("n=2 * 3, depth=2", "n=2 * 3, depth=3", "eval", "def __init__(self, n=2 * 3, depth=2):"),
        ("n=2 * 3, depth=2", "n=2 * 2, depth=2", "state", "def __init__(self, n=2 * 3, depth=2):"),
        ("self.scale = n ** -0.5", "self.scale = n ** -0.25", "eval", "self.scale = n ** -0.5"),
        ("width = 2 * n", "width = 3 * n", "state", "width = 2 * n"),
        ("self.down = conv(n, 2,", "self.down = conv(n, 1,", "eval", "self.down = conv(n, 2)"),
        ("        h = h * self.scale\n", "", "eval", "h = h * self.scale"),
        ("if mask is not None", "if mask is None", "eval", "if mask is not None:"),
        (
            "h = halves(self.up(x), x.shape[-1])",
            "h = halves(self.up(x), x.shape[-1]).swapaxes(0, 1)",
            "eval",
            "h = halves(self.up(x), x.shape[-1])",
        ),
        ("return x + by", "return x - by", "eval", "return x + by"),
        ("by=1.0", "by=2.0", "eval", "def shifted(x, by=1.0):"),
        ("range(self.depth)", "range(self.depth - 1)", "eval", "for i in range(self.depth):"),
        ("x.shape[-1])", "x.shape[-2])", "eval", "h = halves(self.up(x), x.shape[-1])"),
        ("total = h\n", "total = jax.lax.stop_gradient(h)\n", "gradients", "total = h"),
        ("if not self.deterministic", "if self.deterministic", "buffers", "if self.training:"),
        ("nnx.Conv(n, n,", "nnx.Conv(n, 'n',", "builds", "return nn.Conv1d(n, n, 3, stride=stride, padding=1)"),
    ],
)
def test_the_statement_is_named(tmp_path: Path, old: str, new: str, rung: str, original: str) -> None:
    found_on, found = place(tmp_path, old, new)
    assert found_on == rung
    assert found is not None
    assert found.original is not None
    assert found.original.text == original
    assert found.translation is None or not new or new.strip().splitlines()[0] in found.translation.text


LATER = """\
import torch
import torch.nn as nn


class Stack(nn.Module):
    def __init__(self, n=6, depth=3, bias=True):
        super().__init__()
        self.first = nn.GRU(n, n, batch_first=True, bidirectional=True)
        self.layers = nn.ModuleList()
        for i in range(depth):
            self.layers.append(nn.Linear(2 * n, 2 * n, bias=bias))
        last = nn.Linear(2 * n, 2 * n)
        self.layers.append(last)
        self.ends = nn.Sequential(nn.Linear(2 * n, n))
        self.ends.append(nn.Sigmoid())
        if bias:
            self.shift = nn.Parameter(torch.zeros(2 * n))
        for name, p in self.named_parameters():
            if p.dim() == 1:
                nn.init.constant_(p, 0.5)

    def forward(self, x):
        x, _ = self.first(x)
        for layer in self.layers:
            x = torch.relu(layer(x))
        return self.ends(x + self.shift)
"""


@pytest.mark.parametrize(
    ("old", "new", "rung", "original"),
    [
        ("bidirectional=True", "bidirectional=False", "state", "self.first = nn.GRU(n, n, batch_first=True,"),
        ("range(depth)", "range(depth - 1)", "state", "for i in range(depth):"),
        ("use_bias=bias", "use_bias=not bias", "state", "self.layers.append("),
        ("if bias:", "if not bias:", "state", "if bias:"),
        ("if p.ndim == 1", "if p.none == 1", "builds", "if p.dim() == 1:"),
        ("0.5", "0.25", "initial", "nn.init.constant_(p, 0.5)"),
        ("self.layers.append(last)", "last", "state", "self.layers.append(last)"),
        ("self.ends.layers.append(nnx.sigmoid)", "nnx.sigmoid", "eval", "self.ends.append(nn.Sigmoid())"),
    ],
)
def test_the_statement_of_a_constructor_is_named(tmp_path: Path, old: str, new: str, rung: str, original: str) -> None:
    found_on, found = place(tmp_path, old, new, LATER, Case("Stack", inputs=("f32[3,5,6]",)))
    assert found_on == rung
    assert found is not None
    assert found.original is not None
    assert found.original.text.startswith(original)


MOVING = """\
import torch
import torch.nn as nn


class Norm(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(n))

    def forward(self, x):
        return self.weight[:, None, None] * x / x.pow(2).mean(1, keepdim=True).sqrt()


class Net(nn.Module):
    def __init__(self, n=6):
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, n, 3),
            Norm(n),
            nn.GELU(),
            nn.Conv2d(n, n, 3, padding=1),
            nn.Dropout(0.1),
        )
        self.scale = n ** -0.5

    def forward(self, x):
        x = self.stem(x)
        x = x * self.scale
        return x.mean(3)
"""


@pytest.mark.parametrize(
    ("old", "new", "original"),
    [
        ("x * self.scale", "x / self.scale", "x = x * self.scale"),
        ("approximate=False", "approximate=True", "nn.GELU(),"),
        ("(3, 3), padding=1", "(3, 3), padding=0", "nn.Conv2d(n, n, 3, padding=1),"),
    ],
)
def test_functions_that_move_axes_in_a_sequential_are_no_layers(
    tmp_path: Path, old: str, new: str, original: str
) -> None:
    found_on, found = place(tmp_path, old, new, MOVING, Case("Net", inputs=("f32[2,3,7,9]",)))
    assert found_on == "eval"
    assert found is not None
    assert found.original is not None
    assert found.original.text == original


DECORATED = """\
'A layer and its sizes.'

from dataclasses import dataclass

import torch.nn as nn


@dataclass
class Config:
    n: int = 6
    bias: bool = True


class Net(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.fc = nn.Linear(config.n, config.n, bias=config.bias)

    def forward(self, x):
        return self.fc(x)


def small():
    return Net(Config())
"""


def test_the_head_of_a_decorated_class_is_in_both_programs(tmp_path: Path) -> None:
    case = Case("small", inputs=("f32[2,6]",))
    found_on, found = place(tmp_path, "use_bias=config.bias", "use_bias=not config.bias", DECORATED, case)
    assert found_on == "state"
    assert found is not None
    assert found.original is not None
    assert found.original.text == "self.fc = nn.Linear(config.n, config.n, bias=config.bias)"


FOLLOWING = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self, n=6, widths=(5, 7)):
        super().__init__()
        self.up = nn.Linear(n, n)
        self.down = nn.Linear(widths[0], widths[1])
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.zeros_(m.bias)

    def start(self, x):
        first = next(self.parameters())
        return first.new_zeros(x.shape[0], 3)

    def weight(self, t):
        n, m = t.shape
        return t.reshape(n * m).cumsum(0) / n

    def forward(self, x):
        state = self.start(x)
        a = self.up(x).transpose(1, 2)
        b = x.transpose(1, 2)
        rows = []
        for i in range(3):
            row = b * i
            rows.append(row)
        h = torch.cat((a, b), dim=2)
        total = self.down(h[..., :5]).sum() + torch.stack(rows).sum()
        w = self.weight(x[:, 0, 0][:, None])
        pair, last = (w, h), total
        return last * pair[0].mean(), (state, h)
"""


@pytest.mark.parametrize(
    ("old", "new", "rung", "original"),
    [
        ("(a, b), axis=2", "(a, -b), axis=2", "eval", "h = torch.cat((a, b), dim=2)"),
        ("a = self.up(x).swapaxes(1, 2)", "a = self.up(x)", "eval", "a = self.up(x).transpose(1, 2)"),
        ("            rows.append(row)\n", "", "eval", "rows.append(row)"),
        (":, 0, 0][:, None]", ":, 0, 0][None, :]", "eval", "w = self.weight(x[:, 0, 0][:, None])"),
        ("pair, last = (w, h), total", "last, pair = (w, h), total", "eval", "pair, last = (w, h), total"),
        ("widths=(5, 7)", "widths=(5, 8)", "state", "def __init__(self, n=6, widths=(5, 7)):"),
        ("zeros_like(m.bias)", "ones_like(m.bias)", "initial", "nn.init.zeros_(m.bias)"),
    ],
)
def test_what_changes_nothing_is_not_named_but_what_the_error_comes_from(
    tmp_path: Path, old: str, new: str, rung: str, original: str
) -> None:
    """The first parameter is the weight in torch and the bias in flax, of which only the dtype is used."""
    found_on, found = place(tmp_path, old, new, FOLLOWING, Case("Net", inputs=("f32[3,5,6]",)))
    assert found_on == rung
    assert found is not None
    assert found.original is not None
    assert found.original.text == original


def test_a_buffer_of_the_whole_model_is_named_where_it_is_made(tmp_path: Path) -> None:
    source = FOLLOWING.replace(
        "        for m in", "        self.register_buffer('at', torch.ones(3), persistent=False)\n        for m in"
    )
    found_on, found = place(tmp_path, ", persistent=False", "", source, Case("Net", inputs=("f32[3,5,6]",)))
    assert found_on == "state"
    assert found is not None
    assert found.translation is not None
    assert found.translation.text == "self.at = Buffer(jnp.ones((3,)))"
