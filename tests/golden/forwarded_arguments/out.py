"""*args and **kwargs on their way through constructors and calls."""
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import torch.nn as nn
from flax import nnx


class Conv(nnx.Module):
    def __init__(self, *args, act=None, rngs: nnx.Rngs, **kwargs):
        kwargs.setdefault("padding", 1)
        # TODO(torch2jax): T2J102 torch.nn.Conv2d: `*args` may hold any number of arguments: the one for `in_channels` can't be told
        self.conv = nn.Conv2d(*args, **kwargs)
        self.act = act

    def __call__(self, x, **kwargs):
        x = self.conv(x)
        return (
            self.act(x, negative_slope=kwargs.get("negative_slope", 0.01))
            if self.act is not None
            else x
        )


class Net(nnx.Module):
    defaults = dict(kernel_size=3, bias=False)

    def __init__(self, c=3, width=4, *, rngs: nnx.Rngs, **kwargs):
        opts = {**self.defaults, **kwargs}
        self.a = Conv(c, width, rngs=rngs, **opts)
        self.b = Conv(width, width, 3, 2, act=leaky_relu, rngs=rngs)
        dims = (width, 2)
        self.fc = nnx.Linear(dims[0], dims[1], **fan_in_uniform(dims[0]), rngs=rngs)

    def __call__(self, x, slope=0.1):
        x = self.b(self.a(x), negative_slope=slope)
        return self.fc(x.mean(axis=(2, 3)))


def build(*args, pretrained=False, rngs: nnx.Rngs, **kwargs):
    if pretrained:
        raise NotImplementedError
    return Net(*args, rngs=rngs, **kwargs)


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
