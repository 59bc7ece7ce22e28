"""In double precision nothing is rounded to single on the way, whatever the programs ask for."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from torch2jax.verify.precision import float32, float64, widen


class Model(nnx.Module):
    def __init__(self, rngs):
        self.embed = nnx.Embed(7, 6, rngs=rngs)
        self.norm = nnx.BatchNorm(6, rngs=rngs)
        self.cell = nnx.SimpleCell(6, 6, rngs=rngs)
        self.linears = nnx.List([nnx.Linear(6, 6, rngs=rngs)])
        self.table = nnx.data(jnp.ones(3, np.float32))

    def __call__(self, tokens):
        x = self.norm(self.embed(tokens))
        return self.linears[0](self.cell(x, x)[1])


@pytest.mark.parametrize("inplace", [True, False])
def test_the_slope_of_hardsigmoid_is_double(inplace: bool) -> None:
    x = torch.linspace(-4, 4, 9, dtype=torch.float64, requires_grad=True)
    with float64():
        y = torch.nn.Hardsigmoid(inplace)(x * 1)
        (slope,) = torch.autograd.grad(y.sum(), x)
    torch.testing.assert_close(y, torch.nn.functional.hardsigmoid(x), rtol=1e-15, atol=0)
    assert slope.tolist() == [0, 0, *[1 / 6] * 5, 0, 0]


def test_every_array_and_every_computation_is_double():
    with float64():
        model = Model(nnx.Rngs(0))
        widen(model)
        kinds = {leaf.dtype for leaf in jax.tree.leaves(nnx.state(model, nnx.Param, nnx.BatchStat))}
        assert kinds == {np.dtype("float64")}
        assert model.table.dtype == np.float64
        out = model(jnp.arange(7))
        assert out.dtype == np.float64
        model.eval()
        jaxpr = str(jax.make_jaxpr(model)(jnp.arange(7)))
        assert "f32" not in jaxpr


def test_attention_does_not_round():
    rng = np.random.default_rng(0)
    q, k, v = (rng.standard_normal((2, 5, 3, 4)) for _ in range(3))
    with float64():
        logits = np.einsum("bqhd,bkhd->bhqk", q, k) / 2.0
        weights = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
        expected = np.einsum("bhqk,bkhd->bqhd", weights, v)
        for attention in (jax.nn.dot_product_attention, nnx.dot_product_attention):
            np.testing.assert_allclose(attention(*map(jnp.asarray, (q, k, v))), expected, rtol=1e-12)


def test_names_of_single_precision_mean_double_and_come_back():
    with float64():
        assert torch.ones(2).float().dtype == torch.float64
        assert torch.ones(2, dtype=torch.float32).dtype == torch.float64
        assert torch.nn.Linear(2, 2).float().weight.dtype == torch.float64
        assert torch.zeros(1).dtype == torch.float64
        assert jnp.ones(2, jnp.float32).dtype == np.float64
    assert torch.ones(2, dtype=torch.float64).float().dtype is torch.float32
    assert str(torch.float32) == "torch.float32"
    assert jnp.ones(2, jnp.float32).dtype == np.float32
    assert torch.zeros(1).dtype == torch.float32


def test_an_error_inside_puts_everything_back():
    with pytest.raises(KeyError), float64():
        raise KeyError
    assert jnp.ones(2).dtype == np.float32
    assert torch.get_default_dtype() == torch.float32


def test_single_precision_is_single():
    with float32():
        assert jnp.ones(2).dtype == np.float32
        assert torch.ones(2).dtype == torch.float32


def test_files_of_weights_are_read_in_double_precision(tmp_path):
    """Run alone, this is the first that asks torch for its table of storage types."""
    with float64():
        torch.save({"a": torch.ones(2)}, tmp_path / "a.pt")
        assert torch.load(tmp_path / "a.pt")["a"].dtype == torch.double
