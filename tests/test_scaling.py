"""The work of a conversion grows with its input, not with the square of it; it is counted in calls of functions."""

import sys
from collections.abc import Callable, Iterator
from types import FrameType

import pytest

from torch2jax.convert import convert

_HEAD = "import torch\nfrom torch import nn\n\n\n"


def _repeated(line: str, count: int) -> str:
    return "".join(line.format(n=n) for n in range(count))


_INPUTS: dict[str, Callable[[int], str]] = {
    "a chain of calls": lambda n: f"{_HEAD}def f(x):\n    return x" + ".transpose(0, 1)" * n + "\n",
    "a chain that becomes nested calls": lambda n: f"{_HEAD}def f(x):\n    return x" + ".relu()" * n + "\n",
    "a long function": lambda n: f"{_HEAD}def f(x):\n" + _repeated("    y{n} = torch.relu(x) + {n}\n", n),
    "a long script": lambda n: f"{_HEAD}x = torch.zeros(3)\n" + _repeated("y{n} = torch.relu(x) + {n}\n", n),
    "many errors": lambda n: f"{_HEAD}def f(x):\n" + _repeated("    y{n} = torch.no_such_function(x)\n", n),
    "many functions": lambda n: _HEAD + _repeated("def f{n}(x):\n    return torch.relu(x)\n\n\n", n),
    "many classes": lambda n: (
        _HEAD + _repeated("class M{n}(nn.Module):\n    def forward(self, x):\n        return torch.relu(x)\n\n\n", n)
    ),
}

# Twice the input may take twice the work; a line that is broken often is looked through for each break.
_GROWTH = {"a chain of calls": 3.5}


@pytest.fixture(autouse=True)
def _deep_recursion() -> Iterator[None]:
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


def _work(text: str) -> int:
    """How many functions of Python and generators are entered during a conversion."""
    count = 0

    def note(frame: FrameType, event: str, _: object) -> None:
        nonlocal count
        count += event == "call"

    before = sys.getprofile()
    sys.setprofile(note)
    try:
        convert(text)
    finally:
        sys.setprofile(before)
    return count


@pytest.mark.parametrize("name", _INPUTS)
def test_work_grows_with_the_input(name: str) -> None:
    make = _INPUTS[name]
    convert(make(1))
    least, small, large = (_work(make(count)) for count in (50, 100, 200))
    assert large - small < _GROWTH.get(name, 2.2) * (small - least)
