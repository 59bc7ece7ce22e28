import math

import jax
import jax.numpy as jnp
from flax import nnx


class BatchLinear(nnx.Module):
    """One matrix for each group; a bias that may not exist, under its own name."""

    def __init__(self, groups, d_in, d_out, bias=True, *, rngs: nnx.Rngs):
        self.weight = nnx.Param(jnp.empty((groups, d_in, d_out)))
        if bias:
            self.bias = nnx.Param(jnp.empty((groups, 1, d_out)))
        else:
            self.bias = None
        self.scale = nnx.Param(jnp.ones((1,)))
        self.norm = None
        self.reset_parameters(rngs=rngs)

    def reset_parameters(self, *, rngs: nnx.Rngs) -> None:
        self.weight[...] = nnx.initializers.variance_scaling(
            2 / (1 + math.sqrt(5) ** 2), "fan_in", "uniform", in_axis=1, out_axis=0
        )(rngs.params(), self.weight.shape, self.weight.dtype)
        if self.bias is not None:
            bound = 1 / math.sqrt(self.weight[...].shape[1])
            self.bias[...] = jax.random.uniform(
                rngs.params(), self.bias.shape, self.bias.dtype, minval=-bound, maxval=bound
            )

    def __call__(self, x):
        y = x @ self.weight[...] * self.scale[...]
        if self.bias is not None:
            y = y + self.bias[...]
        return y if self.norm is None else self.norm(y)
