"""Writes through views: the base changes with them."""
import jax.numpy as jnp
from flax import nnx
from jax import lax


def first_column(x):
    y = x[:, 0]
    y = y + 1
    return x


def through_reshape(x):
    flat = x.reshape(-1)
    flat = flat.at[::2].set(0)
    row = x[1]
    row *= 2
    return x, flat.sum()


def two_names(x):
    y = x
    y[0] = 5.0
    z = x
    z = z.at[1].set(-1.0)
    return x + z


def transposed(x):
    t = x.T
    t = t.at[0, :].add(10)
    a, b = jnp.split(x, 2)
    a = a * b
    jnp.zeros_like(x[None][0, -1])
    return x


def write_after_read(x):
    before = x[0]
    after = before + 0
    x[0, 0] = 100.0
    # `before` is a view and sees the write, `after` does not
    return before, after, x


def select_column(x, i):
    part = lax.slice_in_dim(x[:, i], 0, 2)
    part = jnp.full_like(part, 7.0)
    x = nnx.relu(x)
    return x
