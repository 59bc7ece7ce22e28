"""Numbers of Python in a training step that Python has to know."""

import pytest

from torch2jax import convert

PROGRAM = """\
import math

import torch
import torch.nn as nn

net = nn.Linear(3, 2)
w = 1.0
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x = torch.randn(4, 3)


def ramp(step):
    return min(step, 3) / 3


def twice(number):
    return 2 * number


for step in range(6):
    y = net(x)
{lines}
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""


def converted(lines: str) -> tuple[str, list[str]]:
    conversion = convert(PROGRAM.replace("{lines}", "\n".join(f"    {line}" for line in lines.split("\n"))))
    return conversion.code, [d.message for d in conversion.diagnostics if d.code == "T2J207"]


@pytest.mark.parametrize(
    ("lines", "call"),
    [
        (
            "w = math.exp(-step)\nloss = (w * y).mean()",
            "w = math.exp(-step)\n    train_step(net, optimizer, x, w)",
        ),
        ("w = ramp(step)\nloss = (w * y).mean()", "w = ramp(step)\n    train_step(net, optimizer, x, w)"),
        (
            "part = step / 6\nw = max(part, 0.1)\nloss = (w * y).mean()",
            "part = step / 6\n    w = max(part, 0.1)\n    train_step(net, optimizer, x, w)",
        ),
    ],
)
def test_numbers_of_numbers_are_computed_before_the_step(lines: str, call: str) -> None:
    code, causes = converted(lines)
    assert causes == []
    assert call in code


@pytest.mark.parametrize("lines", ["w = step / 6\nloss = (w * y).mean()", "w = twice(step)\nloss = (w * y).mean()"])
def test_what_arrays_can_do_stays_in_the_step(lines: str) -> None:
    code, causes = converted(lines)
    assert causes == []
    assert "train_step(net, optimizer, x, step)" in code


@pytest.mark.parametrize(
    ("lines", "cause"),
    [
        ("loss = y.mean()\nif step > 3:\n    loss = 2 * loss", "`step > 3`"),
        ("loss = (ramp(step) * y).mean()", "`step`"),
        ("loss = (max(step, 2) * y).mean()", "`step`"),
        ("loss = y[:step].mean()", "`step`"),
        ("print(w)\nw = math.exp(-step)\nloss = (w * y).mean()", "`-step`"),
        ("w = math.exp(-step)\ny = w * y\nw = 2 * w\nloss = (w * y).mean()", "`-step`"),
    ],
)
def test_else_the_step_runs_without_jit(lines: str, cause: str) -> None:
    code, causes = converted(lines)
    assert len(causes) == 1
    assert f"{cause} needs the value of a number that changes" in causes[0]
    assert "@nnx.jit" not in code
