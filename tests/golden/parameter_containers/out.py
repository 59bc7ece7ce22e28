import jax.numpy as jnp
from flax import nnx


class Mixer(nnx.Module):
    def __init__(self, dim=4, n=3, *, rngs: nnx.Rngs):
        self.bases = nnx.List([nnx.Param(rngs.normal((dim, dim))) for _ in range(n)])
        self.extra = nnx.List([])
        for i in range(n):
            self.extra.append(nnx.Param(jnp.full((dim,), 0.1 * i)))
        self.gates = nnx.Dict({
            "in": nnx.Param(rngs.uniform((n,))),
            "out": nnx.Param(jnp.zeros((n,))),
        })

    def __call__(self, x):
        out = 0
        weights = nnx.softmax(self.gates["in"][...], axis=0)
        for i, basis in enumerate(self.bases):
            out = out + weights[i] * (x @ basis[...]) + self.extra[i][...]
        scale = sum(g[...].sum() for g in self.gates.values())
        return out * nnx.sigmoid(self.gates["out"][...]).mean() + scale, len(self.bases)
