"""Functions and methods that make parameters for others."""

import jax.numpy as jnp
from flax import nnx
def small(*shape, std=0.02, rngs: nnx.Rngs):
    return nnx.Param(rngs.normal(shape) * std)
def other(n, *, rngs: nnx.Rngs):
    p = nnx.Param(jnp.empty((n,)))
    p[...] = nnx.initializers.normal(1.0)(rngs.params(), p.shape, p.dtype)
    return p
class Net(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.banks = small(2, 3, 5, rngs=rngs)
        self.b = other(5, rngs=rngs)
        self.c = self.make(5)
    def make(self, n):
        return nnx.Param(jnp.ones((n,)))
    def weight(self):
        w = self.banks
        return w[...]
    def __call__(self, x):
        return (
            jnp.einsum('w b d, w d r -> w b r', x, self.banks[...])
            + self.b[...] * self.c[...]
            + self.weight().sum()
        )
