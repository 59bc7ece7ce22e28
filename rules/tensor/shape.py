"""Shapes: views, permutations, broadcasting, windows."""

from torch2jax.rulebook import *


@rule("torch.Tensor.view", view=True, rank=len(shape))
def view(self: Tensor, *shape: Shape) -> Tensor:
    """The same elements in another shape.

    >>> f32(2, 6).view(3, 4)
    >>> f32(2, 6).view((3, -1))
    >>> f32(2, 3, 4).view(-1)
    """
    return self.reshape(*shape)


@rule("torch.Tensor.view", view=True, rank=rank(self))
def view_dtype(self: Tensor, dtype: Dtype) -> Tensor:
    """The same bits as another type.

    >>> i64(2, 3, high=9).view(torch.float64)
    """
    return self.view(dtype)


@rule("torch.Tensor.reshape", view=True, rank=len(shape))
def reshape(self: Tensor, *shape: Shape) -> Tensor:
    """The same elements in another shape.

    >>> f32(2, 6).reshape(3, 4)
    >>> f32(2, 3, 4).reshape((2, -1))
    """
    return self.reshape(*shape)


@rule("torch.reshape", view=True, rank=len(shape))
def reshape_function(input: Tensor, shape: Shape) -> Tensor:
    """The same elements in another shape.

    >>> torch.reshape(f32(2, 6), (3, 4))
    >>> torch.reshape(f32(2, 6), [-1])
    """
    return input.reshape(*shape)


@rule("torch.Tensor.view_as", "torch.Tensor.reshape_as", view=True, rank=rank(other))
def view_as(self: Tensor, other: Tensor) -> Tensor:
    """The same elements in the shape of another tensor.

    >>> f32(2, 6).view_as(f32(3, 4))
    """
    return self.reshape(other.shape)


@rule("torch.flatten", "torch.Tensor.flatten", view=True)
def flatten(input: Tensor, start_dim=0, end_dim=-1) -> Tensor:
    """Merge a run of axes.

    >>> torch.flatten(f32(2, 3, 4))
    >>> f32(2, 3, 4).flatten(1)
    >>> f32(2, 3, 4, 5).flatten(-2)
    >>> f32(2, 3, 4).flatten(0, 1)
    >>> f32(2, 3, 4, 5).flatten(1, 2)
    >>> f32(2, 3, 4, 5).flatten(start_dim=1, end_dim=-2)
    >>> axis = len([f32(2, 3)])
    >>> torch.flatten(f32(2, 3, 4), axis)
    >>> f32(24).view(2, 3, 4).flatten(0, 1)
    >>> f32(120).view(2, 3, 4, 5).flatten(2, 3)
    >>> f32(120).view(2, 3, 4, 5).flatten(1, 2)
    >>> f32(120).view(2, 3, 4, 5).flatten(2)
    >>> torch.flatten(f32(2, 3, 4), 0, min([-1, 0])), torch.flatten(f32(2, 3, 4), 1, min([-1, 0]))
    """
    if start_dim == 0 and end_dim == -1:
        return input.reshape(-1)
    if start_dim == 1 and end_dim == -1:
        return input.reshape(input.shape[0], -1)
    if start_dim not in (0, 1) and end_dim == -1:
        return input.reshape(*input.shape[:start_dim], -1)
    if start_dim == 0 and end_dim != -1:
        return input.reshape(-1, *input.shape[end_dim + 1 :])
    if start_dim != 0 and end_dim != -1:
        return input.reshape(*input.shape[:start_dim], -1, *input.shape[end_dim + 1 :])
    return input.reshape(helpers.flatten_shape(input.shape, start_dim, end_dim))


@rule("torch.ravel", "torch.Tensor.ravel", view=True, rank=1)
def ravel(input: Tensor) -> Tensor:
    """All elements in one axis.

    >>> torch.ravel(f32(2, 3))
    """
    return input.ravel()


