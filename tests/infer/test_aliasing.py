"""Writes to memory that several names share: the output computes what torch does, or says that it does not."""

import importlib.util
from typing import Any

import pytest

from torch2jax.convert import convert

needs_both = pytest.mark.skipif(
    not (importlib.util.find_spec("torch") and importlib.util.find_spec("jax")), reason="runs source and translation"
)

REPORTED = {
    "a view of the argument": "y = x[:, 0]\n    y.add_(1)\n    return x",
    "transposed": "y = x.t()\n    y[0] = 1\n    return x",
    "two names": "y = x\n    y[0] = 1\n    return x",
    "a view before the write": "row = x[0]\n    x[0] = 5\n    return row",
    "reshaped": "y = x.view(-1)\n    x += 1\n    return y",
    "detached": "y = x.detach()\n    y.zero_()\n    return x",
    "one of two": "y = x + 1\n    z = y if n else x\n    z.add_(1)\n    return y",
    "in a list": "items = [x]\n    x.add_(1)\n    return items[0]",
    "in a dictionary": "items = dict(a=x)\n    x.add_(1)\n    return items",
    "appended": "out = []\n    for _ in range(2):\n        out.append(x)\n        x.add_(1)\n    return out",
    "unpacked": "a, b = x[0], x[1]\n    a += 1\n    return x",
    "two names at once": "y, z = x, x\n    y.add_(1)\n    return z",
    "chained assignment": "y = z = x\n    y.add_(1)\n    return z",
    "a view of a view": "y = x.view(-1)[2:].reshape(2, -1).t()\n    y.add_(1)\n    return x",
    "a function that gives a view": "y = torch.narrow(x, 0, 0, 1)\n    y.add_(1)\n    return x",
    "expanded": "y = x.expand(3, 2, 4)\n    x[0] = 1\n    return y",
    "in a branch": "y = x\n    if n:\n        y.add_(1)\n    return x",
    "in a loop": "z = x\n    for _ in range(n):\n        z = x\n        x.add_(1)\n    return z",
    "in a try block": "y = x\n    try:\n        y[0] = 1\n    except ValueError:\n        pass\n    return x",
}

COMPUTED = {
    "an item": "x[0] = 1\n    return x",
    "an item of an item": "x[0][1] = 3\n    x[0][1] += 3\n    return x",
    "augmented items": "x[0, 1] -= 3\n    x[0] *= 2\n    x[:, 1] /= 4\n    return x",
    "a mask": "x[x > 0] = 0\n    return x",
    "a copy": "y = x.clone()\n    y[0] = 1\n    return x + y",
    "a result of arithmetic": "y = x * 2\n    y[0] = 1\n    return x, y",
    "taken by index": "y = x[torch.tensor([0])]\n    y.add_(1)\n    return x, y",
    "taken by a list": "y = x[[0, 1]]\n    y.add_(1)\n    return x, y",
    "chained": "y = x.add_(1).mul_(2)\n    return y",
    "in a tuple": "return (x.add_(1), x)",
    "in an expression": "return torch.relu_(x) + x",
    "a chain as a statement": "x.clamp_(0, 1).add_(2)\n    return x",
    "a loop that writes": "y = torch.zeros(3, 4)\n    for i in range(3):\n        y[i] = x[0]\n    return y",
    "a loop that collects": "out = []\n    for i in range(2):\n        out.append(x + i)\n    return torch.stack(out)",
    "read before the write": "s = x.sum()\n    x.add_(1)\n    return s, x",
    "transposed in place": "x.t_()\n    x.unsqueeze_(0)\n    return x",
    "a function of numbers": "x.fill_(2.5)\n    return x",
    "a closure that is called later": "y = lambda: x\n    x[0] = 4\n    return y()",
    "a name of its own again": "y = x\n    y = y + 1\n    y[0] = 0\n    return x, y",
    "copied into": "y = torch.zeros_like(x)\n    y.copy_(x)\n    y.add_(1)\n    return x, y",
    "masked": "x.masked_fill_(x > 0, -1.0)\n    return x",
}


