"""Parts replaced in a copy, arrays cut to pieces, combinations."""

from torch2jax.rulebook import *


@rule("torch.select_scatter", "torch.Tensor.select_scatter", rank=rank(input))
def select_scatter(input: Tensor, src: Tensor, dim, index) -> Tensor:
    """A copy with one slice replaced.

    >>> torch.select_scatter(f32(2, 3), f32(2), 1, -1)
    >>> f32(2, 3, 4).select_scatter(f32(3, 4), 0, 1)
    """
    if dim == 0:
        return input.at[index].set(src)
    return helpers.select_scatter(input, src, dim, index)


@rule("torch.slice_scatter", "torch.Tensor.slice_scatter", rank=rank(input))
def slice_scatter(input: Tensor, src: Tensor, dim=0, start=None, end=None, step=1) -> Tensor:
    """A copy with a run of slices replaced.

    >>> torch.slice_scatter(f32(6, 3), f32(2, 3), start=1, end=3)
    >>> torch.slice_scatter(f32(3, 6), f32(3, 2), 1, 1, 3)
    >>> torch.slice_scatter(f32(6, 3), f32(3, 3), 0, 0, 6, 2)
    >>> f32(3, 6).slice_scatter(f32(3, 3), dim=1, start=0, end=6, step=2)
    """
    if dim == 0 and step == 1:
        return input.at[start:end].set(src)
    return helpers.slice_scatter(input, src, dim, start, end, step)


@rule("torch.diagonal_scatter", "torch.Tensor.diagonal_scatter", rank=rank(input))
def diagonal_scatter(input: Tensor, src: Tensor, offset=0, dim1=0, dim2=1) -> Tensor:
    """A copy with the diagonal of two axes replaced.

    >>> torch.diagonal_scatter(f32(3, 3), f32(3))
    >>> f32(2, 3, 4).diagonal_scatter(f32(2, 3), 1, -2, -1)
    >>> torch.diagonal_scatter(f32(3, 4), f32(2), -1)
    """
    return helpers.diagonal_scatter(input, src, offset=offset, axis1=dim1, axis2=dim2)


@rule("torch.Tensor.sum_to_size", rank=len(size))
def sum_to_size(self: Tensor, *size: Shape) -> Tensor:
    """The sum over the axes along which a tensor of this shape would be broadcast.

    >>> f32(4, 2, 3).sum_to_size(1, 3)
    >>> f32(4, 2, 3).sum_to_size((2, 1))
    """
    return helpers.sum_to_size(self, size)


@rule("torch.combinations", rank=2)
def combinations(input: Tensor, r=2, with_replacement: bool = False) -> Tensor:
    """All combinations of elements, one a row.

    >>> torch.combinations(f32(4))
    >>> torch.combinations(f32(3), r=3, with_replacement=True)
    """
    return helpers.combinations(input, r, with_replacement=with_replacement)


@rule("torch.hsplit", "torch.Tensor.hsplit", view=True)
def hsplit(input: Tensor, indices_or_sections) -> Tensors:
    """Equal parts along the second axis (the first of a vector), or cuts at the listed places.

    >>> torch.hsplit(f32(2, 6), 3)
    >>> f32(6).hsplit([1, 4])
    """
    return jnp.hsplit(input, indices_or_sections)


@rule("torch.vsplit", "torch.Tensor.vsplit", view=True)
def vsplit(input: Tensor, indices_or_sections) -> Tensors:
    """Equal parts along the first axis, or cuts at the listed places.

    >>> torch.vsplit(f32(6, 2), 3)
    >>> f32(6, 2).vsplit([1, 4])
    """
    return jnp.vsplit(input, indices_or_sections)


@rule("torch.dsplit", "torch.Tensor.dsplit", view=True)
def dsplit(input: Tensor, indices_or_sections) -> Tensors:
    """Equal parts along the third axis, or cuts at the listed places.

    >>> torch.dsplit(f32(2, 3, 6), 3)
    >>> f32(2, 3, 6).dsplit([1, 4])
    """
    return jnp.dsplit(input, indices_or_sections)


@rule("torch.cumulative_trapezoid")
def cumulative_trapezoid(y: Tensor, x: Tensor = None, *, dx=1.0, dim=-1) -> Tensor:
    """Running integral by trapezoids.

    >>> torch.cumulative_trapezoid(f32(2, 5))
    >>> torch.cumulative_trapezoid(f32(5, 2), dx=0.5, dim=0)
    >>> torch.cumulative_trapezoid(f32(2, 5), f32(5))
    """
    return helpers.cumulative_trapezoid(y, x=x, dx=dx, axis=dim)