@rule("torch.unflatten", "torch.Tensor.unflatten", view=True)
def unflatten(input: Tensor, dim, sizes: Shape) -> Tensor:
    """Split one axis into several.

    >>> f32(2, 6, 5).unflatten(1, (2, 3))
    >>> torch.unflatten(f32(2, 6), -1, (3, -1))
    """
    return input.reshape(helpers.unflatten_shape(input.shape, dim, sizes))


@rule("torch.Tensor.permute", mode="permute", rank=len(dims))
def permute(self: Tensor, *dims: Axis) -> Tensor:
    """Axes in another order.

    >>> f32(2, 3, 4).permute(2, 0, 1)
    >>> f32(2, 3, 4).permute((0, -1, 1))
    """
    return self.transpose(*dims)


@rule("torch.permute", mode="permute", rank=len(dims))
def permute_function(input: Tensor, dims: Axis) -> Tensor:
    """Axes in another order.

    >>> torch.permute(f32(2, 3, 4), (2, 0, 1))
    """
    return input.transpose(*dims)


@rule(
    "torch.transpose",
    "torch.Tensor.transpose",
    "torch.swapaxes",
    "torch.Tensor.swapaxes",
    "torch.swapdims",
    "torch.Tensor.swapdims",
    mode="permute",
    rank=rank(input),
)
def transpose(input: Tensor, dim0: Axis, dim1: Axis) -> Tensor:
    """Two axes exchanged.

    >>> f32(2, 3, 4).transpose(1, 2)
    >>> torch.transpose(f32(2, 3), 0, -1)
    """
    return input.swapaxes(dim0, dim1)


@rule("torch.t", "torch.Tensor.t", mode="permute", rank=rank(input))
def t(input: Tensor) -> Tensor:
    """Transpose of a matrix; a vector stays as it is.

    >>> torch.t(f32(2, 3))
    >>> f32(3).t()
    """
    return input.T


@attribute("torch.Tensor.T", mode="permute", rank=rank(self))
def T(self) -> Tensor:
    """All axes reversed.

    >>> f32(2, 3).T
    """
    return self.T


@attribute("torch.Tensor.mT", mode="permute", rank=rank(self))
def mT(self) -> Tensor:
    """The last two axes exchanged.

    >>> f32(2, 3, 4).mT
    """
    return self.mT


@attribute("torch.Tensor.H", rank=rank(self))
def H(self) -> Tensor:
    """Conjugate transpose of a matrix.

    >>> c64(2, 3).H
    """
    return self.conj().T


@attribute("torch.Tensor.mH", rank=rank(self))
def mH(self) -> Tensor:
    """Conjugate transpose of the matrices in the last two axes.

    >>> c64(2, 3, 4).mH
    """
    return self.conj().mT


@rule("torch.adjoint", "torch.Tensor.adjoint", rank=rank(input))
def adjoint(input: Tensor) -> Tensor:
    """Conjugate transpose of the matrices in the last two axes.

    >>> torch.adjoint(c64(2, 3, 4))
    """
    return input.conj().mT


@rule(
    "torch.movedim",
    "torch.Tensor.movedim",
    "torch.moveaxis",
    "torch.Tensor.moveaxis",
    mode="permute",
    rank=rank(input),
)
def movedim(input: Tensor, source: Axis, destination: Axis) -> Tensor:
    """Axes moved to other places.

    >>> torch.movedim(f32(2, 3, 4), 1, -1)
    >>> f32(2, 3, 4).movedim((0, 1), (2, 0))
    """
    return jnp.moveaxis(input, source, destination)


@rule("torch.squeeze", "torch.Tensor.squeeze", view=True)
def squeeze(input: Tensor) -> Tensor:
    """Without the axes of size 1.

    >>> torch.squeeze(f32(2, 1, 3, 1))
    """
    return input.squeeze()


