"""Walks through modules: PyTorch's order where it matters."""

import pytest

from torch2jax.convert import convert

MODEL = (
    "import torch\nimport torch.nn as nn\n\n\nclass M(nn.Module):\n"
    "    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(3, 3)\n"
    "        self.d = nn.ModuleDict({'z': nn.ReLU(), 'a': nn.Tanh()})\n"
    "        self.sorted = nn.ModuleDict({'a': nn.ReLU(), 'z': nn.Tanh()})\n\n"
)


def body(lines: str) -> str:
    conversion = convert(f"{MODEL}    def look(self, x: torch.Tensor):\n        {lines}\n")
    code = conversion.code
    return code[code.index("def look") : code.index("# Helpers") if "# Helpers" in code else None]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("return torch.cat([p.flatten() for p in self.parameters()])", "in torch_parameters(self)"),
        ("return [p.norm() for p in self.parameters()]", "in ordered_parameters(self)"),
        ("return list(self.named_parameters())", "list(ordered_named_parameters(self))"),
        ("return next(self.parameters())", "next(ordered_parameters(self))"),
        ("return [m for m in self.modules()]", "in ordered_modules(self)"),
        ("for m in self.modules():\n            x = x + 1\n        return x", "for m in ordered_modules(self):"),
        ("for m in self.modules():\n            if m is x:\n                break", "for m in ordered_modules(self):"),
        ("found = []\n        for b in self.buffers():\n            found.append(b)", "in ordered_buffers(self):"),
        ("for b in self.buffers():\n            b.mul_(x.pop(0))", "in ordered_buffers(self):"),
        ("return sum(p.numel() for p in self.parameters())", "sum(p.size for p in parameters(self))"),
        ("return all(p.ndim for p in self.parameters())", "all(p.ndim for p in parameters(self))"),
        ("return next(self.parameters()).dtype", "next(parameters(self)).dtype"),
        ("w = next(self.parameters())\n        return x.to(w.dtype)", "w = next(parameters(self))"),
        ("w = next(self.parameters())\n        return x + w.sum()", "w = next(ordered_parameters(self))"),
        ("for m in self.modules():\n            m.tag = 1", "for _, m in nnx.iter_modules(self):"),
        (
            "for m in self.modules():\n            n = m.tag\n            m.tag = n",
            "for _, m in nnx.iter_modules(self):",
        ),
        ("for m in self.modules():\n            m.tag = n\n            n = m.tag", "for m in ordered_modules(self):"),
    ],
)
def test_the_order_of_a_walk(lines: str, expected: str) -> None:
    assert expected in body(lines)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("return [d(x) for d in self.d.values()]", "in in_order(self.d).values()"),
        ("return [self.d[k](x) for k in self.d]", "for k in in_order(self.d)]"),
        ("for k in self.d:\n            x = self.d[k](x)\n        return x", "for k in in_order(self.d):"),
        ("return list(self.d)", "list(in_order(self.d))"),
        ("return nn.Sequential(*self.d.values())(x)", "*in_order(self.d).values()"),
        ("return sum(d(x) for d in self.d.values())", "for d in self.d.values())"),
        ("return x in self.d.keys(), len(self.d), self.d['z']", "x in self.d.keys(), len(self.d), self.d['z']"),
        ("for d in self.d.values():\n            d.tag = 1", "for d in self.d.values():"),
        ("return [d(x) for d in self.sorted.values()]", "in self.sorted.values()"),
    ],
)
def test_the_order_of_a_dictionary(lines: str, expected: str) -> None:
    assert expected in body(lines)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("nn.ParameterDict({'b': p, 'a': p})", "nnx.Dict(sorted({'b': p, 'a': p}.items()))"),
        ("nn.ParameterDict({'a': p, 'b': p})", "nnx.Dict({'a': p, 'b': p})"),
        ("nn.ParameterDict({k: p for k in 'ba'})", "nnx.Dict(sorted({k: p for k in 'ba'}.items()))"),
        ("nn.ParameterDict(OrderedDict(b=p, a=p))", "nnx.Dict(OrderedDict(b=p, a=p))"),
        ("nn.ModuleDict({'b': m, 'a': m})", "nnx.Dict({'b': m, 'a': m})"),
    ],
)
def test_pytorch_sorts_dictionaries_of_parameters(given: str, expected: str) -> None:
    source = (
        "import torch\nimport torch.nn as nn\nfrom collections import OrderedDict\n\n\nclass M(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n        p, m = nn.Parameter(torch.zeros(3)), nn.ReLU()\n"
        f"        self.d = {given}\n"
    )
    assert f"self.d = {expected}\n" in convert(source).code
