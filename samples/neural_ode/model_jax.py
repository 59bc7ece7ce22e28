"""Neural ordinary differential equations (Chen et al., 2018) with solvers of fixed step size."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class ODEFunc(nnx.Module):
    """dy/dt of the spiral: a small network of y^3. Counts how often it is evaluated."""

    def __init__(self, dim=2, hidden=50, *, rngs: nnx.Rngs):
        self.net = nnx.Sequential(
            nnx.Linear(dim, hidden, **fan_in_uniform(dim), rngs=rngs),
            nnx.tanh,
            nnx.Linear(hidden, dim, **fan_in_uniform(hidden), rngs=rngs),
        )
        self.nfe = 0
        for _, m in nnx.iter_modules(self.net):
            if isinstance(m, nnx.Linear):
                m.kernel[...] = nnx.initializers.normal(0.1)(
                    rngs.params(), m.kernel.shape, m.kernel.dtype
                )
                m.bias[...] = jnp.zeros_like(m.bias)

    def __call__(self, t, y):
        self.nfe += 1
        return self.net(y**3)


class ConcatLinear(nnx.Linear):
    """A linear layer that also reads the time."""

    def __init__(self, dim_in, dim_out, *, rngs: nnx.Rngs):
        super().__init__(dim_in + 1, dim_out, **fan_in_uniform(dim_in + 1), rngs=rngs)

    def __call__(self, t, x):
        tt = jnp.ones_like(x[:, :1]) * t
        return super(ConcatLinear, self).__call__(jnp.concatenate([tt, x], axis=1))


class TimeDependentFunc(nnx.Module):
    def __init__(self, dim=2, hidden=16, depth=2, *, rngs: nnx.Rngs):
        sizes = [dim] + [hidden] * depth + [dim]
        self.layers = nnx.List([])
        for a, b in zip(sizes[:-1], sizes[1:]):
            self.layers.append(ConcatLinear(a, b, rngs=rngs))
        self.act = nnx.softplus

    def __call__(self, t, x):
        for i, layer in enumerate(self.layers):
            x = layer(t, x)
            if i < len(self.layers) - 1:
                x = self.act(x)
        return x


def euler_step(func, t, dt, y):
    return y + dt * func(t, y)


def midpoint_step(func, t, dt, y):
    half = y + 0.5 * dt * func(t, y)
    return y + dt * func(t + 0.5 * dt, half)


def rk4_step(func, t, dt, y):
    """The classical method of fourth order."""
    k1 = func(t, y)
    k2 = func(t + dt / 2, y + dt * k1 / 2)
    k3 = func(t + dt / 2, y + dt * k2 / 2)
    k4 = func(t + dt, y + dt * k3)
    return y + (k1 + 2 * k2 + 2 * k3 + k4) * dt / 6


SOLVERS = {
    "euler": euler_step,
    "midpoint": midpoint_step,
    "rk4": rk4_step,
}


def odeint(func, y0, t, method="rk4", substeps=1):
    """States at the times t (T,), starting from y0 (N, D) at t[0]: (T, N, D)."""
    step = SOLVERS[method]
    solution = jnp.empty((len(t), *y0.shape), dtype=y0.dtype)
    solution = solution.at[0].set(y0)
    y = y0
    for i in range(len(t) - 1):
        dt = (t[i + 1] - t[i]) / substeps
        for j in range(substeps):
            y = step(func, t[i] + j * dt, dt, y)
        solution = solution.at[i + 1].set(y)
    return solution


class NeuralODE(nnx.Module):
    """Trajectory of each start value: y0 (N, D) and times (T,) -> (T, N, D)."""

    def __init__(self, func=None, method="rk4", substeps=1, *, rngs: nnx.Rngs):
        self.func = func if func is not None else ODEFunc(rngs=rngs)
        self.method = method
        self.substeps = substeps

    def __call__(self, y0, t):
        return odeint(self.func, y0, t, method=self.method, substeps=self.substeps)


class ODEClassifier(nnx.Module):
    """Linear in, an ODE block from time 0 to 1, linear out; a ResNet of infinitely many layers."""

    def __init__(self, in_dim=8, dim=6, num_classes=4, n_steps=5, *, rngs: nnx.Rngs):
        self.input = nnx.Linear(in_dim, dim, **fan_in_uniform(in_dim), rngs=rngs)
        self.ode = NeuralODE(
            TimeDependentFunc(dim, hidden=2 * dim, rngs=rngs), method="midpoint", rngs=rngs
        )
        self.norm = BatchNorm(dim, rngs=rngs)
        self.head = nnx.Linear(dim, num_classes, **fan_in_uniform(dim), rngs=rngs)
        self.times = Buffer(jnp.linspace(0, 1, n_steps + 1))

    def __call__(self, x):
        y = self.ode(self.input(x), self.times[...])[-1]
        return self.head(jnp.moveaxis(self.norm(jnp.moveaxis(y, 1, -1)), -1, 1))


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