@rule("torch.squeeze", "torch.Tensor.squeeze", view=True)
def squeeze_dim(input: Tensor, dim: Axis) -> Tensor:
    """Without these axes, where their size is 1; others stay.

    >>> f32(2, 1, 3).squeeze(1)
    >>> f32(2, 1, 3).squeeze(2)
    >>> torch.squeeze(f32(2, 1, 3, 1), dim=(1, 2, -1))
    """
    return helpers.squeeze(input, dim)


@rule("torch.unsqueeze", "torch.Tensor.unsqueeze", view=True, rank=rank(input) + 1)
def unsqueeze(input: Tensor, dim) -> Tensor:
    """A new axis of size 1.

    >>> f32(2, 3).unsqueeze(1)
    >>> f32(2, 3).unsqueeze(0)
    >>> f32(2, 3).unsqueeze(-1)
    >>> torch.unsqueeze(f32(2, 3), dim=-2)
    """
    if dim == 0:
        return input[None]
    if dim == 1:
        return input[:, None]
    if dim == -1:
        return input[..., None]
    return jnp.expand_dims(input, dim)


@rule("torch.Tensor.expand", view=True, rank=len(size))
def expand(self: Tensor, *size: Shape, implicit: Ignored = False) -> Tensor:
    """Axes of size 1 repeated without a copy; -1 keeps a size.

    >>> f32(2, 1).expand(2, 3)
    >>> f32(3).expand(2, 3)
    >>> f32(2, 1).expand(-1, 3)
    >>> f32(2, 1).expand((4, -1, 3))
    >>> f32(3).expand(2, -1)
    >>> f32(1, 2, 3).expand(4, -1, -1)
    >>> f32(1, 2, 3, 4).expand(5, -1, -1, -1)
    >>> f32(1, 3).expand(4, 2, -1)
    >>> f32(2, 3).expand(-1, -1), f32(2, 1).expand(2, min([3, 4]))
    >>> f32(1, 3, 4).expand(5, 2, -1, -1), f32(2, 1, 4).expand(5, -1, 3, -1), f32(2, 3, 1).expand(5, -1, -1, 4)
    >>> f32(2, 1, 1, 1).expand(3, -1, -1, -1, 4)
    >>> f32(3, 1).expand(2, 3, 5)
    >>> f32(1, 2, 1).expand(4, -1, 3)
    >>> f32(2, 1, 1).expand(2, 2, -1, 3)
    >>> f32(2, 1, 1).expand(5, -1, 3, 4)
    >>> f32(2, 1, 1).expand(5, 2, 3, -1)
    >>> f32(1, 1).expand(2, 3, 4, -1, 1)
    """
    if -1 not in size:
        return jnp.broadcast_to(self, size)
    if size[0] == -1:
        return jnp.broadcast_to(self, helpers.expand_shape(self.shape, size))
    if len(size) == 2 and size[1] == -1:
        return jnp.broadcast_to(self, (size[0], self.shape[-1]))
    if len(size) == 3 and size[1] == -1 and size[2] == -1:
        return jnp.broadcast_to(self, (size[0], *self.shape[-2:]))
    if len(size) == 4 and size[1] == -1 and size[2] == -1 and size[3] == -1:
        return jnp.broadcast_to(self, (size[0], *self.shape[-3:]))
    return jnp.broadcast_to(self, helpers.expand_shape(self.shape, size))


@rule("torch.Tensor.expand_as", view=True, rank=rank(other))
def expand_as(self: Tensor, other: Tensor) -> Tensor:
    """Broadcast to the shape of another tensor.

    >>> f32(2, 1).expand_as(f32(2, 3))
    """
    return jnp.broadcast_to(self, other.shape)


