"""Resizing, pixel rearrangement, patches and sampling."""

from torch2jax.rulebook import *


@rule("torch.nn.Upsample", layout="N C ... -> N ... C")
def Upsample(size=None, scale_factor=None, mode="nearest", align_corners=None, recompute_scale_factor=None) -> Module:
    """Resizing of the spatial axes.

    >>> nn.Upsample(scale_factor=2)(f32(2, 3, 4, 5))
    >>> nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)(f32(2, 3, 4, 5))
    >>> nn.Upsample(size=(7, 6), mode="bicubic", align_corners=True)(f32(2, 3, 4, 5))
    >>> nn.Upsample(size=(7, 6))(f32(2, 3, 4, 5))
    >>> nn.Upsample(scale_factor=1.7, recompute_scale_factor=True)(f32(2, 3, 4, 5))
    >>> nn.Upsample(scale_factor=(1.5, 2.0))(f32(2, 3, 4, 5))
    >>> nn.Upsample(size=9, mode="linear", align_corners=False)(f32(2, 3, 5))
    >>> nn.Upsample(scale_factor=1.7, mode="trilinear", recompute_scale_factor=True)(f32(2, 3, 4, 5, 6))
    """
    if mode == "nearest" and size is None and (isinstance(scale_factor, int) or scale_factor in (2, 3, 4, 8, 16)):
        return partial(helpers.repeat_pixels, factor=scale_factor)
    if mode == "nearest" and not recompute_scale_factor:
        return partial(helpers.resize_nearest, size=size, scale_factor=scale_factor)
    if mode in ("linear", "bilinear", "trilinear") and not recompute_scale_factor:
        return partial(helpers.resize_linear, size=size, scale_factor=scale_factor, align_corners=align_corners)
    return partial(
        helpers.interpolate,
        size=size,
        scale_factor=scale_factor,
        mode=mode,
        align_corners=align_corners,
        recompute_scale_factor=recompute_scale_factor,
    )


@rule("torch.nn.UpsamplingNearest2d", layout="N C H W -> N H W C")
def UpsamplingNearest2d(size=None, scale_factor=None) -> Module:
    """Resizing by repeated pixels.

    >>> nn.UpsamplingNearest2d(scale_factor=2)(f32(2, 3, 4, 5))
    >>> nn.UpsamplingNearest2d((7, 6))(f32(2, 3, 4, 5)), nn.UpsamplingNearest2d(scale_factor=1.5)(f32(2, 3, 4, 5))
    """
    if size is None and (isinstance(scale_factor, int) or scale_factor in (2, 3, 4, 8, 16)):
        return partial(helpers.repeat_pixels, factor=scale_factor)
    return partial(helpers.resize_nearest, size=size, scale_factor=scale_factor)


@rule("torch.nn.UpsamplingBilinear2d", layout="N C H W -> N H W C")
def UpsamplingBilinear2d(size=None, scale_factor=None) -> Module:
    """Bilinear resizing with aligned corners.

    >>> nn.UpsamplingBilinear2d(scale_factor=2)(f32(2, 3, 4, 5))
    >>> nn.UpsamplingBilinear2d((7, 6))(f32(2, 3, 4, 5))
    """
    return partial(helpers.resize_linear, size=size, scale_factor=scale_factor, align_corners=True)


