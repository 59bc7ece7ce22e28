import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

device = jax.devices()[0]


class Net(nnx.Module):
    def __init__(self, d=4, device=None, dtype=None, *, rngs: nnx.Rngs):
        factory_kwargs = {"device": device, "dtype": dtype}
        self.fc = nnx.Linear(
            d, d, param_dtype=factory_kwargs["dtype"], **fan_in_uniform(d), rngs=rngs
        )
        self.out = nnx.Linear(d, 2, **fan_in_uniform(d), rngs=rngs)
        self.freqs = Buffer(jnp.arange(d) / d)

    def __call__(self, x, ids):
        x = x.astype(self.fc.kernel.dtype)
        h = self.fc(x).astype(x.dtype)
        h = h * self.freqs[...].astype(h.dtype)
        onehot = (ids[:, None] == jnp.arange(x.shape[1])).astype(h.dtype)
        count = ids.astype(jnp.float32).mean()
        whole = (
            (ids.astype(jnp.float64) / 2).astype(jnp.int32)
            if jax.default_backend() == "gpu"
            else (ids / 2).astype(jnp.int32)
        )
        return self.out(h + onehot), count, whole, onehot.astype(bool) & (h > 0)


def build(d=4, *, rngs: nnx.Rngs):
    net = Net(d, rngs=rngs)
    return net


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


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