@rule("torch.broadcast_to", "torch.Tensor.broadcast_to", view=True, rank=len(size))
def broadcast_to(input: Tensor, size: Shape) -> Tensor:
    """Broadcast to a shape; -1 keeps a size.

    >>> torch.broadcast_to(f32(2, 1), (4, 2, 3))
    >>> torch.broadcast_to(f32(2, 1), (-1, 3))
    """
    if -1 not in size:
        return jnp.broadcast_to(input, size)
    return jnp.broadcast_to(input, helpers.expand_shape(input.shape, size))


@rule("torch.broadcast_tensors", view=True)
def broadcast_tensors(*tensors: Tensors) -> Tensors:
    """All tensors in their common shape.

    >>> torch.broadcast_tensors(f32(2, 1), f32(3))
    """
    return jnp.broadcast_arrays(*tensors)


@rule("torch.broadcast_shapes")
def broadcast_shapes(*shapes) -> Shape:
    """The common shape.

    >>> torch.broadcast_shapes((2, 1), (3,))
    """
    return jnp.broadcast_shapes(*shapes)


@rule("torch.Tensor.flip", mode="along")
def flip(self: Tensor, *dims: Axis) -> Tensor:
    """Reversed along these axes.

    >>> f32(2, 3).flip(1)
    >>> f32(2, 3, 4).flip(0, 2)
    >>> f32(2, 3).flip([0, 1])
    """
    return jnp.flip(self, axis=dims)


@rule("torch.flip", mode="along")
def flip_function(input: Tensor, dims: Axis) -> Tensor:
    """Reversed along these axes.

    >>> torch.flip(f32(2, 3), [1])
    >>> torch.flip(f32(2, 3, 4), dims=(0, 2))
    """
    return jnp.flip(input, axis=dims)


@rule("torch.fliplr", "torch.Tensor.fliplr", rank=rank(input))
def fliplr(input: Tensor) -> Tensor:
    """Reversed along the second axis.

    >>> torch.fliplr(f32(2, 3))
    """
    return jnp.fliplr(input)


@rule("torch.flipud", "torch.Tensor.flipud", rank=rank(input))
def flipud(input: Tensor) -> Tensor:
    """Reversed along the first axis.

    >>> torch.flipud(f32(2, 3))
    """
    return jnp.flipud(input)


@rule("torch.roll", "torch.Tensor.roll", mode="along")
def roll(input: Tensor, shifts, dims: Axis = None) -> Tensor:
    """Shifted around.

    >>> torch.roll(f32(2, 3), 1)
    >>> torch.roll(f32(3, 4), shifts=(1, -2), dims=(0, 1))
    >>> f32(3, 4).roll(1, 1)
    """
    return jnp.roll(input, shifts, axis=dims)


@rule("torch.rot90", "torch.Tensor.rot90")
def rot90(input: Tensor, k=1, dims=(0, 1)) -> Tensor:
    """Turned by k times 90 degrees.

    >>> torch.rot90(f32(2, 3))
    >>> f32(2, 3, 4).rot90(-1, [1, 2])
    """
    return jnp.rot90(input, k, axes=tuple(dims))


@rule("torch.narrow", "torch.Tensor.narrow", mode="along", view=True)
def narrow(input: Tensor, dim: Axis, start, length) -> Tensor:
    """`length` slices from `start` on.

    >>> torch.narrow(f32(2, 5), 1, 2, 3)
    >>> f32(5, 2).narrow(0, 1, 3)
    """
    return lax.slice_in_dim(input, start, start + length, axis=dim)


@rule("torch.select", "torch.Tensor.select", view=True, rank=rank(input) - 1)
def select(input: Tensor, dim, index) -> Tensor:
    """One slice.

    >>> torch.select(f32(3, 2), 0, 1)
    >>> f32(2, 3).select(1, -1)
    >>> f32(2, 3, 4).select(-1, 2)
    >>> f32(2, 3, 4).select(-2, 1)
    """
    if dim == 0:
        return input[index]
    if dim == 1:
        return input[:, index]
    if dim == -1:
        return input[..., index]
    return lax.index_in_dim(input, index, axis=dim, keepdims=False)


