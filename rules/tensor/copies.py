"""Functions that copy where their namesakes give views."""

from torch2jax.rulebook import *


@rule("torch.alias_copy", mode="pointwise")
def alias_copy(input: Tensor, *, out: Out = None) -> Tensor:
    """The same elements.

    >>> torch.alias_copy(f32(2, 3))
    """
    return input


@rule("torch.expand_copy", rank=len(size))
def expand_copy(input: Tensor, size: Shape, *, implicit: Ignored = False, out: Out = None) -> Tensor:
    """Axes of size 1 repeated; -1 keeps a size.

    >>> torch.expand_copy(f32(2, 1), (2, 3))
    >>> torch.expand_copy(f32(2, 1), (4, -1, 3))
    """
    if -1 not in size:
        return jnp.broadcast_to(input, size)
    return jnp.broadcast_to(input, helpers.expand_shape(input.shape, size))


@rule("torch.diagonal_copy", rank=rank(input) - 1)
def diagonal_copy(input: Tensor, offset=0, dim1=0, dim2=1, *, out: Out = None) -> Tensor:
    """The diagonal of two axes, as a last axis.

    >>> torch.diagonal_copy(f32(3, 4))
    >>> torch.diagonal_copy(f32(3, 4, 5), 1, -2, -1)
    """
    return jnp.diagonal(input, offset=offset, axis1=dim1, axis2=dim2)


@rule("torch.narrow_copy", mode="along")
def narrow_copy(input: Tensor, dim: Axis, start, length, *, out: Out = None) -> Tensor:
    """`length` slices from `start` on.

    >>> torch.narrow_copy(f32(5, 3), 0, 1, 2)
    """
    return lax.slice_in_dim(input, start, start + length, axis=dim)


@rule("torch.view_copy", rank=len(size))
def view_copy(input: Tensor, size: Shape, *, out: Out = None) -> Tensor:
    """The same elements in another shape.

    >>> torch.view_copy(f32(2, 3), (3, -1))
    """
    return input.reshape(*size)


@rule("torch.permute_copy", rank=len(dims))
def permute_copy(input: Tensor, dims: Axis, *, out: Out = None) -> Tensor:
    """Axes in another order.

    >>> torch.permute_copy(f32(2, 3, 4), (2, 0, 1))
    """
    return input.transpose(dims)


@rule("torch.transpose_copy", rank=rank(input))
def transpose_copy(input: Tensor, dim0, dim1, *, out: Out = None) -> Tensor:
    """Two axes exchanged.

    >>> torch.transpose_copy(f32(2, 3, 4), 0, -1)
    >>> torch.transpose_copy(f32(3).sum(), 0, -1)
    """
    if rank(input) == 0 and dim0 is not None and dim1 is not None:
        return input
    return input.swapaxes(dim0, dim1)


@rule("torch.t_copy", rank=rank(input))
def t_copy(input: Tensor, *, out: Out = None) -> Tensor:
    """Transpose of a matrix; a vector stays as it is.

    >>> torch.t_copy(f32(2, 3))
    """
    return input.T


@rule("torch.squeeze_copy")
def squeeze_copy(input: Tensor, *, out: Out = None) -> Tensor:
    """Without the axes of size 1.

    >>> torch.squeeze_copy(f32(2, 1, 3))
    """
    return input.squeeze()


@rule("torch.squeeze_copy")
def squeeze_copy_dim(input: Tensor, dim: Axis, *, out: Out = None) -> Tensor:
    """Without these axes, where their size is 1; others stay.

    >>> torch.squeeze_copy(f32(2, 1, 3), 1)
    >>> torch.squeeze_copy(f32(2, 1, 3), 0)
    """
    return helpers.squeeze(input, dim)


@rule("torch.unsqueeze_copy", rank=rank(input) + 1)
def unsqueeze_copy(input: Tensor, dim, *, out: Out = None) -> Tensor:
    """A new axis of size 1.

    >>> torch.unsqueeze_copy(f32(2, 3), -2)
    """
    return jnp.expand_dims(input, dim)


@rule("torch.unfold_copy", rank=rank(input) + 1)
def unfold_copy(input: Tensor, dimension, size, step, *, out: Out = None) -> Tensor:
    """Windows along an axis, as a new last axis.

    >>> torch.unfold_copy(f32(2, 7), 1, 3, 2)
    >>> torch.unfold_copy(f32(2, 3).sum(), 0, 1, 2), torch.unfold_copy(f32(7, 2), 0, 3, 2)
    """
    if rank(input) == 0 and dimension is not None:
        return helpers.windows(input[None], 0, size, step)[0]
    return helpers.windows(input, dimension, size, step)


@rule("torch.unbind_copy")
def unbind_copy(input: Tensor, dim=0, *, out: Out = None) -> Tensors:
    """The slices along an axis.

    >>> torch.unbind_copy(f32(2, 3), 1), torch.unbind_copy(f32(2, 3))
    """
    return jnp.unstack(input, axis=dim)


@rule("torch.unsafe_chunk", "torch.Tensor.unsafe_chunk", mode="along")
def unsafe_chunk(input: Tensor, chunks, dim: Axis = 0) -> Tensors:
    """A number of equal parts; with a rest the last part is smaller.

    >>> torch.unsafe_chunk(f32(7, 2), 3)
    >>> f32(2, 6).unsafe_chunk(2, dim=1)
    """
    return helpers.chunk(input, chunks, axis=dim)


@rule("torch.unsafe_split", "torch.Tensor.unsafe_split", "torch.split_copy", mode="along")
def unsafe_split(input: Tensor, split_size, dim: Axis = 0) -> Tensors:
    """Parts of a given size; the last may be smaller.

    >>> torch.unsafe_split(f32(7, 2), 3)
    >>> f32(2, 6).unsafe_split(2, dim=1)
    """
    return helpers.split(input, split_size, axis=dim)


@rule(
    "torch.split_with_sizes_copy",
    "torch.unsafe_split_with_sizes",
    "torch.Tensor.unsafe_split_with_sizes",
    mode="along",
)
def split_with_sizes_copy(input: Tensor, split_sizes: Shape, dim: Axis = 0) -> Tensors:
    """Parts of the listed sizes.

    >>> torch.split_with_sizes_copy(f32(6, 2), [1, 3, 2])
    >>> f32(2, 6).unsafe_split_with_sizes([4, 2], dim=1)
    """
    return jnp.split(input, helpers.split_points(split_sizes), axis=dim)


@rule("torch.detach_copy", mode="pointwise")
def detach_copy(input: Tensor, *, out: Out = None) -> Tensor:
    """Without a gradient.

    >>> torch.detach_copy(f32(2, 3)) * f32(2, 3)
    """
    return lax.stop_gradient(input)


@rule("torch.select_copy", rank=rank(input) - 1)
def select_copy(input: Tensor, dim, index, *, out: Out = None) -> Tensor:
    """One slice, without its axis.

    >>> torch.select_copy(f32(2, 3, 4), 1, 2)
    >>> torch.select_copy(f32(2, 3, 4), -1, -2)
    """
    return lax.index_in_dim(input, index, axis=dim, keepdims=False)


@rule("torch.Tensor.narrow_copy", mode="along")
def narrow_copy_method(self: Tensor, dim: Axis, start, length) -> Tensor:
    """`length` slices from `start` on.

    >>> f32(5, 3).narrow_copy(0, 1, 2)
    """
    return lax.slice_in_dim(self, start, start + length, axis=dim)
