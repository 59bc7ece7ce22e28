"""Resizing, pixel rearrangement and sampling against torch, channel-last against channel-first."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from torch2jax.helpers import sampling, upsample


def first(x):
    return jnp.moveaxis(x, -1, 1)


def last(x):
    return jnp.moveaxis(x, 1, -1)


TARGETS = [{"scale_factor": 2}, {"scale_factor": 2.3}, {"scale_factor": 0.45}, {"size": (6, 7)}, {"size": (4, 13)}]
MODES = [("nearest", None), ("nearest-exact", None), ("bilinear", False), ("bilinear", True)]
MODES += [("bicubic", False), ("bicubic", True), ("area", None)]


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize(("mode", "align"), MODES)
@pytest.mark.parametrize("recompute", [None, True])
def test_interpolate_images(agree, normal, target, mode, align, recompute):
    if "size" in target:
        recompute = None
    options = {**target, "mode": mode, "align_corners": align, "recompute_scale_factor": recompute}
    agree(
        lambda x: F.interpolate(x, **options),
        lambda x: first(upsample.interpolate(last(x), **options)),
        normal(2, 3, 5, 6),
    )


@pytest.mark.parametrize(("mode", "sizes"), [("linear", (7,)), ("nearest", (7,)), ("trilinear", (3, 4, 5))])
@pytest.mark.parametrize("target", [{"scale_factor": 1.7}, {"size": 4}])
def test_interpolate_series_and_volumes(agree, normal, mode, sizes, target):
    agree(
        lambda x: F.interpolate(x, **target, mode=mode),
        lambda x: first(upsample.interpolate(last(x), **target, mode=mode)),
        normal(2, 3, *sizes),
    )


@pytest.mark.parametrize("mode", ["bilinear", "bicubic"])
@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("target", [{"scale_factor": 0.37}, {"size": (13, 3)}, {"scale_factor": (0.6, 1.8)}])
def test_antialiased_interpolation(agree, normal, mode, align, target):
    options = {**target, "mode": mode, "align_corners": align, "antialias": True}
    agree(
        lambda x: F.interpolate(x, **options),
        lambda x: first(upsample.interpolate(last(x), **options)),
        normal(2, 3, 11, 9),
    )


def test_interpolate_needs_a_target():
    with pytest.raises(ValueError, match="size or a scale_factor"):
        upsample.interpolate(jnp.ones((1, 2, 2, 1)))


@pytest.mark.parametrize("shape", [(2, 3, 5), (2, 3, 5, 6), (2, 3, 4, 5, 6)])
def test_repeat_pixels(agree, normal, shape):
    agree(
        lambda x: F.interpolate(x, scale_factor=3), lambda x: first(upsample.repeat_pixels(last(x), 3)), normal(*shape)
    )


@pytest.mark.parametrize("target", TARGETS)
def test_resize_nearest(agree, normal, target):
    agree(
        lambda x: F.interpolate(x, **target),
        lambda x: first(upsample.resize_nearest(last(x), **target)),
        normal(2, 3, 5, 6),
    )


@pytest.mark.parametrize("target", TARGETS)
@pytest.mark.parametrize("align", [False, True])
def test_resize_linear(agree, normal, target, align):
    agree(
        lambda x: F.interpolate(x, **target, mode="bilinear", align_corners=align),
        lambda x: first(upsample.resize_linear(last(x), **target, align_corners=align)),
        normal(2, 3, 5, 6),
    )


def test_interpolate_keeps_float32():
    assert (
        upsample.interpolate(jnp.ones((1, 2, 2, 1), jnp.float32), scale_factor=1.5, mode="bicubic").dtype == "float32"
    )


def test_pixel_rearrangement(agree, normal):
    x, y = normal(2, 12, 3, 5), normal(2, 3, 4, 6)
    agree(lambda x: F.pixel_shuffle(x, 2), lambda x: first(upsample.pixel_shuffle(last(x), 2)), x)
    agree(lambda y: F.pixel_unshuffle(y, 2), lambda y: first(upsample.pixel_unshuffle(last(y), 2)), y)
    agree(lambda x: torch.channel_shuffle(x, 3), lambda x: first(upsample.channel_shuffle(last(x), 3)), x)


@pytest.mark.parametrize(
    ("window", "dilation", "pad", "stride"), [(2, 1, 0, 2), (3, 1, 1, 1), ((3, 2), (1, 2), (1, 0), (2, 1))]
)
def test_unfold_and_fold(agree, normal, window, dilation, pad, stride):
    geometry = (window, dilation, pad, stride)
    x = normal(2, 3, 6, 8)
    agree(lambda x: F.unfold(x, *geometry), lambda x: sampling.unfold(x, *geometry), x)
    columns = normal(*F.unfold(torch.tensor(x), *geometry).shape)
    agree(lambda c: F.fold(c, (6, 8), *geometry), lambda c: sampling.fold(c, (6, 8), *geometry), columns)


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 3, 1, 5), (2, 3, 4, 5, 6)])
def test_affine_grid(agree, normal, align, size):
    n = len(size) - 2
    agree(lambda t: F.affine_grid(t, size, align), lambda t: sampling.affine_grid(t, size, align), normal(2, n, n + 1))


@pytest.mark.parametrize("align", [False, True])
@pytest.mark.parametrize("beyond", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
def test_grid_sample_images(agree, normal, mode, beyond, align):
    grid = np.concatenate([1.2 * normal(2, 5, 4, 2), np.full((2, 1, 4, 2), -1.0), np.ones((2, 1, 4, 2))], 1)
    agree(
        lambda x, g: F.grid_sample(x, g, mode, beyond, align),
        lambda x, g: first(sampling.grid_sample(last(x), g, mode, beyond, align)),
        *(normal(2, 3, 6, 7), grid),
    )


@pytest.mark.parametrize("beyond", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_grid_sample_volumes(agree, normal, mode, beyond):
    agree(
        lambda x, g: F.grid_sample(x, g, mode, beyond, align_corners=False),
        lambda x, g: first(sampling.grid_sample(last(x), g, mode, beyond, align_corners=False)),
        *(normal(2, 3, 4, 5, 6), normal(2, 3, 2, 4, 3)),
    )