@rule("torch.diagonal", "torch.Tensor.diagonal", view=True, rank=rank(input) - 1)
def diagonal(input: Tensor, offset=0, dim1=0, dim2=1) -> Tensor:
    """The diagonal of two axes, as a last axis.

    >>> torch.diagonal(f32(3, 4))
    >>> f32(2, 3, 4).diagonal(1, -2, -1)
    """
    return jnp.diagonal(input, offset=offset, axis1=dim1, axis2=dim2)


@rule("torch.Tensor.unfold", view=True, rank=rank(self) + 1)
def unfold(self: Tensor, dimension, size, step) -> Tensor:
    """Windows along an axis, as a new last axis.

    >>> f32(2, 7, 3).unfold(1, 3, 2)
    >>> f32(7).unfold(-1, 4, 1)
    >>> f32(2, 3).sum().unfold(0, 1, 2)
    """
    if rank(self) == 0 and dimension is not None:
        return helpers.windows(self[None], 0, size, step)[0]
    return helpers.windows(self, dimension, size, step)


@rule("torch.Tensor.contiguous", "torch.Tensor.resolve_conj", "torch.Tensor.resolve_neg", mode="pointwise", fresh=False)
def contiguous(self: Tensor, memory_format: Ignored = None) -> Tensor:
    """Memory order is XLA's affair.

    >>> f32(2, 3).t().contiguous()
    """
    return self


@rule("torch.clone", "torch.Tensor.clone", mode="pointwise")
def clone(input: Tensor, *, memory_format: Ignored = None) -> Tensor:
    """Arrays are immutable: a copy is the array itself.

    >>> f32(2, 3).clone()
    >>> torch.clone(f32(2, 3))
    """
    return input


@rule("torch.atleast_1d")
def atleast_1d(input: Tensor) -> Tensor:
    """With one axis at least.

    >>> torch.atleast_1d(f32())
    """
    return jnp.atleast_1d(input)


@rule("torch.atleast_1d")
def atleast_1d_each(*tensors: Tensors) -> Tensors:
    """Several tensors with one axis at least.

    >>> torch.atleast_1d(f32(), f32(2))
    >>> torch.atleast_1d([f32(), f32(2, 3)])
    """
    return tuple(map(jnp.atleast_1d, tensors))


@rule("torch.atleast_2d")
def atleast_2d(input: Tensor) -> Tensor:
    """With two axes at least.

    >>> torch.atleast_2d(f32(3))
    """
    return jnp.atleast_2d(input)


@rule("torch.atleast_3d", rank=3)
def atleast_3d(input: Tensor) -> Tensor:
    """With three axes at least.

    >>> torch.atleast_3d(f32(2, 3))
    """
    return jnp.atleast_3d(input)


@rule(
    "torch.Tensor.resize_",
    "torch.Tensor.resize_as_",
    "torch.Tensor.resize",
    "torch.Tensor.resize_as",
    "torch.Tensor.set_",
)
def resize_(self: Tensor, *args, **kwargs) -> Tensor:
    """Storage can't be resized.

    >>> f32(2, 3).resize_(3, 2)
    """
    raise Unsupported(
        "JAX arrays have no storage that could be resized or replaced", "make a new array with reshape or jnp.zeros"
    )


@rule("torch.as_strided", "torch.Tensor.as_strided", "torch.Tensor.as_strided_", rank=len(size))
def as_strided(input: Tensor, size: Shape, stride: Shape, storage_offset=None) -> Tensor:
    """A view by strides.

    >>> torch.as_strided(f32(9), (3, 3), (1, 2))
    """
    raise Unsupported("JAX arrays have no strides", "write it with reshape, indexing or gather")


@rule("torch.Tensor.stride")
def stride(self: Tensor, dim=None):
    """Steps in memory.

    >>> f32(2, 3).stride()
    """
    raise Unsupported("JAX arrays have no strides", "work from x.shape instead")
