import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class LeNet(nnx.Module):
    """Two convolutions and three linear layers, for 32x32 colour images such as CIFAR-10."""

    def __init__(self, num_classes=10, in_channels=3, *, rngs: nnx.Rngs):
        self.conv1 = nnx.Conv(
            in_channels,
            6,
            (5, 5),
            padding="VALID",
            **fan_in_uniform(in_channels, (5, 5)),
            rngs=rngs,
        )
        self.pool = partial(nnx.max_pool, window_shape=(2, 2), strides=(2, 2))  # no weights, so one object serves both layers
        self.conv2 = nnx.Conv(
            6, 16, (5, 5), padding="VALID", **fan_in_uniform(6, (5, 5)), rngs=rngs
        )
        # 32 -> 28 -> 14 -> 10 -> 5 pixels a side
        self.fc1 = nnx.Linear(16 * 5 * 5, 120, **fan_in_uniform(16 * 5 * 5), rngs=rngs)
        self.fc2 = nnx.Linear(120, 84, **fan_in_uniform(120), rngs=rngs)
        self.fc3 = nnx.Linear(84, num_classes, **fan_in_uniform(84), rngs=rngs)

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.pool(nnx.relu(self.conv1(x)))
        x = self.pool(nnx.relu(self.conv2(x)))
        x = x.transpose(0, 3, 1, 2).reshape(-1, 16 * 5 * 5)
        x = nnx.relu(self.fc1(x))
        x = nnx.relu(self.fc2(x))
        x = self.fc3(x)
        return x


class LeNet5(nnx.Module):
    """Closer to the network of 1998: tanh, average pooling, one grey channel.

    Returns the scores and the probabilities of the classes.
    """

    def __init__(self, in_channels=1, num_classes=10, side=5, *, rngs: nnx.Rngs):
        self.side = side
        self.features = nnx.Sequential(
            nnx.Conv(
                in_channels, 6, (5, 5), padding=2, **fan_in_uniform(in_channels, (5, 5)), rngs=rngs
            ),
            nnx.tanh,
            partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2)),
            nnx.Conv(6, 16, (5, 5), padding="VALID", **fan_in_uniform(6, (5, 5)), rngs=rngs),
            nnx.tanh,
            partial(nnx.avg_pool, window_shape=(2, 2), strides=(2, 2)),
        )
        in_features = self.count_features()
        self.classifier = nnx.Sequential(
            nnx.Linear(in_features, 120, **fan_in_uniform(in_features), rngs=rngs), nnx.tanh,
            nnx.Linear(120, 84, **fan_in_uniform(120), rngs=rngs), nnx.tanh,
            nnx.Linear(84, num_classes, **fan_in_uniform(84), rngs=rngs),
        )

    def count_features(self):
        return 16 * self.side ** 2

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        x = self.features(x).transpose(0, 3, 1, 2)
        x = x.reshape(-1, self.flat_size(x))
        scores = self.classifier(x)
        return scores, nnx.softmax(scores, axis=1)

    def flat_size(self, x):
        """Number of values of one image, whatever its rank."""
        n = 1
        for s in x.shape[1:]:
            n *= s
        return n


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
