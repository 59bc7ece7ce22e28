"""Pooling layers."""

from torch2jax.rulebook import *


@rule("torch.nn.MaxPool1d", layout="N C L -> N L C")
def IndexedMaxPool1d(
    kernel_size, stride=None, padding=0, dilation=1, return_indices: IsTrue = False, ceil_mode=False
) -> Module:
    """Maxima over windows, and their positions.

    >>> nn.MaxPool1d(2, return_indices=True)(f32(2, 3, 9))
    >>> nn.MaxPool1d(3, stride=2, padding=1, return_indices=True, ceil_mode=True)(f32(2, 3, 9))[1]
    >>> nn.MaxPool1d(2, 1, 1, 2, True)(f32(2, 3, 9))
    """
    return partial(
        helpers.indexed_max_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


@IndexedMaxPool1d.call
def _(self, input: Tensor) -> (Tensor, Tensor):
    return self(input)


@rule("torch.nn.MaxPool1d", layout="N C L -> N L C")
def MaxPool1d(kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False) -> Module:
    """Maxima over windows.

    >>> nn.MaxPool1d(2)(f32(2, 3, 9))
    >>> nn.MaxPool1d((3,), stride=2, padding=1)(f32(2, 3, 9))
    >>> nn.MaxPool1d(3, 1, (1,))(f32(2, 3, 9))
    >>> nn.MaxPool1d(2, ceil_mode=True)(f32(2, 3, 9))
    >>> nn.MaxPool1d(2, 2, 0, 2)(f32(2, 3, 9))
    >>> nn.MaxPool1d(int("3"), padding=int("1"))(f32(2, 3, 9))
    >>> nn.MaxPool1d(2, return_indices=True)(f32(2, 3, 9))
    >>> nn.MaxPool1d(3, 1, (1,), 2)(f32(2, 3, 9))
    >>> nn.MaxPool1d(3, 3, (1,), ceil_mode=True)(f32(2, 3, 9))
    >>> nn.MaxPool1d(2, return_indices=1)(f32(2, 3, 9))
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if dilation == 1 and not ceil_mode and padding == 0:
        return partial(
            nnx.max_pool, window_shape=single(kernel_size), strides=single(kernel_size if stride is None else stride)
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, int):
        return partial(
            nnx.max_pool,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            padding=((padding, padding),),
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, (tuple, list)) and len(padding) == 1:
        return partial(
            nnx.max_pool,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]),),
        )
    return partial(
        helpers.max_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


@MaxPool1d.attributes
def _(torch):
    torch.kernel_size = kernel_size
    torch.stride = kernel_size if stride is None else stride
    torch.padding = padding
    torch.dilation = dilation
    torch.return_indices = return_indices
    torch.ceil_mode = ceil_mode


@rule("torch.nn.AvgPool1d", layout="N C L -> N L C")
def AvgPool1d(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True) -> Module:
    """Means over windows.

    >>> nn.AvgPool1d(2)(f32(2, 3, 9))
    >>> nn.AvgPool1d((3,), stride=2, padding=1, count_include_pad=False)(f32(2, 3, 9))
    >>> nn.AvgPool1d(3, 1, (1,))(f32(2, 3, 9))
    >>> nn.AvgPool1d(2, ceil_mode=True)(f32(2, 3, 9))
    >>> nn.AvgPool1d(int("3"), padding=int("1"))(f32(2, 3, 9))
    >>> nn.AvgPool1d(3, 1, (1,), count_include_pad=False)(f32(2, 3, 9))
    >>> nn.AvgPool1d(3, 3, (1,), ceil_mode=True)(f32(2, 3, 9))
    >>> nn.AvgPool1d(3, 2, 1, ceil_mode=True, count_include_pad=False)(f32(2, 3, 9))
    """
    if not ceil_mode and padding == 0:
        return partial(
            nnx.avg_pool,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and isinstance(padding, int):
        return partial(
            nnx.avg_pool,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            padding=((padding, padding),),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and isinstance(padding, (tuple, list)) and len(padding) == 1:
        return partial(
            nnx.avg_pool,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]),),
            count_include_pad=count_include_pad,
        )
    return partial(
        helpers.avg_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )


@rule("torch.nn.MaxPool2d", layout="N C H W -> N H W C")
def IndexedMaxPool2d(
    kernel_size, stride=None, padding=0, dilation=1, return_indices: IsTrue = False, ceil_mode=False
) -> Module:
    """Maxima over windows, and their positions.

    >>> nn.MaxPool2d(2, return_indices=True)(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(3, stride=2, padding=1, return_indices=True, ceil_mode=True)(f32(2, 3, 8, 9))[1]
    >>> nn.MaxPool2d(2, 1, 1, 2, True)(f32(2, 3, 8, 9))
    """
    return partial(
        helpers.indexed_max_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


@IndexedMaxPool2d.call
def _(self, input: Tensor) -> (Tensor, Tensor):
    return self(input)


@rule("torch.nn.MaxPool2d", layout="N C H W -> N H W C")
def MaxPool2d(kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False) -> Module:
    """Maxima over windows.

    >>> nn.MaxPool2d(2)(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d((3, 2), stride=2, padding=1)(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(3, 1, (1, 0))(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(3, 1, (1,))(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(2, ceil_mode=True)(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(2, 2, 0, 2)(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(int("3"), padding=int("1"))(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(2, return_indices=True)(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(3, 1, (1, 0), 2)(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(3, 2, (1, 0), ceil_mode=True)(f32(2, 3, 8, 9))
    >>> nn.MaxPool2d(2, return_indices=1)(f32(2, 3, 8, 9))
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if dilation == 1 and not ceil_mode and padding == 0:
        return partial(
            nnx.max_pool, window_shape=pair(kernel_size), strides=pair(kernel_size if stride is None else stride)
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, int):
        return partial(
            nnx.max_pool,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            padding=((padding, padding), (padding, padding)),
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, (tuple, list)) and len(padding) == 2:
        return partial(
            nnx.max_pool,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]), (padding[1], padding[1])),
        )
    return partial(
        helpers.max_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


@MaxPool2d.attributes
def _(torch):
    torch.kernel_size = kernel_size
    torch.stride = kernel_size if stride is None else stride
    torch.padding = padding
    torch.dilation = dilation
    torch.return_indices = return_indices
    torch.ceil_mode = ceil_mode


@rule("torch.nn.AvgPool2d", layout="N C H W -> N H W C")
def AvgPool2d(
    kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
) -> Module:
    """Means over windows.

    >>> nn.AvgPool2d(2)(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d((3, 2), stride=2, padding=1, count_include_pad=False)(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(3, 1, (1, 0))(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(3, 1, (1,))(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(2, ceil_mode=True)(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(int("3"), padding=int("1"))(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(2, divisor_override=3)(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(3, 1, (1, 0), count_include_pad=False)(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(3, 2, (1, 0), ceil_mode=True)(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(3, 2, 1, ceil_mode=True, count_include_pad=False)(f32(2, 3, 8, 9))
    >>> nn.AvgPool2d(3, 1, (1, 0), divisor_override=3)(f32(2, 3, 8, 9))
    """
    if not ceil_mode and divisor_override is None and padding == 0:
        return partial(
            nnx.avg_pool,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and divisor_override is None and isinstance(padding, int):
        return partial(
            nnx.avg_pool,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            padding=((padding, padding), (padding, padding)),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and divisor_override is None and isinstance(padding, (tuple, list)) and len(padding) == 2:
        return partial(
            nnx.avg_pool,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]), (padding[1], padding[1])),
            count_include_pad=count_include_pad,
        )
    return partial(
        helpers.avg_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
    )


@rule("torch.nn.MaxPool3d", layout="N C D H W -> N D H W C")
def IndexedMaxPool3d(
    kernel_size, stride=None, padding=0, dilation=1, return_indices: IsTrue = False, ceil_mode=False
) -> Module:
    """Maxima over windows, and their positions.

    >>> nn.MaxPool3d(2, return_indices=True)(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(3, stride=2, padding=1, return_indices=True, ceil_mode=True)(f32(2, 3, 6, 7, 8))[1]
    >>> nn.MaxPool3d(2, 1, 1, 2, True)(f32(2, 3, 6, 7, 8))
    """
    return partial(
        helpers.indexed_max_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


@IndexedMaxPool3d.call
def _(self, input: Tensor) -> (Tensor, Tensor):
    return self(input)


@rule("torch.nn.MaxPool3d", layout="N C D H W -> N D H W C")
def MaxPool3d(kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False) -> Module:
    """Maxima over windows.

    >>> nn.MaxPool3d(2)(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d((3, 2, 2), stride=2, padding=1)(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(3, 1, (1, 0, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(3, 1, (1,))(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(2, ceil_mode=True)(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(2, 2, 0, 2)(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(int("3"), padding=int("1"))(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(2, return_indices=True)(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(3, 1, (1, 0, 1), 2)(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(3, 2, (1, 0, 1), ceil_mode=True)(f32(2, 3, 6, 7, 8))
    >>> nn.MaxPool3d(2, return_indices=1)(f32(2, 3, 6, 7, 8))
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if dilation == 1 and not ceil_mode and padding == 0:
        return partial(
            nnx.max_pool, window_shape=triple(kernel_size), strides=triple(kernel_size if stride is None else stride)
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, int):
        return partial(
            nnx.max_pool,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            padding=((padding, padding), (padding, padding), (padding, padding)),
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, (tuple, list)) and len(padding) == 3:
        return partial(
            nnx.max_pool,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]), (padding[1], padding[1]), (padding[2], padding[2])),
        )
    return partial(
        helpers.max_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        dilation=dilation,
        ceil_mode=ceil_mode,
    )


@MaxPool3d.attributes
def _(torch):
    torch.kernel_size = kernel_size
    torch.stride = kernel_size if stride is None else stride
    torch.padding = padding
    torch.dilation = dilation
    torch.return_indices = return_indices
    torch.ceil_mode = ceil_mode


@rule("torch.nn.AvgPool3d", layout="N C D H W -> N D H W C")
def AvgPool3d(
    kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
) -> Module:
    """Means over windows.

    >>> nn.AvgPool3d(2)(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d((3, 2, 2), stride=2, padding=1, count_include_pad=False)(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(3, 1, (1, 0, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(3, 1, (1,))(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(2, ceil_mode=True)(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(int("3"), padding=int("1"))(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(2, divisor_override=3)(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(3, 1, (1, 0, 1), count_include_pad=False)(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(3, 2, (1, 0, 1), ceil_mode=True)(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(3, 2, 1, ceil_mode=True, count_include_pad=False)(f32(2, 3, 6, 7, 8))
    >>> nn.AvgPool3d(3, 1, (1, 0, 1), divisor_override=3)(f32(2, 3, 6, 7, 8))
    """
    if not ceil_mode and divisor_override is None and padding == 0:
        return partial(
            nnx.avg_pool,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and divisor_override is None and isinstance(padding, int):
        return partial(
            nnx.avg_pool,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            padding=((padding, padding), (padding, padding), (padding, padding)),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and divisor_override is None and isinstance(padding, (tuple, list)) and len(padding) == 3:
        return partial(
            nnx.avg_pool,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]), (padding[1], padding[1]), (padding[2], padding[2])),
            count_include_pad=count_include_pad,
        )
    return partial(
        helpers.avg_pool,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
    )
