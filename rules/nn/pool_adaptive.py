"""Adaptive pooling: the number of windows is given, not their size."""

from torch2jax.rulebook import *


@rule("torch.nn.AdaptiveAvgPool1d", layout="N C L -> N L C", pooled="output_size")
def AdaptiveAvgPool1d(output_size) -> Module:
    """Means over as many windows as asked for.

    >>> nn.AdaptiveAvgPool1d(1)(f32(2, 3, 9))
    >>> nn.AdaptiveAvgPool1d(1)(f32(2, 3, 9))
    >>> nn.AdaptiveAvgPool1d(3)(f32(2, 3, 9))
    >>> nn.AdaptiveAvgPool1d(5)(f32(2, 3, 9))
    """
    if output_size in (1, (1,)):
        return partial(jnp.mean, axis=1, keepdims=True)
    return partial(helpers.adaptive_avg_pool, output_size=output_size)


@rule("torch.nn.AdaptiveMaxPool1d", layout="N C L -> N L C")
def IndexedAdaptiveMaxPool1d(output_size, return_indices: IsTrue = False) -> Module:
    """Maxima over as many windows as asked for, and their positions.

    >>> nn.AdaptiveMaxPool1d(2, return_indices=True)(f32(2, 3, 9))
    >>> nn.AdaptiveMaxPool1d(3, True)(f32(2, 3, 9))[1]
    """
    return partial(helpers.indexed_adaptive_max_pool, output_size=output_size)


@IndexedAdaptiveMaxPool1d.call
def _(self, input: Tensor) -> (Tensor, Tensor):
    return self(input)


@rule("torch.nn.AdaptiveMaxPool1d", layout="N C L -> N L C", pooled="output_size")
def AdaptiveMaxPool1d(output_size, return_indices=False) -> Module:
    """Maxima over as many windows as asked for.

    >>> nn.AdaptiveMaxPool1d(1)(f32(2, 3, 9))
    >>> nn.AdaptiveMaxPool1d(3)(f32(2, 3, 9))
    >>> nn.AdaptiveMaxPool1d(2, return_indices=1)(f32(2, 3, 9))
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if output_size in (1, (1,)):
        return partial(jnp.max, axis=1, keepdims=True)
    return partial(helpers.adaptive_max_pool, output_size=output_size)


@rule(
    "torch.nn.functional.adaptive_avg_pool1d",
    "torch.adaptive_avg_pool1d",
    layout="N C L -> N L C",
    pooled="output_size",
)
def adaptive_avg_pool1d(input: Tensor, output_size) -> Tensor:
    """Means over as many windows as asked for.

    >>> F.adaptive_avg_pool1d(f32(2, 3, 9), 1)
    >>> F.adaptive_avg_pool1d(f32(2, 3, 9), output_size=3)
    """
    if output_size in (1, (1,)):
        return input.mean(1, keepdims=True)
    return helpers.adaptive_avg_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool1d", layout="N C L -> N L C")
def indexed_adaptive_max_pool1d(input: Tensor, output_size, return_indices: IsTrue = False) -> (Tensor, Tensor):
    """Maxima over as many windows as asked for, and their positions.

    >>> F.adaptive_max_pool1d(f32(2, 3, 9), 2, return_indices=True)
    >>> F.adaptive_max_pool1d(f32(2, 3, 9), 3, True)[1]
    """
    return helpers.indexed_adaptive_max_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool1d", layout="N C L -> N L C", pooled="output_size")
def adaptive_max_pool1d(input: Tensor, output_size, return_indices=False) -> Tensor:
    """Maxima over as many windows as asked for.

    >>> F.adaptive_max_pool1d(f32(2, 3, 9), 1)
    >>> F.adaptive_max_pool1d(f32(2, 3, 9), 3)
    >>> F.adaptive_max_pool1d(f32(2, 3, 9), 2, return_indices=1)
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if output_size in (1, (1,)):
        return input.max(1, keepdims=True)
    return helpers.adaptive_max_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool1d_with_indices", "torch.adaptive_max_pool1d")
def adaptive_max_pool1d_with_indices(input: Tensor, output_size, return_indices: Ignored = False) -> (Tensor, Tensor):
    """Maxima over as many windows as asked for, and their positions.

    >>> F.adaptive_max_pool1d_with_indices(f32(2, 3, 9), 3)
    """
    return helpers.adaptive_max_pool_with_indices(input, output_size)


