"""Functions that give one of their arguments: what a call gives depends on the call."""

from torch2jax import convert

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


def codes(source: str) -> list[str]:
    return [diagnostic.code for diagnostic in convert(source).diagnostics]


def test_sizes_and_arrays_through_one_function_do_not_mix() -> None:
    assert codes(DEFAULT) == []


def test_the_other_spellings_of_the_choice() -> None:
    body = "    return value if exists(value) else other"
    spellings = [
        '    """One of both."""\n    if exists(value):\n        return value\n    return other',
        "    if value is None:\n        return other\n    else:\n        return value",
        "    return value or other",
        "    return other if not exists(value) else other() if callable(other) else other",
    ]
    for spelling in spellings:
        assert "T2J201" not in codes(DEFAULT.replace(body, spelling)), spelling


def test_a_size_that_seems_to_be_an_array_is_assumed_to_be_none() -> None:
    source = DEFAULT.replace("size: int", "size").replace("out_size=None", "out_size").replace("(size, out", "(3, out")
    [assumed] = [d for d in convert(source).diagnostics if d.code == "T2J201"]
    assert "`out_features` is int" in assumed.message
    assert convert(source).ok
