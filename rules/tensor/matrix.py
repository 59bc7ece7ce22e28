"""Triangles, diagonals and windows."""

from torch2jax.rulebook import *


@rule("torch.tril", "torch.Tensor.tril", rank=rank(input))
def tril(input: Tensor, diagonal=0, *, out: Out = None) -> Tensor:
    """The lower triangle of matrices, 0 elsewhere.

    >>> torch.tril(f32(3, 4))
    >>> f32(2, 3, 4).tril(-1)
    >>> torch.tril(f32(3, 4), diagonal=1)
    """
    return jnp.tril(input, k=diagonal)


@rule("torch.tril_indices", rank=2, dtype="int")
def tril_indices(row, col, offset=0, *, dtype: Ignored = None, device: Device = None, layout: Ignored = None) -> Tensor:
    """Row and column indices of the triangle.

    >>> torch.tril_indices(3, 4)
    >>> torch.tril_indices(3, 4, offset=1)
    """
    return jnp.stack(jnp.tril_indices(row, k=offset, m=col))


@rule("torch.triu", "torch.Tensor.triu", rank=rank(input))
def triu(input: Tensor, diagonal=0, *, out: Out = None) -> Tensor:
    """The upper triangle of matrices, 0 elsewhere.

    >>> torch.triu(f32(3, 4))
    >>> f32(2, 3, 4).triu(-1)
    >>> torch.triu(f32(3, 4), diagonal=1)
    """
    return jnp.triu(input, k=diagonal)


@rule("torch.triu_indices", rank=2, dtype="int")
def triu_indices(row, col, offset=0, *, dtype: Ignored = None, device: Device = None, layout: Ignored = None) -> Tensor:
    """Row and column indices of the triangle.

    >>> torch.triu_indices(3, 4)
    >>> torch.triu_indices(3, 4, offset=1)
    """
    return jnp.stack(jnp.triu_indices(row, k=offset, m=col))


@rule("torch.diag", "torch.Tensor.diag")
def diag(input: Tensor, diagonal=0, *, out: Out = None) -> Tensor:
    """Diagonal of a matrix, or a matrix with a diagonal.

    >>> torch.diag(f32(3, 4))
    >>> f32(3).diag()
    >>> torch.diag(f32(3, 4), diagonal=1)
    """
    return jnp.diag(input, k=diagonal)


@rule("torch.diagflat", "torch.Tensor.diagflat", rank=2)
def diagflat(input: Tensor, offset=0) -> Tensor:
    """A matrix with all elements on its diagonal.

    >>> torch.diagflat(f32(2, 2))
    >>> torch.diagflat(f32(2, 2), offset=1)
    """
    return jnp.diagflat(input, k=offset)


@rule("torch.diag_embed", "torch.Tensor.diag_embed", rank=rank(input) + 1)
def diag_embed(input: Tensor, offset=0, dim1=-2, dim2=-1) -> Tensor:
    """Matrices with the last axis on their diagonals.

    >>> torch.diag_embed(f32(2, 3))
    >>> f32(2, 3).diag_embed(1)
    >>> torch.diag_embed(f32(2, 3), offset=-1, dim1=0, dim2=2)
    """
    return helpers.diag_embed(input, offset=offset, axis1=dim1, axis2=dim2)


@rule("torch.vander", rank=2)
def vander(x: Tensor, N=None, increasing: bool = False) -> Tensor:
    """Powers of a vector as columns.

    >>> torch.vander(f32(3))
    >>> torch.vander(f32(3), N=2, increasing=True)
    """
    return jnp.vander(x, N=N, increasing=increasing)


@rule("torch.hann_window", rank=1, dtype="float")
def hann_window(
    window_length,
    periodic: bool = True,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Hann window.

    >>> torch.hann_window(8)
    >>> torch.hann_window(7, periodic=False)
    """
    if periodic:
        return jnp.hanning(window_length + 1)[:-1]
    return jnp.hanning(window_length)


@rule("torch.hamming_window", rank=1, dtype="float")
def hamming_window(
    window_length,
    periodic: bool = True,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Hamming window.

    >>> torch.hamming_window(8)
    >>> torch.hamming_window(7, periodic=False)
    """
    if periodic:
        return jnp.hamming(window_length + 1)[:-1]
    return jnp.hamming(window_length)


@rule("torch.blackman_window", rank=1, dtype="float")
def blackman_window(
    window_length,
    periodic: bool = True,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Blackman window.

    >>> torch.blackman_window(8)
    >>> torch.blackman_window(7, periodic=False)
    """
    if periodic:
        return jnp.blackman(window_length + 1)[:-1]
    return jnp.blackman(window_length)


@rule("torch.bartlett_window", rank=1, dtype="float")
def bartlett_window(
    window_length,
    periodic: bool = True,
    *,
    dtype: Dtype = None,
    layout: Ignored = None,
    device: Device = None,
    requires_grad: Dropped = False,
    pin_memory: Ignored = False,
) -> Tensor:
    """Bartlett window.

    >>> torch.bartlett_window(8)
    >>> torch.bartlett_window(7, periodic=False)
    """
    if periodic:
        return jnp.bartlett(window_length + 1)[:-1]
    return jnp.bartlett(window_length)


@rule("torch.Tensor.fill_diagonal_", rank=rank(self))
def fill_diagonal_(self: Tensor, fill_value: Scalar, wrap: bool = False) -> Tensor:
    """One value on the diagonal.

    >>> f32(3, 3).detach().fill_diagonal_(1.5)
    >>> f32(7, 3).detach().fill_diagonal_(1.5)
    >>> f32(7, 3).detach().fill_diagonal_(1.5, wrap=True)
    """
    if wrap:
        raise Unsupported("wrap=True of fill_diagonal_", "fill the diagonals of the square parts one by one")
    return jnp.fill_diagonal(self, fill_value, inplace=False)
