"""Methods that use what is trained get it as an argument where every call of them is known."""

from textwrap import dedent

import pytest

from torch2jax import convert

SOURCE = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x)


class Trainer:
    def __init__(self):
        self.net = Net()
        self.teacher = Net()
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def penalty(self, x):
        return self.net(x).pow(2).sum()

    def loss(self, x):
        return self.penalty(x) + self.teacher(x).sum()

    def step(self, x):
        self.optimizer.zero_grad()
        loss = self.loss(x)
        loss.backward()
        self.optimizer.step()
"""


def converted(more: str = "") -> tuple[str, list[str]]:
    """The translation of the source with more behind it, and its errors."""
    conversion = convert(SOURCE + dedent(more))
    return conversion.code, [d.message for d in conversion.diagnostics if d.severity == "error"]


def test_all_that_a_loss_calls_gets_the_model() -> None:
    code, errors = converted()
    assert errors == []
    assert "def penalty(self, net, x):\n        return (net(x) ** 2).sum()" in code
    assert "def loss(self, net, teacher, x):\n        return self.penalty(net, x) + teacher(x).sum()" in code
    assert "train_step(self.net, self.optimizer, self.teacher, x, self.loss)" in code


def test_calls_elsewhere_pass_it_as_well() -> None:
    code, errors = converted("\n\ntrainer = Trainer()\nprint(trainer.penalty(torch.ones(2, 3)))\n")
    assert errors == []
    assert "trainer.penalty(trainer.net, jnp.ones((2, 3)))" in code


@pytest.mark.parametrize(
    "more",
    [
        "\n\nprint(list(map(Trainer().penalty, torch.ones(2, 3))))\n",
        "\n\ndef run(trainer, x):\n    return trainer.penalty(x)\n",
        "\n\nclass Other(Trainer):\n    def penalty(self, x):\n        return super().penalty(x) * 2\n",
        "\n\nprint(Trainer().penalty(torch.ones(2, 3)))\n",
    ],
)
def test_where_a_call_is_not_known_the_source_stays_as_it_is(more: str) -> None:
    code, errors = converted(more)
    assert "`penalty` uses `self.net` without getting it as an argument" in errors
    assert "def penalty(self, x):" in code
