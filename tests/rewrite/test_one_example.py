"""Layers that are given one example, without an axis for the batch."""

import pytest

from torch2jax import convert

IMPORTS = "import torch\nfrom torch import nn\n"


def translated(layers: str, call: str) -> str:
    """The lines of `forward`, for an image whose three axes the source shows."""
    source = f"""{IMPORTS}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        {layers}

    def forward(self, x):
        channels, height, width = x.shape
        return {call}
"""
    conversion = convert(source)
    assert conversion.ok, conversion.diagnostics
    return conversion.code.split("def __call__(self, x):")[1].split("# Helpers")[0]


def test_the_axis_is_added_for_the_layer_and_taken_away() -> None:
    code = translated("self.pool = nn.AdaptiveAvgPool2d(1)", "self.pool(x)")
    assert "return self.pool(x.transpose(1, 2, 0)[None])[0].transpose(2, 0, 1)" in code


def test_a_convolution_of_flax_needs_none() -> None:
    assert "[None]" not in translated("self.conv = nn.Conv2d(3, 4, 3)", "self.conv(x)")


def test_layers_in_a_row_keep_the_axis() -> None:
    layers = "self.norm, self.pool = nn.InstanceNorm2d(3), nn.MaxPool2d(2)"
    code = translated(layers, "self.pool(self.norm(x))")
    assert (code.count("[None]"), code.count("[0]")) == (1, 1)


@pytest.mark.parametrize("call", ["torch.nn.functional.avg_pool2d(x, 2)", "torch.nn.functional.max_pool2d(x, 3)"])
def test_functions_are_called_in_the_same_way(call: str) -> None:
    code = translated("self.unused = 0", call)
    assert (code.count("[None]"), code.count("[0]")) == (1, 1)


def test_a_sequential_can_not_add_the_axis() -> None:
    source = f"""{IMPORTS}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1))

    def forward(self, x):
        channels, height, width = x.shape
        return self.layers(x)
"""
    errors = [d for d in convert(source).diagnostics if d.code == "T2J106"]
    assert "nn.AdaptiveAvgPool2d in a Sequential is given one example" in errors[0].message
