"""Parts of vision transformers, against the same in torch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from torch import nn

from torch2jax import convert
from torch2jax.helpers.vision import MlpBlock


@pytest.mark.parametrize(("hidden", "out"), [(None, None), (7, None), (7, 2), (None, 2)])
def test_two_linear_layers(hidden: int | None, out: int | None) -> None:
    theirs = nn.Sequential(nn.Linear(5, hidden or 5), nn.GELU(), nn.Linear(hidden or 5, out or 5)).double()
    ours = MlpBlock(5, hidden, out, activation=lambda x: nnx.gelu(x, approximate=False), rngs=nnx.Rngs(0))
    for layer, source in ((ours.fc1, theirs[0]), (ours.fc2, theirs[2])):
        layer.kernel = nnx.Param(jnp.asarray(source.weight.detach().numpy().T))
        layer.bias = nnx.Param(jnp.asarray(source.bias.detach().numpy()))
    x = np.random.default_rng(0).normal(size=(2, 3, 5))
    np.testing.assert_allclose(ours(jnp.asarray(x)), theirs(torch.tensor(x)).detach(), rtol=1e-9)


def test_dropout_stands_behind_both_layers() -> None:
    layer = MlpBlock(5, 50, 40, activation=jnp.exp, use_bias=False, rate=0.5, rngs=nnx.Rngs(0))
    dropped = np.asarray(layer(jnp.ones((3, 5))) == 0)
    assert 0 < dropped.sum() < dropped.size
    layer.eval()
    assert not (layer(jnp.ones((3, 5))) == 0).any()
    assert layer.fc1.bias is None


def test_a_block_with_timms_mlp() -> None:
    source = """
import torch
from torch import nn
from timm.models.vision_transformer import Mlp

class Block(nn.Module):
    def __init__(self, dim: int, act_layer=nn.GELU, drop=0.0):
        super().__init__()
        self.norm = nn.LayerNorm(dim, eps=1e-6)
        self.mlp = Mlp(in_features=dim, hidden_features=4 * dim, act_layer=act_layer, drop=drop)

    def forward(self, x: torch.Tensor):
        return x + self.mlp(self.norm(x))
"""
    conversion = convert(source)
    assert conversion.ok, conversion.diagnostics
    assert "self.mlp = MlpBlock(" in conversion.code
    assert "activation=act_layer, rate=drop, rngs=rngs" in " ".join(conversion.code.split())
    assert "self.norm = nnx.LayerNorm(dim, use_fast_variance=False, rngs=rngs)" in conversion.code
    for options in ("norm_layer=nn.LayerNorm", "use_conv=True"):
        assert not convert(source.replace("drop=drop", options)).ok


@pytest.mark.parametrize("layer", ["lambda: nn.GELU()", "Own", "make"])
def test_what_the_program_defines_is_no_activation(layer: str) -> None:
    source = f"""
from torch import nn
from timm.layers import Mlp

class Own(nn.Module):
    def forward(self, x):
        return x * 2

def make():
    return nn.ReLU()

class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.mlp = Mlp(dim, act_layer={layer})

    def forward(self, x):
        return self.mlp(x)
"""
    conversion = convert(source)
    assert [d.code for d in conversion.diagnostics if d.severity == "error"] == ["T2J103"]
