"""What PyTorch has and neither JAX nor Flax nor optax: used by the modules of this package."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from jax import lax


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


def reduce_loss(loss: jax.Array, reduction: str = "mean") -> jax.Array:
    """Mean or sum of the elementwise losses, or (for "none") the losses themselves."""
    if reduction == "none":
        return loss
    return loss.sum() if reduction == "sum" else loss.mean()


def nll_loss(
    log_probs: jax.Array,
    labels: jax.Array,
    weight: jax.Array | None = None,
    ignore_index: int = -100,
    reduction: str = "mean",
) -> jax.Array:
    """Negative log likelihood of integer labels; the mean is weighted by the weights of the classes that count.

    Log probabilities have shape (classes,) or (batch, classes, ...), labels the same without the classes.
    """
    axis = min(log_probs.ndim - 1, 1)
    kept = labels != ignore_index
    classes = jnp.where(kept, labels, 0)
    loss = -jnp.take_along_axis(log_probs, jnp.expand_dims(classes, axis), axis).squeeze(axis)
    scale = jnp.where(kept, jnp.ones_like(loss) if weight is None else weight[classes], 0)
    loss = jnp.where(kept, loss * scale, 0)
    return loss.sum() / scale.sum() if reduction == "mean" else reduce_loss(loss, reduction)


def top_k(x: jax.Array, k: int, axis: int = -1, largest: bool = True) -> tuple[jax.Array, jax.Array]:
    """The k largest (or smallest) values along `axis`, in order, and their indices."""
    indices = lax.slice_in_dim(jnp.argsort(x, axis, descending=largest), 0, k, axis=axis)
    return jnp.take_along_axis(x, indices, axis), indices
