import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

# TODO(torch2jax): T2J103 this partial has no short form in JAX
Conv3x3 = partial(partial(nnx.Conv, padding="VALID"), kernel_size=3, padding=1)
LN = partial(nnx.LayerNorm, use_fast_variance=False)


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


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)


leaky = partial(leaky_relu, negative_slope=0.2)


class Net(nnx.Module):
    def __init__(
        self, c=3, width=4, norm=LN, act=partial(leaky_relu, negative_slope=0.1), *, rngs: nnx.Rngs
    ):
        self.conv1 = Conv3x3(c, width, use_bias=False, rngs=rngs)
        self.conv2 = Conv3x3(width, width, strides=2, rngs=rngs)
        self.norm = norm(width, rngs=rngs)
        self.act = act
        self.softmax = nnx.softmax
        make = partial(self.head, 5)
        self.out = make(width, rngs=rngs)

    @staticmethod
    def head(n_out, n_in, *, rngs: nnx.Rngs):
        return nnx.Linear(n_in, n_out, **fan_in_uniform(n_in), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = leaky(self.conv1(x))
        x = self.act(self.conv2(x))
        return self.softmax(self.out(self.norm(x.mean(axis=(1, 2)))))
