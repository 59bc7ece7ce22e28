"""Dictionaries keep the order of their entries on the way through a step, where someone looks at it."""

from textwrap import indent

import pytest

from torch2jax import convert

PROGRAM = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.one = nn.Linear(3, 3)

    def forward(self, {parameters}):
        return self.one({used})


def train(batches):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    parts = {{"x": torch.ones(2, 3), "a": torch.zeros(2, 3)}}
    for y in batches:
        losses = {made}
        loss = losses["mse"] + losses["l1"]
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
{behind}


train([torch.ones(2, 3)])
"""
LOSSES = '{"mse": F.mse_loss(net(%s), y), "l1": net.one.weight.abs().sum()}'


def orders(*, parameters: str = "parts", used: str = 'parts["x"]', given: str = "parts", behind: str = "pass") -> str:
    source = PROGRAM.format(parameters=parameters, used=used, made=LOSSES % given, behind=indent(behind, " " * 8))
    conversion = convert(source)
    assert conversion.ok, conversion.diagnostics
    return "".join(line.strip() for line in conversion.code.splitlines() if "OrderedDict(" in line)


@pytest.mark.parametrize(
    "behind",
    [
        "for name, value in losses.items():\n    print(name, value)",
        "print(list(losses.values()))",
        "print(losses)",
        "show = {name: value.item() for name, value in losses.items()}\nprint(show)",
        "print(*losses)",
    ],
)
def test_results_that_are_gone_through(behind: str) -> None:
    assert "OrderedDict(losses)" in orders(behind=behind)


@pytest.mark.parametrize(
    "behind", ["print(losses['mse'])", "print(losses.get('l1'))", "print('l1' in losses)", "print(loss)"]
)
def test_results_of_which_entries_are_read(behind: str) -> None:
    assert orders(behind=behind) == ""


@pytest.mark.parametrize("used", ["torch.cat(list(parts.values()))", "sum(p for _, p in parts.items())"])
def test_arguments_that_are_gone_through(used: str) -> None:
    assert "OrderedDict(parts)" in orders(used=used)


@pytest.mark.parametrize(
    ("parameters", "used", "given"),
    [("parts", 'parts["x"]', "parts"), ("x, a", "x + a", "**parts"), ("x", "x", 'parts["x"]')],
)
def test_arguments_of_which_entries_are_read(parameters: str, used: str, given: str) -> None:
    assert orders(parameters=parameters, used=used, given=given) == ""


def test_keys_in_their_order() -> None:
    assert orders(behind="print(dict(sorted(losses.items())))") != ""
    source = PROGRAM.format(
        parameters="parts",
        used='parts["x"]',
        made='{"l1": net.one.weight.abs().sum(), "mse": F.mse_loss(net(parts), y)}',
        behind="        print(losses)",
    )
    assert "OrderedDict(" not in convert(source).code
