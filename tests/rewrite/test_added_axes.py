"""Layers that are given one example, without an axis for the batch; numbers along an axis."""

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


def of_a_number(call: str) -> str:
    """What a call becomes where `x` is known to have no axes."""
    conversion = convert(f"{IMPORTS}\n\ndef f(x: torch.Tensor, dim: int):\n    () = x.shape\n    return {call}\n")
    assert conversion.ok, conversion.diagnostics
    return conversion.code.split("() = x.shape\n    return ")[1].split("\n")[0]


@pytest.mark.parametrize(
    ("call", "translation"),
    [
        ("torch.cumsum(x, 0)", "x[None].cumsum(axis=0)[0]"),
        ("x.softmax(dim=-1)", "nnx.softmax(x[None])[0]"),
        ("x.cumsum(0).softmax(0)", "nnx.softmax(x[None].cumsum(axis=0), axis=0)[0]"),
        ("x.logcumsumexp(0)", "lax.cumlogsumexp(x[None])[0]"),
        ("x.sort()", "tuple(part[0] for part in sort_with_indices(x[None]))"),
        ("nn.Softmax(0)(x)", "partial(nnx.softmax, axis=0)(x[None])[0]"),
    ],
)
def test_a_number_gets_an_axis_for_a_function_along_it(call: str, translation: str) -> None:
    assert of_a_number(call) == translation


@pytest.mark.parametrize(
    ("call", "translation"),
    [
        ("x.sum(0)", "x[None].sum(axis=0)"),
        ("x.sum(dim)", "x[None].sum(axis=dim)"),
        ("x.mean(-1, keepdim=True)", "x[None].mean(axis=-1)"),
        ("x.max(0).values", "max_with_indices(x[None], axis=0)[0]"),
    ],
)
def test_a_reduction_takes_the_axis_away_by_itself(call: str, translation: str) -> None:
    assert of_a_number(call) == translation


@pytest.mark.parametrize(
    ("call", "translation"), [("x.sum()", "x.sum()"), ("x.transpose(0, -1)", "x"), ("x.exp()", "jnp.exp(x)")]
)
def test_what_needs_no_axis_gets_none(call: str, translation: str) -> None:
    assert of_a_number(call) == translation


@pytest.mark.parametrize(
    "call", ["nn.functional.max_pool2d(x, 2, return_indices=True)", "nn.MaxPool2d(2, 2, 0, 1, True)(x)"]
)
def test_several_results_lose_the_axis_one_by_one(call: str) -> None:
    code = translated("self.unused = 0", call)
    assert "part[0] for part in" in " ".join(code.split())
    assert code.count("[None]") == 1


def test_several_results_returned_at_once_are_transposed() -> None:
    conversion = convert(
        f"{IMPORTS}\n\ndef f(x: torch.Tensor):\n    return nn.functional.max_pool2d(x, 2, return_indices=True)\n"
    )
    assert conversion.ok, conversion.diagnostics
    assert "tuple(part.transpose(0, 3, 1, 2) for part in indexed_max_pool(x, kernel_size=2))" in conversion.code


def test_several_results_that_are_unpacked_stay_as_they_lie() -> None:
    source = f"""{IMPORTS}
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.pool, self.unpool = nn.MaxPool2d(2, return_indices=True), nn.MaxUnpool2d(2)

    def forward(self, x):
        x, indices = self.pool(x)
        return self.unpool(x, indices)
"""
    code = convert(source).code.split("def __call__")[1].split("# Helpers")[0]
    assert "x, indices = self.pool(x)" in code
    assert code.count("transpose") == 2
