"""Lists, dictionaries and Sequential: how modules hold others."""

import re

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom collections import OrderedDict\n"
LINEAR = "nnx.Linear(2, 2, use_bias=False, **fan_in_uniform(2), rngs=rngs)"


def module(init: str, forward: str = "return x") -> list[str]:
    """The lines of a module; `L` stands for a linear layer."""
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self, n=2, layers=()):
        super().__init__()
        {init}

    def forward(self, x):
        {forward}
""".replace("L()", "nn.Linear(2, 2, bias=False)")
    conversion = convert(source)
    assert conversion.ok, conversion.diagnostics
    return [line.strip().replace(LINEAR, "L()") for line in conversion.code.splitlines()]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("self.a = nn.ModuleList([L(), L()])", "self.a = nnx.List([L(), L()])"),
        ("self.a = nn.ModuleList()", "self.a = nnx.List([])"),
        ("self.a = nn.ModuleList(L() for _ in range(n))", "self.a = nnx.List(L() for _ in range(n))"),
        ("self.a = nn.ModuleList((L(), L()))", "self.a = nnx.List((L(), L()))"),
        ("self.a = [L() for _ in range(n)]", "self.a = nnx.List([L() for _ in range(n)])"),
        ("self.a = {'k': L()}", "self.a = nnx.Dict({'k': L()})"),
        ("self.a = nn.ModuleDict()", "self.a = nnx.Dict({})"),
        ("self.a = nn.ModuleDict({'k': L()})", "self.a = nnx.Dict({'k': L()})"),
        ("self.a = nn.ModuleDict([['k', L()]])", "self.a = nnx.Dict(dict([['k', L()]]))"),
        ("self.a = [1, 2]", "self.a = [1, 2]"),
        ("self.a = {'k': 1}", "self.a = {'k': 1}"),
        ("self.a = (L(), 1)", "self.a = nnx.data((L(), 1))"),
        ("self.a = nn.Sequential(L(), nn.ReLU())", "self.a = nnx.Sequential(L(), nnx.relu)"),
        ("self.a = nn.Sequential(*[L() for _ in range(n)])", "self.a = nnx.Sequential(*[L() for _ in range(n)])"),
        (
            "self.a = nn.Sequential(OrderedDict([('k', L()), ('r', nn.ReLU())]))",
            "self.a = nnx.Sequential(L(), nnx.relu)",
        ),
        ("self.a = nn.Sequential(OrderedDict({'k': L(), 'r': nn.ReLU()}))", "self.a = nnx.Sequential(L(), nnx.relu)"),
        ("self.a = nn.ParameterList()", "self.a = nnx.List([])"),
    ],
)
def test_how_containers_are_built(source: str, expected: str) -> None:
    """Wherever the lines break."""
    joined = re.sub(r"\s+", "", "".join(module(source))).replace(",)", ")").replace(",]", "]")
    plain = joined.replace(re.sub(r"\s+", "", LINEAR), "L()")
    assert re.sub(r"\s+", "", expected) in plain


def test_lists_filled_in_loops() -> None:
    lines = module(
        "layers = []\n        for i in range(n):\n            layers.append(L())\n            layers += [nn.ReLU()]\n"
        "        self.a = nn.Sequential(*layers)\n        self.b = nn.ModuleList(layers)\n"
        "        self.c = nn.ModuleList()\n        self.c.append(L())\n        self.c.extend([L()])\n"
        "        self.d = nn.ModuleDict()\n        self.d['k'] = L()\n"
        "        self.e = nn.Sequential()\n        self.e.add_module('k', L())\n        self.e.append(L())"
    )
    for line in (
        "layers.append(L())",
        "layers += [nnx.relu]",
        "self.a = nnx.Sequential(*layers)",
        "self.b = nnx.List(layers)",
        "self.c.append(L())",
        "self.c.extend([L()])",
        "self.d['k'] = L()",
        "self.e = nnx.Sequential()",
        "self.e.layers.append(L())",
    ):
        assert line in lines


@pytest.mark.parametrize(
    ("forward", "expected"),
    [
        ("return self.s(x)", "return self.s(x)"),
        ("return self.s[0](x)", "return self.s.layers[0](x)"),
        ("return self.l[0](x)", "return self.l[0](x)"),
        ("return self.d['k'](x)", "return self.d['k'](x)"),
        ("return len(self.l) * x", "return len(self.l) * x"),
        ("return self.l[0].weight @ x", "return self.l[0].kernel[...].T @ x"),
        ("return self.s[0].weight @ x", "return self.s.layers[0].kernel[...].T @ x"),
    ],
)
def test_how_containers_are_read(forward: str, expected: str) -> None:
    lines = module(
        "self.s = nn.Sequential(L(), nn.ReLU())\n        self.l = nn.ModuleList([L()])\n"
        "        self.d = nn.ModuleDict({'k': L()})",
        forward,
    )
    assert expected in lines


def test_loops_over_containers() -> None:
    lines = module(
        "self.s = nn.Sequential(L(), L())\n        self.l = nn.ModuleList([L()])\n"
        "        self.d = nn.ModuleDict({'k': L()})",
        "for m in self.s:\n            x = m(x).view(-1)\n        for i, m in enumerate(self.l):\n"
        "            x = m(x).view(-1)\n"
        "        for k, m in self.d.items():\n            x = m(x).view(-1)\n        for m in self.d.values():\n"
        "            x = m(x).view(-1)\n        for a, b in zip(self.l, self.s):\n            x = a(b(x)).view(-1)\n"
        "        return x",
    )
    assert lines.count("x = m(x).reshape(-1)") == 4
    assert "x = a(b(x)).reshape(-1)" in lines
    assert "for m in self.s.layers:" in lines
    assert "for a, b in zip(self.l, self.s.layers):" in lines


def test_attributes_that_start_as_none() -> None:
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.cache = None
        self.layer = None
        self.name = None

    def fill(self, x: torch.Tensor):
        self.cache = x.exp()
        self.layer = nn.Linear(2, 2)

    def forward(self, x):
        return x
"""
    code = convert(source).code
    assert "        self.cache = nnx.data(None)\n" in code
    assert "        self.layer = nnx.data(None)\n" in code
    assert "        self.name = None\n" in code