@rule("torch.nn.AdaptiveAvgPool2d", layout="N C H W -> N H W C", pooled="output_size")
def AdaptiveAvgPool2d(output_size) -> Module:
    """Means over as many windows as asked for.

    >>> nn.AdaptiveAvgPool2d(1)(f32(2, 3, 8, 9))
    >>> nn.AdaptiveAvgPool2d((1, 1))(f32(2, 3, 8, 9))
    >>> nn.AdaptiveAvgPool2d((3, 4))(f32(2, 3, 8, 9))
    >>> nn.AdaptiveAvgPool2d((None, 4))(f32(2, 3, 8, 9))
    """
    if output_size in (1, (1, 1)):
        return partial(jnp.mean, axis=(1, 2), keepdims=True)
    return partial(helpers.adaptive_avg_pool, output_size=output_size)


@rule("torch.nn.AdaptiveMaxPool2d", layout="N C H W -> N H W C")
def IndexedAdaptiveMaxPool2d(output_size, return_indices: IsTrue = False) -> Module:
    """Maxima over as many windows as asked for, and their positions.

    >>> nn.AdaptiveMaxPool2d(2, return_indices=True)(f32(2, 3, 8, 9))
    >>> nn.AdaptiveMaxPool2d(3, True)(f32(2, 3, 8, 9))[1]
    """
    return partial(helpers.indexed_adaptive_max_pool, output_size=output_size)


@IndexedAdaptiveMaxPool2d.call
def _(self, input: Tensor) -> (Tensor, Tensor):
    return self(input)


@rule("torch.nn.AdaptiveMaxPool2d", layout="N C H W -> N H W C", pooled="output_size")
def AdaptiveMaxPool2d(output_size, return_indices=False) -> Module:
    """Maxima over as many windows as asked for.

    >>> nn.AdaptiveMaxPool2d(1)(f32(2, 3, 8, 9))
    >>> nn.AdaptiveMaxPool2d((3, 4))(f32(2, 3, 8, 9))
    >>> nn.AdaptiveMaxPool2d(2, return_indices=1)(f32(2, 3, 8, 9))
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if output_size in (1, (1, 1)):
        return partial(jnp.max, axis=(1, 2), keepdims=True)
    return partial(helpers.adaptive_max_pool, output_size=output_size)


@rule("torch.nn.functional.adaptive_avg_pool2d", layout="N C H W -> N H W C", pooled="output_size")
def adaptive_avg_pool2d(input: Tensor, output_size) -> Tensor:
    """Means over as many windows as asked for.

    >>> F.adaptive_avg_pool2d(f32(2, 3, 8, 9), (1, 1))
    >>> F.adaptive_avg_pool2d(f32(2, 3, 8, 9), output_size=(3, 4))
    """
    if output_size in (1, (1, 1)):
        return input.mean((1, 2), keepdims=True)
    return helpers.adaptive_avg_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool2d", layout="N C H W -> N H W C")
def indexed_adaptive_max_pool2d(input: Tensor, output_size, return_indices: IsTrue = False) -> (Tensor, Tensor):
    """Maxima over as many windows as asked for, and their positions.

    >>> F.adaptive_max_pool2d(f32(2, 3, 8, 9), 2, return_indices=True)
    >>> F.adaptive_max_pool2d(f32(2, 3, 8, 9), 3, True)[1]
    """
    return helpers.indexed_adaptive_max_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool2d", layout="N C H W -> N H W C", pooled="output_size")
def adaptive_max_pool2d(input: Tensor, output_size, return_indices=False) -> Tensor:
    """Maxima over as many windows as asked for.

    >>> F.adaptive_max_pool2d(f32(2, 3, 8, 9), (1, 1))
    >>> F.adaptive_max_pool2d(f32(2, 3, 8, 9), (3, 4))
    >>> F.adaptive_max_pool2d(f32(2, 3, 8, 9), 2, return_indices=1)
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if output_size in (1, (1, 1)):
        return input.max((1, 2), keepdims=True)
    return helpers.adaptive_max_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool2d_with_indices")
def adaptive_max_pool2d_with_indices(input: Tensor, output_size, return_indices: Ignored = False) -> (Tensor, Tensor):
    """Maxima over as many windows as asked for, and their positions.

    >>> F.adaptive_max_pool2d_with_indices(f32(2, 3, 8, 9), (3, 4))
    """
    return helpers.adaptive_max_pool_with_indices(input, output_size)


