"""A module that is a bag of parameters with methods; somebody else calls them."""

import jax.numpy as jnp
from flax import nnx
from jax import lax


class Codebook(nnx.Module):
    def __init__(self, size, dim, *, rngs: nnx.Rngs):
        self.table = nnx.Embed(size, dim, embedding_init=nnx.initializers.normal(1.0), rngs=rngs)
        self.scale = nnx.Param(jnp.ones((dim,)))

    def lookup(self, ids):
        return self.table(ids) * self.scale[...]

    def distances(self, z):
        """Squared distances (N, size) of vectors (N, dim) to all entries."""
        e = self.table.embedding[...] * self.scale[...]
        return (z**2).sum(axis=1, keepdims=True) - 2 * z @ e.T + (e**2).sum(axis=1)

    def nearest(self, z):
        return self.distances(z).argmin(axis=1)


class Quantizer(nnx.Module):
    def __init__(self, size=11, dim=4, *, rngs: nnx.Rngs):
        self.codebook = Codebook(size, dim, rngs=rngs)

    def __call__(self, z):
        ids = self.codebook.nearest(z)
        q = self.codebook.lookup(ids)
        # straight-through: the gradient passes as if nothing had happened
        return z + lax.stop_gradient(q - z), ids
