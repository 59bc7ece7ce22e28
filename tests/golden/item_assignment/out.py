import jax.numpy as jnp
from flax import nnx


class Pack(nnx.Module):
    """Masked writes, slices, integer and tensor indices, strides, ellipsis."""

    def __init__(self, width=6, *, rngs: nnx.Rngs):
        self.width = width

    def __call__(self, x, ids):
        x = jnp.where(x < 0, jnp.asarray(0, x.dtype), x)
        mask = x > 1
        x = x.at[mask].set(x[mask] * 0.5)
        out = jnp.zeros((x.shape[0], self.width), dtype=x.dtype)
        out = out.at[:, : x.shape[1]].set(x)
        out = out.at[0, -1].set(3.5)
        out = out.at[..., 1].add(1)
        out = out.at[1:, ::2].multiply(2)
        out = out.at[jnp.arange(x.shape[0]), ids].set(-1.0)
        out = out.at[jnp.array([0, 1])].set(out[jnp.array([1, 0])])
        counts = jnp.zeros((self.width,))
        for i in range(ids.shape[0]):
            counts = counts.at[ids[i]].set(counts[ids[i]] + 1)
        table = jnp.empty((2, 3))
        value = jnp.arange(3)
        table = table.at[0].set(1.0)
        table = table.at[1].set(value)
        table = table.at[:, None, 0].set(9)
        return out, counts, table
