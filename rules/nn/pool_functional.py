"""Pooling functions."""

from torch2jax.rulebook import *


@rule("torch.nn.functional.max_pool1d", layout="N C L -> N L C")
def indexed_max_pool1d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices: IsTrue = False
) -> (Tensor, Tensor):
    """Maxima over windows, and their positions.

    >>> F.max_pool1d(f32(2, 3, 9), 2, return_indices=True)
    >>> F.max_pool1d(f32(2, 3, 9), 3, stride=2, padding=1, ceil_mode=True, return_indices=True)[1]
    >>> F.max_pool1d(f32(2, 3, 9), 2, 1, 1, 2, False, True)
    """
    return helpers.indexed_max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.max_pool1d", layout="N C L -> N L C")
def max_pool1d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
) -> Tensor:
    """Maxima over windows.

    >>> F.max_pool1d(f32(2, 3, 9), 2)
    >>> F.max_pool1d(f32(2, 3, 9), (3,), stride=2, padding=1)
    >>> F.max_pool1d(f32(2, 3, 9), 3, 1, (1,))
    >>> F.max_pool1d(f32(2, 3, 9), 2, dilation=2), F.max_pool1d(f32(2, 3, 9), 2, ceil_mode=True)
    >>> F.max_pool1d(f32(2, 3, 9), 2, 3, 1, 2), F.max_pool1d(f32(2, 3, 9), 3, 3, 1, 1, True)
    >>> F.max_pool1d(f32(2, 3, 9), 2, 3, (1,), 2), F.max_pool1d(f32(2, 3, 9), 3, 3, (1,), 1, True)
    >>> F.max_pool1d(f32(2, 3, 9), 2, return_indices=1)
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if dilation == 1 and not ceil_mode and padding == 0:
        return nnx.max_pool(
            input, window_shape=single(kernel_size), strides=single(kernel_size if stride is None else stride)
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, int):
        return nnx.max_pool(
            input,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            padding=((padding, padding),),
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, (tuple, list)) and len(padding) == 1:
        return nnx.max_pool(
            input,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]),),
        )
    return helpers.max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.max_pool1d", layout="N C L -> N L C")
def max_pool1d_native(input: Tensor, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False) -> Tensor:
    """Maxima over windows.

    >>> torch.max_pool1d(f32(2, 3, 9), (2,)), torch.max_pool1d(f32(2, 3, 9), 2, 3, 1, 2, True)
    """
    return helpers.max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.max_pool1d_with_indices", "torch.max_pool1d_with_indices")
def max_pool1d_with_indices(
    input: Tensor,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices: Ignored = False,
) -> (Tensor, Tensor):
    """Maxima over windows, and their positions.

    >>> F.max_pool1d_with_indices(f32(2, 3, 9), 3, 2, 1)
    >>> F.max_pool1d_with_indices(f32(2, 3, 9), 2, dilation=2, ceil_mode=True)[1]
    """
    return helpers.max_pool_with_indices(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.avg_pool1d", "torch.avg_pool1d", layout="N C L -> N L C")
def avg_pool1d(input: Tensor, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True) -> Tensor:
    """Means over windows.

    >>> F.avg_pool1d(f32(2, 3, 9), 2), F.avg_pool1d(f32(2, 3, 9), 2, count_include_pad=False)
    >>> F.avg_pool1d(f32(2, 3, 9), (3,), stride=2, padding=1, count_include_pad=False)
    >>> F.avg_pool1d(f32(2, 3, 9), 3, 1, (1,), count_include_pad=False)
    >>> F.avg_pool1d(f32(2, 3, 9), 3, 3, (1,), True)
    >>> F.avg_pool1d(f32(2, 3, 9), 3, 3, 1, True, False), F.avg_pool1d(f32(2, 3, 9), 2, ceil_mode=True)
    """
    if not ceil_mode and padding == 0:
        return nnx.avg_pool(
            input,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and isinstance(padding, int):
        return nnx.avg_pool(
            input,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            padding=((padding, padding),),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and isinstance(padding, (tuple, list)) and len(padding) == 1:
        return nnx.avg_pool(
            input,
            window_shape=single(kernel_size),
            strides=single(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]),),
            count_include_pad=count_include_pad,
        )
    return helpers.avg_pool(
        input,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
    )


@rule("torch.nn.functional.max_pool2d", layout="N C H W -> N H W C")
def indexed_max_pool2d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices: IsTrue = False
) -> (Tensor, Tensor):
    """Maxima over windows, and their positions.

    >>> F.max_pool2d(f32(2, 3, 8, 9), 2, return_indices=True)
    >>> F.max_pool2d(f32(2, 3, 8, 9), 3, stride=2, padding=1, ceil_mode=True, return_indices=True)[1]
    >>> F.max_pool2d(f32(2, 3, 8, 9), 2, 1, 1, 2, False, True)
    """
    return helpers.indexed_max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.max_pool2d", layout="N C H W -> N H W C")
def max_pool2d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
) -> Tensor:
    """Maxima over windows.

    >>> F.max_pool2d(f32(2, 3, 8, 9), 2)
    >>> F.max_pool2d(f32(2, 3, 8, 9), (3, 2), stride=2, padding=1)
    >>> F.max_pool2d(f32(2, 3, 8, 9), 3, 1, (1, 0))
    >>> F.max_pool2d(f32(2, 3, 8, 9), 2, dilation=2), F.max_pool2d(f32(2, 3, 8, 9), 2, ceil_mode=True)
    >>> F.max_pool2d(f32(2, 3, 8, 9), 2, 3, 1, 2), F.max_pool2d(f32(2, 3, 8, 9), 3, 3, 1, 1, True)
    >>> F.max_pool2d(f32(2, 3, 8, 9), 2, 3, (1, 0), 2), F.max_pool2d(f32(2, 3, 8, 9), 2, 2, (1, 0), 1, True)
    >>> F.max_pool2d(f32(2, 3, 8, 9), 3, padding=(1,))
    >>> F.max_pool2d(f32(2, 3, 8, 9), 2, return_indices=1)
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if dilation == 1 and not ceil_mode and padding == 0:
        return nnx.max_pool(
            input, window_shape=pair(kernel_size), strides=pair(kernel_size if stride is None else stride)
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, int):
        return nnx.max_pool(
            input,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            padding=((padding, padding), (padding, padding)),
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, (tuple, list)) and len(padding) == 2:
        return nnx.max_pool(
            input,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]), (padding[1], padding[1])),
        )
    return helpers.max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.max_pool2d", layout="N C H W -> N H W C")