@rule("torch.gradient", "torch.Tensor.gradient")
def gradient(input: Tensor, *, spacing=1, dim=None, edge_order=1) -> Tensors:
    """Slopes along every axis, or along those that are listed.

    >>> torch.gradient(f32(4, 5))
    >>> torch.gradient(f32(4, 5), spacing=0.5)
    >>> torch.gradient(f32(4, 5), dim=1)
    >>> torch.gradient(f32(4, 5), spacing=2.0, dim=(0, 1))
    >>> torch.gradient(f32(4, 5), edge_order=2)
    >>> torch.gradient(f32(4, 5), spacing=[1.0, 2.0])
    >>> torch.gradient(f32(4, 5), spacing=torch.tensor(2.0))
    >>> torch.gradient(f32(4, 5), spacing=None)
    """
    if edge_order != 1:
        raise Unsupported("jnp.gradient knows edges of order 1 only", "leave edge_order=1")
    if isinstance(spacing, (list, tuple)) or is_tensor(spacing):
        raise Unsupported("spacings of their own for each axis are not translated", "call it once for each axis")
    return helpers.gradient(input, 1.0 if spacing is None else spacing, axis=dim)


@rule("torch.unravel_index")
def unravel_index(indices: Tensor, shape: Shape) -> Tensors:
    """Indices for each axis of flat ones.

    >>> torch.unravel_index(i64(5, high=12), (3, 4))
    """
    return jnp.unravel_index(indices, shape)


@rule("torch.nonzero_static", "torch.Tensor.nonzero_static", rank=2, dtype="int")
def nonzero_static(input: Tensor, *, size, fill_value=-1) -> Tensor:
    """Indices of the elements that are not 0, one a row, a fixed number of them.

    >>> torch.nonzero_static(i64(3, 4, high=2), size=20)
    >>> i64(3, 4, high=2).nonzero_static(size=2, fill_value=7)
    >>> torch.nonzero_static(torch.zeros(2, 0), size=3)
    """
    return helpers.nonzero_static(input, size, fill_value)


@rule("torch.histogram", "torch.Tensor.histogram", fields=("hist", "bin_edges"))
def histogram(
    input: Tensor, bins, *, range=None, weight: Tensor = None, density: bool = False, out: Out = None
) -> (Tensor, Tensor):
    """How many elements, or which weight of them, are in each bin, and the bins' edges.

    >>> torch.histogram(f32(20).detach(), 4)
    >>> torch.histogram(f32(20).detach(), 4, range=(-1.0, 1.0), density=True)
    >>> f32(20).detach().histogram(f32(5).sort()[0], weight=pos(20)).hist
    """
    return helpers.histogram(input, bins, range=range, weights=weight, density=density)


@rule("torch.frexp", "torch.Tensor.frexp", fields=("mantissa", "exponent"))
def frexp(input: Tensor, *, out: Out = None) -> (Tensor, Tensor):
    """Mantissa and exponent.

    >>> torch.frexp(f32(2, 3))
    """
    return helpers.frexp(input)


@rule("torch.float_power", "torch.Tensor.float_power", mode="pointwise")
def float_power(input: Tensor, exponent: Scalar, *, out: Out = None) -> Tensor:
    """Power in double precision.

    >>> torch.float_power(pos(2, 3), f32(3))
    >>> torch.float_power(pos(2, 3), 2)
    >>> pos(2, 3).float_power(1.5)
    >>> torch.float_power(i64(2, 3), 2)
    """
    caveat("JAX computes in double precision only where jax_enable_x64 is set")
    return helpers.float_power(input, exponent)


@rule("torch.float_power", mode="pointwise")
def float_power_of_number(self: Scalar, exponent: Tensor, *, out: Out = None) -> Tensor:
    """Power of a number in double precision.

    >>> torch.float_power(2, f32(3))
    """
    caveat("JAX computes in double precision only where jax_enable_x64 is set")
    return helpers.float_power(self, exponent)


@rule("torch.resolve_conj", "torch.resolve_neg", mode="pointwise", fresh=False)
def resolve_conj(input: Tensor) -> Tensor:
    """Arrays are never conjugated only in name.

    >>> torch.resolve_conj(c64(2, 3))
    >>> torch.resolve_neg(f32(2, 3))
    """
    return input
