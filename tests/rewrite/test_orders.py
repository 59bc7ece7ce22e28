"""Walks through modules: PyTorch's order where it matters."""

import pytest

from torch2jax.convert import convert

MODEL = (
    "import torch\nimport torch.nn as nn\n\n\nclass M(nn.Module):\n"
    "    def __init__(self):\n        super().__init__()\n        self.l = nn.Linear(3, 3)\n\n"
)


def body(lines: str) -> str:
    conversion = convert(f"{MODEL}    def look(self, x: torch.Tensor):\n        {lines}\n")
    code = conversion.code
    return code[code.index("def look") : code.index("# Helpers") if "# Helpers" in code else None]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ("return torch.cat([p.flatten() for p in self.parameters()])", "in ordered_parameters(self)"),
        ("return list(self.named_parameters())", "list(ordered_named_parameters(self))"),
        ("return next(self.parameters())", "next(ordered_parameters(self))"),
        ("return [m for m in self.modules()]", "in ordered_modules(self)"),
        ("for m in self.modules():\n            x = x + 1\n        return x", "for m in ordered_modules(self):"),
        ("for m in self.modules():\n            if m is x:\n                break", "for m in ordered_modules(self):"),
        ("found = []\n        for b in self.buffers():\n            found.append(b)", "in ordered_buffers(self):"),
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