@rule("torch.nn.AdaptiveAvgPool3d", layout="N C D H W -> N D H W C", pooled="output_size")
def AdaptiveAvgPool3d(output_size) -> Module:
    """Means over as many windows as asked for.

    >>> nn.AdaptiveAvgPool3d(1)(f32(2, 3, 6, 7, 8))
    >>> nn.AdaptiveAvgPool3d((1, 1, 1))(f32(2, 3, 6, 7, 8))
    >>> nn.AdaptiveAvgPool3d((3, 2, 4))(f32(2, 3, 6, 7, 8))
    >>> nn.AdaptiveAvgPool3d((None, 4, None))(f32(2, 3, 6, 7, 8))
    """
    if output_size in (1, (1, 1, 1)):
        return partial(jnp.mean, axis=(1, 2, 3), keepdims=True)
    return partial(helpers.adaptive_avg_pool, output_size=output_size)


@rule("torch.nn.AdaptiveMaxPool3d", layout="N C D H W -> N D H W C")
def IndexedAdaptiveMaxPool3d(output_size, return_indices: IsTrue = False) -> Module:
    """Maxima over as many windows as asked for, and their positions.

    >>> nn.AdaptiveMaxPool3d(2, return_indices=True)(f32(2, 3, 6, 7, 8))
    >>> nn.AdaptiveMaxPool3d(3, True)(f32(2, 3, 6, 7, 8))[1]
    """
    return partial(helpers.indexed_adaptive_max_pool, output_size=output_size)


@IndexedAdaptiveMaxPool3d.call
def _(self, input: Tensor) -> (Tensor, Tensor):
    return self(input)


@rule("torch.nn.AdaptiveMaxPool3d", layout="N C D H W -> N D H W C", pooled="output_size")
def AdaptiveMaxPool3d(output_size, return_indices=False) -> Module:
    """Maxima over as many windows as asked for.

    >>> nn.AdaptiveMaxPool3d(1)(f32(2, 3, 6, 7, 8))
    >>> nn.AdaptiveMaxPool3d((3, 2, 4))(f32(2, 3, 6, 7, 8))
    >>> nn.AdaptiveMaxPool3d(2, return_indices=1)(f32(2, 3, 6, 7, 8))
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if output_size in (1, (1, 1, 1)):
        return partial(jnp.max, axis=(1, 2, 3), keepdims=True)
    return partial(helpers.adaptive_max_pool, output_size=output_size)


@rule("torch.nn.functional.adaptive_avg_pool3d", layout="N C D H W -> N D H W C", pooled="output_size")
def adaptive_avg_pool3d(input: Tensor, output_size) -> Tensor:
    """Means over as many windows as asked for.

    >>> F.adaptive_avg_pool3d(f32(2, 3, 6, 7, 8), (1, 1, 1))
    >>> F.adaptive_avg_pool3d(f32(2, 3, 6, 7, 8), output_size=(3, 2, 4))
    """
    if output_size in (1, (1, 1, 1)):
        return input.mean((1, 2, 3), keepdims=True)
    return helpers.adaptive_avg_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool3d", layout="N C D H W -> N D H W C")
def indexed_adaptive_max_pool3d(input: Tensor, output_size, return_indices: IsTrue = False) -> (Tensor, Tensor):
    """Maxima over as many windows as asked for, and their positions.

    >>> F.adaptive_max_pool3d(f32(2, 3, 6, 7, 8), 2, return_indices=True)
    >>> F.adaptive_max_pool3d(f32(2, 3, 6, 7, 8), 3, True)[1]
    """
    return helpers.indexed_adaptive_max_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool3d", layout="N C D H W -> N D H W C", pooled="output_size")
def adaptive_max_pool3d(input: Tensor, output_size, return_indices=False) -> Tensor:
    """Maxima over as many windows as asked for.

    >>> F.adaptive_max_pool3d(f32(2, 3, 6, 7, 8), (1, 1, 1))
    >>> F.adaptive_max_pool3d(f32(2, 3, 6, 7, 8), (3, 2, 4))
    >>> F.adaptive_max_pool3d(f32(2, 3, 6, 7, 8), 2, return_indices=1)
    """
    if return_indices:
        raise Unsupported("return_indices= is true, but not written so", "write return_indices=True")
    if output_size in (1, (1, 1, 1)):
        return input.max((1, 2, 3), keepdims=True)
    return helpers.adaptive_max_pool(input, output_size)


@rule("torch.nn.functional.adaptive_max_pool3d_with_indices")
def adaptive_max_pool3d_with_indices(input: Tensor, output_size, return_indices: Ignored = False) -> (Tensor, Tensor):
    """Maxima over as many windows as asked for, and their positions.

    >>> F.adaptive_max_pool3d_with_indices(f32(2, 3, 6, 7, 8), (3, 2, 4))
    """
    return helpers.adaptive_max_pool_with_indices(input, output_size)
