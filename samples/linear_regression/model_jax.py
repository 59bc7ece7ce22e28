"""Linear and polynomial regression: the first two models of every PyTorch course."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class LinearRegression(nnx.Module):
    """y = W x + b, fitted with the mean squared error."""

    def __init__(self, input_dim=1, output_dim=1, *, rngs: nnx.Rngs):
        self.linear = nnx.Linear(input_dim, output_dim, **fan_in_uniform(input_dim), rngs=rngs)

    def __call__(self, x):
        out = self.linear(x)
        return out


class Polynomial3(nnx.Module):
    """y = a + b x + c x^2 + d x^3 with four scalar parameters."""

    def __init__(self, *, rngs: nnx.Rngs):
        self.a = nnx.Param(rngs.normal(()))
        self.b = nnx.Param(rngs.normal(()))
        self.c = nnx.Param(rngs.normal(()))
        self.d = nnx.Param(rngs.normal(()))

    def __call__(self, x):
        return self.a[...] + self.b[...] * x + self.c[...] * x**2 + self.d[...] * x**3

    def string(self):
        """The fitted curve as text, e.g. for a plot's legend."""
        return f"y = {self.a[...].item():.3f} + {self.b[...].item():.3f} x + {self.c[...].item():.3f} x^2 + {self.d[...].item():.3f} x^3"


class RidgeRegression(nnx.Module):
    """Linear regression on standardised inputs; `penalty()` is added to the loss."""

    def __init__(self, input_dim=4, output_dim=2, alpha=0.1, *, rngs: nnx.Rngs):
        self.alpha = alpha
        # set by fit_scaler(), part of the checkpoint
        self.mean = Buffer(jnp.zeros((input_dim,)))
        self.scale = Buffer(jnp.ones((input_dim,)))
        self.linear = nnx.Linear(input_dim, output_dim, **fan_in_uniform(input_dim), rngs=rngs)
        self.linear.bias[...] = jnp.zeros_like(self.linear.bias)

    def fit_scaler(self, x):
        self.mean[...] = x.mean(axis=0)
        self.scale[...] = safe_sqrt(x.var(axis=0, ddof=1)) + 1e-8

    def penalty(self):
        return self.alpha * (self.linear.kernel[...] ** 2).sum()

    def __call__(self, x):
        x = (x - self.mean[...]) / self.scale[...]
        return self.linear(x), self.penalty()


def mse(pred, target):
    return ((pred - target) ** 2).mean()


def r2_score(pred, target):
    """Coefficient of determination, 1.0 for a perfect fit."""
    ss_res = ((target - pred) ** 2).sum()
    ss_tot = ((target - target.mean()) ** 2).sum()
    return 1 - ss_res / ss_tot


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


def safe_sqrt(x: jax.Array) -> jax.Array:
    """Square root with the gradient 0 at 0, where that of `jnp.sqrt` is infinite."""
    return jnp.where(x > 0, jnp.sqrt(jnp.where(x > 0, x, 1)), x)
