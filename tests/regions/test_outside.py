"""Steps whose functions look at what changes outside of them are not compiled, and say why; constants are no reason."""

from textwrap import dedent

import pytest

from torch2jax import convert

SCRIPT = """\
import torch
import torch.nn as nn
import torch.nn.functional as F

{before}

def penalty(out):
    return {penalty}

net = nn.Linear(3, 2)
teacher = nn.Linear(3, 2)
criterion = nn.MSELoss()
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.ones(4, 3), torch.ones(4, 2)
for epoch in range(3):
    optimizer.zero_grad()
    loss = F.mse_loss(net(x), y) + penalty(net(x))
    loss.backward()
    optimizer.step()
    {after}
"""


def reasons(before: str, penalty: str, after: str = "pass") -> list[str]:
    """Why the step of a script runs without jit."""
    source = SCRIPT.format(before=dedent(before), penalty=penalty, after=after)
    found = [d for d in convert(source).diagnostics if d.code != "T2J301"]
    assert [d.headline for d in found if d.code != "T2J207"] == []
    return [d.message.removeprefix("the training step runs without jit: ") for d in found]


@pytest.mark.parametrize(
    ("before", "penalty", "after", "place"),
    [
        ("beta = 0.1", "beta * out.mean()", "beta = 0.1 * epoch", "reads `beta`, which changes"),
        ("beta = 0.1", "beta * out.mean()", "beta += 0.1", "reads `beta`, which changes"),
        ("", "epoch * out.mean()", "pass", "reads `epoch`, which changes"),
        ("w = {'l2': 0.1}", "w['l2'] * out.mean()", "w['l2'] = 0.1 * epoch", 'reads `w["l2"]`, which changes'),
        ("", "(out - teacher(x)).mean()", "pass", "uses `teacher` without getting it as an argument"),
    ],
)
def test_what_changes_is_named(before: str, penalty: str, after: str, place: str) -> None:
    assert reasons(before, penalty, after) == [f"`penalty` {place}"]


GUIDE = """
class Guide:
    def __init__(self):
        self.net = {}
    def loss(self, out):
        return (out - self.net(out)).mean()
guide = Guide()
"""


@pytest.mark.parametrize("held", ["nn.Linear(2, 2)", "nn.Sequential(nn.Linear(2, 2))", "nn.Dropout()"])
def test_a_module_that_another_object_holds_is_named(held: str) -> None:
    assert reasons(GUIDE.format(held), "guide.loss(out)") == [
        "`Guide.loss` uses `self.net` without getting it as an argument"
    ]


def test_a_layer_without_arrays_is_none() -> None:
    assert reasons(GUIDE.format("nn.ReLU()"), "guide.loss(out)") == []


@pytest.mark.parametrize(
    ("before", "penalty"),
    [
        ("beta = 0.1", "beta * out.mean()"),
        ("beta = 0.1\nif torch.cuda.is_available():\n    beta = 0.2", "beta * out.mean()"),
        ("beta = 0\nfor i in range(3):\n    beta += i", "beta * out.mean()"),
        ("w = {}\nw['l2'] = 0.1", "w['l2'] * out.mean()"),
        ("", "criterion(out, y)"),
        ("", "sum(out[i].mean() for i in range(2))"),
    ],
)
def test_constants_are_compiled(before: str, penalty: str) -> None:
    assert reasons(before, penalty) == []
