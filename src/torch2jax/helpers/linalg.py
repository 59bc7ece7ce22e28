"""Norms and distances whose gradient at 0 is 0, and matrix functions that jax.numpy names or orders otherwise."""

import jax
import jax.numpy as jnp
from jax import lax

from torch2jax.helpers.pointwise import absolute


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


def norm(
    x: jax.Array, p: float | str = 2, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> jax.Array:
    """The p-norm of the vectors along `axis`, with the gradient 0 at the zero vector."""
    if p in (2, "fro"):
        return l2_norm(x, axis, keepdims)
    size = absolute(x)
    if p == float("inf"):
        return size.max(axis=axis, keepdims=keepdims)
    if p == -float("inf"):
        return size.min(axis=axis, keepdims=keepdims)
    if isinstance(p, str):
        raise ValueError(f"norm knows numbers, inf, -inf and 'fro', not {p!r}")
    if p == 0:
        return (size != 0).sum(axis=axis, keepdims=keepdims).astype(size.dtype)
    if p == 1:
        return size.sum(axis=axis, keepdims=keepdims)
    if p < 0:  # a component of 0 makes it 0, with the gradient 0
        total = (jnp.where(size > 0, size, 1) ** p).sum(axis=axis, keepdims=keepdims) ** (1 / p)
        return jnp.where((size > 0).all(axis=axis, keepdims=keepdims), total, 0)
    # A component of 0 adds 0 with the gradient 0; without the inner `where` a power below 1 would make it NaN.
    power = jnp.where(size > 0, jnp.where(size > 0, size, 1) ** p, size)
    total = power.sum(axis=axis, keepdims=keepdims)
    return jnp.where(total > 0, jnp.where(total > 0, total, 1) ** (1 / p), total)


def norm_of_order(
    x: jax.Array, order: float | str | None, axis: int | tuple[int, ...] | None = None, keepdims: bool = False
) -> jax.Array:
    """`jnp.linalg.norm` with the gradient 0 at zero: of vectors, or of matrices where there are two axes."""
    if order is None:
        return l2_norm(x, axis, keepdims)
    axes = tuple(range(x.ndim)) if axis is None else (axis,) if isinstance(axis, int) else axis
    return norm(x, order, axes, keepdims) if len(axes) == 1 else matrix_norm(x, order, axes, keepdims)


def matrix_norm(
    x: jax.Array, order: float | str = "fro", axis: tuple[int, ...] = (-2, -1), keepdims: bool = False
) -> jax.Array:
    """Norm of the matrices in two axes, with the gradient 0 where an entry is 0, unless it is of singular values."""
    if order == "fro":
        return l2_norm(x, axis, keepdims)
    matrices = jnp.moveaxis(x, axis, (-2, -1))
    if order in (1, -1):
        sizes = absolute(matrices).sum(-2)
    elif order in (float("inf"), -float("inf")):
        sizes = absolute(matrices).sum(-1)
    elif order in (2, -2, "nuc"):
        sizes = jnp.linalg.svd(matrices, compute_uv=False)
    else:
        raise ValueError(f"norms of matrices are of order 1, 2, inf, their negatives, 'fro' or 'nuc', not {order!r}")
    result = sizes.sum(-1) if isinstance(order, str) else sizes.max(-1) if order > 0 else sizes.min(-1)
    return jnp.expand_dims(result, axis) if keepdims else result


def matrix_rank(
    x: jax.Array, atol: float | jax.Array | None = None, rtol: float | jax.Array | None = None
) -> jax.Array:
    """How many singular values are above `atol`, and above `rtol` times the greatest one.

    `rtol` is 0 by default where `atol` is positive. `jnp.linalg.matrix_rank` compares with `rtol` itself.
    """
    sizes = jnp.linalg.svd(x, compute_uv=False)
    least = jnp.zeros(x.shape[:-2], sizes.dtype) if atol is None else jnp.asarray(atol, sizes.dtype)
    if rtol is None:
        eps = float(jnp.finfo(sizes.dtype).eps)  # type: ignore[no-untyped-call]
        rtol = jnp.where(least > 0, 0, max(x.shape[-2:]) * eps)
    bound = jnp.maximum(least, rtol * sizes.max(-1, initial=0))
    return (sizes > bound[..., None]).sum(-1)


def l2_normalize(x: jax.Array, axis: int | tuple[int, ...] = 1, eps: float = 1e-12) -> jax.Array:
    """`x` divided by its Euclidean norm along `axis`, or by `eps` where the norm is smaller."""
    return x / jnp.maximum(l2_norm(x, axis, keepdims=True), eps)


def normalize(x: jax.Array, p: float = 2, axis: int | tuple[int, ...] = 1, eps: float = 1e-12) -> jax.Array:
    """`x` divided by its p-norm along `axis`, or by `eps` where the norm is smaller."""
    return x / jnp.maximum(norm(x, p, axis, keepdims=True), eps)


def cosine_similarity(x: jax.Array, y: jax.Array, axis: int = 1, eps: float = 1e-8) -> jax.Array:
    """Cosine of the angle between the vectors along `axis`; norms below `eps` count as `eps`."""
    x, y = jnp.broadcast_arrays(x, y)

    def unit(v: jax.Array) -> jax.Array:
        size = l2_norm(v, axis, keepdims=True)  # which keeps its gradient below eps, as in PyTorch
        return v / (size + lax.stop_gradient(jnp.maximum(size, eps) - size))

    return (unit(x) * unit(y)).sum(axis)


def pdist(x: jax.Array, p: float = 2.0) -> jax.Array:
    """p-norm distance of every pair of rows, in the order (0, 1), (0, 2), ..., (1, 2), ..."""
    first, second = jnp.triu_indices(x.shape[0], 1)
    return norm(x[first] - x[second], p, axis=-1)


def diag_embed(x: jax.Array, offset: int = 0, axis1: int = -2, axis2: int = -1) -> jax.Array:
    """Matrices in the axes `axis1` and `axis2` of the result, with the last axis of x on their diagonals."""
    size = x.shape[-1] + abs(offset)
    rows = jnp.arange(x.shape[-1]) + max(-offset, 0)
    matrices = jnp.zeros((*x.shape[:-1], size, size), x.dtype).at[..., rows, rows + offset].set(x)
    return jnp.moveaxis(matrices, (-2, -1), (axis1, axis2))


def cross(x: jax.Array, y: jax.Array, axis: int | None = None) -> jax.Array:
    """Cross product along `axis`, or along the first axis of size 3."""
    x, y = jnp.broadcast_arrays(x, y)
    return jnp.cross(x, y, axis=x.shape.index(3) if axis is None else axis)


def renorm(x: jax.Array, p: float, axis: int, max_norm: float) -> jax.Array:
    """`x` with the slices along `axis` scaled down to a p-norm of `max_norm` where theirs is greater."""
    norms = norm(x, p, tuple(i for i in range(x.ndim) if i != axis % x.ndim), keepdims=True)
    return jnp.where(norms > max_norm, x * (max_norm / (norms + 1e-7)), x)


def svd(x: jax.Array, full_matrices: bool = False) -> tuple[jax.Array, jax.Array, jax.Array]:
    """U, the singular values and V (not transposed), so that x = U diag(S) V^H."""
    u, s, vh = full_svd(x) if full_matrices else jnp.linalg.svd(x, full_matrices=False)
    return u, s, vh.conj().mT


def full_svd(x: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """`jnp.linalg.svd` with full matrices, differentiably: no gradient goes through the vectors beyond the values."""
    u, s, vh = jnp.linalg.svd(x, full_matrices=False)
    if x.shape[-2] == x.shape[-1]:
        return u, s, vh
    whole_u, _, whole_vh = jnp.linalg.svd(lax.stop_gradient(x), full_matrices=True)
    count = s.shape[-1]
    return (
        jnp.concatenate([u, whole_u[..., :, count:]], -1),
        s,
        jnp.concatenate([vh, whole_vh[..., count:, :]], -2),
    )
