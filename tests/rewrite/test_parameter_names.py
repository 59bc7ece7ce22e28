"""Parameters of every layer have PyTorch's names, order and order of axes, where a program looks at these."""

import inspect
from typing import Any

import numpy as np
import pytest

from torch2jax import convert, load_state_dict

nnx = pytest.importorskip("flax.nnx")

SOURCE = """
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = {layer}

    def forward(self, x):
        return self.layer(x)


def vectors(model):
    return [(name, p.reshape(-1), p.shape) for name, p in model.named_parameters()]


def names(model):
    return [name for name in model.state_dict() if "num_batches_tracked" not in name]
"""

LAYERS = [
    "nn.Linear(3, 5)",
    "nn.Bilinear(2, 3, 4)",
    "nn.Conv1d(4, 6, 3)",
    "nn.Conv2d(4, 6, 3, padding=1, padding_mode='circular')",
    "nn.Conv2d(4, 6, 3, groups=2)",
    "nn.Conv3d(2, 4, 3)",
    "nn.ConvTranspose2d(4, 6, 3)",
    "nn.ConvTranspose2d(4, 6, 3, groups=2)",
    "nn.ConvTranspose3d(2, 3, 2, output_padding=1, stride=2)",
    "nn.Embedding(4, 5, padding_idx=0)",
    "nn.EmbeddingBag(4, 5)",
    "nn.LSTM(3, 4, num_layers=2, bidirectional=True)",
    "nn.GRU(3, 4)",
    "nn.LSTMCell(3, 4)",
    "nn.MultiheadAttention(4, 2)",
    "nn.Transformer(4, 2, 1, 2, 8)",
    "nn.PReLU(3)",
    "nn.BatchNorm2d(3)",
    "nn.BatchNorm2d(3, track_running_stats=False)",
    "nn.InstanceNorm2d(3, affine=True, track_running_stats=True)",
    "nn.GroupNorm(2, 4)",
    "nn.LayerNorm([3, 4])",
    "nn.LayerNorm(3)",
    "nn.RMSNorm(3)",
    "nn.utils.weight_norm(nn.Conv1d(3, 4, 2))",
    "nn.Sequential(nn.Conv2d(4, 5, 1), nn.Flatten(), nn.Linear(45, 2), nn.ReLU(), nn.Linear(2, 2))",
]


@pytest.mark.parametrize("layer", LAYERS)
def test_parameters_are_called_and_lie_as_in_pytorch(layer: str) -> None:
    source = SOURCE.format(layer=layer)
    spaces: list[dict[str, Any]] = [{"__name__": "program"}, {"__name__": "program"}]
    for code, space in zip((source, convert(source).code), spaces, strict=True):
        exec(compile(code, "program.py", "exec"), space)
    draws = "rngs" in inspect.signature(spaces[1]["Net"].__init__).parameters
    model, twin = spaces[0]["Net"](), spaces[1]["Net"](**({"rngs": nnx.Rngs(0)} if draws else {}))
    load_state_dict(twin, model.state_dict())
    expected, found = spaces[0]["vectors"](model), spaces[1]["vectors"](twin)
    assert [(name, tuple(shape)) for name, _, shape in found] == [(name, tuple(shape)) for name, _, shape in expected]
    for (name, theirs, _), (_, ours, _) in zip(expected, found, strict=True):
        np.testing.assert_array_equal(np.asarray(ours), theirs.detach().numpy(), err_msg=name)
    assert spaces[1]["names"](twin) == spaces[0]["names"](model)
