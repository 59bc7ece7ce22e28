import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Detector(nnx.Module):
    """What comes back depends on the mode and on flags."""

    def __init__(self, channels=6, num_classes=4, aux=True, *, rngs: nnx.Rngs):
        self.deterministic = False
        self.body = nnx.Conv(3, channels, (3, 3), padding=1, **fan_in_uniform(3, (3, 3)), rngs=rngs)
        self.cls = nnx.Conv(
            channels,
            num_classes,
            (1, 1),
            padding="VALID",
            **fan_in_uniform(channels, (1, 1)),
            rngs=rngs,
        )
        self.aux = (
            nnx.Linear(channels, num_classes, **fan_in_uniform(channels), rngs=rngs)
            if aux
            else None
        )

    def __call__(self, x, return_features=False):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        feat = nnx.relu(self.body(x))
        if return_features:
            return feat.transpose(0, 3, 1, 2)
        scores = self.cls(feat)
        pooled = scores.max(axis=(1, 2))
        if not self.deterministic and self.aux is not None:
            return pooled, self.aux(feat.mean(axis=(1, 2))), feat.transpose(0, 3, 1, 2)
        if self.aux is None:
            return {"scores": pooled, "map": scores.transpose(0, 3, 1, 2)}
        return pooled, scores.transpose(0, 3, 1, 2)


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
