"""What autograd does not see: writes and reads through `.data`, regions and methods without gradients."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax


class Normalized(nnx.Module):
    """Weights that every pass normalises: they are trained as they are then."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.weight = nnx.Param(rngs.uniform((4, 3)))
        self.fc = nnx.Linear(3, 2, **fan_in_uniform(3), rngs=rngs)
        self.conv = nnx.Conv(3, 2, 1, padding="VALID", **fan_in_uniform(3, 1), rngs=rngs)
        self.center = Buffer(rngs.uniform((3,)))

    def prepare(self):
        self.weight[...] = with_data(self.weight[...], l2_normalize(self.weight[...]))
        self.weight[...] = with_data(self.weight[...], self.weight[...].at[0].set(0.25))
        self.weight[...] = with_data(self.weight[...], self.weight[...] * 0.5)
        self.fc.kernel[...] = with_data(self.fc.kernel[...], self.fc.kernel[...] * 0.9)
        self.conv.kernel[...] = with_data(self.conv.kernel[...], self.conv.kernel[...] * 0.5)
        self.fc.bias[...] += lax.stop_gradient(0.1 * self.fc.kernel[...].sum())
        self.weight[...] = with_data(self.weight[...], self.weight[...] * 2)

    def __call__(self, x):
        self.prepare()
        y = x @ self.weight[...].T + x @ lax.stop_gradient(self.weight[...]).T
        return y, self.fc(x), self.conv(x[..., None].transpose(0, 2, 1)).transpose(0, 2, 1)


class Centered(nnx.Module):
    """A running mean that is written with values that have gradients."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.center = Buffer(rngs.uniform((3,)))
        self.scale = nnx.Param(rngs.uniform((3,)))

    def update(self, x):
        self.center[...] = self.center[...] * 0.9
        self.center[...] = lax.stop_gradient(self.center[...] + 0.1 * x.mean(axis=0))

    def anchor(self):
        return lax.stop_gradient(self.scale[...] ** 2)

    def __call__(self, x):
        x = x * self.scale[...]
        self.update(x)
        before = x - self.center[...]
        self.center[...] = lax.stop_gradient(self.center[...].at[...].set(before.mean(axis=0)))
        return before * self.anchor() - self.center[...]


class Clipped(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.scale = nnx.Param(rngs.uniform((3,)))

    def __call__(self, x):
        h = x * self.scale[...]
        h = with_data(h, clamp(h, min=-0.5, max=0.5))
        k = x + self.scale[...]
        d = lax.stop_gradient(k)
        d = d * 2
        k = with_data(k, d)
        m = x - self.scale[...]
        m = with_data(m, m.at[0].set(1))
        k = with_data(k, k * 2)
        m = with_data(m, m.at[1].set(3))
        m = with_data(m, m * 2)
        m += lax.stop_gradient(self.scale[...])
        s = lax.stop_gradient(self.scale[...])
        return h, k, m, s * x


class Regions(nnx.Module):
    def __init__(self, *, rngs: nnx.Rngs):
        self.l = nnx.Linear(3, 2, **fan_in_uniform(3), rngs=rngs)
        self.p = nnx.Param(rngs.uniform((2,)))

    def pair(self, x):
        return self.l(x), self.p[...] * 2

    def __call__(self, x):
        q, s = self.pair(x)
        z = self.l(x)
        z += 1
        q, s, z = lax.stop_gradient((q, s, z))
        return q * s * self.p[...] + z * self.p[...]


def loss(x: jax.Array, y: jax.Array):
    t = jnp.exp(y)
    a, b = t * 2, t + 1
    a, b, t = lax.stop_gradient((a, b, t))
    return (x - a * b * t).mean()


# Helpers without a Flax equivalent.


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


def clamp(x: jax.Array, min: jax.Array | float | None = None, max: jax.Array | float | None = None) -> jax.Array:
    """`x` cut to [min, max]; at the bounds the whole gradient goes to x (`jnp.clip` halves it there)."""
    if min is not None:
        x = jnp.where(x < min, min, x)
    return x if max is None else jnp.where(x > max, max, x)


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


def l2_normalize(x: jax.Array, axis: int | tuple[int, ...] = 1, eps: float = 1e-12) -> jax.Array:
    """`x` divided by its Euclidean norm along `axis`, or by `eps` where the norm is smaller."""
    return x / jnp.maximum(l2_norm(x, axis, keepdims=True), eps)


def with_data(old: jax.Array, new: jax.Array) -> jax.Array:
    """`new` in the place of `old`, as with PyTorch's `.data`: gradients go to `old`, and none into `new`."""
    new = jax.lax.stop_gradient(jnp.asarray(new))
    if jnp.shape(old) != new.shape:
        return new
    finite = jnp.where(jnp.isfinite(old), old, 0)
    return new + (finite - jax.lax.stop_gradient(finite)).astype(new.dtype)
