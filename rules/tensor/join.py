"""Joining, splitting and repeating."""

from torch2jax.rulebook import *


@rule("torch.Tensor.repeat")
def repeat(self: Tensor, *repeats: Shape) -> Tensor:
    """Copies side by side (NumPy's tile).

    >>> f32(2, 3).repeat(2, 1)
    >>> f32(3).repeat(4, 2)
    >>> f32(2, 3).repeat((1, 2, 3))
    """
    return jnp.tile(self, repeats)


@rule("torch.Tensor.tile")
def tile(self: Tensor, *dims: Shape) -> Tensor:
    """Copies side by side.

    >>> f32(2, 3).tile(2)
    >>> f32(2, 3).tile((2, 1))
    """
    return jnp.tile(self, dims)


@rule("torch.tile")
def tile_function(input: Tensor, dims: Shape) -> Tensor:
    """Copies side by side.

    >>> torch.tile(f32(2, 3), (2, 1))
    """
    return jnp.tile(input, dims)


@rule("torch.repeat_interleave", "torch.Tensor.repeat_interleave")
def repeat_interleave(input: Tensor, repeats: Scalar, dim=None, *, output_size=None) -> Tensor:
    """Each element (or slice) repeated (NumPy's repeat).

    >>> torch.repeat_interleave(f32(2, 3), 2)
    >>> f32(2, 3).repeat_interleave(3, dim=1)
    >>> torch.repeat_interleave(f32(2, 3), torch.tensor([1, 2]), dim=0)
    >>> torch.repeat_interleave(f32(2, 3), torch.tensor([1, 2]), dim=0, output_size=3)
    """
    return jnp.repeat(input, repeats, axis=dim, total_repeat_length=output_size)


@rule("torch.repeat_interleave", rank=1, dtype="int")
def repeat_interleave_counts(repeats: Tensor) -> Tensor:
    """0 repeats[0] times, 1 repeats[1] times, ...

    >>> torch.repeat_interleave(torch.tensor([3, 0, 2, 1]))
    """
    return jnp.repeat(jnp.arange(repeats.size), repeats)


@rule("torch.cat", "torch.concat", "torch.concatenate", mode="along")
def cat(tensors: Tensors, dim: Axis = 0, *, out: Out = None) -> Tensor:
    """Join along an axis.

    >>> torch.cat([f32(2, 3), f32(2, 4)], dim=1)
    >>> torch.cat((f32(2, 3), f32(4, 3)))
    >>> torch.cat([f32(2, 3), f32(2, 4)], axis=-1)
    """
    return jnp.concatenate(tensors, axis=dim)


@rule("torch.stack", rank=rank(tensors) + 1)
def stack(tensors: Tensors, dim=0, *, out: Out = None) -> Tensor:
    """Join along a new axis.

    >>> torch.stack([f32(2, 3), f32(2, 3)])
    >>> torch.stack((f32(2, 3), f32(2, 3)), dim=-1)
    """
    return jnp.stack(tensors, axis=dim)


@rule("torch.hstack")
def hstack(tensors: Tensors, *, out: Out = None) -> Tensor:
    """Join along the second axis (the first for vectors).

    >>> torch.hstack([f32(2, 3), f32(2, 4)])
    >>> torch.hstack([f32(2), f32(3)])
    """
    return jnp.hstack(tensors)


@rule("torch.vstack", "torch.row_stack")
def vstack(tensors: Tensors, *, out: Out = None) -> Tensor:
    """Join along the first axis; vectors are rows.

    >>> torch.vstack([f32(2, 3), f32(4, 3)])
    >>> torch.vstack([f32(3), f32(3)])
    """
    return jnp.vstack(tensors)


@rule("torch.dstack")
def dstack(tensors: Tensors, *, out: Out = None) -> Tensor:
    """Join along the third axis.

    >>> torch.dstack([f32(2, 3), f32(2, 3)])
    """
    return jnp.dstack(tensors)


@rule("torch.column_stack", rank=2)
def column_stack(tensors: Tensors, *, out: Out = None) -> Tensor:
    """Join along the second axis; vectors are columns.

    >>> torch.column_stack([f32(3), f32(3, 2)])
    """
    return jnp.column_stack(tensors)


