"""Functions that take the place of layers without parameters."""

import math
from collections.abc import Sequence

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.pointwise import leaky_relu
from torch2jax.helpers.random import rrelu


def flatten(x: jax.Array, start: int = 0, end: int = -1) -> jax.Array:
    """Merges the axes from ``start`` to ``end``, inclusive, into one."""
    start, end = start % x.ndim, end % x.ndim
    return x.reshape(*x.shape[:start], math.prod(x.shape[start : end + 1]), *x.shape[end + 1 :])


def unflatten(x: jax.Array, axis: int, sizes: Sequence[int]) -> jax.Array:
    """Splits an axis into axes of the given sizes, of which one may be -1."""
    axis %= x.ndim
    return x.reshape(*x.shape[:axis], *sizes, *x.shape[axis + 1 :])


def softplus(x: jax.Array, beta: float = 1.0, threshold: float = 20.0) -> jax.Array:
    """Softplus of slope ``beta``: log(1 + exp(beta * x)) / beta, and x itself where beta * x exceeds ``threshold``."""
    return jnp.where(beta * x > threshold, x, nnx.softplus(beta * x) / beta)


def threshold(x: jax.Array, threshold: float, value: float) -> jax.Array:
    """Replaces what does not exceed ``threshold`` by ``value``."""
    return jnp.where(x > threshold, x, value)


def hardshrink(x: jax.Array, lambd: float = 0.5) -> jax.Array:
    """Sets the interval [-lambd, lambd] to 0."""
    return jnp.where(jnp.abs(x) > lambd, x, 0)


def softshrink(x: jax.Array, lambd: float = 0.5) -> jax.Array:
    """Moves x towards 0 by ``lambd``, and to 0 where it is nearer."""
    return jnp.where(jnp.abs(x) > lambd, x - jnp.sign(x) * lambd, 0)


def softmin(x: jax.Array, axis: int = -1) -> jax.Array:
    """Softmax of -x."""
    return nnx.softmax(-x, axis)


class PReLU(nnx.PReLU):
    """`x` where it is positive, else a learned fraction of it, also in the gradient at 0 (`nnx.PReLU` has 1 there)."""

    def __call__(self, x: jax.Array) -> jax.Array:
        """x: (..., channels), or of any shape, also without axes, where there is one slope for all."""
        slope = self.negative_slope[...].astype(x.dtype)
        return jnp.where(x > 0, x, (slope if x.ndim else slope.reshape(())) * x)


class RReLU(nnx.Module):
    """Leaky ReLU whose slopes are drawn from [lower, upper] in training (https://arxiv.org/abs/1505.00853)."""

    def __init__(self, lower: float = 0.125, upper: float = 0.3333333333333333, *, rngs: nnx.Rngs) -> None:
        self.lower = lower
        self.upper = upper
        self.deterministic = False
        self.rngs = rngs.fork()

    def __call__(self, x: jax.Array) -> jax.Array:
        """Multiplies what is negative by its slope; in evaluation, by the mean of the bounds."""
        if self.deterministic:
            return leaky_relu(x, (self.lower + self.upper) / 2)
        return rrelu(self.rngs(), x, self.lower, self.upper)

    def set_view(self, deterministic: bool | None = None) -> None:
        """Changes the mode in `nnx.view`."""
        if deterministic is not None:
            self.deterministic = deterministic
