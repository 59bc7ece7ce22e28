"""Functions that choose among their arguments give each caller what it may choose."""

import pytest

from torch2jax import convert

SOURCE = """\
from inspect import isfunction

import torch
import torch.nn as nn


def exists(x):
    return x is not None


{selector}


class Net(nn.Module):
    def __init__(self, dim, act=None, size=None):
        super().__init__()
        self.act = default(act, nn.GELU)()
        self.out = nn.Linear(dim, default(size, 2 * dim))

    def forward(self, x, context=None):
        return self.act(self.out(default(context, x)))
"""


@pytest.mark.parametrize(
    "selector",
    [
        "def default(val, d):\n    return val if exists(val) else d",
        "def default(val, d):\n    return d if not exists(val) else val",
        "def default(val, d):\n    if val is not None:\n        return val\n    return d",
        "def default(val, d):\n    if val is None:\n        return d\n    else:\n        return val",
        "def default(val, d):\n    '''Or else.'''\n    if exists(val):\n        return val\n"
        "    return d() if isfunction(d) else d",
        "default = lambda val, d: val if exists(val) else d",
        "def default(val, d):\n    return val or d",
    ],
)
def test_calls_with_layers_sizes_and_arrays_do_not_mix(selector: str) -> None:
    conversion = convert(SOURCE.replace("{selector}", selector))
    assert [d.headline for d in conversion.diagnostics if d.code.startswith("T2J1")] == []
    assert "self.act = default(act, partial(nnx.gelu, approximate=False))\n" in conversion.code


def test_what_does_more_than_choose_mixes() -> None:
    selector = "def default(val, d):\n    print(val)\n    return val if exists(val) else d"
    conversion = convert(SOURCE.replace("{selector}", selector))
    assert any(d.code.startswith("T2J1") for d in conversion.diagnostics)


DEFAULT = """
import torch
from torch import nn

def exists(value):
    return value is not None

def default(value, other):
    return value if exists(value) else other

class Net(nn.Module):
    def __init__(self, size: int, out_size=None):
        super().__init__()
        out_size = default(out_size, size)
        self.layer = nn.Linear(size, out_size)

    def forward(self, x: torch.Tensor, mask=None):
        mask = default(mask, torch.ones(3, 4))
        return self.layer(x) * mask.sum()
"""


def test_a_size_that_seems_to_be_an_array_is_assumed_to_be_none() -> None:
    source = DEFAULT.replace("size: int", "size").replace("out_size=None", "out_size").replace("(size, out", "(3, out")
    source = source.replace("    return value if", "    print(value)\n    return value if")  # no mere choice
    [assumed] = [d for d in convert(source).diagnostics if d.code == "T2J201"]
    assert "`out_features` is int" in assumed.message
    assert convert(source).ok