@rule("torch.nn.functional.interpolate", layout="N C ... -> N ... C", rank=rank(input))
def interpolate(
    input: Tensor,
    size: Shape = None,
    scale_factor=None,
    mode="nearest",
    align_corners=None,
    recompute_scale_factor=None,
    antialias=False,
) -> Tensor:
    """Resizing of the spatial axes.

    >>> F.interpolate(f32(2, 3, 4, 5), scale_factor=2)
    >>> F.interpolate(f32(2, 3, 4, 5), (7, 6), mode="bilinear", align_corners=False)
    >>> F.interpolate(f32(2, 3, 4, 5), size=[3, 4], mode="bicubic", antialias=True)
    >>> F.interpolate(f32(2, 3, 5), size=7, mode="linear", align_corners=True)
    >>> F.interpolate(f32(2, 3, 4, 5), scale_factor=(0.5, 1.3), mode="area")
    >>> F.interpolate(f32(2, 3, 4, 5), scale_factor=2, mode="bicubic", align_corners=True)
    >>> F.interpolate(f32(2, 3, 4, 5), scale_factor=1.5)
    >>> F.interpolate(f32(2, 3, 4, 5), scale_factor=1.7, recompute_scale_factor=True)
    >>> F.interpolate(f32(2, 3, 4, 5), scale_factor=1.5, mode="bilinear")
    >>> F.interpolate(f32(2, 3, 4, 5), scale_factor=1.7, mode="bilinear", recompute_scale_factor=True)
    >>> F.interpolate(f32(2, 3, 4, 5), (3, 4), mode="bilinear", antialias=True)
    >>> F.interpolate(f32(2, 3, 4, 5), scale_factor=0.7, mode="nearest-exact", recompute_scale_factor=True)
    >>> x = f32(2, 3, 4, 5)
    >>> F.interpolate(f32(2, 3, 8, 9), size=x.shape[2:], mode="bilinear")

    >>> x = f32(2, 3, 4, 5)
    >>> F.interpolate(f32(2, 3, 8, 9), size=x.size()[-2:])
    """
    if mode == "nearest" and size is None and (isinstance(scale_factor, int) or scale_factor in (2, 3, 4, 8, 16)):
        return helpers.repeat_pixels(input, scale_factor)
    if mode == "nearest" and not recompute_scale_factor:
        return helpers.resize_nearest(input, size=size, scale_factor=scale_factor)
    if mode in ("linear", "bilinear", "trilinear") and not recompute_scale_factor and not antialias:
        return helpers.resize_linear(input, size=size, scale_factor=scale_factor, align_corners=align_corners)
    return helpers.interpolate(
        input,
        size=size,
        scale_factor=scale_factor,
        mode=mode,
        align_corners=align_corners,
        recompute_scale_factor=recompute_scale_factor,
        antialias=antialias,
    )


@rule("torch.nn.functional.upsample", layout="N C ... -> N ... C", rank=rank(input))
def upsample(input: Tensor, size: Shape = None, scale_factor=None, mode="nearest", align_corners=None) -> Tensor:
    """Resizing under its old name.

    >>> F.upsample(f32(2, 3, 4, 5), scale_factor=2)
    >>> F.upsample(f32(2, 3, 4, 5), size=(7, 6), mode="bilinear", align_corners=True)
    >>> F.upsample(f32(2, 3, 4, 5), (7, 6)), F.upsample(f32(2, 3, 4, 5), scale_factor=1.5)
    >>> F.upsample(f32(2, 3, 4, 5), scale_factor=1.5, mode="bilinear")
    >>> F.upsample(f32(2, 3, 4, 5), scale_factor=2, mode="bicubic", align_corners=True)
    >>> F.upsample(f32(2, 3, 4, 5), (7, 6), mode="bicubic")
    """
    if mode == "nearest" and size is None and (isinstance(scale_factor, int) or scale_factor in (2, 3, 4, 8, 16)):
        return helpers.repeat_pixels(input, scale_factor)
    if mode == "nearest":
        return helpers.resize_nearest(input, size=size, scale_factor=scale_factor)
    if mode in ("linear", "bilinear", "trilinear"):
        return helpers.resize_linear(input, size=size, scale_factor=scale_factor, align_corners=align_corners)
    return helpers.interpolate(input, size=size, scale_factor=scale_factor, mode=mode, align_corners=align_corners)


@rule("torch.nn.functional.upsample_nearest", layout="N C ... -> N ... C", rank=rank(input))
def upsample_nearest(input: Tensor, size: Shape = None, scale_factor=None) -> Tensor:
    """Resizing by repeated pixels, under its old name.

    >>> F.upsample_nearest(f32(2, 3, 4, 5), scale_factor=2), F.upsample_nearest(f32(2, 3, 4, 5), (7, 6))
    """
    return helpers.resize_nearest(input, size=size, scale_factor=scale_factor)


