from __future__ import print_function, division

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Net(nnx.Module):
    def __init__(self, nin=5, nhid=8, cuda=False, *, rngs: nnx.Rngs):
        self.use_cuda = cuda and jax.default_backend() == "gpu"
        self.i2h = nnx.Linear(nin + nhid, nhid, **fan_in_uniform(nin + nhid), rngs=rngs)
        self.i2o = nnx.Linear(nin + nhid, nin, **fan_in_uniform(nin + nhid), rngs=rngs)
        self.start = nnx.Param(jnp.zeros_like(jnp.zeros((1, nhid), dtype=jnp.float32)))
        self.nhid = nhid
        self.i2h.kernel[...] = rngs.uniform(
            self.i2h.kernel.shape, dtype=self.i2h.kernel.dtype, minval=-0.1, maxval=0.1
        )
        self.i2h.bias[...] = jnp.zeros((nhid,))
        if self.use_cuda:
            pass

    def init_hidden(self, bsz):
        h = jnp.zeros((bsz, self.nhid))
        if self.use_cuda:
            pass
        value = self.start[...]
        return h + jnp.broadcast_to(value, expand_shape(value.shape, (bsz, self.nhid)))

    def __call__(self, xs):
        h = self.init_hidden(xs.shape[1])
        outs = []
        for t in range(xs.shape[0]):
            both = jnp.concatenate((xs[t], h), axis=1)
            h = jnp.tanh(self.i2h(both))
            outs.append(nnx.sigmoid(self.i2o(both))[None])
        out = jnp.concatenate(outs)
        return out, lax.stop_gradient(lax.stop_gradient(h))


# Helpers without a Flax equivalent.


def expand_shape(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """`sizes` in which every -1 is replaced by the size that `shape` has there, counted from the last axis."""
    missing = len(sizes) - len(shape)
    return tuple(shape[i - missing] if size == -1 else size for i, size in enumerate(sizes))


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}
