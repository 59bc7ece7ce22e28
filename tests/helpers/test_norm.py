"""Normalisation against torch, channel-last against channel-first."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from flax import nnx

from torch2jax.helpers import norm


def first(x):
    return jnp.moveaxis(x, -1, 1)


def last(x):
    return jnp.moveaxis(x, 1, -1)


def carry(theirs: torch.nn.Module, ours: nnx.Module) -> None:
    """Copies a torch normalisation layer's state."""
    names = {"weight": "scale", "bias": "bias", "running_mean": "mean", "running_var": "var"}
    for name, value in theirs.state_dict().items():
        if name in names:
            getattr(ours, names[name]).set_value(jnp.asarray(value.numpy()))


def randomized(layer: torch.nn.Module) -> torch.nn.Module:
    for parameter in layer.double().parameters():
        torch.nn.init.normal_(parameter)
    return layer


@pytest.mark.parametrize("momentum", [0.1, 0.3, None])
@pytest.mark.parametrize("shape", [(5, 3), (4, 3, 2), (2, 3, 4, 5)])
def test_batch_norm_follows_torch_through_training_and_evaluation(agree, normal, momentum, shape):
    kind = {2: torch.nn.BatchNorm1d, 3: torch.nn.BatchNorm1d, 4: torch.nn.BatchNorm2d}[len(shape)]
    theirs = randomized(kind(3, momentum=momentum, eps=1e-3))
    if momentum is None:
        ours = norm.CumulativeBatchNorm(3, epsilon=1e-3, rngs=nnx.Rngs(0))
    else:
        ours = norm.BatchNorm(3, momentum=1 - momentum, epsilon=1e-3, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    for _ in range(3):
        x = normal(*shape)
        theirs(torch.tensor(x))
        ours(last(jnp.asarray(x)))
    np.testing.assert_allclose(ours.mean[...], theirs.running_mean.numpy(), rtol=1e-9)
    np.testing.assert_allclose(ours.var[...], theirs.running_var.numpy(), rtol=1e-9)
    agree(theirs.eval(), lambda x: first(nnx.view(ours, use_running_average=True)(last(x))), normal(*shape))
    mean, var = ours.mean[...], ours.var[...]
    ours.eval()
    ours(last(jnp.asarray(normal(*shape))))
    assert jnp.array_equal(ours.mean[...], mean)
    assert jnp.array_equal(ours.var[...], var)


@pytest.mark.parametrize("momentum", [0.1, None])
def test_batch_norm_of_no_examples_keeps_its_statistics(momentum):
    theirs = randomized(torch.nn.BatchNorm1d(3, momentum=momentum))
    options = {"epsilon": 1e-5, "rngs": nnx.Rngs(0)}
    ours = norm.BatchNorm(3, **options) if momentum else norm.CumulativeBatchNorm(3, **options)
    carry(theirs, ours)
    assert ours(jnp.zeros((0, 5, 3))).shape == last(jnp.asarray(theirs(torch.zeros(0, 3, 5).double()).detach())).shape
    np.testing.assert_array_equal(ours.mean[...], theirs.running_mean)
    np.testing.assert_array_equal(ours.var[...], theirs.running_var)


def test_batch_norm_has_torch_gradients_in_training(agree, normal):
    theirs = randomized(torch.nn.BatchNorm2d(3))
    ours = norm.BatchNorm(3, rngs=nnx.Rngs(0))
    carry(theirs, ours)
    graphdef, state = nnx.split(ours)
    agree(theirs, lambda x: first(nnx.merge(graphdef, state, copy=True)(last(x))), normal(2, 3, 4, 5))


def test_batch_norm_survives_large_means_in_float32():
    x = np.random.default_rng(0).normal(3000.0, 1.0, (64, 3)).astype(np.float32)
    exact = (x.astype(np.float64) - x.mean(0, dtype=np.float64)) / x.std(0, dtype=np.float64)
    np.testing.assert_allclose(norm.BatchNorm(3, rngs=nnx.Rngs(0))(jnp.asarray(x)), exact, atol=1e-3)


@pytest.mark.parametrize("affine", [True, False])
def test_untracked_batch_norm_uses_the_batch_in_both_modes(agree, normal, affine):
    theirs = randomized(torch.nn.BatchNorm2d(3, track_running_stats=False, affine=affine, eps=1e-2))
    ours = norm.UntrackedBatchNorm(3, epsilon=1e-2, use_bias=affine, use_scale=affine)
    carry(theirs, ours)
    for mode in ("train", "eval"):
        getattr(theirs, mode)()
        getattr(ours, mode)()
        agree(theirs, lambda x: first(ours(last(x))), normal(2, 3, 4, 5))


@pytest.mark.parametrize("affine", [True, False])
def test_instance_norm_tracks_statistics(agree, normal, affine):
    theirs = randomized(torch.nn.InstanceNorm2d(3, affine=affine, track_running_stats=True, momentum=0.3))
    ours = norm.InstanceNorm(3, momentum=0.7, use_bias=affine, use_scale=affine)
    carry(theirs, ours)
    for _ in range(2):
        x = normal(2, 3, 4, 5)
        np.testing.assert_allclose(
            first(ours(last(jnp.asarray(x)))), theirs(torch.tensor(x)).detach().numpy(), rtol=1e-9, atol=1e-12
        )
    np.testing.assert_allclose(ours.mean[...], theirs.running_mean.numpy(), rtol=1e-9)
    np.testing.assert_allclose(ours.var[...], theirs.running_var.numpy(), rtol=1e-9)
    theirs.eval()
    ours.eval()
    agree(theirs, lambda x: first(ours(last(x))), normal(2, 3, 4, 5))


@pytest.mark.parametrize(("affine", "bias"), [(True, True), (True, False), (False, False)])
def test_layer_norm_over_several_axes(agree, normal, affine, bias):
    theirs = randomized(torch.nn.LayerNorm((3, 4), eps=1e-3, elementwise_affine=affine, bias=bias))
    ours = norm.LayerNorm((3, 4), epsilon=1e-3, use_scale=affine, use_bias=bias)
    carry(theirs, ours)
    agree(theirs, ours, normal(2, 5, 3, 4))


@pytest.mark.parametrize("epsilon", [None, 0.5])
@pytest.mark.parametrize("shape", [4, (3, 4)])
def test_rms_norm(agree, normal, epsilon, shape):
    theirs = randomized(torch.nn.RMSNorm(shape, eps=epsilon))
    ours = norm.RMSNorm(shape, epsilon=epsilon)
    carry(theirs, ours)
    agree(theirs, ours, normal(2, 3, 4))
    agree(theirs, ours, 1e-8 * normal(2, 3, 4))


def test_rms_norm_without_scale_in_bfloat16():
    x = torch.full((4,), 1e-4, dtype=torch.bfloat16)
    ours = norm.RMSNorm(4, use_scale=False)(jnp.full(4, 1e-4, jnp.bfloat16))
    assert ours.dtype == jnp.bfloat16
    np.testing.assert_array_equal(ours.astype(jnp.float32), F.rms_norm(x, (4,)).float().numpy())


def test_functional_batch_norm(agree, normal):
    x, scale, bias = normal(2, 3, 4, 5), normal(3), normal(3)
    mean, var = normal(3), np.abs(normal(3))
    agree(
        lambda x, s, b: F.batch_norm(x, torch.tensor(mean), torch.tensor(var), s, b, eps=1e-3),
        lambda x, s, b: first(norm.batch_norm(last(x), mean, var, s, b, 1e-3)),
        *(x, scale, bias),
    )
    agree(lambda x: F.batch_norm(x, None, None, training=True), lambda x: first(norm.batch_norm(last(x))), x)


def test_functional_instance_and_group_norm(agree, normal):
    x, scale, bias = normal(2, 6, 4, 5), normal(6), normal(6)
    agree(
        lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=1e-3),
        lambda x, s, b: first(norm.instance_norm(last(x), s, b, 1e-3)),
        *(x, scale, bias),
    )
    agree(
        lambda x, s, b: F.group_norm(x, 3, s, b, 1e-3),
        lambda x, s, b: first(norm.group_norm(last(x), 3, s, b, 1e-3)),
        *(x, scale, bias),
    )
    agree(lambda x: F.group_norm(x, 2), lambda x: norm.group_norm(x, 2), normal(4, 6))


