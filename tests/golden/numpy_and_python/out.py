import math

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax


def sinusoid_table(n, d):
    angle = np.array([[pos / np.power(10000, 2 * (i // 2) / d) for i in range(d)] for pos in range(n)])
    angle[:, 0::2] = np.sin(angle[:, 0::2])
    angle[:, 1::2] = np.cos(angle[:, 1::2])
    return jnp.asarray(angle).astype(jnp.float32)[None]


class PositionalEncoding(nnx.Module):
    def __init__(self, d=6, n=12, dropout=0.1, *, rngs: nnx.Rngs):
        self.table = Buffer(sinusoid_table(n, d))
        pe = jnp.zeros((n, d))
        position = jnp.arange(0, n)[:, None]
        div_term = jnp.exp(jnp.arange(0, d, 2) * -(math.log(10000.0) / d))
        pe = pe.at[:, 0::2].set(jnp.sin(position * div_term))
        pe = pe.at[:, 1::2].set(jnp.cos(position * div_term))
        self.pe = Buffer(pe)
        self.weights = jnp.array(np.linspace(0.0, 1.0, d).tolist())
        self.dropout = nnx.Dropout(dropout, rngs=rngs)
        self.log_scale = nnx.Param(jnp.ones(()) * np.log(1 / 0.07))

    def __call__(self, x):
        x = x * jnp.exp(self.log_scale[...]) + self.pe[...][: x.shape[1]] * math.sqrt(x.shape[-1])
        x = x + lax.stop_gradient(self.table[...][:, : x.shape[1]])
        return self.dropout(x * self.weights) / np.sqrt(2)


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""
