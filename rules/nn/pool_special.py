"""Pooling by powers, and undoing a maximum."""

from torch2jax.rulebook import *


@rule("torch.nn.LPPool1d", layout="N C L -> N L C")
def LPPool1d(norm_type, kernel_size, stride=None, ceil_mode=False) -> Module:
    """Roots of sums of powers over windows.

    >>> nn.LPPool1d(2, 2)(pos(2, 3, 9))
    >>> nn.LPPool1d(3.0, 3, stride=2, ceil_mode=True)(pos(2, 3, 9))
    """
    return partial(helpers.lp_pool, norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


@rule("torch.nn.functional.lp_pool1d", layout="N C L -> N L C")
def lp_pool1d(input: Tensor, norm_type, kernel_size, stride=None, ceil_mode=False) -> Tensor:
    """Roots of sums of powers over windows.

    >>> F.lp_pool1d(pos(2, 3, 9), 2, 2)
    >>> F.lp_pool1d(pos(2, 3, 9), 3.0, 3, stride=2, ceil_mode=True)
    """
    return helpers.lp_pool(input, norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


@rule("torch.nn.MaxUnpool1d", layout="N C L -> N L C")
def MaxUnpool1d(kernel_size, stride=None, padding=0) -> Module:
    """Maxima put back in their places.

    >>> y, i = F.max_pool1d_with_indices(f32(2, 3, 8), 2)
    >>> nn.MaxUnpool1d(2)(y, i)

    >>> y, i = F.max_pool1d_with_indices(f32(2, 3, 9), 3, padding=1)
    >>> nn.MaxUnpool1d(3, stride=3, padding=1)(y, i, output_size=(2, 3, 9))
    """
    return partial(helpers.max_unpool, kernel_size=kernel_size, stride=stride, padding=padding)


@MaxUnpool1d.call
def _(self, input: Tensor, indices: Image, output_size: Shape = None) -> Tensor:
    if output_size is None:
        return self(input, indices)
    return self(input, indices, output_size=output_size)


@rule("torch.nn.functional.max_unpool1d", layout="N C L -> N L C")
def max_unpool1d(
    input: Tensor, indices: Image, kernel_size, stride=None, padding=0, output_size: Shape = None
) -> Tensor:
    """Maxima put back in their places.

    >>> y, i = F.max_pool1d_with_indices(f32(2, 3, 8), 2)
    >>> F.max_unpool1d(y, i, 2), F.max_unpool1d(y, i, kernel_size=2, stride=2, output_size=(2, 3, 8))

    >>> y, i = F.max_pool1d_with_indices(f32(2, 3, 8), 2, padding=1)
    >>> F.max_unpool1d(y, i, 2, None, 1)
    """
    return helpers.max_unpool(
        input, indices, kernel_size=kernel_size, stride=stride, padding=padding, output_size=output_size
    )


@rule("torch.nn.LPPool2d", layout="N C H W -> N H W C")
def LPPool2d(norm_type, kernel_size, stride=None, ceil_mode=False) -> Module:
    """Roots of sums of powers over windows.

    >>> nn.LPPool2d(2, 2)(pos(2, 3, 8, 9))
    >>> nn.LPPool2d(3.0, (3, 2), stride=2, ceil_mode=True)(pos(2, 3, 8, 9))
    """
    return partial(helpers.lp_pool, norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


@rule("torch.nn.functional.lp_pool2d", layout="N C H W -> N H W C")
def lp_pool2d(input: Tensor, norm_type, kernel_size, stride=None, ceil_mode=False) -> Tensor:
    """Roots of sums of powers over windows.

    >>> F.lp_pool2d(pos(2, 3, 8, 9), 2, 2)
    >>> F.lp_pool2d(pos(2, 3, 8, 9), 3.0, (3, 2), stride=2, ceil_mode=True)
    """
    return helpers.lp_pool(input, norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


@rule("torch.nn.MaxUnpool2d", layout="N C H W -> N H W C")
def MaxUnpool2d(kernel_size, stride=None, padding=0) -> Module:
    """Maxima put back in their places.

    >>> y, i = F.max_pool2d_with_indices(f32(2, 3, 8, 6), 2)
    >>> nn.MaxUnpool2d(2)(y, i)

    >>> y, i = F.max_pool2d_with_indices(f32(2, 3, 8, 9), 3, padding=1)
    >>> nn.MaxUnpool2d(3, stride=3, padding=1)(y, i, output_size=(2, 3, 8, 9))
    """
    return partial(helpers.max_unpool, kernel_size=kernel_size, stride=stride, padding=padding)


@MaxUnpool2d.call
def _(self, input: Tensor, indices: Image, output_size: Shape = None) -> Tensor:
    if output_size is None:
        return self(input, indices)
    return self(input, indices, output_size=output_size)


@rule("torch.nn.functional.max_unpool2d", layout="N C H W -> N H W C")
def max_unpool2d(
    input: Tensor, indices: Image, kernel_size, stride=None, padding=0, output_size: Shape = None
) -> Tensor:
    """Maxima put back in their places.

    >>> y, i = F.max_pool2d_with_indices(f32(2, 3, 8, 6), 2)
    >>> F.max_unpool2d(y, i, 2), F.max_unpool2d(y, i, kernel_size=2, stride=2, output_size=(2, 3, 8, 6))

    >>> y, i = F.max_pool2d_with_indices(f32(2, 3, 6, 8), 2, padding=1)
    >>> F.max_unpool2d(y, i, 2, None, 1)
    """
    return helpers.max_unpool(
        input, indices, kernel_size=kernel_size, stride=stride, padding=padding, output_size=output_size
    )


@rule("torch.nn.LPPool3d", layout="N C D H W -> N D H W C")
def LPPool3d(norm_type, kernel_size, stride=None, ceil_mode=False) -> Module:
    """Roots of sums of powers over windows.

    >>> nn.LPPool3d(2, 2)(pos(2, 3, 6, 7, 8))
    >>> nn.LPPool3d(3.0, (3, 2, 2), stride=2, ceil_mode=True)(pos(2, 3, 6, 7, 8))
    """
    return partial(helpers.lp_pool, norm_type=norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


@rule("torch.nn.functional.lp_pool3d", layout="N C D H W -> N D H W C")
def lp_pool3d(input: Tensor, norm_type, kernel_size, stride=None, ceil_mode=False) -> Tensor:
    """Roots of sums of powers over windows.

    >>> F.lp_pool3d(pos(2, 3, 6, 7, 8), 2, 2)
    >>> F.lp_pool3d(pos(2, 3, 6, 7, 8), 3.0, (3, 2, 2), stride=2, ceil_mode=True)
    """
    return helpers.lp_pool(input, norm_type, kernel_size=kernel_size, stride=stride, ceil_mode=ceil_mode)


@rule("torch.nn.MaxUnpool3d", layout="N C D H W -> N D H W C")
def MaxUnpool3d(kernel_size, stride=None, padding=0) -> Module:
    """Maxima put back in their places.

    >>> y, i = F.max_pool3d_with_indices(f32(2, 3, 6, 4, 8), 2)
    >>> nn.MaxUnpool3d(2)(y, i)

    >>> y, i = F.max_pool3d_with_indices(f32(2, 3, 6, 7, 8), 3, padding=1)
    >>> nn.MaxUnpool3d(3, stride=3, padding=1)(y, i, output_size=(2, 3, 6, 7, 8))
    """
    return partial(helpers.max_unpool, kernel_size=kernel_size, stride=stride, padding=padding)


@MaxUnpool3d.call
def _(self, input: Tensor, indices: Image, output_size: Shape = None) -> Tensor:
    if output_size is None:
        return self(input, indices)
    return self(input, indices, output_size=output_size)


@rule("torch.nn.functional.max_unpool3d", layout="N C D H W -> N D H W C")
def max_unpool3d(
    input: Tensor, indices: Image, kernel_size, stride=None, padding=0, output_size: Shape = None
) -> Tensor:
    """Maxima put back in their places.

    >>> y, i = F.max_pool3d_with_indices(f32(2, 3, 6, 4, 8), 2)
    >>> F.max_unpool3d(y, i, 2), F.max_unpool3d(y, i, kernel_size=2, stride=2, output_size=(2, 3, 6, 4, 8))

    >>> y, i = F.max_pool3d_with_indices(f32(2, 3, 6, 4, 8), 2, padding=1)
    >>> F.max_unpool3d(y, i, 2, None, 1)
    """
    return helpers.max_unpool(
        input, indices, kernel_size=kernel_size, stride=stride, padding=padding, output_size=output_size
    )


@rule("torch.nn.FractionalMaxPool2d", layout="N C H W -> N H W C")
def IndexedFractionalMaxPool2d(
    kernel_size, output_size=None, output_ratio=None, return_indices: IsTrue = False, _random_samples: Tensor = None
) -> Module:
    """Maxima over windows at random places, and their positions.

    >>> nn.FractionalMaxPool2d(2, output_size=3, return_indices=True)(f32(2, 3, 8, 9))  # random
    >>> nn.FractionalMaxPool2d(2, None, 0.5, True, _random_samples=unit(2, 3, 2))(f32(2, 3, 8, 9))
    >>> nn.FractionalMaxPool2d(2, (3, 4), return_indices=True, _random_samples=unit(2, 3, 2))(f32(2, 3, 8, 9))
    """
    if _random_samples is not None:
        return partial(
            helpers.indexed_fractional_max_pool,
            kernel_size=kernel_size,
            output_size=output_size,
            output_ratio=output_ratio,
            samples=_random_samples,
        )
    return helpers.IndexedFractionalMaxPool(kernel_size, output_size, output_ratio, rngs=rngs)


@IndexedFractionalMaxPool2d.call
def _(self, input: Tensor) -> (Tensor, Tensor):
    return self(input)


@rule("torch.nn.FractionalMaxPool2d", layout="N C H W -> N H W C")
def FractionalMaxPool2d(
    kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples: Tensor = None
) -> Module:
    """Maxima over windows at random places.

    >>> nn.FractionalMaxPool2d(2, output_size=3)(f32(2, 3, 8, 9))  # random
    >>> nn.FractionalMaxPool2d(2, output_ratio=0.5, _random_samples=unit(2, 3, 2))(f32(2, 3, 8, 9))
    >>> nn.FractionalMaxPool2d(2, output_size=3, return_indices=1)(f32(2, 3, 8, 9))
    >>> nn.FractionalMaxPool2d(2, output_size=3, _random_samples=unit(2, 3, 2))(f32(2, 3, 8, 9))
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if _random_samples is not None:
        return partial(
            helpers.fractional_max_pool,
            kernel_size=kernel_size,
            output_size=output_size,
            output_ratio=output_ratio,
            samples=_random_samples,
        )
    return helpers.FractionalMaxPool(kernel_size, output_size, output_ratio, rngs=rngs)


@rule("torch.nn.functional.fractional_max_pool2d", layout="N C H W -> N H W C")
def indexed_fractional_max_pool2d(
    input: Tensor,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices: IsTrue = False,
    _random_samples: Tensor = None,
) -> (Tensor, Tensor):
    """Maxima over windows at random places, and their positions.

    >>> F.fractional_max_pool2d(f32(2, 3, 8, 9), 2, output_size=3, return_indices=True)  # random
    >>> F.fractional_max_pool2d(f32(2, 3, 8, 9), 2, None, (0.5, 0.4), True, _random_samples=unit(2, 3, 2))
    """
    if _random_samples is not None:
        return helpers.indexed_fractional_max_pool(
            input, kernel_size, output_size, output_ratio, samples=_random_samples
        )
    return helpers.indexed_fractional_max_pool(
        input, kernel_size, output_size, output_ratio, samples=helpers.fractional_shifts(rngs(), input)
    )


@rule("torch.nn.functional.fractional_max_pool2d", layout="N C H W -> N H W C")
def fractional_max_pool2d(
    input: Tensor,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices=False,
    _random_samples: Tensor = None,
) -> Tensor:
    """Maxima over windows at random places.

    >>> F.fractional_max_pool2d(f32(2, 3, 8, 9), 2, output_size=3)  # random
    >>> F.fractional_max_pool2d(f32(2, 3, 8, 9), 2, output_ratio=(0.5, 0.4), _random_samples=unit(2, 3, 2))
    >>> F.fractional_max_pool2d(f32(2, 3, 8, 9), 2, output_size=3, return_indices=1)
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if _random_samples is not None:
        return helpers.fractional_max_pool(input, kernel_size, output_size, output_ratio, samples=_random_samples)
    return helpers.fractional_max_pool(
        input, kernel_size, output_size, output_ratio, samples=helpers.fractional_shifts(rngs(), input)
    )


@rule("torch.nn.FractionalMaxPool3d", layout="N C D H W -> N D H W C")
def IndexedFractionalMaxPool3d(
    kernel_size, output_size=None, output_ratio=None, return_indices: IsTrue = False, _random_samples: Tensor = None
) -> Module:
    """Maxima over windows at random places, and their positions.

    >>> nn.FractionalMaxPool3d(2, output_size=3, return_indices=True)(f32(2, 3, 6, 7, 8))  # random
    >>> nn.FractionalMaxPool3d(2, None, 0.5, True, _random_samples=unit(2, 3, 3))(f32(2, 3, 6, 7, 8))
    >>> nn.FractionalMaxPool3d(2, (2, 3, 4), return_indices=True, _random_samples=unit(2, 3, 3))(f32(2, 3, 6, 7, 8))
    """
    if _random_samples is not None:
        return partial(
            helpers.indexed_fractional_max_pool,
            kernel_size=kernel_size,
            output_size=output_size,
            output_ratio=output_ratio,
            samples=_random_samples,
        )
    return helpers.IndexedFractionalMaxPool(kernel_size, output_size, output_ratio, rngs=rngs)


@IndexedFractionalMaxPool3d.call
def _(self, input: Tensor) -> (Tensor, Tensor):
    return self(input)


@rule("torch.nn.FractionalMaxPool3d", layout="N C D H W -> N D H W C")
def FractionalMaxPool3d(
    kernel_size, output_size=None, output_ratio=None, return_indices=False, _random_samples: Tensor = None
) -> Module:
    """Maxima over windows at random places.

    >>> nn.FractionalMaxPool3d(2, output_size=3)(f32(2, 3, 6, 7, 8))  # random
    >>> nn.FractionalMaxPool3d(2, output_ratio=0.5, _random_samples=unit(2, 3, 3))(f32(2, 3, 6, 7, 8))
    >>> nn.FractionalMaxPool3d(2, output_size=3, return_indices=1)(f32(2, 3, 6, 7, 8))
    >>> nn.FractionalMaxPool3d(2, output_size=3, _random_samples=unit(2, 3, 3))(f32(2, 3, 6, 7, 8))
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if _random_samples is not None:
        return partial(
            helpers.fractional_max_pool,
            kernel_size=kernel_size,
            output_size=output_size,
            output_ratio=output_ratio,
            samples=_random_samples,
        )
    return helpers.FractionalMaxPool(kernel_size, output_size, output_ratio, rngs=rngs)


@rule("torch.nn.functional.fractional_max_pool3d", layout="N C D H W -> N D H W C")
def indexed_fractional_max_pool3d(
    input: Tensor,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices: IsTrue = False,
    _random_samples: Tensor = None,
) -> (Tensor, Tensor):
    """Maxima over windows at random places, and their positions.

    >>> F.fractional_max_pool3d(f32(2, 3, 6, 7, 8), 2, output_size=3, return_indices=True)  # random
    >>> F.fractional_max_pool3d(f32(2, 3, 6, 7, 8), 2, None, (0.5, 0.6, 0.4), True, _random_samples=unit(2, 3, 3))
    """
    if _random_samples is not None:
        return helpers.indexed_fractional_max_pool(
            input, kernel_size, output_size, output_ratio, samples=_random_samples
        )
    return helpers.indexed_fractional_max_pool(
        input, kernel_size, output_size, output_ratio, samples=helpers.fractional_shifts(rngs(), input)
    )


@rule("torch.nn.functional.fractional_max_pool3d", layout="N C D H W -> N D H W C")
def fractional_max_pool3d(
    input: Tensor,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices=False,
    _random_samples: Tensor = None,
) -> Tensor:
    """Maxima over windows at random places.

    >>> F.fractional_max_pool3d(f32(2, 3, 6, 7, 8), 2, output_size=3)  # random
    >>> F.fractional_max_pool3d(f32(2, 3, 6, 7, 8), 2, output_ratio=(0.5, 0.6, 0.4), _random_samples=unit(2, 3, 3))
    >>> F.fractional_max_pool3d(f32(2, 3, 6, 7, 8), 2, output_size=3, return_indices=1)
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if _random_samples is not None:
        return helpers.fractional_max_pool(input, kernel_size, output_size, output_ratio, samples=_random_samples)
    return helpers.fractional_max_pool(
        input, kernel_size, output_size, output_ratio, samples=helpers.fractional_shifts(rngs(), input)
    )


@rule("torch.nn.functional.fractional_max_pool2d_with_indices", layout="N C H W -> N H W C")
def fractional_max_pool2d_with_indices(
    input: Tensor,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices: Ignored = False,
    _random_samples: Tensor = None,
) -> (Tensor, Tensor):
    """Maxima over windows at random places, and their positions.

    >>> F.fractional_max_pool2d_with_indices(f32(2, 3, 8, 9), 2, output_size=3)  # random
    >>> F.fractional_max_pool2d_with_indices(f32(2, 3, 8, 9), 2, None, (0.5, 0.4), _random_samples=unit(2, 3, 2))
    """
    if _random_samples is not None:
        return helpers.indexed_fractional_max_pool(
            input, kernel_size, output_size, output_ratio, samples=_random_samples
        )
    return helpers.indexed_fractional_max_pool(
        input, kernel_size, output_size, output_ratio, samples=helpers.fractional_shifts(rngs(), input)
    )


@rule("torch.nn.functional.fractional_max_pool3d_with_indices", layout="N C D H W -> N D H W C")
def fractional_max_pool3d_with_indices(
    input: Tensor,
    kernel_size,
    output_size=None,
    output_ratio=None,
    return_indices: Ignored = False,
    _random_samples: Tensor = None,
) -> (Tensor, Tensor):
    """Maxima over windows at random places, and their positions.

    >>> F.fractional_max_pool3d_with_indices(f32(2, 3, 6, 7, 8), 2, output_size=3)  # random
    >>> F.fractional_max_pool3d_with_indices(f32(2, 3, 6, 7, 8), 2, None, (0.5, 0.4, 0.3), True, unit(2, 3, 3))
    """
    if _random_samples is not None:
        return helpers.indexed_fractional_max_pool(
            input, kernel_size, output_size, output_ratio, samples=_random_samples
        )
    return helpers.indexed_fractional_max_pool(
        input, kernel_size, output_size, output_ratio, samples=helpers.fractional_shifts(rngs(), input)
    )
