import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Pyramid(nnx.Module):
    def __init__(self, channels=(4, 6, 8), out=5, *, rngs: nnx.Rngs):
        self.levels = len(channels)
        for i, c in enumerate(channels):
            setattr(
                self,
                f"lateral{i}",
                nnx.Conv(c, out, (1, 1), padding="VALID", **fan_in_uniform(c, (1, 1)), rngs=rngs),
            )
            setattr(
                self,
                "smooth{}".format(i),
                nnx.Conv(out, out, (3, 3), padding=1, **fan_in_uniform(out, (3, 3)), rngs=rngs),
            )
        self.act = nnx.silu

    def __call__(self, feats):
        top = None
        results = []
        for i in reversed(range(self.levels)):
            x = getattr(self, f"lateral{i}")(feats[i].transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)
            if top is not None:
                x = x + jnp.moveaxis(repeat_pixels(jnp.moveaxis(top, 1, -1), 2), -1, 1)
            top = x
            results.insert(
                0,
                self.act(
                    getattr(self, "smooth%d" % i)(x.transpose(0, 2, 3, 1))
                ).transpose(0, 3, 1, 2),
            )
        return results


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


def repeat_pixels(x: jax.Array, factor: float) -> jax.Array:
    """Enlarges the spatial axes of x (batch, *spatial, features) by an integer factor: each pixel is repeated."""
    for axis in range(1, x.ndim - 1):
        x = jnp.repeat(x, int(factor), axis)
    return x
