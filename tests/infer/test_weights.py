"""The weight of a layer, which flax keeps in another axis order: sizes, values, writes, names for it."""

import pytest

from torch2jax import convert

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom torch.nn import init\n\n\n"


def output(source: str) -> str:
    return convert(HEAD + source).code


def codes(source: str) -> set[str]:
    return {diagnostic.code for diagnostic in convert(HEAD + source).diagnostics} - {"T2J302"}


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        ("m.weight.shape[0]", "m.kernel.shape[3]"),
        ("m.weight.size(1)", "m.kernel.shape[2]"),
        ("m.weight.size()[-2:]", "m.kernel.shape[:2]"),
        ("m.weight.data.shape[-1]", "m.kernel.shape[1]"),
        ("m.weight.numel()", "m.kernel.size"),
        ("m.weight.mean((1, 2, 3))", "m.kernel[...].mean(axis=(0, 1, 2))"),
        ("m.weight[0, 1]", "m.kernel[...][:, :, 1, 0]"),
        ("(m.weight * 2).sum()", "(m.kernel[...] * 2).sum()"),
        ("m.weight.flatten()", "m.kernel[...].transpose(3, 2, 0, 1).reshape(-1)"),
    ],
)
def test_reads(read: str, expected: str) -> None:
    assert f"    return {expected}\n" in output(f"def f(m: nn.Conv2d):\n    return {read}\n")


def test_sizes_in_names_come_in_the_order_of_flax() -> None:
    assert "    kh, kw, i, o = m.kernel.shape\n" in output("def f(m: nn.Conv2d):\n    o, i, kh, kw = m.weight.shape\n")


def test_a_name_for_the_weight_keeps_its_order() -> None:
    code = output("def f(m: nn.Conv2d, x):\n    w = m.weight\n    return F.linear(x, w.flatten(1))\n")
    assert "w[...].transpose(3, 2, 0, 1)" in code


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("m.weight.data.mul_(2)", "m.kernel[...] = m.kernel[...] * 2"),
        ("m.weight.data.zero_()", "m.kernel[...] = jnp.zeros_like(m.kernel[...])"),
        ("m.weight.data *= 2", "m.kernel[...] *= 2"),
        (
            "m.weight.data = x.view(2, 3, 4, 5)",
            "m.kernel[...] = with_data(m.kernel[...], x.reshape(2, 3, 4, 5).transpose(2, 3, 1, 0))",
        ),
        (
            "m.weight.data *= x.view(2, 3, 4, 5)",
            "m.kernel[...] = with_data(\n"
            "        m.kernel[...], m.kernel[...] * x.reshape(2, 3, 4, 5).transpose(2, 3, 1, 0)\n    )",
        ),
        (
            "m.weight.data[0] = 1",
            "m.kernel[...] = m.kernel[...].transpose(3, 2, 0, 1).at[0].set(1).transpose(2, 3, 1, 0)",
        ),
    ],
)
def test_writes(statement: str, expected: str) -> None:
    source = f"def f(m: nn.Conv2d, x: torch.Tensor):\n    {statement}\n"
    assert f"    {expected}\n" in output(source)
    assert "T2J106" not in codes(source)


def test_the_fans_of_a_weight_under_another_name() -> None:
    code = output("def f(m: nn.Conv2d):\n    w = m.weight\n    init.kaiming_normal_(w)\n")
    assert "w[...] = nnx.initializers" in code
    assert "in_axis" not in code


UNION = "def f(m: nn.Module):\n    if isinstance(m, (nn.Linear, nn.Conv2d)):\n        {}\n"


def test_the_weight_of_one_of_several_layers() -> None:
    assert codes(UNION.format("init.ones_(m.weight)")) == set()
    assert codes(UNION.format("m.weight.data.mul_(2)")) == set()
    assert codes(UNION.format("m.weight.data.mul_(torch.ones(3))")) == {"T2J106"}
    assert "T2J106" in codes(UNION.format("return m.weight.shape"))


def test_an_attribute_that_the_flax_class_uses_itself() -> None:
    """nnx.Conv multiplies its kernel by an attribute `mask`."""
    source = (
        "class C(nn.Conv2d):\n    def __init__(self, n):\n        super().__init__(n, n, 3)\n"
        "        self.register_buffer('mask', torch.ones(3, 3))\n        self.n = n\n\n"
        "    def forward(self, x):\n        return super().forward(x) * self.mask.sum() * self.n\n"
    )
    assert "        self.mask_ = Buffer(" in output(source)
    assert "self.mask_[...].sum()" in output(source)
    assert "self.n = n\n" in output(source)
