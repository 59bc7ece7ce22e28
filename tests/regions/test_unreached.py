"""Parameters that a loss does not reach: PyTorch passes over them, gradients of zero do not stop decay and momentum."""

from textwrap import dedent

import pytest

from torch2jax import convert

NET = """\
import random

import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.base = nn.Linear(3, 2)
        self.head = nn.Linear(2, 2)
        self.other = nn.Linear(2, 2)
        self.layers = nn.ModuleList([nn.Linear(2, 2) for _ in range(3)])

    def forward(self, x):
{forward}


def train(x, y):
    net = Net()
    optimizer = torch.optim.{optimizer}
    for i in range(5):
        optimizer.zero_grad()
        loss = F.mse_loss({loss}, y)
        loss.backward()
        optimizer.step()
"""

ALL = "net.other(net.head(net.base(x))) + net(x)"


def found(forward: str, optimizer: str, loss: str = "net(x)") -> list[str]:
    body = "".join(f"        {line}\n" for line in dedent(forward).splitlines())
    source = NET.format(forward=body.rstrip("\n"), optimizer=optimizer, loss=loss)
    conversion = convert(source)
    at = next(i for i, line in enumerate(source.splitlines(), 1) if "torch.optim" in line)
    assert all(d.line == at for d in conversion.diagnostics if "reach" in d.message)
    return [f"{d.severity} {d.message}" for d in conversion.diagnostics if "reach" in d.message]


RUN_ALL = """\
    for layer in self.layers:
        x = layer(x)
    return x
    """


def test_what_is_never_reached_must_not_decay() -> None:
    (message,) = found("return self.base(x)", "SGD(net.parameters(), lr=0.1, weight_decay=0.1)")
    assert message.startswith(
        "error the loss does not reach all that `optimizer` trains (`Net.head`, `Net.other`, `Net.layers`)"
    )


@pytest.mark.parametrize(
    "optimizer",
    [
        "SGD(net.parameters(), lr=0.1)",
        "SGD(net.parameters(), lr=0.1, momentum=0.9)",
        "Adam(net.parameters())",
        "AdamW(net.parameters(), weight_decay=0)",
    ],
)
def test_what_is_never_reached_stays_as_it_is_without_decay(optimizer: str) -> None:
    assert found("return self.base(x)", optimizer) == []


def test_buffers_are_not_trained_whatever_they_are_assigned() -> None:
    buffer = """\
        self.register_buffer("queue", torch.zeros(2))
        self.queue = self.queue + 1
        self.layers"""
    optimizer = "SGD(net.parameters(), lr=0.1, weight_decay=0.1)"
    source = NET.replace("        self.layers", buffer)
    source = source.format(forward="        return self.base(x)", optimizer=optimizer, loss="net(x)")
    (message,) = [d.message for d in convert(source).diagnostics if "reach" in d.message]
    assert "queue" not in message


def test_what_the_step_itself_reaches_is_reached() -> None:
    assert found(RUN_ALL, "AdamW(net.parameters())", ALL) == []


def test_what_is_looked_at_without_gradients_is_not_reached() -> None:
    forward = """\
    with torch.no_grad():
        x = self.base(x)
    x = self.other(self.head(x).detach())
    for layer in self.layers:
        x = layer(x)
    return x
    """
    (message,) = found(forward, "AdamW(net.parameters())")
    assert "(`Net.base`, `Net.head`)" in message


def test_frozen_parameters_do_not_count() -> None:
    forward = RUN_ALL
    source = "net.base(x) + net(net.head(x))"
    assert found(forward, "SGD(net.parameters(), weight_decay=0.1)", source) != []
    frozen = "SGD(net.other.requires_grad_(False) and net.parameters(), weight_decay=0.1)"
    assert not any("reach" in message for message in found(forward, frozen, source))


@pytest.mark.parametrize(
    ("optimizer", "expected"),
    [
        ("SGD(net.parameters(), lr=0.1)", 0),
        ("SGD(net.parameters(), lr=0.1, momentum=0.9)", 1),
        ("SGD(net.parameters(), lr=0.1, weight_decay=0.1)", 1),
        ("Adam(net.parameters())", 1),
    ],
)
@pytest.mark.parametrize(
    "forward",
    [
        """\
        if random.random() < 0.5:
            return self.base(x)
        return self.other(self.head(self.base(x)))
        """,
        """\
        x = self.other(self.head(self.base(x)))
        for layer in self.layers:
            if torch.rand(1).item() < 0.5:
                continue
            x = layer(x)
        return x
        """,
        """\
        x = self.base(x)
        return self.head(x) if x.mean() > 0 else self.other(x)
        """,
    ],
)
def test_what_only_some_steps_reach_is_warned_of(forward: str, optimizer: str, expected: int) -> None:
    messages = found(forward, optimizer, "net.layers[0](net(x))" if "layers" not in forward else "net(x)")
    assert len(messages) == expected
    assert all(message.startswith("warning some steps may not reach all") for message in messages)


def test_a_test_on_what_does_not_change_is_no_reason_to_warn() -> None:
    forward = """\
    x = self.base(x)
    if self.training:
        x = self.other(self.head(x))
    for layer in self.layers:
        x = layer(x)
    return x
    """
    assert found(forward, "Adam(net.parameters())") == []


def test_two_losses_that_reach_different_parts_are_warned_of() -> None:
    source = NET.format(forward="        return self.base(x)", optimizer="Adam(net.parameters())", loss="net(x)")
    second = "\n".join(source.splitlines()[-5:]).replace("net(x)", "net.head(x)")
    messages = [d.message for d in convert(f"{source}{second}\n").diagnostics if "reach" in d.message]
    assert len(messages) == 1
    assert "(`Net.head`)" in messages[0]
