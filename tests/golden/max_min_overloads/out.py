import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Extremes(nnx.Module):
    """All the things that max and min can mean."""

    def __call__(self, x, y):
        largest = x.max()
        values, indices = max_with_indices(x, axis=1)
        m = max_with_indices(x, axis=0, keepdims=True)[0]
        both = jnp.maximum(x, y)
        low = min_with_indices(x, axis=-1)[0]
        where = min_with_indices(y, axis=-1)[1]
        _, top = max_with_indices(lax.stop_gradient(y), axis=1)
        floor = jnp.minimum(x, y)
        number = max(x.shape[0], 2)
        top_row, _ = min_with_indices(x, axis=0)
        return largest, values, indices, m, both, low, where, top, floor * number, top_row, y.min()


# Helpers without a Flax equivalent.


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))


def min_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Minimum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmin(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))
