"""Parameters that a program goes through without knowing their layers: Flax keeps them in its own axis order."""

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\n\n\n"
LOOP = "def f(m: nn.Module, t: nn.Module, x: torch.Tensor):\n    for name, p in m.named_parameters():\n        "
ZIPPED = "def f(m: nn.Module, t: nn.Module):\n    for p, q in zip(m.parameters(), t.parameters()):\n        "


def codes(source: str) -> set[str]:
    return {d.code for d in convert(PRELUDE + source + "\n").diagnostics}


@pytest.mark.parametrize(
    "statement",
    [
        "print(p.shape[0])",
        "o, i = p.shape",
        "o, i = p.size()",
        "n = p.size(0)",
        "n = len(p)",
        "y = torch.zeros(p.shape[0], 3)",
        "y = p.t()",
        "y = p[0]",
        "y = p.sum(0)",
        "y = p.sum(dim=0)",
        "y = p.softmax(-1)",
        "y = p @ x",
        "y = p * x",
        "p.data = x",
        "p.data.copy_(x)",
        "y = p.data.numpy()",
        "if p.shape == x.shape:\n            print(name)",
        "sizes = [p.shape]",
        "sizes = (p.shape, 1)",
    ],
)
def test_what_depends_on_the_order_of_the_axes_is_reported(statement: str) -> None:
    assert "T2J106" in codes(LOOP + statement)


@pytest.mark.parametrize(
    "statement",
    [
        "y = p.numel() + p.dim() + p.ndim + len(p.shape)",
        "y = p.pow(2).sum() + (p ** 2).mean() + torch.norm(p) + p.norm(2) + p.abs().max() + torch.sum(torch.abs(p))",
        "p.data.clamp_(-1, 1)",
        "p.data = p.data * 0.9 + 1",
        "p.data.add_(torch.randn_like(p) * 0.1)",
        "p.data.add_(torch.randn(p.shape) * 0.1)",
        "p.data.add_(torch.zeros(p.size()))",
        "nn.init.normal_(p, 0, 0.02)",
        "if p.dim() > 1:\n            nn.init.xavier_uniform_(p)",
        "y = p.new_zeros(3, 4)",
        "y = {name: p.data.clone()}[name] - p",
        "y = x.view(p.shape), p.view(-1), p.flatten()",  # of copies in PyTorch's order of axes
        "y = (lambda w: (w * w).sum())(p)",
    ],
)
def test_what_is_the_same_in_every_order_is_not(statement: str) -> None:
    assert not codes(LOOP + statement) - {"T2J206", "T2J301"}


@pytest.mark.parametrize(
    "statement",
    [
        "q.data.mul_(0.9).add_(p.data * 0.1)",
        "q.data.copy_(p.data)",
        "q.data = q.data * 0.9 + 0.1 * p.data",
        "q.data.lerp_(p.data, 0.1)",
        "print(((p - q) ** 2).sum())",
    ],
)
def test_those_of_two_models_of_one_class_lie_alike(statement: str) -> None:
    assert not codes(ZIPPED + statement)


def test_sizes_that_are_shown_to_people_are_a_caveat() -> None:
    assert codes(LOOP + "print(name, p.shape)") == {"T2J205"}
    assert codes(LOOP + "print(f'{name}: {p.shape}')") == {"T2J205"}


def test_a_moving_average_holds_its_copies_in_a_dictionary() -> None:
    source = """
class Average:
    def __init__(self, model: nn.Module, decay: float):
        self.model = model
        self.decay = decay
        self.shadow = {}
        self.backup = {}

    def register(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                self.shadow[name] = param.data.clone()

    def update(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                average = (1.0 - self.decay) * param.data + self.decay * self.shadow[name]
                self.shadow[name] = average.clone()

    def apply(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                self.backup[name] = param.data
                param.data = self.shadow[name]

    def restore(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad:
                param.data = self.backup[name]
"""
    conversion = convert(PRELUDE + source)
    assert {d.code for d in conversion.diagnostics} == {"T2J201"}  # the old value is kept, not a copy
    assert "self.backup[name] = param[...]\n" in conversion.code
    assert "param[...] = self.shadow[name]\n" in conversion.code


def test_what_a_module_takes_may_be_a_dictionary() -> None:
    source = """
class Pyramid(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 1)

    def forward(self, features):
        first = list(features.values())[0]
        return {key: self.conv(x) for key, x in features.items()}, list(features.keys()), self.conv(first)
"""
    conversion = convert(PRELUDE + source)
    assert not conversion.diagnostics
    assert "first = list(features.values())[0]\n" in conversion.code
    assert "self.conv(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2) for key, x" in " ".join(conversion.code.split())


def test_a_tensor_has_no_values() -> None:
    source = "class M(nn.Module):\n    def forward(self, x: torch.Tensor):\n        return x.values()\n"
    assert {d.code for d in convert(PRELUDE + source).diagnostics} == {"T2J103"}
