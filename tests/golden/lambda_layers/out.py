import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Lambda(nnx.Module):
    def __init__(self, func, *, rngs: nnx.Rngs):
        self.func = func

    def __call__(self, *args):
        # TODO(torch2jax): T2J102 torch.sin: `*args` may hold any number of arguments: the one for `input` can't be told
        # TODO(torch2jax): T2J107 what is called here may be one of several things that translate differently (<lambda>, torch.sin)
        return self.func(*args)

    def __repr__(self):
        return "Lambda()"


class Residual(nnx.Module):
    def __init__(self, fn, *, rngs: nnx.Rngs):
        self.fn = fn

    def __call__(self, x, **kwargs):
        return self.fn(x, **kwargs) + x


class Net(nnx.Module):
    def __init__(self, d=4, scale=0.5, *, rngs: nnx.Rngs):
        self.net = nnx.Sequential(
            Lambda(lambda x: x.reshape(x.shape[0], -1), rngs=rngs),
            nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs),
            Residual(
                nnx.Sequential(
                    nnx.LayerNorm(d, epsilon=1e-5, use_fast_variance=False, rngs=rngs),
                    Lambda(jnp.sin, rngs=rngs),
                ),
                rngs=rngs,
            ),
            Lambda(lambda x: x * scale, rngs=rngs),
        )
        self.square = lambda x: x**2
        self.acts = nnx.List([lambda x: x, nnx.relu, partial(nnx.gelu, approximate=False)])

    def __call__(self, x):
        x = self.square(self.net(x))
        return sum(act(x) for act in self.acts)


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
