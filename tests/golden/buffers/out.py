import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class RunningStats(nnx.Module):
    """Buffers of every kind: kept, not kept, None, written in place and assigned."""

    def __init__(self, dim=4, momentum=0.1, track=True, *, rngs: nnx.Rngs):
        self.deterministic = False
        self.momentum = momentum
        self.mean = Buffer(jnp.zeros((dim,)))
        self.var = Buffer(jnp.ones((dim,))) if track else None
        self.count = Buffer(jnp.array(0, dtype=jnp.int32))
        self.window = Buffer(jnp.hanning(dim + 1)[:-1], persistent=False)
        self.eps = 1e-5

    def update(self, x):
        self.mean[...] = lax.stop_gradient(self.mean[...] * (1 - self.momentum))
        self.mean[...] = lax.stop_gradient(self.mean[...] + self.momentum * x.mean(axis=0))
        if self.var is not None:
            value = self.var[...]
            self.var[...] = lax.stop_gradient(value + self.momentum * (x.var(axis=0) - value))
        self.count[...] += x.shape[0]

    def __call__(self, x):
        if not self.deterministic:
            self.update(x)
        x = x - self.mean[...]
        if self.var is not None:
            x = x / jnp.sqrt(self.var[...] + self.eps)
        return x * self.window[...], self.count[...]


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""