@rule("torch.nn.functional.upsample_bilinear", layout="N C H W -> N H W C")
def upsample_bilinear(input: Tensor, size: Shape = None, scale_factor=None) -> Tensor:
    """Bilinear resizing with aligned corners, under its old name.

    >>> F.upsample_bilinear(f32(2, 3, 4, 5), scale_factor=2), F.upsample_bilinear(f32(2, 3, 4, 5), (7, 6))
    """
    return helpers.resize_linear(input, size=size, scale_factor=scale_factor, align_corners=True)


@rule("torch.nn.PixelShuffle", layout="N C H W -> N H W C")
def PixelShuffle(upscale_factor: int) -> Module:
    """Channels moved into space.

    >>> nn.PixelShuffle(2)(f32(2, 12, 3, 5))
    """
    return partial(helpers.pixel_shuffle, upscale_factor=upscale_factor)


@rule("torch.nn.functional.pixel_shuffle", "torch.pixel_shuffle", layout="N C H W -> N H W C")
def pixel_shuffle(input: Tensor, upscale_factor: int) -> Tensor:
    """Channels moved into space.

    >>> F.pixel_shuffle(f32(2, 12, 3, 5), 2)
    """
    return helpers.pixel_shuffle(input, upscale_factor)


@rule("torch.nn.PixelUnshuffle", layout="N C H W -> N H W C")
def PixelUnshuffle(downscale_factor: int) -> Module:
    """Space moved into channels.

    >>> nn.PixelUnshuffle(2)(f32(2, 3, 4, 6))
    """
    return partial(helpers.pixel_unshuffle, downscale_factor=downscale_factor)


@rule("torch.nn.functional.pixel_unshuffle", "torch.pixel_unshuffle", layout="N C H W -> N H W C")
def pixel_unshuffle(input: Tensor, downscale_factor: int) -> Tensor:
    """Space moved into channels.

    >>> F.pixel_unshuffle(f32(2, 3, 4, 6), 2)
    """
    return helpers.pixel_unshuffle(input, downscale_factor)


@rule("torch.nn.ChannelShuffle", layout="N C ... -> N ... C")
def ChannelShuffle(groups: int) -> Module:
    """Groups of channels interleaved.

    >>> nn.ChannelShuffle(3)(f32(2, 6, 4, 5))
    """
    return partial(helpers.channel_shuffle, groups=groups)


@rule(
    "torch.nn.functional.channel_shuffle",
    "torch.nn.functional.native_channel_shuffle",
    "torch.channel_shuffle",
    "torch.native_channel_shuffle",
    layout="N C ... -> N ... C",
    rank=rank(input),
)
def channel_shuffle(input: Tensor, groups: int) -> Tensor:
    """Groups of channels interleaved.

    >>> F.channel_shuffle(f32(2, 6, 4, 5), 3)
    """
    return helpers.channel_shuffle(input, groups)


@rule("torch.nn.Unfold", rank=3)
def Unfold(kernel_size, dilation=1, padding=0, stride=1) -> Module:
    """Windows of images as columns.

    >>> nn.Unfold(2)(f32(2, 3, 4, 5))
    >>> nn.Unfold((3, 2), dilation=(1, 2), padding=1, stride=(2, 1))(f32(2, 3, 6, 8))
    """
    return partial(helpers.unfold, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)


