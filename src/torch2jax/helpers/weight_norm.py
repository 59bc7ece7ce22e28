"""Layers whose weight is computed from other parameters: weight normalisation and spectral normalisation."""

from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax import lax

from torch2jax.helpers.conv import ConvTranspose


class Reparametrized(nnx.Module):
    """A linear layer or convolution without its kernel, which a subclass computes at each call.

    Weights have PyTorch's axes (outputs, inputs, *window), or (inputs, outputs, *window) for transposed convolutions.
    """

    def __init__(self, layer: nnx.Module) -> None:
        self.graphdef, state = nnx.split(layer)
        self.bias = state.get("bias")

    def apply(self, x: jax.Array, weight: jax.Array) -> jax.Array:
        """Calls the layer with this weight."""
        state: dict[str, Any] = {"kernel": nnx.Param(jnp.moveaxis(weight, (0, 1), (-1, -2)))}
        if self.bias is not None:
            state["bias"] = self.bias
        y: jax.Array = nnx.merge(self.graphdef, nnx.State(state))(x)
        return y


class WeightNorm(Reparametrized):
    """Weight normalisation (https://arxiv.org/abs/1602.07868): weight = g * v / |v|, with norms along ``axis``.

    Without an axis there is one norm of the whole weight.
    """

    def __init__(self, layer: nnx.Module, axis: int | None = 0) -> None:
        super().__init__(layer)
        weight = torch_weight(layer)
        self.axis = axis
        self.weight_g = nnx.Param(self.norm(weight))
        self.weight_v = nnx.Param(weight)

    def __call__(self, x: jax.Array) -> jax.Array:
        """The layer's output with the normalised weight."""
        v = self.weight_v[...]
        return self.apply(x, v * (self.weight_g[...] / self.norm(v)))

    def norm(self, weight: jax.Array) -> jax.Array:
        """The norms of the slices of a weight along the axis, or of the whole weight."""
        if self.axis is None:
            return jnp.sqrt(jnp.square(weight).sum())
        others = [i for i in range(weight.ndim) if i != self.axis % weight.ndim]
        return jnp.sqrt(jnp.square(weight).sum(others, keepdims=True))


class ParametrizedWeightNorm(WeightNorm):
    """Weight normalisation by `torch.nn.utils.parametrizations`, which has other names in PyTorch's state dicts."""


class PlainWeight(Reparametrized):
    """A layer that `unnormalize_weight` has given back its weight, in PyTorch's axes."""

    weight: Any

    def __call__(self, x: jax.Array) -> jax.Array:
        """The layer's output."""
        return self.apply(x, self.weight[...])


def unnormalize_weight(layer: Any) -> Any:
    """Make the weight of a `WeightNorm` a parameter, in the place of its direction and length, and give the layer."""
    v = layer.weight_v[...]
    layer.weight = nnx.Param(v * (layer.weight_g[...] / layer.norm(v)))
    del layer.weight_g, layer.weight_v
    object.__setattr__(layer, "__class__", PlainWeight)
    return layer


class SpectralNorm(Reparametrized):
    """Spectral normalisation (https://arxiv.org/abs/1802.05957): division of the weight by its largest singular value.

    The singular vectors are followed by steps of the power iteration at each call in training.
    """

    def __init__(
        self,
        layer: nnx.Module,
        *,
        n_power_iterations: int = 1,
        epsilon: float = 1e-12,
        axis: int | None = None,
        rngs: nnx.Rngs,
    ) -> None:
        super().__init__(layer)
        weight = torch_weight(layer)
        transposed = isinstance(layer, nnx.ConvTranspose | ConvTranspose)
        self.axis = int(transposed) if axis is None else axis
        self.n_power_iterations = n_power_iterations
        self.epsilon = epsilon
        self.use_running_average = False
        self.weight_orig = nnx.Param(weight)
        rows, columns = self.matrix(weight).shape
        self.weight_u = nnx.BatchStat(self.unit(jax.random.normal(rngs.params(), (rows,), weight.dtype)))
        self.weight_v = nnx.BatchStat(self.unit(jax.random.normal(rngs.params(), (columns,), weight.dtype)))

    def __call__(self, x: jax.Array) -> jax.Array:
        """The layer's output with the normalised weight; in training, improves the singular vectors first."""
        weight = self.weight_orig[...]
        matrix = self.matrix(weight)
        u, v = self.weight_u[...], self.weight_v[...]
        if not self.use_running_average:
            u, v = lax.stop_gradient(self.improved(matrix, u, v))
            self.weight_u[...], self.weight_v[...] = u, v
        return self.apply(x, weight / (u @ matrix @ v))

    def improved(self, matrix: jax.Array, u: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Singular vectors after the steps of one call."""
        for _ in range(self.n_power_iterations):
            v = self.unit(matrix.T @ u)
            u = self.unit(matrix @ v)
        return u, v

    def matrix(self, weight: jax.Array) -> jax.Array:
        """The weight with one row for each output."""
        return jnp.moveaxis(weight, self.axis, 0).reshape(weight.shape[self.axis], -1)

    def unit(self, vector: jax.Array) -> jax.Array:
        """The vector divided by its length, which counts as ``epsilon`` at least."""
        return vector / jnp.maximum(jnp.linalg.norm(vector), self.epsilon)

    def set_view(self, use_running_average: bool | None = None) -> None:
        """Changes the mode in `nnx.view`."""
        if use_running_average is not None:
            self.use_running_average = use_running_average


class ParametrizedSpectralNorm(SpectralNorm):
    """Spectral normalisation by `torch.nn.utils.parametrizations`.

    A step improves the left singular vector first, and 15 steps more than in a call are taken when the layer is built.
    """

    def __init__(self, layer: nnx.Module, **options: Any) -> None:
        super().__init__(layer, **options)
        matrix, vectors = self.matrix(self.weight_orig[...]), (self.weight_u[...], self.weight_v[...])
        self.weight_u[...], self.weight_v[...] = self.iterated(matrix, *vectors, 15 + self.n_power_iterations)

    def improved(self, matrix: jax.Array, u: jax.Array, v: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Singular vectors after the steps of one call."""
        return self.iterated(matrix, u, v, self.n_power_iterations)

    def iterated(self, matrix: jax.Array, u: jax.Array, v: jax.Array, steps: int) -> tuple[jax.Array, jax.Array]:
        """Singular vectors after some steps of the power iteration."""
        for _ in range(steps):
            u = self.unit(matrix @ v)
            v = self.unit(matrix.T @ u)
        return u, v


def torch_weight(layer: Any) -> jax.Array:
    """The kernel of a layer with its last two axes, inputs and outputs, in front and exchanged."""
    return jnp.moveaxis(layer.kernel[...], (-1, -2), (0, 1))
