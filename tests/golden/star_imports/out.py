import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Net(nnx.Module):
    def __init__(self, d=4, *, rngs: nnx.Rngs):
        self.net = nnx.Sequential(
            nnx.Conv(d, 6, 3, padding="VALID", **fan_in_uniform(d, 3), rngs=rngs),
            nnx.relu,
            partial(jnp.transpose, axes=(0, 2, 1)),
            lambda x: x.reshape(x.shape[0], -1),
            Head(6 * 5, 2, rngs=rngs),
        )

    def __call__(self, x):
        x = jnp.concatenate([x, jnp.zeros_like(x[:, :, :1])], axis=2).transpose(0, 2, 1)
        return nnx.log_softmax(self.net(x), axis=1)


def Head(n_in, n_out, *, rngs: nnx.Rngs):
    return nnx.Linear(n_in, n_out, **fan_in_uniform(n_in), rngs=rngs)


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
