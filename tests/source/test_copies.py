"""Calls of a module on several devices are calls of the module."""

import pytest

from torch2jax import convert

NET = """
import torch
import torch.nn as nn
import torch.nn.parallel
from torch.nn.parallel import data_parallel

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.main = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
        self.pair = nn.Bilinear(2, 3, 4)

    def forward(self, x, y=None):
        return CALL
"""


def translated(call: str) -> str:
    conversion = convert(NET.replace("CALL", call))
    assert conversion.ok, conversion.diagnostics
    return conversion.code


@pytest.mark.parametrize(
    "call",
    [
        "nn.parallel.data_parallel(self.main, x, range(2))",
        "torch.nn.parallel.data_parallel(module=self.main, inputs=x, device_ids=[0, 1])",
        "data_parallel(self.main, (x,), None, None, 0)",
        "nn.parallel.data_parallel(self.main, x, module_kwargs=None)",
    ],
)
def test_one_input(call: str) -> None:
    assert translated(call) == translated("self.main(x)")


def test_several_inputs_and_keywords() -> None:
    assert translated("data_parallel(self.pair, (x, y))") == translated("self.pair(x, y)")
    assert translated("data_parallel(self.pair, x, module_kwargs={'input2': y})") == translated(
        "self.pair(x, input2=y)"
    )


@pytest.mark.parametrize(
    "call", ["data_parallel(*y)", "data_parallel(self.pair, (x, *y))", "data_parallel(self.pair, x, module_kwargs=y)"]
)
def test_what_is_not_seen_is_refused(call: str) -> None:
    assert [d.code for d in convert(NET.replace("CALL", call)).diagnostics if d.severity == "error"] == ["T2J103"]


def test_a_function_of_the_project_stays() -> None:
    source = (
        "import torch\n\ndef data_parallel(net, x):\n    return torch.relu(net(x))\n\nresult = data_parallel(abs, 1)\n"
    )
    assert "result = data_parallel(abs, 1)" in convert(source).code
