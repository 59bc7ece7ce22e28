"""Weight and spectral normalisation against torch."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx
from torch.nn.utils import spectral_norm
from torch.nn.utils.weight_norm import remove_weight_norm, weight_norm

from torch2jax.helpers import conv
from torch2jax.helpers import weight_norm as helpers
from torch2jax.helpers.init import fan_in_uniform


def in_torch_order(kind, layer):
    """A layer that takes and returns torch's axis order."""
    return layer if kind == "linear" else lambda x: jnp.moveaxis(layer(jnp.moveaxis(x, 1, -1)), -1, 1)


def layers(kind, bias=True):
    """A torch layer, the flax layer of its shape, and the shape of an input."""
    rngs = nnx.Rngs(0)
    if kind == "linear":
        return torch.nn.Linear(4, 6, bias), nnx.Linear(4, 6, use_bias=bias, rngs=rngs), (2, 3, 4)
    if kind == "conv1d":
        return torch.nn.Conv1d(4, 6, 3, bias=bias), nnx.Conv(4, 6, 3, padding=0, use_bias=bias, rngs=rngs), (2, 4, 7)
    if kind == "conv2d":
        ours = nnx.Conv(4, 6, (3, 2), padding=0, feature_group_count=2, use_bias=bias, rngs=rngs)
        return torch.nn.Conv2d(4, 6, (3, 2), groups=2, bias=bias), ours, (2, 4, 5, 6)
    ours = conv.ConvTranspose(
        *(4, 6, (3, 2)), feature_group_count=2, use_bias=bias, **fan_in_uniform(3, (3, 2)), rngs=rngs
    )
    return torch.nn.ConvTranspose2d(4, 6, (3, 2), groups=2, bias=bias), ours, (2, 4, 5, 6)


def carry(theirs: torch.nn.Module, ours: nnx.Module) -> None:
    for name, value in theirs.state_dict().items():
        variable = getattr(ours, name)
        assert variable.shape == tuple(value.shape)
        variable.set_value(jnp.asarray(value.numpy()))


KINDS = ["linear", "conv1d", "conv2d", "transposed"]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("axis", [0, 1, None])
def test_weight_norm(agree, normal, kind, axis):
    theirs, layer, shape = layers(kind, bias=axis == 0)
    theirs = weight_norm(theirs.double(), dim=axis)
    ours = helpers.WeightNorm(layer, axis)
    carry(theirs, ours)
    theirs.weight_g.data.uniform_(0.5, 2)
    carry(theirs, ours)
    agree(theirs, in_torch_order(kind, ours), normal(*shape))


@pytest.mark.filterwarnings("ignore")
def test_weight_norm_has_torch_gradients(normal):
    theirs, layer, shape = layers("conv2d")
    theirs = weight_norm(theirs.double())
    ours = helpers.WeightNorm(layer)
    carry(theirs, ours)
    x = normal(*shape)
    theirs(torch.tensor(x)).square().sum().backward()
    grads = nnx.grad(lambda model: (in_torch_order("conv2d", model)(jnp.asarray(x)) ** 2).sum())(ours)
    assert {name for name, _ in theirs.named_parameters()} == set(grads)
    for name, parameter in theirs.named_parameters():
        np.testing.assert_allclose(grads[name][...], parameter.grad.numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", KINDS)
def test_weight_norm_is_removed(agree, normal, kind):
    theirs, layer, shape = layers(kind)
    theirs = weight_norm(theirs.double())
    ours = helpers.WeightNorm(layer)
    carry(theirs, ours)
    assert helpers.unnormalize_weight(ours) is ours
    remove_weight_norm(theirs)
    agree(theirs, in_torch_order(kind, ours), normal(*shape))
    carry(theirs, ours)  # which has the same names
    assert set(nnx.state(ours, nnx.Param)) == {"weight", "bias"}


def test_weight_norm_starts_with_the_layers_own_weight():
    layer = nnx.Linear(4, 6, rngs=nnx.Rngs(0))
    x = jnp.arange(8.0).reshape(2, 4)
    np.testing.assert_allclose(helpers.WeightNorm(layer)(x), layer(x), rtol=1e-6)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 3])
def test_spectral_norm_follows_torch(agree, normal, kind, steps):
    theirs, layer, shape = layers(kind)
    theirs = spectral_norm(theirs.double(), n_power_iterations=steps)
    ours = helpers.SpectralNorm(layer, n_power_iterations=steps, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    for _ in range(2):
        x = normal(*shape)
        y = in_torch_order(kind, ours)(jnp.asarray(x))
        np.testing.assert_allclose(y, theirs(torch.tensor(x)).detach().numpy(), rtol=1e-9)
    np.testing.assert_allclose(ours.weight_u[...], theirs.weight_u.numpy(), rtol=1e-9)
    theirs.eval()
    ours.eval()
    agree(theirs, in_torch_order(kind, ours), normal(*shape))
    np.testing.assert_allclose(ours.weight_v[...], theirs.weight_v.numpy(), rtol=1e-9)


def test_spectral_norm_has_torch_gradients(normal):
    theirs, layer, shape = layers("conv2d")
    theirs = spectral_norm(theirs.double())
    ours = helpers.SpectralNorm(layer, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    x = normal(*shape)
    theirs(torch.tensor(x)).square().sum().backward()
    grads = nnx.grad(lambda model: (in_torch_order("conv2d", model)(jnp.asarray(x)) ** 2).sum())(ours)
    for name, parameter in theirs.named_parameters():
        np.testing.assert_allclose(grads[name][...], parameter.grad.numpy(), rtol=1e-9, atol=1e-12)


def test_reparametrized_layers_train_under_jit():
    model = helpers.SpectralNorm(nnx.Linear(4, 6, rngs=nnx.Rngs(0)), rngs=nnx.Rngs(1))
    before = model.weight_u[...]
    nnx.jit(lambda model, x: model(x), graph=False)(model, jnp.ones((2, 4)))
    assert not jnp.array_equal(model.weight_u[...], before)
    assert nnx.view(model, use_running_average=True).use_running_average


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 3])
def test_parametrized_spectral_norm_follows_torch(normal, kind, steps):
    theirs, layer, shape = layers(kind)
    theirs = torch.nn.utils.parametrizations.spectral_norm(theirs.double(), n_power_iterations=steps)
    ours = helpers.ParametrizedSpectralNorm(layer, n_power_iterations=steps, rngs=nnx.Rngs(0))
    held = theirs.parametrizations.weight
    for name, value in (("orig", held.original), ("u", held[0]._u), ("v", held[0]._v)):
        getattr(ours, f"weight_{name}").set_value(jnp.asarray(value.detach().numpy()))
    ours.bias.set_value(jnp.asarray(theirs.bias.detach().numpy()))
    for _ in range(2):
        x = normal(*shape)
        y = in_torch_order(kind, ours)(jnp.asarray(x))
        np.testing.assert_allclose(y, theirs(torch.tensor(x)).detach().numpy(), rtol=1e-9)
    np.testing.assert_allclose(ours.weight_u[...], held[0]._u.numpy(), rtol=1e-9)
    np.testing.assert_allclose(ours.weight_v[...], held[0]._v.numpy(), rtol=1e-9)
