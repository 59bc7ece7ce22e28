"""Normalisation that flax lacks, or whose statistics differ from PyTorch's. Features are on the last axis."""

from collections.abc import Iterable, Sequence
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from flax import nnx
from jax import lax


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


class CumulativeBatchNorm(BatchNorm):
    """Batch normalisation whose running statistics are the plain means over all training batches so far."""

    def __init__(self, num_features: int, *, epsilon: float = 1e-5, rngs: nnx.Rngs, **options: Any) -> None:
        super().__init__(num_features, momentum=0.0, epsilon=epsilon, rngs=rngs, **options)
        self.num_batches_tracked = nnx.BatchStat(jnp.array(0))

    def __call__(
        self, x: jax.Array, use_running_average: bool | None = None, *, mask: jax.Array | None = None
    ) -> jax.Array:
        """Normalises x of shape (batch, ..., features); in training, updates the running statistics."""
        mean, var = self.mean[...], self.var[...]
        y = super().__call__(x, use_running_average, mask=mask)
        evaluating = self.use_running_average if use_running_average is None else use_running_average
        if not evaluating:  # momentum 0 has left the statistics of this batch alone in mean and var
            self.num_batches_tracked[...] += 1
            count = self.num_batches_tracked[...]
            self.mean[...] = mean + (self.mean[...] - mean) / count
            self.var[...] = var + (self.var[...] - var) / count
        return y


class UntrackedBatchNorm(nnx.Module):
    """Batch normalisation by the statistics of the batch at hand, in training and in evaluation."""

    torch_names: ClassVar = {"scale": "weight"}

    def __init__(
        self,
        num_features: int,
        *,
        momentum: float | None = 0.9,  # changes nothing
        epsilon: float = 1e-5,
        use_bias: bool = True,
        use_scale: bool = True,
        param_dtype: Any = jnp.float32,
    ) -> None:
        self.num_features = num_features
        self.momentum = momentum
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(num_features, param_dtype)) if use_scale else None
        self.bias = nnx.Param(jnp.zeros(num_features, param_dtype)) if use_bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises x of shape (batch, ..., features)."""
        return scale_and_shift(
            standardize(x, range(x.ndim - 1), self.epsilon), array_of(self.scale), array_of(self.bias)
        )


class InstanceNorm(nnx.Module):
    """Instance normalisation with running statistics, which replace those of the input in evaluation.

    Input: (batch, *spatial, features). The running statistics average over the batch; the variance is unbiased.
    """

    torch_names: ClassVar = {"scale": "weight"}

    def __init__(
        self,
        num_features: int,
        *,
        momentum: float = 0.9,
        epsilon: float = 1e-5,
        use_bias: bool = False,
        use_scale: bool = False,
        param_dtype: Any = jnp.float32,
    ) -> None:
        self.num_features = num_features
        self.momentum = momentum
        self.epsilon = epsilon
        self.use_running_average = False
        self.mean = nnx.BatchStat(jnp.zeros(num_features, param_dtype))
        self.var = nnx.BatchStat(jnp.ones(num_features, param_dtype))
        self.scale = nnx.Param(jnp.ones(num_features, param_dtype)) if use_scale else None
        self.bias = nnx.Param(jnp.zeros(num_features, param_dtype)) if use_bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises x of shape (batch, *spatial, features); in training, updates the running statistics."""
        if self.use_running_average:
            y = (x - self.mean[...]) * lax.rsqrt(self.var[...] + self.epsilon)
        else:
            spatial = tuple(range(1, x.ndim - 1))
            y = standardize(x, spatial, self.epsilon)
            self.mean[...] = self.momentum * self.mean[...] + (1 - self.momentum) * x.mean(spatial).mean(0)
            self.var[...] = self.momentum * self.var[...] + (1 - self.momentum) * x.var(spatial, ddof=1).mean(0)
        return scale_and_shift(y, array_of(self.scale), array_of(self.bias))

    def set_view(self, use_running_average: bool | None = None) -> None:
        """Changes the mode in `nnx.view`."""
        if use_running_average is not None:
            self.use_running_average = use_running_average