def max_pool2d_native(input: Tensor, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False) -> Tensor:
    """Maxima over windows.

    >>> torch.max_pool2d(f32(2, 3, 8, 9), (3, 2)), torch.max_pool2d(f32(2, 3, 8, 9), 2, 3, 1, 2, True)
    """
    return helpers.max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.max_pool2d_with_indices")
def max_pool2d_with_indices(
    input: Tensor,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices: Ignored = False,
) -> (Tensor, Tensor):
    """Maxima over windows, and their positions.

    >>> F.max_pool2d_with_indices(f32(2, 3, 8, 9), 3, 2, 1)
    >>> F.max_pool2d_with_indices(f32(2, 3, 8, 9), 2, dilation=2, ceil_mode=True)[1]
    """
    return helpers.max_pool_with_indices(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.avg_pool2d", layout="N C H W -> N H W C")
def avg_pool2d(
    input: Tensor, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
) -> Tensor:
    """Means over windows.

    >>> F.avg_pool2d(f32(2, 3, 8, 9), 2), F.avg_pool2d(f32(2, 3, 8, 9), 2, count_include_pad=False)
    >>> F.avg_pool2d(f32(2, 3, 8, 9), (3, 2), stride=2, padding=1, count_include_pad=False)
    >>> F.avg_pool2d(f32(2, 3, 8, 9), 3, 1, (1, 0), count_include_pad=False)
    >>> F.avg_pool2d(f32(2, 3, 8, 9), 2, 2, (1, 0), True)
    >>> F.avg_pool2d(f32(2, 3, 8, 9), 2, 3, (1, 0), divisor_override=3), F.avg_pool2d(f32(2, 3, 8, 9), 3, padding=(1,))
    >>> F.avg_pool2d(f32(2, 3, 8, 9), 3, 3, 1, True, False), F.avg_pool2d(f32(2, 3, 8, 9), 2, ceil_mode=True)
    >>> F.avg_pool2d(f32(2, 3, 8, 9), 2, divisor_override=3)
    """
    if not ceil_mode and divisor_override is None and padding == 0:
        return nnx.avg_pool(
            input,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and divisor_override is None and isinstance(padding, int):
        return nnx.avg_pool(
            input,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            padding=((padding, padding), (padding, padding)),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and divisor_override is None and isinstance(padding, (tuple, list)) and len(padding) == 2:
        return nnx.avg_pool(
            input,
            window_shape=pair(kernel_size),
            strides=pair(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]), (padding[1], padding[1])),
            count_include_pad=count_include_pad,
        )
    return helpers.avg_pool(
        input,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
    )


@rule("torch.nn.functional.max_pool3d", layout="N C D H W -> N D H W C")
def indexed_max_pool3d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices: IsTrue = False
) -> (Tensor, Tensor):
    """Maxima over windows, and their positions.

    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 2, return_indices=True)
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 3, stride=2, padding=1, ceil_mode=True, return_indices=True)[1]
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 2, 1, 1, 2, False, True)
    """
    return helpers.indexed_max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.max_pool3d", layout="N C D H W -> N D H W C")
