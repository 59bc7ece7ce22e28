import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

conv = partial(nnx.Conv, padding="VALID")
act_dict = {"relu": nnx.relu, "tanh": jnp.tanh, "none": lambda x: x}


# Helpers without a Flax equivalent.


def bilinear(x1: jax.Array, x2: jax.Array, weight: jax.Array, bias: jax.Array | None = None) -> jax.Array:
    """Maps (..., in1) and (..., in2) to (..., out) by a weight of shape (out, in1, in2)."""
    y = jnp.einsum("...i,oij,...j->...o", x1, weight, x2)
    return y if bias is None else y + bias


def uniform_within(bound: float) -> Callable[..., jax.Array]:
    """Initializer that draws uniformly from [-bound, bound]."""

    def init(key: jax.Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return init


class Bilinear(nnx.Module):
    """Bilinear form of two inputs: y[o] = sum over i and j of x1[i] * weight[o, i, j] * x2[j] + bias[o]."""

    def __init__(
        self,
        in1_features: int,
        in2_features: int,
        out_features: int,
        *,
        use_bias: bool = True,
        param_dtype: Any = jnp.float32,
        rngs: nnx.Rngs,
    ) -> None:
        init = uniform_within(1 / math.sqrt(in1_features))
        self.weight = nnx.Param(init(rngs.params(), (out_features, in1_features, in2_features), param_dtype))
        self.bias = nnx.Param(init(rngs.params(), (out_features,), param_dtype)) if use_bias else None

    def __call__(self, x1: jax.Array, x2: jax.Array) -> jax.Array:
        """Maps (..., in1_features) and (..., in2_features) to (..., out_features)."""
        return bilinear(x1, x2, self.weight[...], None if self.bias is None else self.bias[...])


def fan_in_uniform(in_features: int, kernel_size: int | Sequence[int] = (), groups: int = 1) -> dict[str, Any]:
    """Initializers of kernel and bias that draw from [-b, b], b = 1 / sqrt(in_features / groups * prod(kernel_size)).

    This is how PyTorch initializes linear layers and convolutions; flax would draw a normal kernel and a zero bias.
    """
    window = (kernel_size,) if isinstance(kernel_size, int) else kernel_size
    init = uniform_within(1 / math.sqrt(max(1, in_features // groups * math.prod(window))))
    return {"kernel_init": init, "bias_init": init}


layer_dict = dict(linear=nnx.Linear, bilinear=Bilinear)


class Net(nnx.Module):
    norm = partial(nnx.LayerNorm, epsilon=1e-5, use_fast_variance=False)
    pools = {"max": nnx.max_pool, "avg": nnx.avg_pool}

    def __init__(self, d=4, pool="max", act="relu", *, rngs: nnx.Rngs):
        Layer = layer_dict["linear"]
        self.conv = conv(d, 2 * d, 3, padding=1, **fan_in_uniform(d, 3), rngs=rngs)
        self.norm1 = self.norm(2 * d, rngs=rngs)
        self.pool = partial(self.pools[pool], window_shape=(2,), strides=(2,))
        self.fc = Layer(2 * d, d, **fan_in_uniform(2 * d), rngs=rngs)
        pair = Bilinear if d > 3 else None
        self.pair = pair(d, d, 3, rngs=rngs) if pair else None
        self.act = act_dict[act]

    def __call__(self, x):
        x = x.transpose(0, 2, 1)  # N C L -> N L C
        x = self.pool(self.conv(x))
        x = self.fc(self.norm1(x))
        x = self.act(x).mean(axis=1)
        return x if self.pair is None else self.pair(x, x)