@pytest.mark.parametrize(
    ("init", "expected"),
    [
        ("self.a = None\n        if n > 1:\n            self.a = L()", "self.a = nnx.data(None)"),
        ("self.a = None\n        for _ in range(n):\n            self.a = L()", "self.a = nnx.data(None)"),
        ("self.a = L() if n else None", "self.a = L() if n else None"),
        ("if n:\n            self.a = L()\n        else:\n            self.a = None", "self.a = None"),
        ("self.a = None\n        self.b = L()", "self.a = None"),
    ],
)
def test_none_first_and_a_module_later(init: str, expected: str) -> None:
    """Flax keeps an attribute that starts as plain None for values that are no arrays."""
    assert expected in module(init)


def test_classes_for_isinstance_carry_no_arguments() -> None:
    source = f"{PRELUDE}\n\nNORMS = (nn.GroupNorm, nn.LayerNorm)\n\n\ndef f(m):\n    return isinstance(m, NORMS)\n"
    assert "NORMS = (nnx.GroupNorm, nnx.LayerNorm)\n" in convert(source).code


def test_a_layer_whose_keywords_are_known_late_is_known() -> None:
    """The first pass does not know what `**kwargs` holds; the convolution must not be forgotten for it."""
    source = f"""{PRELUDE}

class Block(nn.Module):
    def __init__(self, conv=nn.Conv2d, **kwargs):
        super().__init__()
        self.conv = conv(3, 3, 1, **kwargs)

    def forward(self, x):
        return self.conv(x)


class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block(stride=2)

    def forward(self, x):
        return self.block(x)
"""
    conversion = convert(source)
    assert conversion.ok
    assert conversion.transposes == 2