def max_pool3d(
    input: Tensor, kernel_size, stride=None, padding=0, dilation=1, ceil_mode=False, return_indices=False
) -> Tensor:
    """Maxima over windows.

    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 2)
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), (3, 2, 2), stride=2, padding=1)
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 3, 1, (1, 0, 1))
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 2, dilation=2), F.max_pool3d(f32(2, 3, 6, 7, 8), 2, ceil_mode=True)
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 2, 3, 1, 2), F.max_pool3d(f32(2, 3, 6, 7, 8), 3, 3, 1, 1, True)
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 2, 3, (1, 0, 1), 2), F.max_pool3d(f32(2, 3, 6, 7, 8), 2, 2, (1, 0, 1), 1, True)
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 3, padding=(1,))
    >>> F.max_pool3d(f32(2, 3, 6, 7, 8), 2, return_indices=1)
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if dilation == 1 and not ceil_mode and padding == 0:
        return nnx.max_pool(
            input, window_shape=triple(kernel_size), strides=triple(kernel_size if stride is None else stride)
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, int):
        return nnx.max_pool(
            input,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            padding=((padding, padding), (padding, padding), (padding, padding)),
        )
    if dilation == 1 and not ceil_mode and isinstance(padding, (tuple, list)) and len(padding) == 3:
        return nnx.max_pool(
            input,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]), (padding[1], padding[1]), (padding[2], padding[2])),
        )
    return helpers.max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.max_pool3d", layout="N C D H W -> N D H W C")
def max_pool3d_native(input: Tensor, kernel_size, stride=(), padding=0, dilation=1, ceil_mode=False) -> Tensor:
    """Maxima over windows.

    >>> torch.max_pool3d(f32(2, 3, 6, 7, 8), (3, 2, 2)), torch.max_pool3d(f32(2, 3, 6, 7, 8), 2, 3, 1, 2, True)
    """
    return helpers.max_pool(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.max_pool3d_with_indices")
def max_pool3d_with_indices(
    input: Tensor,
    kernel_size,
    stride=None,
    padding=0,
    dilation=1,
    ceil_mode=False,
    return_indices: Ignored = False,
) -> (Tensor, Tensor):
    """Maxima over windows, and their positions.

    >>> F.max_pool3d_with_indices(f32(2, 3, 6, 7, 8), 3, 2, 1)
    >>> F.max_pool3d_with_indices(f32(2, 3, 6, 7, 8), 2, dilation=2, ceil_mode=True)[1]
    """
    return helpers.max_pool_with_indices(
        input, kernel_size=kernel_size, stride=stride, padding=padding, dilation=dilation, ceil_mode=ceil_mode
    )


@rule("torch.nn.functional.avg_pool3d", layout="N C D H W -> N D H W C")
def avg_pool3d(
    input: Tensor, kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True, divisor_override=None
) -> Tensor:
    """Means over windows.

    >>> F.avg_pool3d(f32(2, 3, 6, 7, 8), 2), F.avg_pool3d(f32(2, 3, 6, 7, 8), 2, count_include_pad=False)
    >>> F.avg_pool3d(f32(2, 3, 6, 7, 8), (3, 2, 2), stride=2, padding=1, count_include_pad=False)
    >>> F.avg_pool3d(f32(2, 3, 6, 7, 8), 3, 1, (1, 0, 1), count_include_pad=False)
    >>> F.avg_pool3d(f32(2, 3, 6, 7, 8), 2, 2, (1, 0, 1), True)
    >>> F.avg_pool3d(f32(2, 3, 6, 7, 8), 2, 3, (1, 0, 1), divisor_override=3)
    >>> F.avg_pool3d(f32(2, 3, 6, 7, 8), 3, padding=(1,))
    >>> F.avg_pool3d(f32(2, 3, 6, 7, 8), 3, 3, 1, True, False), F.avg_pool3d(f32(2, 3, 6, 7, 8), 2, ceil_mode=True)
    >>> F.avg_pool3d(f32(2, 3, 6, 7, 8), 2, divisor_override=3)
    """
    if not ceil_mode and divisor_override is None and padding == 0:
        return nnx.avg_pool(
            input,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and divisor_override is None and isinstance(padding, int):
        return nnx.avg_pool(
            input,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            padding=((padding, padding), (padding, padding), (padding, padding)),
            count_include_pad=count_include_pad,
        )
    if not ceil_mode and divisor_override is None and isinstance(padding, (tuple, list)) and len(padding) == 3:
        return nnx.avg_pool(
            input,
            window_shape=triple(kernel_size),
            strides=triple(kernel_size if stride is None else stride),
            padding=((padding[0], padding[0]), (padding[1], padding[1]), (padding[2], padding[2])),
            count_include_pad=count_include_pad,
        )
    return helpers.avg_pool(
        input,
        kernel_size=kernel_size,
        stride=stride,
        padding=padding,
        ceil_mode=ceil_mode,
        count_include_pad=count_include_pad,
        divisor_override=divisor_override,
    )
