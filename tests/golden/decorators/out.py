import functools
import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
import torch
from flax import nnx
from jax import lax


def scaled(factor):
    def decorate(fn):
        @functools.wraps(fn)
        def wrapped(self, x, *args, **kwargs):
            return fn(self, x * factor, *args, **kwargs)

        return wrapped

    return decorate


# Helpers without a Flax equivalent.


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


def expand_shape(shape: Sequence[int], sizes: Sequence[int]) -> tuple[int, ...]:
    """`sizes` in which every -1 is replaced by the size that `shape` has there, counted from the last axis."""
    missing = len(sizes) - len(shape)
    return tuple(shape[i - missing] if size == -1 else size for i, size in enumerate(sizes))


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


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)


def l2_norm(x: jax.Array, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> jax.Array:
    """Euclidean norm along `axis` (of all elements for None), with the gradient 0 at the zero vector."""
    return safe_sqrt((x * x.conj()).real.sum(axis=axis, keepdims=keepdims))


class Net(nnx.Module):
    def __init__(self, d=4, *, rngs: nnx.Rngs):
        self.fc = nnx.Linear(d, d, **fan_in_uniform(d), rngs=rngs)

    @scaled(0.5)
    def __call__(self, x):
        norm = clamp(l2_norm(x, axis=-1, keepdims=True), min=1e-6)
        norm = lax.stop_gradient(norm)
        return self.fc(x / norm) + self.target(x)

    def target(self, x):
        return lax.stop_gradient(jnp.sign(self.fc(x)))

    def predict(self, x):
        return self(x).argmax(axis=-1)

    @functools.lru_cache(maxsize=None)
    def grid(self, n):
        return jnp.linspace(-1, 1, n)

    def sample(self, n):
        # TODO(torch2jax): T2J103 torch.is_grad_enabled: JAX has no switch for gradients
        was = torch.is_grad_enabled()
        value = self.grid(n)[:, None]
        return self.fc(jnp.broadcast_to(value, expand_shape(value.shape, (n, self.fc.in_features))))
