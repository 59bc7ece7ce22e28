"""Writes through views: the base changes with them."""
import jax.numpy as jnp
from flax import nnx
from jax import lax


def first_column(x):
    y = x[:, 0]
    y = y + 1
    x = x.at[:, 0].set(y)
    return x


def through_reshape(x):
    flat = x.reshape(-1)
    flat = flat.at[::2].set(0)
    x = flat.reshape(x.shape)
    row = x[1]
    row *= 2
    x = x.at[1].set(row)
    flat = x.reshape(-1)
    return x, flat.sum()


def two_names(x):
    y = x
    y = y.at[0].set(5.0)
    x = y
    z = x
    z = z.at[1].set(-1.0)
    return x + z


def transposed(x):
    t = x.T
    t = t.at[0, :].add(10)
    x = t.T
    a, b = jnp.split(x, 2)
    a = a * b
    # TODO(torch2jax): T2J105 `x` shares memory with an array that was changed in place before
    x = x[None].at[0, -1].set(jnp.zeros_like(x[None][0, -1])).reshape(x.shape)
    # TODO(torch2jax): T2J105 `x` shares memory with an array that was changed in place before
    return x


def write_after_read(x):
    before = x[0]
    after = before + 0
    x = x.at[0, 0].set(100.0)
    before = x[0]
    # `before` is a view and sees the write, `after` does not
    return before, after, x


def select_column(x, i):
    part = lax.slice_in_dim(x[:, i], 0, 2)
    part = jnp.full_like(part, 7.0)
    x = x.at[:, i].set(x[:, i].at[0:2].set(part))
    x = nnx.relu(x)
    return x