class LayerNorm(nnx.Module):
    """Layer normalisation over the last ``len(shape)`` axes; `nnx.LayerNorm` has parameters for one axis only."""

    torch_names: ClassVar = {"scale": "weight"}

    def __init__(
        self,
        shape: Sequence[int],
        *,
        epsilon: float = 1e-5,
        use_bias: bool = True,
        use_scale: bool = True,
        param_dtype: Any = jnp.float32,
    ) -> None:
        self.num_features = tuple(shape)
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(shape, param_dtype)) if use_scale else None
        self.bias = nnx.Param(jnp.zeros(shape, param_dtype)) if use_bias else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises x of shape (..., *shape)."""
        return layer_norm(x, self.num_features, array_of(self.scale), array_of(self.bias), self.epsilon)


class RMSNorm(nnx.Module):
    """Division by the root mean square over the last ``len(shape)`` axes, then multiplication by a learned scale.

    Without ``epsilon``, the machine epsilon of the dtype it is computed in is added to the mean square.
    """

    torch_names: ClassVar = {"scale": "weight"}

    def __init__(
        self,
        shape: int | Sequence[int],
        *,
        epsilon: float | None = None,
        use_scale: bool = True,
        param_dtype: Any = jnp.float32,
    ) -> None:
        self.num_features = (shape,) if isinstance(shape, int) else tuple(shape)
        self.epsilon = epsilon
        self.scale = nnx.Param(jnp.ones(self.num_features, param_dtype)) if use_scale else None

    def __call__(self, x: jax.Array) -> jax.Array:
        """Normalises x of shape (..., *shape)."""
        return rms_norm(x, self.num_features, array_of(self.scale), self.epsilon)


def batch_norm(
    x: jax.Array,
    mean: jax.Array | None = None,
    var: jax.Array | None = None,
    scale: jax.Array | None = None,
    bias: jax.Array | None = None,
    epsilon: float = 1e-5,
) -> jax.Array:
    """Batch normalisation of (batch, ..., features) by the given statistics, or by the batch's own."""
    if mean is None or var is None:
        return scale_and_shift(standardize(x, range(x.ndim - 1), epsilon), scale, bias)
    return scale_and_shift((x - mean) * lax.rsqrt(var + epsilon), scale, bias)


def instance_norm(
    x: jax.Array, scale: jax.Array | None = None, bias: jax.Array | None = None, epsilon: float = 1e-5
) -> jax.Array:
    """Normalisation of (batch, *spatial, features) over the spatial axes (https://arxiv.org/abs/1607.08022)."""
    return scale_and_shift(standardize(x, range(1, x.ndim - 1), epsilon), scale, bias)


def group_norm(
    x: jax.Array, num_groups: int, scale: jax.Array | None = None, bias: jax.Array | None = None, epsilon: float = 1e-5
) -> jax.Array:
    """Normalisation of (batch, *spatial, features) over space and groups of features (https://arxiv.org/abs/1803.08494)."""
    grouped = x.reshape(*x.shape[:-1], num_groups, x.shape[-1] // num_groups)
    axes = (*range(1, x.ndim - 1), x.ndim)
    return scale_and_shift(standardize(grouped, axes, epsilon).reshape(x.shape), scale, bias)


def layer_norm(
    x: jax.Array,
    shape: Sequence[int],
    scale: jax.Array | None = None,
    bias: jax.Array | None = None,
    epsilon: float = 1e-5,
) -> jax.Array:
    """Normalisation over the last axes, whose sizes are ``shape`` (https://arxiv.org/abs/1607.06450)."""
    return scale_and_shift(standardize(x, range(-len(shape), 0), epsilon), scale, bias)


def rms_norm(
    x: jax.Array, shape: Sequence[int], scale: jax.Array | None = None, epsilon: float | None = None
) -> jax.Array:
    """Division by the root mean square over the last axes, whose sizes are ``shape`` (https://arxiv.org/abs/1910.07467)."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    mean_square = jnp.square(wide).mean(range(-len(shape), 0), keepdims=True)
    if epsilon is None:
        epsilon = float(np.finfo(wide.dtype).eps)
    return scale_and_shift((wide * lax.rsqrt(mean_square + epsilon)).astype(x.dtype), scale)


def standardize(x: jax.Array, axes: Iterable[int], epsilon: float) -> jax.Array:
    """(x - mean) / sqrt(variance + epsilon) with statistics over ``axes``, computed in float32 at least."""
    wide = x.astype(jnp.promote_types(x.dtype, jnp.float32))
    centred = wide - wide.mean(tuple(axes), keepdims=True)
    variance = jnp.square(centred).mean(tuple(axes), keepdims=True)
    return (centred * lax.rsqrt(variance + epsilon)).astype(x.dtype)


def array_of(param: nnx.Param[jax.Array] | None) -> jax.Array | None:
    """The array that a parameter holds, or None where the layer has no such parameter."""
    return None if param is None else param[...]


def scale_and_shift(x: jax.Array, scale: jax.Array | None = None, bias: jax.Array | None = None) -> jax.Array:
    """The affine map x * scale + bias, each where it is given."""
    if scale is not None:
        x = x * scale
    return x if bias is None else x + bias


def local_response_norm(x: jax.Array, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0) -> jax.Array:
    """The quotient x / (k + alpha * m)^beta with m the mean of x^2 over ``size`` neighbouring features (AlexNet, 3.3).

    x: (..., features); the window of an even size reaches one further to the left, and zeros lie outside.
    """
    window = [(0, 0)] * (x.ndim - 1) + [(size // 2, (size - 1) // 2)]
    padded = jnp.pad(jnp.square(x), window)
    neighbours = [lax.slice_in_dim(padded, start, start + x.shape[-1], axis=-1) for start in range(size)]
    return x / (k + alpha * sum(neighbours) / size) ** beta
