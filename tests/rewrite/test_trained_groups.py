"""Optimizers of several modules and groups, translated: the same parameters after each of 50 steps."""

from typing import Any

import numpy as np
import pytest

from torch2jax import convert, load_state_dict, to_state_dict

torch = pytest.importorskip("torch")
nnx = pytest.importorskip("flax.nnx")

MODEL = """
import itertools

import torch
from torch import nn, optim
from torch.optim import lr_scheduler


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Linear(3, 4)
        self.second = nn.Linear(4, 2)
        self.third = nn.Conv2d(2, 3, 2)
        self.scale = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return self.second(self.first(x))


def build(model: Model):
    {body}
"""
GROUPS = """groups = [
        {"params": model.first.parameters(), "lr": 0.03},
        {"params": model.second.parameters(), "weight_decay": 0.1},
        {"params": [model.scale], "momentum": 0.5, "lr": 0.5},
    ]"""


PICKED = """decay, others = [], []
    for name, param in model.named_parameters():
        if not param.requires_grad:
            continue
        if param.ndim <= 1 or name.endswith(".bias"):
            others.append(param)
        else:
            decay.append(param)"""


@pytest.mark.parametrize(
    ("body", "held"),
    [
        ("return optim.Adam([*model.first.parameters(), *model.third.parameters()])", "(model.first, model.third)"),
        ("return optim.SGD(itertools.chain(model.first.parameters(), [model.scale]))", "(model.first, model.scale)"),
        ("return optim.SGD([model.scale], lr=0.1, momentum=0.9)", "(model.scale,)"),
        ("return optim.SGD([model.third.weight], lr=0.1, momentum=0.9)", "(model.third.kernel,)"),
        ("return optim.RMSprop(model.third.parameters(), lr=0.1)", "model.third"),
        ("return optim.SGD([p for n, p in model.named_parameters() if 'second' in n], lr=0.1)", "model"),
        (
            f"{PICKED}\n    return optim.SGD([{{'params': others}}, {{'params': decay, 'momentum': 0.5}}], lr=0.01)",
            "model",
        ),
        (f"{GROUPS}\n    return optim.SGD(groups, lr=0.1)", "(model.first, model.second, model.scale)"),
        (
            f"{GROUPS}\n    optimizer = optim.SGD(groups, lr=0.1, momentum=0.9)\n"
            "    return lr_scheduler.LambdaLR(optimizer, [lambda e: 0.9**e, lambda e: 1 / (1 + e), lambda e: 1.0])",
            "(model.first, model.second, model.scale)",
        ),
        (
            "optimizer = optim.AdamW(\n"
            "        [{'params': [*model.first.parameters(), *model.second.parameters()]},"
            " {'params': model.third.parameters(), 'lr': 0.1, 'betas': (0.5, 0.9)}], lr=0.01)\n"
            "    return lr_scheduler.OneCycleLR(optimizer, max_lr=[0.1, 0.2], total_steps=60)",
            "((model.first, model.second), model.third)",
        ),
        (
            "groups = [{'params': model.first.parameters()}, {'params': model.third.parameters()}]\n"
            "    optimizer = optim.SGD(groups, lr=1)\n"
            "    for number, group in enumerate(optimizer.param_groups):\n"
            "        group['lr'] *= 0.1 * (number + 1)\n"
            "    return lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)",
            "(model.first, model.third)",
        ),
    ],
)
def test_the_parameters_go_the_same_way(body: str, held: str) -> None:
    import jax
    import jax.numpy as jnp

    from torch2jax.verify.precision import float64, widen

    source = MODEL.replace("{body}", body)
    conversion = convert(source)
    assert [d.headline for d in conversion.diagnostics] == []
    with float64():
        theirs, ours = namespace(source), namespace(conversion.code)
        model, twin = theirs["Model"]().double(), ours["Model"](rngs=nnx.Rngs(0))
        widen(twin)
        load_state_dict(twin, model.state_dict())
        expected, actual = theirs["build"](model), ours["build"](twin)
        original = expected if hasattr(expected, "zero_grad") else expected.optimizer
        optimizer = actual if isinstance(actual, nnx.Optimizer) else actual.optimizer

        @nnx.jit
        def update(target: Any, optimizer: Any, step: Any) -> None:
            grads = jax.tree.map(lambda p: gradient(p, step, jnp.sin), nnx.state(target, nnx.Param))
            optimizer.update(target, grads)

        for step in range(50):
            for parameter in model.parameters():
                parameter.grad = gradient(parameter.detach(), step, torch.sin)
            original.step()
            update(eval(held, {"model": twin}), optimizer, step)
            for built in (expected, actual):
                if hasattr(built, "get_last_lr"):
                    built.step()
            state = to_state_dict(twin)
            for name, value in model.state_dict().items():
                np.testing.assert_allclose(state[name], value.numpy(), rtol=1e-9, atol=1e-12, err_msg=f"{name} {step}")


def gradient(values: Any, step: Any, sin: Any) -> Any:
    return (0.4 * values + sin(1.1 * step + 2 * values)) * (step % 7 != 3)


def namespace(source: str) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "program"}
    exec(compile(source, "program", "exec"), space)
    return space


def test_lists_of_parameters_of_two_modules_are_refused() -> None:
    body = "return optim.SGD([p for m in (Model(), model) for p in m.parameters() if p.dim() > 1], lr=0.1)"
    errors = [d.headline for d in convert(MODEL.replace("{body}", body)).diagnostics if d.severity == "error"]
    assert any("it can't be told whose parameters" in error for error in errors)
