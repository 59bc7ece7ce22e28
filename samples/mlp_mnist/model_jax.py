"""Multi-layer perceptrons for MNIST digits, flattened to 784 values."""

import math
from collections.abc import Callable, Sequence
from typing import Any, Sequence

import jax
import jax.numpy as jnp
from flax import nnx


class Net(nnx.Module):
    """The three-layer network of most tutorials."""

    def __init__(self, in_features=28 * 28, hidden=128, num_classes=10, p=0.2, *, rngs: nnx.Rngs):
        self.rngs = rngs.fork()
        self.deterministic = False
        self.p = p
        self.fc1 = nnx.Linear(in_features, hidden, **fan_in_uniform(in_features), rngs=rngs)
        self.fc2 = nnx.Linear(hidden, hidden, **fan_in_uniform(hidden), rngs=rngs)
        self.fc3 = nnx.Linear(hidden, num_classes, **fan_in_uniform(hidden), rngs=rngs)

    def __call__(self, x):
        # flatten image input: (N, 1, 28, 28) -> (N, 784)
        x = x.reshape(x.shape[0], -1)
        x = nnx.relu(self.fc1(x))
        x = nnx.Dropout(self.p)(x, deterministic=self.deterministic, rngs=self.rngs)
        x = nnx.relu(self.fc2(x))
        x = nnx.Dropout(self.p)(x, deterministic=self.deterministic, rngs=self.rngs)
        x = self.fc3(x)
        return nnx.log_softmax(x, axis=1)


class MLP(nnx.Module):
    """Fully connected network with any number of hidden layers.

    Args:
        input_size: number of pixels of an image
        hidden_sizes: width of each hidden layer
        num_classes: number of logits
        dropout: probability of dropping a hidden unit
        batch_norm: put a BatchNorm1d before each activation
    """

    def __init__(
        self,
        input_size: int = 784,
        hidden_sizes: Sequence[int] = (128, 64),
        num_classes: int = 10,
        dropout: float = 0.5,
        batch_norm: bool = False,
        *,
        rngs: nnx.Rngs,
    ) -> None:
        layers = []
        width = input_size
        for size in hidden_sizes:
            layers.append(nnx.Linear(width, size, **fan_in_uniform(width), rngs=rngs))
            if batch_norm:
                layers.append(BatchNorm(size, rngs=rngs))
            layers += [nnx.relu, nnx.Dropout(dropout, rngs=rngs)]
            width = size

        self.flatten = lambda x: x.reshape(x.shape[0], -1)
        self.features = nnx.Sequential(*layers)
        self.classifier = nnx.Linear(width, num_classes, **fan_in_uniform(width), rngs=rngs)
        self.init_weights(rngs=rngs)

    def init_weights(self, *, rngs: nnx.Rngs) -> None:
        for _, m in nnx.iter_modules(self):
            if isinstance(m, nnx.Linear):
                m.kernel[...] = nnx.initializers.xavier_uniform()(
                    rngs.params(), m.kernel.shape, m.kernel.dtype
                )
                m.bias[...] = jnp.full_like(m.bias, 0.01)

    def __call__(self, x: jax.Array) -> jax.Array:
        x = self.flatten(x)
        x = self.features(x)
        return self.classifier(x)

    def predict(self, x: jax.Array) -> jax.Array:
        """The most likely digit of each image."""
        logits = self(x)
        _, predicted = max_with_indices(logits, axis=1)
        return predicted


def accuracy(logits, labels):
    """Share of right predictions, a number in [0, 1]."""
    pred = logits.argmax(axis=1, keepdims=True)
    correct = (pred == labels.reshape(pred.shape)).sum().item()
    return correct / len(labels)


# Helpers without a Flax equivalent.


class BatchNorm(nnx.BatchNorm):
    """Batch normalisation over all axes but the last, with PyTorch's defaults and its unbiased running variance.

    `nnx.BatchNorm` averages the biased variance of the batches; here it is multiplied by n / (n - 1) first, where n is
    the number of values per feature.
    """

    def __init__(
        self, num_features: int, *, momentum: float = 0.9, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any
    ) -> None:
        super().__init__(
            num_features, momentum=momentum, epsilon=epsilon, use_fast_variance=False, rngs=rngs, **options
        )

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        if x.size == 0:  # nothing to average
            return x
        previous = self.var[...]
        y: jax.Array = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:
            n = x.size // x.shape[-1]
            self.var[...] += (self.var[...] - self.momentum * previous) / (n - 1)
        return y


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


def max_with_indices(x: jax.Array, axis: int, keepdims: bool = False) -> tuple[jax.Array, jax.Array]:
    """Maximum along `axis` and where it is; of equal values the first one gets the whole gradient."""
    indices = jnp.argmax(x, axis, keepdims=True)
    values = jnp.take_along_axis(x, indices, axis)
    return (values, indices) if keepdims else (values.squeeze(axis), indices.squeeze(axis))
