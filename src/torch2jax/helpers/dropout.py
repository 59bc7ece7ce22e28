"""Dropout that flax lacks."""

import math

import jax
import jax.numpy as jnp
from flax import nnx


class DropPath(nnx.Module):
    """Stochastic depth (https://arxiv.org/abs/1603.09382): in training, drops whole examples of the batch."""

    def __init__(self, rate: float = 0.0, *, scale_by_keep: bool = True, rngs: nnx.Rngs) -> None:
        self.dropout = nnx.Dropout(rate, rngs=rngs)
        self.scale_by_keep = scale_by_keep

    def __call__(self, x: jax.Array) -> jax.Array:
        """Zeroes x[i] with probability ``rate`` and divides what is kept by 1 - rate."""
        factor = self.dropout(jnp.ones((x.shape[0], *(1,) * (x.ndim - 1)), x.dtype))
        return x * (factor if self.scale_by_keep else jnp.sign(factor))


class AlphaDropout(nnx.Module):
    """Dropout for SELU networks (https://arxiv.org/abs/1706.02515): keeps mean 0 and variance 1.

    With ``whole_features``, all values of a feature of an example (batch, *spatial, features) are dropped together.
    """

    def __init__(self, rate: float = 0.5, *, whole_features: bool = False, rngs: nnx.Rngs) -> None:
        self.dropout = nnx.Dropout(rate, rngs=rngs)
        self.whole_features = whole_features

    def __call__(self, x: jax.Array) -> jax.Array:
        """Sets values to the lower limit of SELU with probability ``rate``, then restores mean and variance."""
        rate = self.dropout.rate
        if self.dropout.deterministic or rate == 0:
            return x
        if rate == 1:
            return jnp.zeros_like(x)
        shape = (x.shape[0], *(1,) * (x.ndim - 2), x.shape[-1]) if self.whole_features else x.shape
        kept = self.dropout(jnp.ones(shape, x.dtype)) > 0
        limit = -1.0507009873554805 * 1.6732632423543772
        scale = 1 / math.sqrt((1 - rate) * (1 + rate * limit**2))
        return scale * (jnp.where(kept, x, limit) - rate * limit)