@rule("torch.split", "torch.Tensor.split", mode="along", view=True)
def split(tensor: Tensor, split_size_or_sections, dim: Axis = 0) -> Tensors:
    """Parts of a given size (the last may be smaller), or of the listed sizes.

    >>> torch.split(f32(5, 2), 2)
    >>> f32(2, 6).split([1, 3, 2], dim=1)
    >>> sizes = list(f32(2, 3).shape)
    >>> torch.split(f32(5, 4), sizes)
    >>> torch.split(f32(2, 5), 2, dim=1)
    >>> torch.split(f32(5, 2), 2)[0]
    """
    if isinstance(split_size_or_sections, (list, tuple)):
        return jnp.split(tensor, helpers.split_points(split_size_or_sections), axis=dim)
    return helpers.split(tensor, split_size_or_sections, axis=dim)


@rule("torch.split_with_sizes", "torch.Tensor.split_with_sizes", mode="along", view=True)
def split_with_sizes(input: Tensor, split_sizes: Shape, dim: Axis = 0) -> Tensors:
    """Parts of the listed sizes.

    >>> torch.split_with_sizes(f32(6, 2), [1, 3, 2])
    >>> torch.split_with_sizes(f32(2, 6), [1, 3, 2], dim=1)
    """
    return jnp.split(input, helpers.split_points(split_sizes), axis=dim)


@rule("torch.chunk", "torch.Tensor.chunk", mode="along", view=True)
def chunk(input: Tensor, chunks, dim: Axis = 0) -> Tensors:
    """A number of equal parts; with a rest the last part is smaller.

    >>> torch.chunk(f32(2, 6), 3, dim=1)
    >>> f32(4, 2).chunk(2)
    >>> f32(2, 9).chunk(7, dim=-1)
    """
    if chunks in (2, 3, 4, 5, 6, 8):
        return jnp.split(input, chunks, axis=dim)
    return helpers.chunk(input, chunks, axis=dim)


@rule("torch.tensor_split", "torch.Tensor.tensor_split", mode="along", view=True)
def tensor_split(input: Tensor, indices_or_sections, dim: Axis = 0) -> Tensors:
    """A number of parts of nearly equal size, or cuts at the listed places.

    >>> torch.tensor_split(f32(5, 2), 3)
    >>> f32(2, 6).tensor_split((1, 4), dim=1)
    """
    return jnp.array_split(input, indices_or_sections, axis=dim)


@rule("torch.unbind", "torch.Tensor.unbind", view=True)
def unbind(input: Tensor, dim=0) -> Tensors:
    """The slices along an axis.

    >>> torch.unbind(f32(2, 3))
    >>> f32(2, 3, 4).unbind(-1)
    """
    return jnp.unstack(input, axis=dim)


@rule("torch.meshgrid")
def meshgrid(*tensors: Tensors, indexing="ij") -> Tensors:
    """Coordinates of a grid; PyTorch's default is matrix order.

    >>> torch.meshgrid(f32(2), f32(3), indexing="ij")
    >>> torch.meshgrid([f32(2), f32(3)])
    >>> torch.meshgrid(f32(2), f32(3), indexing="xy")
    """
    return jnp.meshgrid(*tensors, indexing=indexing)


@rule("torch.cartesian_prod")
def cartesian_prod(*tensors: Tensors) -> Tensor:
    """All combinations, one a row.

    >>> torch.cartesian_prod(f32(2), f32(3))
    >>> torch.cartesian_prod(f32(2))
    """
    if len(tensors) == 1:
        return tensors[0]
    return jnp.stack(jnp.meshgrid(*tensors, indexing="ij"), axis=-1).reshape(-1, len(tensors))


@rule("torch.block_diag", rank=2)
def block_diag(*tensors: Tensors) -> Tensor:
    """Matrices along the diagonal.

    >>> torch.block_diag(f32(2, 3), f32(4, 1))
    """
    return jax.scipy.linalg.block_diag(*tensors)
