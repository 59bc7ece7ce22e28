import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


def mlp(sizes, *, rngs: nnx.Rngs):
    return nnx.Sequential(
        *[
            layer
            for a, b in zip(sizes, sizes[1:])
            for layer in (nnx.Linear(a, b, **fan_in_uniform(a), rngs=rngs), nnx.relu)
        ][:-1]
    )


class Net(nnx.Module):
    def __init__(self, d=5, depth=2, *, rngs: nnx.Rngs):
        self.named = nnx.Sequential(
            nnx.Linear(d, 8, **fan_in_uniform(d), rngs=rngs),
            nnx.relu,
            nnx.Linear(8, d, **fan_in_uniform(8), rngs=rngs),)

        self.grown = nnx.Sequential()
        for i in range(depth):
            self.grown.layers.append(nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs))
            self.grown.layers.append(nnx.tanh)

        layers = [nnx.Linear(d, 6, **fan_in_uniform(d), rngs=rngs)]
        layers.append(nnx.LayerNorm(6, epsilon=1e-5, use_fast_variance=False, rngs=rngs))
        layers += [nnx.Linear(6, d, **fan_in_uniform(6), rngs=rngs)]
        self.listed = nnx.Sequential(*layers)
        self.nested = nnx.Sequential(
            nnx.Sequential(nnx.Linear(d, 4, **fan_in_uniform(d), rngs=rngs), nnx.sigmoid),
            mlp([4, 7, 3], rngs=rngs),
        )

    def __call__(self, x):
        x = x + self.named(x)
        x = self.grown(x)
        x = self.listed(x)
        x = x + self.named.layers[2](self.named.layers[0](x))
        for layer in self.grown.layers:
            x = layer(x)
        return self.nested(x), len(self.listed.layers)


# Helpers without a Flax equivalent.


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
