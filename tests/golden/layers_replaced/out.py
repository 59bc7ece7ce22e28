"""Layers swapped after the model has been built, as in fine-tuning."""
import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Backbone(nnx.Module):
    def __init__(self, width=8, num_classes=10, *, rngs: nnx.Rngs):
        self.features = nnx.Sequential(
            nnx.Conv(3, width, (3, 3), padding="VALID", **fan_in_uniform(3, (3, 3)), rngs=rngs),
            BatchNorm(width, rngs=rngs),
            nnx.relu,
            partial(jnp.mean, axis=(1, 2), keepdims=True),
        )
        self.fc = nnx.Linear(width, num_classes, **fan_in_uniform(width), rngs=rngs)
        self.classifier = nnx.Sequential(
            nnx.Dropout(0.0, rngs=rngs), nnx.Linear(num_classes, num_classes, **fan_in_uniform(num_classes), rngs=rngs)
        )

    def __call__(self, x):
        x = x.transpose(0, 2, 3, 1)  # N C H W -> N H W C
        value = self.features(x)
        x = value.reshape(value.shape[0], -1)
        return self.classifier(self.fc(x))


def finetune(num_classes=3, width=8, *, rngs: nnx.Rngs):
    model = Backbone(width, rngs=rngs)
    freeze(model)
    num_ftrs = model.fc.in_features
    model.fc = nnx.Linear(num_ftrs, 2 * num_classes, **fan_in_uniform(num_ftrs), rngs=rngs)
    model.classifier.layers[1] = nnx.Linear(
        2 * num_classes, num_classes, use_bias=False, **fan_in_uniform(2 * num_classes), rngs=rngs
    )
    model.features.layers[2] = partial(leaky_relu, negative_slope=0.2)
    return model


def as_extractor(width=8, *, rngs: nnx.Rngs):
    model = Backbone(width, rngs=rngs)
    model.fc = nnx.identity
    model.classifier = nnx.Sequential()
    return model


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


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def set_trainable(target: Any, trainable: bool) -> Any:
    """Makes a parameter, or every parameter of a module, an `nnx.Param` or `Frozen`, and gives it back.

    The Variables change their class in place, so that a parameter with several owners stays one.
    """
    nodes = [target] if isinstance(target, nnx.Variable) else [node for _, node in nnx.iter_graph(target)]
    for node in nodes:
        if isinstance(node, nnx.Param | Frozen):
            node.__class__ = nnx.Param if trainable else Frozen
    return target


def freeze(target: Any) -> Any:
    """Takes a parameter, or every parameter of a module, out of training."""
    return set_trainable(target, False)


def leaky_relu(x: jax.Array, negative_slope: float = 0.01) -> jax.Array:
    """`x` where it is positive, else negative_slope * x, also in the gradient at 0 (`nnx.leaky_relu` has 1 there)."""
    return jnp.where(x > 0, x, negative_slope * x)
