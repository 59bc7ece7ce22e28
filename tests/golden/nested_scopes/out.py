import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


def make_net(dims, act, *, rngs: nnx.Rngs):
    """A class and functions inside a function, which see its variables."""
    scale = 1.0 / len(dims)

    class Inner(nnx.Module):
        def __init__(self, *, rngs: nnx.Rngs):
            self.layers = nnx.List([linear(a, b) for a, b in zip(dims[:-1], dims[1:])])

        def __call__(self, x):
            def branch(y, layer):
                nonlocal total
                y = act(layer(y)) * scale
                total = total + absolute(y).mean()
                return y

            total = jnp.zeros(())
            for layer in self.layers:
                x = branch(x, layer)
            return x, total

    def linear(a, b):
        return nnx.Linear(a, b, use_bias=a != b, **fan_in_uniform(a), rngs=rngs)

    return Inner(rngs=rngs)


def tanh_net(*dims, rngs: nnx.Rngs):
    return make_net(dims, jnp.tanh, rngs=rngs)


def gelu_net(*dims, rngs: nnx.Rngs):
    gelu = partial(nnx.gelu, approximate=False)
    return make_net(dims, lambda x: gelu(x), rngs=rngs)


# Helpers without a Flax equivalent.


def absolute(x: jax.Array) -> jax.Array:
    """|x| with the gradient 0 at 0, where that of `jnp.abs` is 1."""
    return jnp.abs(x) if jnp.iscomplexobj(x) else x * jnp.sign(x)


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
