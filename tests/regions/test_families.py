"""Several derivatives in one block: what would differ when it is computed once more is reported."""

from textwrap import dedent, indent

import pytest

from torch2jax import convert

HEAD = """\
import torch
import torch.nn as nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(2, 1)
        self.{layer}

    def forward(self, x, t):
        {effect}
        return self.fc(torch.cat([x, t], dim=1))


def residual(net: Net, x, t, k):
    u = net(x, t)
    u_x = torch.autograd.grad(u, x, torch.ones_like(u), create_graph=True)[0]
"""


def converted(statements: str, layer: str = "norm = nn.LayerNorm(2)") -> tuple[str, list[str]]:
    """The translation of the function, and the line (counted behind `u_x`) and message of each error."""
    effect = "self.calls += 1" if "calls" in layer else "x = x + 0"
    source = HEAD.format(layer=layer, effect=effect) + indent(dedent(statements), " " * 4)
    conversion = convert(source)
    first = HEAD.count("\n")
    errors = [f"{d.line - first}: {d.message}" for d in conversion.diagnostics if d.severity == "error"]
    return conversion.code.partition("def residual")[2], errors


SECOND = """\
u_xx = torch.autograd.grad(u_x, x, torch.ones_like(u_x), create_graph=True)[0]
return u_xx + u
"""
NONE_YET = "this derivative has no translation yet: "
CHANGED = "it is computed once more for each derivative, and layers change or random numbers are drawn"


@pytest.mark.parametrize(
    ("statements", "layer", "cause"),
    [
        (SECOND, "drop = nn.Dropout(0.1)", CHANGED),
        (SECOND, "norm = nn.BatchNorm1d(2)", CHANGED),
        (SECOND, "calls = 0", "it is computed once more for each derivative, and `Net.forward` sets `self.calls`"),
        (
            "x = x * 2\n" + SECOND.replace("u_x, x", "u, t"),
            "norm = nn.LayerNorm(2)",
            "what it is computed from changes before the derivative is taken",
        ),
        (
            SECOND.replace("torch.ones_like(u_x)", "torch.cos(x)"),
            "norm = nn.LayerNorm(2)",
            "the weights of the outputs depend on the inputs",
        ),
        (
            """\
            u_t = torch.autograd.grad(u, t, u, create_graph=True)[0]
            u_tt = torch.autograd.grad(u_t, t, torch.ones_like(u), create_graph=True)[0]
            return u_x + u_tt
            """,
            "norm = nn.LayerNorm(2)",
            "the weights of the outputs depend on the inputs",
        ),
        (
            """\
            k.u = u * t
            k_t = torch.autograd.grad(k.u, t, torch.ones_like(u), create_graph=True)[0]
            return u_x + k_t + u
            """,
            "norm = nn.LayerNorm(2)",
            "it is computed by statements that change more than variables",
        ),
    ],
)
def test_what_can_not_be_computed_once_more_is_said_so(statements: str, layer: str, cause: str) -> None:
    _, errors = converted(statements, layer)
    assert any(cause in error or NONE_YET + cause in error for error in errors), errors


def test_derivatives_of_one_output_share_a_function() -> None:
    code, errors = converted(
        """\
        u_t = torch.autograd.grad(u.sum(), t, create_graph=True)[0]
        u_xt = torch.autograd.grad(u_x, t, torch.ones_like(u_x), create_graph=True)[0]
        return u + u_t + u_xt
        """
    )
    assert errors == []
    assert code.count("def u_fn(x, t, net):") == 1
    assert "u_t = nnx.grad(u_fn, argnums=1)(x, t, net)" in code
    # the inner function takes what the outer one is differentiated by
    assert "def u_x_fn(t, net):\n        u_x = nnx.grad(u_fn)(x, t, net)" in code


def test_an_output_that_is_looked_at_in_between_stays() -> None:
    code, errors = converted(
        """\
        flux = u * t
        data = flux.mean()
        flux_t = torch.autograd.grad(flux, t, torch.ones_like(flux), create_graph=True)[0]
        return flux_t + data
        """
    )
    assert errors == []
    assert "    flux = u * t\n    data = flux.mean()\n" in code
