"""Steps that can't be compiled run without jit, and say why."""

from textwrap import dedent, indent

import pytest

from torch2jax import convert

PROGRAM = """\
import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)
        self.register_buffer("seen", torch.zeros(2))

    def forward(self, x):
{forward}


def train(batches, scale):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches:
        optimizer.zero_grad()
{step}
        loss.backward()
        optimizer.step()
"""
FUNCTIONS = """\
weight = 1.0
rate = 0.5


def weighted(loss):
    return loss * weight


def noisy(loss):
    return loss * np.random.rand()


def scaled(loss):
    return loss * rate


def counted(loss):
    global weight
    weight += 1
    return loss


class Criterion:
    def __init__(self):
        self.beta = 1.0
        self.scale = 2.0

    def anneal(self):
        self.beta *= 0.9

    def annealed(self, loss):
        return loss * self.beta

    def fixed(self, loss):
        return loss * self.scale


criterion = Criterion()
"""
PLAIN = "return self.fc(x)"
LOSS = "loss = F.mse_loss(net(x), y)"


def converted(forward: str = PLAIN, step: str = LOSS) -> tuple[str, list[str]]:
    """The translation, and its warnings."""
    program = PROGRAM.format(forward=indent(dedent(forward), " " * 8), step=indent(dedent(step), " " * 8))
    conversion = convert(program + FUNCTIONS)
    assert [d.message for d in conversion.diagnostics if d.severity == "error"] == []
    return conversion.code, [d.message for d in conversion.diagnostics if d.code == "T2J207"]


@pytest.mark.parametrize(
    ("forward", "step", "cause"),
    [
        ("self.last = self.fc(x)\nreturn self.last", LOSS, "`Net.forward` sets `self.last`"),
        ("x = self.fc(x)\nprint(x)\nreturn x", LOSS, "`print` does something besides"),
        (
            "x = self.fc(x)\nif x.sum() > 0:\n    x = x * 2\nreturn x",
            LOSS,
            "control flow depends on the values of arrays",
        ),
        (PLAIN, "loss = counted(F.mse_loss(net(x), y))", "`counted` changes variables outside"),
        (PLAIN, "loss = weighted(F.mse_loss(net(x), y))", "`weighted` reads `weight`, which changes"),
        (PLAIN, "loss = noisy(F.mse_loss(net(x), y))", "`numpy.random.rand` would be called once only"),
        (
            PLAIN,
            "loss = criterion.annealed(F.mse_loss(net(x), y))",
            "`Criterion.annealed` reads `self.beta`, which changes",
        ),
        (PLAIN, "out = net(x)\nloss = F.mse_loss(out, y) * out.sum().item()", "`.item()` reads the values of an array"),
        (
            PLAIN,
            "out = net(x)\nloss = F.mse_loss(out[out > 0], y)",
            "`out[out > 0]` picks as many values as the mask has",
        ),
        (
            PLAIN,
            "out = net(x)\nkept = torch.nonzero(out.sum(1))\nloss = F.mse_loss(out, y) + out[kept].sum()",
            "the size of what `nonzero` gives depends on the values of an array",
        ),
    ],
)
def test_what_keeps_a_step_from_being_compiled(forward: str, step: str, cause: str) -> None:
    code, warnings = converted(forward, step)
    assert warnings == [f"the training step runs without jit: {cause}"]
    assert f"# not compiled: {cause}\ndef train_step(" in code


@pytest.mark.parametrize(
    ("forward", "step"),
    [
        (PLAIN, LOSS),
        ("self.seen = self.seen + 1\nreturn self.fc(x)", LOSS),
        ("if x.dim() > 1:\n    x = x * 2\nreturn self.fc(x)", LOSS),
        (PLAIN, "loss = F.mse_loss(net(x), y) * scale"),
        (PLAIN, "out = net(x)\nout[y > 0] = 0\nloss = F.mse_loss(out, y)"),
        (PLAIN, "loss = scaled(F.mse_loss(net(x), y))"),
        (PLAIN, "loss = criterion.fixed(F.mse_loss(net(x), y))"),
        (
            PLAIN,
            "outs = []\nfor _ in range(3):\n    outs.append(net(x))\nloss = F.mse_loss(torch.stack(outs).sum(0), y)",
        ),
    ],
)
def test_all_else_is_compiled(forward: str, step: str) -> None:
    code, warnings = converted(forward, step)
    assert warnings == []
    assert "@nnx.jit(graph=False" in code


def test_what_does_not_change_in_the_loop_is_static_where_it_is_no_array() -> None:
    step = """\
        kind = "mean"
        n = x.size(0)
        loss = F.mse_loss(net(x), y, reduction=kind) * n
        """
    assert 'static_argnames=("n",)' in converted(step=step)[0]


PICKED = "s = x @ x.t()\n{mask}\nreturn self.fc(x) + s[{index}].view(x.size(0), -1).mean()"


@pytest.mark.parametrize(
    ("mask", "index", "line"),
    [
        ("m = torch.eye(len(x), dtype=torch.bool)", "~m", "m = np.eye(len(x), dtype=bool)"),
        ("m = torch.eye(x.shape[0]).to(x.device)", "m == 0", "m = np.eye(x.shape[0])"),
        ("m = torch.ones(3, 3).tril()", "m.bool()", "m = np.tril(np.ones((3, 3)))"),
        ("r = torch.arange(len(x))\nm = r[None] != r[:, None]", "m", "r = np.arange(len(x))"),
    ],
)
def test_what_is_picked_by_sizes_alone_is_compiled(mask: str, index: str, line: str) -> None:
    code, warnings = converted(PICKED.format(mask=mask, index=index))
    assert warnings == []
    assert f"        {line}\n" in code


@pytest.mark.parametrize(
    ("mask", "index"),
    [
        ("m = torch.eye(len(x), dtype=torch.bool)\nm[0, 1] = True", "m"),
        ("m = torch.eye(len(x))\nm.fill_diagonal_(0)", "m == 0"),
        ("m = torch.eye(len(x), dtype=torch.bool)\nif len(x) > 1:\n    m = s > 0", "m"),
        ("m = s\nm = m > 0", "m"),
    ],
)
def test_what_is_picked_by_other_masks_is_not(mask: str, index: str) -> None:
    code, warnings = converted(PICKED.format(mask=mask, index=index))
    assert [warning for warning in warnings if "picks as many values as the mask has" in warning] == warnings != []
    assert "np.eye" not in code.replace("jnp.eye", "")


def test_a_mask_that_comes_from_outside_of_the_step_is_an_array() -> None:
    """A step gets it as an argument, which JAX traces."""
    step = "m = torch.eye(4, 2, dtype=torch.bool)\nloss = F.mse_loss(net(x)[m], y)"
    assert converted(step=step)[1] == [
        "the training step runs without jit: `net(x)[m]` picks as many values as the mask has"
    ]
