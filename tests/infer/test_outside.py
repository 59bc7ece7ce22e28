"""Sequentials and layers that only code outside of the project calls: PyTorch's axis order, or a note."""

import textwrap

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from torch2jax.convert import convert
from torch2jax.options import Options
from torch2jax.weights import load_state_dict

PRELUDE = "import torch\nimport torch.nn as nn\n\n\n"


def codes(source: str, **options: str) -> set[str]:
    return {d.code for d in convert(PRELUDE + textwrap.dedent(source), options=Options(**options)).diagnostics}


@pytest.mark.parametrize(
    "body",
    [
        "return nn.Sequential(nn.Conv2d(3, 4, 2), nn.Flatten())",
        "return nn.Sequential(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4), nn.ReLU())",
        "return nn.Sequential(nn.Softmax(dim=1), nn.Conv2d(3, 4, 2))",
        "return nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 2), nn.ReLU()), nn.Flatten())",
        "layers = []\n    for c in (3, 4):\n        layers += [nn.Conv2d(c, 4, 2)]\n    return nn.Sequential(*layers)",
        "return nn.ModuleList([nn.Sequential(nn.Conv2d(3, 4, 2), nn.Flatten())])[0]",
    ],
)
def test_what_a_factory_returns_takes_and_gives_torch_order(body: str) -> None:
    source = f"{PRELUDE}def build():\n    {body}\n"
    conversion = convert(source)
    assert conversion.ok
    before: dict[str, object] = {}
    after: dict[str, object] = {}
    exec(source, before)
    exec(conversion.code, after)
    original, translation = before["build"](), after["build"](rngs=nnx.Rngs(0))  # type: ignore[operator]
    load_state_dict(translation, original.eval().state_dict())
    translation.eval()
    x = torch.randn(2, 3, 5, 6)
    found = np.asarray(translation(jnp.asarray(x.numpy())))
    np.testing.assert_allclose(found, original(x).detach().numpy(), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "source",
    [
        "net = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten())",
        """
        class Keeper(nn.Module):
            def __init__(self):
                super().__init__()
                self.body = nn.Sequential(nn.Conv2d(3, 4, 1), nn.Flatten())
        """,
        """
        class Block(nn.Sequential):
            def __init__(self):
                super().__init__(nn.Conv2d(3, 4, 1), nn.Flatten())
        """,
    ],
)
def test_wherever_it_is_kept(source: str) -> None:
    assert convert(PRELUDE + textwrap.dedent(source)).transposes == 2


def test_what_the_project_calls_is_its_own_affair() -> None:
    source = """
    def block():
        return nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU())


    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = block()
            self.b = block()

        def forward(self, x):
            return self.b(self.a(x))
    """
    assert convert(PRELUDE + textwrap.dedent(source)).transposes == 2


def test_callers_that_have_channel_last_arrays() -> None:
    source = "def build():\n    return nn.Sequential(nn.Conv2d(3, 4, 2), nn.BatchNorm2d(4))\n"
    conversion = convert(PRELUDE + source, options=Options(interface="nhwc"))
    assert conversion.transposes == 0
    assert {d.code for d in conversion.diagnostics} == {"T2J302"}


def test_layers_that_come_together_later() -> None:
    grown = "def build(n):\n    net = nn.Sequential()\n    for _ in range(n):\n        net.append({})\n    return net\n"
    assert codes(grown.format("nn.Conv2d(4, 4, 1)")) == {"T2J302"}
    mixed = "def build():\n    net = nn.Sequential(nn.Conv2d(4, 4, 1))\n    net.append(nn.Flatten())\n    return net\n"
    assert codes(mixed) == {"T2J106"}


def test_a_layer_that_a_function_returns_to_callers_outside() -> None:
    alone = "def conv(i, o):\n    return nn.Conv2d(i, o, 3)\n"
    assert codes(alone) == {"T2J302"}
    assert codes(alone.replace("Conv2d(i, o, 3)", "Linear(i, o)")) == set()
    assert codes(alone, interface="nhwc") == {"T2J302"}
    used = (
        "\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.c = conv(3, 4)\n"
    )
    assert codes(alone + used + "\n    def forward(self, x):\n        return self.c(x)\n") == set()