def function(body: str) -> str:
    return f"import torch\n\n\ndef f(x: torch.Tensor, n: int):\n    x = x + 0\n    {body}\n"


@pytest.mark.parametrize("body", REPORTED.values(), ids=REPORTED)
def test_what_another_name_would_see_is_reported(body: str) -> None:
    assert "T2J105" in {diagnostic.code for diagnostic in convert(function(body)).diagnostics}


@pytest.mark.parametrize("body", COMPUTED.values(), ids=COMPUTED)
def test_what_nobody_else_sees_is_not_reported(body: str) -> None:
    assert convert(function(body)).ok


def run(code: str, x: Any, n: int) -> Any:
    space: dict[str, Any] = {}
    exec(compile(code, "<code>", "exec"), space)
    return space["f"](x, n)


@needs_both
@pytest.mark.parametrize("body", COMPUTED.values(), ids=COMPUTED)
def test_the_translation_computes_the_same(body: str) -> None:
    import jax.numpy as jnp
    import numpy as np
    import torch

    values = np.linspace(-1.5, 2.0, 8, dtype=np.float32).reshape(2, 4)
    expected = run(function(body), torch.tensor(values), 2)
    found = run(convert(function(body)).code, jnp.asarray(values), 2)
    for want, have in zip(*(v if isinstance(v, tuple) else (v,) for v in (expected, found)), strict=True):
        np.testing.assert_array_equal(np.asarray(have), want.numpy())


def test_the_place_of_the_report_is_the_read_that_would_be_wrong() -> None:
    conversion = convert(function("y = x\n    y[0] = 1\n    return x"))
    (found,) = conversion.diagnostics
    assert (found.code, found.line, found.column) == ("T2J105", 8, 11)
    marked = conversion.code.splitlines()
    assert marked[marked.index("    return x") - 1].startswith("    # TODO(torch2jax): T2J105 `x` shares memory")


def test_a_parameter_that_is_changed_in_place_is_an_assumption() -> None:
    conversion = convert("import torch\n\n\ndef f(x: torch.Tensor):\n    x.add_(1)\n    return x\n")
    assert [(d.code, d.line) for d in conversion.diagnostics] in ([("T2J201", 5)], [])
    assert "    x = x + 1" in conversion.code.splitlines()


MODULE = """\
import torch
import torch.nn as nn


class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("s", torch.zeros(3))
        self.act = nn.ReLU(inplace=True)
        self.seq = nn.Sequential(nn.ReLU(inplace=True), nn.Linear(3, 3))
        self.late = nn.Sequential(nn.Linear(3, 3), nn.ReLU(inplace=True))

    def forward(self, x):
        {body}
"""


@pytest.mark.parametrize(
    "body",
    [
        "s = self.s\n        s += x\n        return self.s",
        "s = self.s[0]\n        s.fill_(1)\n        return self.s",
        "h = x * 2\n        g = self.act(h)\n        return g + h",
        "h = x * 2\n        g = self.seq(h)\n        return g + h",
    ],
)
def test_state_and_inplace_layers_are_reported(body: str) -> None:
    conversion = convert(MODULE.format(body=body))
    assert "T2J105" in {diagnostic.code for diagnostic in conversion.diagnostics}


@pytest.mark.parametrize(
    ("body", "line"),
    [
        ("self.s.add_(x)\n        return self.s", "self.s[...] = self.s[...] + x"),
        ("self.s[1] = 2\n        return self.s", "self.s[...] = self.s[...].at[1].set(2)"),
        ("self.s += x\n        return self.s", "self.s[...] += x"),
        ("self.s = self.s + x\n        return self.s", "self.s[...] = self.s[...] + x"),
        ("self.s.zero_()\n        return self.s", "self.s[...] = jnp.zeros_like(self.s[...])"),
        ("x = x * 2\n        x = self.act(x)\n        return x", "x = self.act(x)"),
        ("h = x * 2\n        return self.late(h) + h", "return self.late(h) + h"),
    ],
)
def test_state_written_in_place(body: str, line: str) -> None:
    conversion = convert(MODULE.format(body=body))
    assert conversion.ok
    assert f"        {line}" in conversion.code.splitlines()