@rule("torch.nn.functional.unfold", "torch.nn.functional.im2col", rank=3)
def unfold(input: Tensor, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """Windows of images as columns.

    >>> F.unfold(f32(2, 3, 4, 5), 2)
    >>> F.unfold(f32(2, 3, 6, 8), (3, 2), dilation=(1, 2), padding=1, stride=(2, 1))
    """
    return helpers.unfold(input, kernel_size=kernel_size, dilation=dilation, padding=padding, stride=stride)


@rule("torch.nn.Fold", rank=4)
def Fold(output_size, kernel_size, dilation=1, padding=0, stride=1) -> Module:
    """Columns summed into images.

    >>> nn.Fold((4, 5), 2)(f32(2, 12, 12))
    >>> nn.Fold(output_size=(6, 8), kernel_size=(3, 2), dilation=(1, 2), padding=1, stride=2)(f32(2, 18, 12))
    """
    return partial(
        helpers.fold,
        output_size=output_size,
        kernel_size=kernel_size,
        dilation=dilation,
        padding=padding,
        stride=stride,
    )


@rule("torch.nn.functional.fold", rank=4)
def fold(input: Tensor, output_size, kernel_size, dilation=1, padding=0, stride=1) -> Tensor:
    """Columns summed into images.

    >>> F.fold(f32(2, 12, 12), (4, 5), 2)
    >>> F.fold(f32(2, 18, 12), output_size=(6, 8), kernel_size=(3, 2), dilation=(1, 2), padding=1, stride=2)
    """
    return helpers.fold(
        input,
        output_size=output_size,
        kernel_size=kernel_size,
        dilation=dilation,
        padding=padding,
        stride=stride,
    )


@rule("torch.nn.functional.grid_sample", layout="N C ... -> N ... C", rank=rank(input))
def grid_sample(input: Tensor, grid: Tensor, mode="bilinear", padding_mode="zeros", align_corners=None) -> Tensor:
    """Samples of an image at given places.

    >>> F.grid_sample(f32(2, 3, 4, 5), f32(2, 6, 7, 2), align_corners=False)
    >>> F.grid_sample(f32(2, 3, 4, 5), f32(2, 6, 7, 2), "nearest", "border", True)
    >>> F.grid_sample(f32(2, 3, 4, 5), f32(2, 6, 7, 2), mode="bicubic", padding_mode="reflection")
    >>> F.grid_sample(f32(2, 3, 4, 5, 6), f32(2, 3, 4, 5, 3))
    """
    return helpers.grid_sample(input, grid, mode=mode, padding_mode=padding_mode, align_corners=align_corners)


@rule("torch.grid_sampler_2d", "torch.grid_sampler_3d", layout="N C ... -> N ... C", rank=rank(input))
def grid_sampler(input: Tensor, grid: Tensor, interpolation_mode, padding_mode, align_corners) -> Tensor:
    """Samples of an image at given places, by numbers of modes.

    >>> torch.grid_sampler_2d(f32(2, 3, 4, 5), f32(2, 6, 7, 2), 0, 0, False)
    >>> torch.grid_sampler_2d(f32(2, 3, 4, 5), f32(2, 6, 7, 2), 1, 1, True)
    >>> torch.grid_sampler_2d(f32(2, 3, 4, 5), f32(2, 6, 7, 2), 2, 2, False)
    >>> torch.grid_sampler_3d(f32(2, 3, 4, 5, 6), f32(2, 3, 4, 5, 3), 0, 1, True)
    """
    return helpers.grid_sample(
        input,
        grid,
        mode=("bilinear", "nearest", "bicubic")[interpolation_mode],
        padding_mode=("zeros", "border", "reflection")[padding_mode],
        align_corners=align_corners,
    )


@rule("torch.nn.functional.affine_grid", rank=len(size))
def affine_grid(theta: Tensor, size: Shape, align_corners=None) -> Tensor:
    """Places at which to sample for an affine map.

    >>> F.affine_grid(f32(2, 2, 3), (2, 3, 4, 5), align_corners=True)
    >>> F.affine_grid(f32(2, 3, 4), [2, 3, 4, 5, 6])
    >>> x = f32(2, 3, 4, 5)
    >>> F.affine_grid(f32(2, 2, 3), x.size())
    """
    return helpers.affine_grid(theta, size, align_corners=align_corners)
