"""Steps get modules at two places where the program puts them there, and only then."""

from textwrap import indent

import pytest

from torch2jax import convert

PROGRAM = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Part(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.inner = inner

    def forward(self, x):
        return self.inner(x)


class Net(nn.Module):
    def __init__(self, deep=False):
        super().__init__()
        self.fc = nn.Linear(3, 3)
{made}

    def forward(self, x):
        return self.fc(x)


def train(batches):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches:
        optimizer.zero_grad()
        F.mse_loss(net(x), y).backward()
        optimizer.step()
"""


def decorator(made: str) -> str:
    conversion = convert(PROGRAM.format(made=indent(made, " " * 8)))
    code = conversion.code
    assert conversion.ok
    return next(line for line in code.splitlines() if line.startswith("@nnx.jit"))


@pytest.mark.parametrize(
    "made",
    [
        "self.head = self.fc",
        "self.net = nn.Sequential(self.fc, nn.ReLU())",
        "self.net = nn.Sequential(*[self.fc, nn.ReLU()])",
        "self.part = Part(self.fc)",
        "fc = nn.Linear(3, 3)\nself.one = Part(fc)\nself.other = Part(fc)",
        "fc = nn.Linear(3, 3)\nself.layers = nn.ModuleList([fc for _ in range(2)])",
        "fc = nn.Linear(3, 3)\nself.layers = nn.ModuleList([fc] * 2)",
        "fc = nn.Linear(3, 3)\nlayers = []\nfor _ in range(2):\n    layers.append(fc)\n"
        "self.layers = nn.Sequential(*layers)",
        "part = Part(nn.Linear(3, 3))\nself.part = part\nself.last = part.inner",
    ],
)
def test_a_module_at_two_places(made: str) -> None:
    assert decorator(made) == "@nnx.jit"


@pytest.mark.parametrize(
    "made",
    [
        "self.fc = nn.Sequential(nn.ReLU(), self.fc)",
        "act = nn.ReLU()\nself.one = nn.Sequential(nn.Linear(3, 3), act, nn.Linear(3, 3), act)",
        "fc = nn.Linear(3, 3)\nself.part = Part(fc)\nfc = nn.Linear(3, 3)\nself.other = Part(fc)",
        "fc = nn.Linear(3, 3)\nif deep:\n    self.part = Part(fc)\nelse:\n    self.part = nn.Sequential(fc, nn.ReLU())",
        "layers = []\nfor _ in range(2):\n    fc = nn.Linear(3, 3)\n    layers.append(fc)\n"
        "self.layers = nn.Sequential(*layers)",
        "parts = [nn.Linear(3, 3) for _ in range(2)]\nself.parts = nn.ModuleList([Part(part) for part in parts])",
        "part = Part(nn.Linear(3, 3))\nself.last = part.inner",
    ],
)
def test_a_module_at_one_place(made: str) -> None:
    assert decorator(made) == "@nnx.jit(graph=False)"