def test_functional_layer_norm(agree, normal):
    x, scale, bias = normal(2, 3, 4), normal(3, 4), normal(3, 4)
    agree(
        lambda x, s, b: F.layer_norm(x, (3, 4), s, b, 1e-3),
        lambda x, s, b: norm.layer_norm(x, (3, 4), s, b, 1e-3),
        *(x, scale, bias),
    )
    agree(lambda x: F.layer_norm(x, (4,)), lambda x: norm.layer_norm(x, (4,)), x)


def test_half_precision_statistics_are_wide():
    x = jnp.asarray(np.random.default_rng(0).normal(50.0, 1.0, (4, 512)), jnp.bfloat16)
    y = norm.layer_norm(x, (512,))
    assert y.dtype == jnp.bfloat16
    wide = x.astype(jnp.float64)
    exact = (wide - wide.mean(-1, keepdims=True)) / wide.std(-1, keepdims=True)
    np.testing.assert_allclose(y.astype(jnp.float64), exact, rtol=2**-8, atol=1e-4)


@pytest.mark.parametrize("size", [1, 2, 3, 5])
@pytest.mark.parametrize("shape", [(2, 4, 3), (2, 4, 3, 5)])
def test_local_response_norm(agree, normal, size, shape):
    agree(
        lambda x: F.local_response_norm(x, size, alpha=0.3, beta=0.6, k=1.5),
        lambda x: first(norm.local_response_norm(last(x), size, 0.3, 0.6, 1.5)),
        normal(*shape),
    )


def test_norms_run_under_jit():
    layer = norm.BatchNorm(3, rngs=nnx.Rngs(0))
    x = jax.random.normal(jax.random.key(0), (8, 3))
    eager = norm.BatchNorm(3, rngs=nnx.Rngs(0))
    eager(x)
    nnx.jit(lambda layer, x: layer(x))(layer, x)
    np.testing.assert_allclose(layer.var[...], eager.var[...], rtol=1e-6)
