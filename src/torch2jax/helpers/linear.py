"""Linear and bilinear maps."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.init import uniform_within


class Bilinear(nnx.Module):
    """Bilinear form of two inputs: y[o] = sum over i and j of x1[i] * weight[o, i, j] * x2[j] + bias[o]."""

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        init = uniform_within(1 / math.sqrt(in1_features))
        self.weight = nnx.Param(init(rngs.params(), (out_features, in1_features, in2_features), param_dtype))
        self.bias = nnx.Param(init(rngs.params(), (out_features,), param_dtype)) if use_bias else None

    def __call__(self, x1: jax.Array, x2: jax.Array) -> jax.Array:
        """Maps (..., in1_features) and (..., in2_features) to (..., out_features)."""
        return bilinear(x1, x2, self.weight[...], None if self.bias is None else self.bias[...])


def linear(x: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """Maps (..., in) to (..., out) by a weight of shape (out, in)."""
    y = x @ weight.T
    return y if bias is None else y + bias


def bilinear(x1: jax.Array, x2: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """Maps (..., in1) and (..., in2) to (..., out) by a weight of shape (out, in1, in2)."""
    y = jnp.einsum("...i,oij,...j->...o", x1, weight, x2)
    return y if bias is None else y + bias
