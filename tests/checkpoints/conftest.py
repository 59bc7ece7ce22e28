"""A small translated model, the state dict of its original, and both directions without a process of their own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from torch2jax.checkpoints.output import new_checkpoint
from torch2jax.checkpoints.request import Format, Request, Summary
from torch2jax.checkpoints.transfer import transfer
from torch2jax.verify.cases import Case

TRANSLATION = """\
import jax.numpy as jnp
from flax import nnx


class Buffer(nnx.Variable):
    pass


class Net(nnx.Module):
    def __init__(self, width=3, *, rngs):
        self.stem = nnx.Sequential(nnx.Conv(2, 4, (3, 5), rngs=rngs), nnx.relu, nnx.BatchNorm(4, rngs=rngs))
        self.head = nnx.Linear(4, width, rngs=rngs)
        self.steps = Buffer(jnp.zeros(3, int))
        self.mask = Buffer(jnp.ones(3), persistent=False)
        self.dropout = nnx.Dropout(0.1, rngs=rngs)
"""


class Net(nn.Module):
    def __init__(self, width: int = 3) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, (3, 5)), nn.ReLU(), nn.BatchNorm2d(4))
        self.head = nn.Linear(4, width)
        self.register_buffer("steps", torch.tensor([3, 1, 2]))


@dataclass
class Workshop:
    """A folder with a translation, and the command on it."""

    folder: Path
    translation: Path

    def path(self, name: str) -> Path:
        return self.folder / name

    def save(self, name: str, content: Any, **options: Any) -> Path:
        torch.save(content, self.path(name), **options)
        return self.path(name)

    def translate(self, source: str, name: str = "model_jax.py") -> None:
        self.translation = self.path(name)
        self.translation.write_text(source, encoding="utf-8")

    def convert(self, source: str | Path, output: str, entry: str | None = "Net", **options: Any) -> Summary:
        case = None if entry is None else Case(entry, options.pop("args", ""))
        formats: dict[str, Format] = {"": "orbax", ".safetensors": "safetensors"}
        file_format = formats.get(Path(output).suffix, "torch")
        request = replace(Request(self.translation, self.folder / source, file_format, case), **options)
        with new_checkpoint(self.path(output)) as place:
            return transfer(request, place, lambda done, total: None)


@pytest.fixture
def workshop(tmp_path: Path) -> Workshop:
    made = Workshop(tmp_path, tmp_path)
    made.translate(TRANSLATION)
    return made


@pytest.fixture
def state() -> dict[str, torch.Tensor]:
    """The state dict of the original, with a value of its own in every place."""
    torch.manual_seed(0)
    return {n: torch.randn(t.shape) if t.is_floating_point() else t for n, t in Net().state_dict().items()}


Same = Callable[[Any, Any], None]


def assert_same(actual: dict[str, torch.Tensor], expected: dict[str, torch.Tensor]) -> None:
    """The same names in the same order, dtypes, shapes and bits."""
    assert list(actual) == list(expected)
    for name, tensor in expected.items():
        assert actual[name].dtype == tensor.dtype, name
        assert actual[name].shape == tensor.shape, name
        assert bits(actual[name]) == bits(tensor), name


def bits(tensor: torch.Tensor) -> bytes:
    return tensor.contiguous().flatten().view(torch.uint8).numpy().tobytes() if tensor.numel() else b""
