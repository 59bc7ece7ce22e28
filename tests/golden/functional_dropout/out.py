import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Net(nnx.Module):
    def __init__(self, d=6, dropout=0.5, input_dropout=0.2, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.dropout = dropout
        self.fc = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)
        self.drop = nnx.Dropout(input_dropout, rngs=rngs)
        self.drop2d = nnx.Dropout(dropout, broadcast_dims=(1, 2), rngs=rngs)

    def __call__(self, x):
        x = self.drop(x)
        h = nnx.Dropout(self.dropout)(
            nnx.relu(self.fc(x)), deterministic=self.deterministic, rngs=self.rngs
        )
        h = nnx.Dropout(self.dropout)(h, deterministic=self.deterministic, rngs=self.rngs)
        h = squeeze(
            squeeze(
                self.drop2d(h[:, :, None, None].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2), -1
            ),
            -1,
        )
        if not self.deterministic:
            h = h * 1.5
        return h


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


def squeeze(x: jax.Array, axis: int | Sequence[int]) -> jax.Array:
    """`x` without the given axes, where their size is 1; axes of another size stay."""
    axes = (axis,) if isinstance(axis, int) else axis
    return x.squeeze(tuple(axis for axis in axes if x.ndim and x.shape[axis] == 1))
