"""Convolutions against torch, channel-last against channel-first."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flax import nnx

from torch2jax.helpers import conv, linear
from torch2jax.helpers.init import fan_in_uniform

SIZES = (7, 8, 9)


def first(x):
    return jnp.moveaxis(x, -1, 1)


def last(x):
    return jnp.moveaxis(x, 1, -1)


def carry(theirs: torch.nn.Module, ours: nnx.Module, *, transposed: bool = False) -> None:
    weight = jnp.asarray(theirs.weight.detach().numpy())
    ours.kernel.set_value(jnp.moveaxis(weight, (0, 1), (-1, -2)))
    if theirs.bias is not None:
        ours.bias.set_value(jnp.asarray(theirs.bias.detach().numpy()))


@pytest.mark.parametrize("mode", ["zeros", "reflect", "replicate", "circular"])
@pytest.mark.parametrize(
    ("kernel", "padding", "stride", "dilation"),
    [(3, 1, 1, 1), (4, (2, 1), 2, 1), (2, "same", 1, 2), (3, "valid", 1, 1)],
)
def test_padded_conv(agree, normal, mode, kernel, padding, stride, dilation):
    theirs = torch.nn.Conv2d(4, 6, kernel, stride, padding, dilation, groups=2, padding_mode=mode, dtype=torch.float64)
    ours = conv.PaddedConv(
        *(4, 6, (kernel, kernel)),
        strides=stride,
        padding=padding,
        kernel_dilation=dilation,
        feature_group_count=2,
        padding_mode=mode,
        **fan_in_uniform(2, (kernel, kernel)),
        rngs=nnx.Rngs(0),
    )
    carry(theirs, ours)
    agree(theirs, lambda x: first(ours(last(x))), normal(2, 4, 8, 9))


def test_padded_conv_takes_a_single_example(normal):
    ours = conv.PaddedConv(
        3, 4, (3, 3), padding=1, padding_mode="reflect", **fan_in_uniform(3, (3, 3)), rngs=nnx.Rngs(0)
    )
    x = jnp.asarray(normal(1, 5, 6, 3))
    np.testing.assert_allclose(ours(x[0]), ours(x)[0], rtol=1e-9)


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(("stride", "padding", "dilation"), [(1, 0, 1), (2, 1, 2), (1, "same", 1), ([3], [2], [2])])
def test_convolve(agree, normal, n, groups, stride, padding, dilation):
    function = [F.conv1d, F.conv2d, F.conv3d][n - 1]
    window = (3, 2, 4)[:n]
    agree(
        lambda x, w, b: function(x, w, b, stride, padding, dilation, groups),
        lambda x, w, b: first(conv.convolve(last(x), w, b, stride, padding, dilation, groups)),
        *(normal(2, 4, *SIZES[:n]), normal(6, 4 // groups, *window), normal(6)),
    )


@pytest.mark.parametrize("n", [1, 2, 3])
@pytest.mark.parametrize("groups", [1, 2])
@pytest.mark.parametrize(
    ("stride", "padding", "extra", "dilation"), [(1, 0, 0, 1), (2, 1, 1, 1), (3, 2, 1, 2), (1, 3, 0, 1), (4, 0, 3, 1)]
)
def test_transposed_convolution(agree, normal, n, groups, stride, padding, extra, dilation):
    function = [F.conv_transpose1d, F.conv_transpose2d, F.conv_transpose3d][n - 1]
    window = (3, 2, 4)[:n]
    sizes = (7, 8, 9)[:n]
    agree(
        lambda x, w, b: function(x, w, b, stride, padding, extra, groups, dilation),
        lambda x, w, b: first(conv.convolve_transpose(last(x), w, b, stride, padding, extra, groups, dilation)),
        *(normal(2, 4, *sizes), normal(4, 6 // groups, *window), normal(6)),
    )


@pytest.mark.parametrize("bias", [True, False])
def test_conv_transpose_layer(agree, normal, bias):
    theirs = torch.nn.ConvTranspose2d(4, 6, (3, 2), 2, (1, 0), (1, 0), 2, bias, dtype=torch.float64)
    ours = conv.ConvTranspose(
        *(4, 6, (3, 2), 2),
        padding=(1, 0),
        output_padding=(1, 0),
        feature_group_count=2,
        use_bias=bias,
        **fan_in_uniform(3, (3, 2)),
        rngs=nnx.Rngs(0),
    )
    assert ours.kernel.shape == (3, 2, 3, 4)
    carry(theirs, ours)
    agree(theirs, lambda x: first(ours(last(x))), normal(2, 4, 5, 6))


def test_convolve_promotes():
    y = conv.convolve(jnp.ones((1, 5, 2), jnp.float64), jnp.ones((3, 2, 2), jnp.float32))
    assert y.dtype == jnp.float64


@pytest.mark.parametrize("bias", [True, False])
def test_bilinear_layer(agree, normal, bias):
    theirs = torch.nn.Bilinear(3, 4, 5, bias, dtype=torch.float64)
    ours = linear.Bilinear(3, 4, 5, use_bias=bias, rngs=nnx.Rngs(0))
    assert np.abs(ours.weight[...]).max() <= 3**-0.5
    ours.weight.set_value(jnp.asarray(theirs.weight.detach().numpy()))
    if bias:
        ours.bias.set_value(jnp.asarray(theirs.bias.detach().numpy()))
    agree(theirs, ours, normal(2, 6, 3), normal(2, 6, 4))


def test_linear_functions(agree, normal):
    agree(F.linear, linear.linear, normal(2, 3), normal(4, 3), normal(4))
    agree(F.linear, linear.linear, normal(5, 2, 3), normal(4, 3))
    agree(F.bilinear, linear.bilinear, normal(2, 3), normal(2, 4), normal(5, 3, 4), normal(5))
