"""Initial values: the distributions of torch's layers and the parts of torch.nn.init that jax lacks."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.helpers import init

KEY = jax.random.key(0)


@pytest.mark.parametrize(
    ("layer", "arguments"),
    [
        (torch.nn.Linear(400, 300), (400,)),
        (torch.nn.Conv2d(24, 300, (5, 3)), (24, (5, 3))),
        (torch.nn.Conv1d(24, 300, 5, groups=4), (24, 5, 4)),
        (torch.nn.ConvTranspose2d(300, 24, 3, groups=2), (24, (3, 3), 2)),
    ],
)
def test_fan_in_uniform_is_the_default_of_torch_layers(layer, arguments):
    ours = init.fan_in_uniform(*arguments)
    weight, bias = layer.weight.detach().numpy(), layer.bias.detach().numpy()
    bound = np.abs(weight).max()
    assert bound * 0.5 < np.abs(bias).max() < bound * 1.01  # a bias is too short to show more than its bound
    for name in ("kernel_init", "bias_init"):
        values = ours[name](KEY, weight.shape, jnp.float64)
        assert values.dtype == jnp.float64
        assert np.abs(values).max() == pytest.approx(bound, rel=0.01)
        assert values.std() == pytest.approx(weight.std(), rel=0.02)


def test_fan_in_uniform_of_no_inputs():
    assert init.fan_in_uniform(0)["kernel_init"](KEY, (0, 3)).shape == (0, 3)


@pytest.mark.parametrize("shape", [(3, 5, 4), (5, 3, 4), (4, 4, 3, 2), (6, 3, 5, 4, 3)])
@pytest.mark.parametrize("groups", [1, 2])
def test_dirac(shape, groups):
    if shape[0] % groups:
        pytest.skip("torch wants the outputs to be a multiple of the groups")
    expected = torch.nn.init.dirac_(torch.empty(shape), groups).numpy()
    np.testing.assert_array_equal(init.dirac(shape, groups, in_axis=1, out_axis=0), expected)
    kernel = np.moveaxis(expected, (0, 1), (-1, -2))
    np.testing.assert_array_equal(init.dirac(kernel.shape, groups), kernel)


@pytest.mark.parametrize("shape", [(3, 5), (3, 5, 4), (3, 5, 4, 2)])
def test_fan_in_and_fan_out(shape):
    expected = torch.nn.init._calculate_fan_in_and_fan_out(torch.empty(shape))
    assert init.fan_in_and_fan_out(jnp.zeros(shape)) == expected


@pytest.mark.parametrize("sparsity", [0.1, 0.55])
def test_sparse_zeroes_a_share_of_each_column(sparsity):
    expected = torch.nn.init.sparse_(torch.empty(40, 30), sparsity, std=0.5).numpy()
    values = init.sparse(KEY, (40, 30), sparsity, std=0.5, out_axis=0)
    np.testing.assert_array_equal((values == 0).sum(0), (expected == 0).sum(0))
    np.testing.assert_array_equal((init.sparse(KEY, (30, 40), sparsity) == 0).sum(1), (expected == 0).sum(0))
    assert values[values != 0].std() == pytest.approx(0.5, rel=0.1)
