"""Functions of torch as values, and partials of them."""

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom functools import partial\n"


def lines(body: str) -> list[str]:
    code = convert(f"{PRELUDE}\n\ndef f(x: torch.Tensor):\n    {body}\n").code
    return [line.strip() for line in code.splitlines()]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("g = partial(torch.sum, dim=1)\n    return g(x)", ["g = partial(jnp.sum, axis=1)", "return g(x)"]),
        ("g = torch.sum\n    return g(x, dim=1)", ["g = jnp.sum", "return g(x, axis=1)"]),
        (
            "g = partial(F.dropout, p=0.1)\n    return g(x)",
            ["g = partial(nnx.Dropout(0.1), deterministic=False)", "return g(x, rngs=rngs)"],
        ),
        (
            "g = partial(F.dropout, p=0.1, training=False)\n    return g(x)",
            ["g = nnx.identity", "return g(x)"],
        ),
    ],
)
def test_a_function_as_a_value(body: str, expected: list[str]) -> None:
    found = lines(body)
    assert all(line in found for line in expected), found


def test_what_has_no_function_is_reported() -> None:
    conversion = convert(f"{PRELUDE}\n\ndef f():\n    return torch.Tensor.view\n")
    assert {d.code for d in conversion.diagnostics} == {"T2J103"}


@pytest.mark.parametrize("name", ["training=self.training", "training=(self.training)"])
def test_the_mode_is_negated_once(name: str) -> None:
    source = f"class M(nn.Module):\n    def forward(self, x):\n        return F.dropout(x, 0.5, {name})\n"
    assert "deterministic=self.deterministic," in convert(PRELUDE + source).code


def test_a_partial_or_a_function_of_the_project() -> None:
    source = """
from functools import partial
import torch


def identity(x, *args):
    return x


def f(x: torch.Tensor, clip):
    g = partial(torch.clamp, min=-0.5, max=0.5) if clip else identity
    return g(x)
"""
    conversion = convert(source)
    assert conversion.diagnostics == ()
    assert "g = partial(clamp, min=-0.5, max=0.5) if clip else identity\n    return g(x)" in conversion.code


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("Swish = nn.SiLU", ["Swish is a function here: call it on arrays, do not build it"]),
        (
            "if hasattr(nn, 'Mish'):\n    Mish = nn.Mish",
            ["Mish is a function here: call it on arrays, do not build it"],
        ),
        ("Norm = nn.BatchNorm2d", []),
        ("activate = F.relu", []),
        ("def f():\n    act = nn.ReLU\n    return act()", []),
    ],
)
def test_a_name_for_a_layer_without_weights_is_said_to_be_a_function(source: str, expected: list[str]) -> None:
    found = [d.message for d in convert(PRELUDE + source + "\n").diagnostics if d.code == "T2J304"]
    assert found == expected
