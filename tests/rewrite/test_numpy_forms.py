"""What torch computes in data sets, and the NumPy that stands for it with `--data grain`: equal values and dtypes."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from torch2jax import Options, convert
from torch2jax.rewrite.numpy_calls import forms

torch = pytest.importorskip("torch")

PRELUDE = """import numpy as np
import torch
import torch.nn.functional as F
from torch.utils.data import Dataset


class Base(Dataset):
    def __init__(self):
        self.f = torch.arange(12, dtype=torch.float32).reshape(3, 4) / 7 - 0.5
        self.d = torch.arange(4, dtype=torch.float64) / 3
        self.n = torch.arange(1, 13).view(3, 4)
        self.u = torch.tensor([[200, 100, 7], [0, 1, 255]], dtype=torch.uint8)
        self.b = torch.tensor([True, False, True])
        self.a = np.linspace(0.0, 1.0, 5)

    def __len__(self):
        return 3


"""
EXPRESSIONS = """
torch.tensor(1.5)
torch.tensor(3)
torch.tensor([1, 2.5])
torch.tensor([[1, 2], [3, 4]])
torch.tensor([True, False])
torch.tensor(self.a)
torch.tensor([self.f[0, 0].item(), 1.0])
torch.tensor([[0.1, 0.2], [1.0, 2.0]], dtype=torch.float64)
torch.tensor([index, index + 1], dtype=torch.long)
torch.tensor([float(v) for v in self.a])
torch.tensor(list(range(index + 2)))
torch.as_tensor(self.a)
torch.as_tensor(self.a, dtype=torch.float32)
torch.as_tensor([0.5, 1.5])
torch.as_tensor(self.f)
torch.from_numpy(self.a)
torch.LongTensor([1, 2])
torch.FloatTensor([1, 2])
torch.Tensor([[1, 2]])
torch.zeros(2, 3)
torch.zeros((2, 3), dtype=torch.int64)
torch.zeros(3)
torch.ones(index + 1, 2)
torch.ones([2, 2], dtype=torch.bool)
torch.empty(0, 3)
torch.eye(3)
torch.eye(2, 3)
torch.zeros_like(self.f)
torch.ones_like(self.n, dtype=torch.float32)
torch.full_like(self.f, 2)
torch.full((2,), 0.5)
torch.full((2, 2), 7)
torch.full((2,), 1, dtype=torch.float32)
torch.arange(5)
torch.arange(1, 7, 2)
torch.arange(0, 1, 0.25)
torch.arange(4, dtype=torch.float32)
torch.linspace(0, 1, 5)
torch.stack([self.f, self.f + 1], dim=1)
torch.stack((self.d, self.d))
torch.cat([self.f, self.f], 1)
torch.concat([self.d, self.d])
torch.concatenate([self.n, self.n], dim=0)
torch.where(self.f > 0, self.f, torch.zeros_like(self.f))
torch.flip(self.f, dims=[0, 1])
torch.flip(self.d, [0])
torch.roll(self.n, 1, 0)
torch.roll(self.n, 2)
torch.matmul(self.f, self.f.t())
torch.mm(self.f, self.f.T)
torch.mv(self.f, self.f[0])
torch.outer(self.d, self.d)
torch.equal(self.f, self.f.clone())
torch.allclose(self.f, self.f + 1e-9)
torch.maximum(self.f, self.f.abs())
torch.minimum(self.f, -self.f)
torch.isnan(self.f)
torch.isfinite(self.f)
torch.sign(self.f)
torch.is_tensor(self.f)
torch.is_floating_point(self.n)
F.one_hot(self.n[0], 6)
F.one_hot(torch.tensor(1), num_classes=3)
torch.sin(self.f)
torch.sin(self.n)
torch.cos(self.d)
torch.tanh(self.n)
torch.log1p(self.n)
torch.floor(self.f)
torch.ceil(self.f * 3)
torch.sqrt(self.n)
torch.exp(self.f)
torch.log(self.n)
torch.abs(self.f)
torch.clamp(self.f, 0, 1)
torch.clamp(self.f, min=0.25)
self.f.clip(max=0.1)
torch.round(self.f * 5)
torch.square(self.f)
torch.sum(self.f, dim=1)
torch.mean(self.f, 0, keepdim=True)
self.f.double()
self.d.float()
self.f.half()
self.f.long()
self.f.int()
self.n.short()
self.n.byte()
self.n.bool()
self.n.to(torch.float32)
self.n.to("cpu", dtype=torch.float64)
self.f.to("cpu")
self.f.to(self.d)
self.n.type(torch.float16)
self.f.numpy()
self.f.detach().cpu().contiguous().clone()
self.f[0, 1].item()
self.n.tolist()
self.f.dim()
self.f.ndimension()
self.f.numel()
self.f.nelement()
tuple(self.f.size())
self.f.size(1)
self.f.size(dim=0)
self.f.view(-1)
self.f.view(2, 6)
self.f.reshape((4, 3))
self.f.reshape(6, -1)
self.f.permute(1, 0)
self.f.transpose(0, 1)
self.f.swapaxes(0, 1)
self.f.t()
self.f.T
self.f.unsqueeze(0)
self.f.unsqueeze(-1)
self.f[:1].squeeze()
self.f.flatten()
self.f.ravel()
self.d.repeat(2)
self.f.repeat(2, 1)
self.f.sum()
self.n.sum(1)
self.u.sum()
self.u.sum(dim=0)
self.b.sum()
self.f.mean()
self.f.mean(dim=(0, 1))
self.f.mean([0, 1])
self.f.std()
self.f.std(1)
self.f.var()
self.f.var(0, keepdim=True)
self.f.max()
self.n.min()
self.b.any()
self.b.all(dim=0)
self.f.argmax()
self.f.argmin(dim=1)
self.n.cumsum(0)
self.f.abs()
self.d.round()
self.f.square()
self.f.exp()
self.n.sqrt()
self.f.norm()
self.f.norm(dim=1, keepdim=True)
self.f.mul(2)
self.n.mul(0.5).add(1)
(self.f + 1).sub(self.n[0])
self.n.div(2)
self.f.pow(2)
self.d.eq(1.0)
self.n.ne(3)
self.n.gt(3)
self.n.ge(3)
self.n.lt(3)
self.n.le(3)
self.f.matmul(self.f.t())
self.f.mm(self.f.t())
self.n / 3
self.u / 255
self.u.float() / 255
self.n / self.n
1 / self.n
self.n * 0.5
self.n + self.f
self.f - self.n
self.n**2
self.n // 2
self.n % 3
self.f * 2 + 1
self.b * 0.5
self.f[self.b]
self.f[:, None]
self.n[index]
self.f @ self.f.T
self.f.data
self.f.shape[0]
torch.float32 == self.f.dtype
isinstance(self.f, torch.Tensor)
torch.pi * self.f
(self.f > 0).float().mean()
""".strip().split("\n")
DRAWS = [
    "torch.rand(2, 3)",
    "torch.randn(4)",
    "torch.rand_like(self.f)",
    "torch.randn_like(self.f)",
    "torch.randperm(5)",
    "torch.randint(0, 3, (4,))",
    "torch.randint(3, size=(4, 2))",
    "torch.randint(0, 3, size=(4, 2))",
    "torch.rand(2, generator=torch.Generator().manual_seed(1))",
    "torch.randperm(4, generator=torch.Generator().manual_seed(1))",
]
REFUSED = [
    "torch.fft.fft(self.f)",
    "self.f.max(1)",
    "self.f.squeeze(0)",
    "self.f.sum(1).unsqueeze_(0)",
    "F.pad(self.f, (1, 1))",
    "torch.zeros(2, out=self.f)",
    "self.f.norm(1)",
    "torch.tensor(*self.a)",
    "self.f.device",
]


def source(expressions: list[str]) -> str:
    """A data set for each expression, which gives its value."""
    classes = [
        f"class D{n}(Base):\n    def __getitem__(self, index):\n        return {expression}\n"
        for n, expression in enumerate(expressions)
    ]
    return PRELUDE + "\n\n".join(classes)


def values(text: str, count: int) -> list[Any]:
    space: dict[str, Any] = {}
    exec(compile(text, "data.py", "exec"), space)
    return [space[f"D{n}"]()[1] for n in range(count)]


@pytest.fixture(scope="module")
def outcomes() -> dict[str, tuple[Any, Any]]:
    """What each expression gives in torch and in NumPy."""
    text = source(EXPRESSIONS)
    conversion = convert(text, options=Options(data="grain"))
    assert [d.headline for d in conversion.diagnostics if d.severity != "note"] == []
    assert "torch" not in conversion.code
    both = zip(values(text, len(EXPRESSIONS)), values(conversion.code, len(EXPRESSIONS)), strict=True)
    return dict(zip(EXPRESSIONS, both, strict=True))


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_values_and_dtypes_are_those_of_torch(expression: str, outcomes: dict[str, tuple[Any, Any]]) -> None:
    expected, found = outcomes[expression]
    if isinstance(expected, torch.Tensor):
        expected = expected.numpy()
        assert isinstance(found, np.ndarray | np.generic)
        assert found.dtype == expected.dtype
        assert found.shape == expected.shape
        np.testing.assert_allclose(found, expected, rtol=1e-3 if expected.dtype == np.float16 else 2e-6)
    else:
        assert type(found) is type(expected)
        assert np.array_equal(found, expected)


def test_every_form_is_tried() -> None:
    text = "\n".join([*EXPRESSIONS, *DRAWS])
    named = {name for file in ("functions", "methods") for name in forms(file)}
    silent = {"cuda", "pin_memory", "requires_grad_", "share_memory_"}  # they return the array, like `cpu`
    assert {name for name in named - silent if not re.search(rf"\.{name}\(", text)} == set()


def test_draws_have_the_shape_and_dtype_of_torch_and_are_reported() -> None:
    text = source(DRAWS)
    conversion = convert(text, options=Options(data="grain"))
    assert [d.code for d in conversion.diagnostics] == ["T2J206"] * len(DRAWS)
    for expected, found in zip(values(text, len(DRAWS)), values(conversion.code, len(DRAWS)), strict=True):
        assert (found.shape, str(found.dtype)) == (tuple(expected.shape), str(expected.numpy().dtype))


@pytest.mark.parametrize("expression", REFUSED)
def test_what_has_no_form_is_an_error(expression: str) -> None:
    conversion = convert(source([expression]), options=Options(data="grain"))
    assert [d.code for d in conversion.diagnostics if d.severity == "error"] == ["T2J101"]
    assert "# TODO(torch2jax): T2J101" in conversion.code
