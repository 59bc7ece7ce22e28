"""Probability distributions with the formulas of `torch.distributions`.

Each is a pytree of its parameters, so that it passes through `jax.jit`, `jax.grad` and `jax.vmap`. Parameters
broadcast; `batch_shape` is their common shape and `event_shape` that of one outcome. `sample` gives arrays of shape
`(*sample_shape, *batch_shape, *event_shape)` that no gradient flows through; `rsample` lets it flow.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import jax
import jax.numpy as jnp
from flax import nnx


def broadcast_all(*values: Any) -> list[jax.Array]:
    """Arrays of one shape; numbers become arrays of the first array's dtype."""
    dtype = next((value.dtype for value in values if isinstance(value, jax.Array)), jnp.result_type(float))
    arrays = (value if isinstance(value, jax.Array) else jnp.asarray(value, dtype) for value in values)
    return jnp.broadcast_arrays(*arrays)


class Distribution:
    """What distributions share."""

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return ()

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        return ()

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        raise NotImplementedError(f"{type(self).__name__} has no variance")

    @property
    def stddev(self) -> jax.Array:
        """The standard deviation."""
        return jnp.sqrt(self.variance)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        raise NotImplementedError(f"no gradient flows through the outcomes of {type(self).__name__}")

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        return jax.lax.stop_gradient(self.rsample(rngs, sample_shape))

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        classes = f"{type(self).__name__} from {type(other).__name__}"
        raise NotImplementedError(f"no formula for the divergence of {classes}")


class Univariate(Distribution):
    """Distributions of single numbers: their parameters broadcast, element by element."""

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return jnp.broadcast_shapes(*(jnp.shape(each) for each in vars(self).values() if each is not None))

    def expand(self, batch_shape: Sequence[int]) -> Self:
        """The same distributions, repeated to a larger `batch_shape`."""
        given = {name: each for name, each in vars(self).items() if each is not None}
        expanded = {name: jnp.broadcast_to(each, tuple(batch_shape)) for name, each in given.items()}
        return replace(self, **expanded)  # type: ignore[type-var]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Normal(Univariate):
    """Normal distributions of means `loc` and standard deviations `scale`."""

    loc: jax.Array
    scale: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.broadcast_to(self.loc, self.batch_shape)

    @property
    def mode(self) -> jax.Array:
        """The most likely outcome."""
        return self.mean

    @property
    def stddev(self) -> jax.Array:
        """The standard deviation."""
        return jnp.broadcast_to(self.scale, self.batch_shape)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.stddev**2

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        noise = rngs.normal((*sample_shape, *self.batch_shape), dtype=jnp.result_type(self.loc, self.scale, 0.0))
        return self.loc + noise * self.scale

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        scale = jnp.asarray(self.scale)
        return -((value - self.loc) ** 2) / (2 * scale**2) - jnp.log(scale) - math.log(math.sqrt(2 * math.pi))

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return 0.5 + 0.5 * math.log(2 * math.pi) + jnp.log(self.stddev)

    def cdf(self, value: jax.Array) -> jax.Array:
        """The probability of at most `value`."""
        return 0.5 * (1 + jax.lax.erf((value - self.loc) / self.scale / math.sqrt(2)))

    def icdf(self, value: jax.Array) -> jax.Array:
        """What an outcome is below with probability `value`."""
        return self.loc + self.scale * jax.lax.erf_inv(2 * value - 1) * math.sqrt(2)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Normal):
            return super().kl_divergence(other)
        ratio = (self.scale / other.scale) ** 2
        distance = ((self.loc - other.loc) / other.scale) ** 2
        return 0.5 * (ratio + distance - 1 - jnp.log(ratio))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Uniform(Univariate):
    """Uniform distributions over [low, high)."""

    low: jax.Array
    high: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.asarray(self.high + self.low) / 2

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return jnp.asarray(self.high - self.low) ** 2 / 12

    @property
    def stddev(self) -> jax.Array:
        """The standard deviation."""
        return jnp.asarray(self.high - self.low) / 12**0.5

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        unit = rngs.uniform((*sample_shape, *self.batch_shape), dtype=jnp.result_type(self.low, self.high, 0.0))
        return self.low + unit * (self.high - self.low)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        inside = (self.low <= value) & (value < self.high)
        return jnp.log(inside.astype(jnp.result_type(self.low, 0.0))) - jnp.log(self.high - self.low)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return jnp.log(self.high - self.low)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each; infinite where `other` leaves something out."""
        if not isinstance(other, Uniform):
            return super().kl_divergence(other)
        outside = (other.low > self.low) | (other.high < self.high)
        return jnp.where(outside, jnp.inf, jnp.log((other.high - other.low) / (self.high - self.low)))


def solve_tril(tril: jax.Array, columns: jax.Array) -> jax.Array:
    """What lower triangular matrices (..., n, n) take to `columns` (..., n, k); leading axes broadcast."""
    shape = jnp.broadcast_shapes(tril.shape[:-2], columns.shape[:-2])
    tril, columns = (jnp.broadcast_to(each, (*shape, *each.shape[-2:])) for each in (tril, columns))
    return jax.lax.linalg.triangular_solve(tril, columns, left_side=True, lower=True)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MultivariateNormal(Distribution):
    """Normal distributions of vectors: means `loc` (..., n), covariances `scale_tril @ scale_tril.T` (..., n, n)."""

    loc: jax.Array
    scale_tril: jax.Array

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return jnp.broadcast_shapes(self.loc.shape[:-1], self.scale_tril.shape[:-2])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        return self.loc.shape[-1:]

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.broadcast_to(self.loc, (*self.batch_shape, *self.event_shape))

    @property
    def mode(self) -> jax.Array:
        """The most likely outcome."""
        return self.mean

    @property
    def covariance_matrix(self) -> jax.Array:
        """The covariances."""
        n = self.loc.shape[-1]
        return jnp.broadcast_to(self.scale_tril @ self.scale_tril.mT, (*self.batch_shape, n, n))

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return jnp.broadcast_to((self.scale_tril**2).sum(-1), (*self.batch_shape, *self.event_shape))

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        noise = rngs.normal((*sample_shape, *self.batch_shape, *self.event_shape), dtype=self.loc.dtype)
        return self.loc + (self.scale_tril @ noise[..., None])[..., 0]

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        n = self.loc.shape[-1]
        standard = solve_tril(self.scale_tril, (value - self.loc)[..., None])[..., 0]
        return -0.5 * (n * math.log(2 * math.pi) + (standard**2).sum(-1)) - self._half_log_det()

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        n = self.loc.shape[-1]
        entropy = 0.5 * n * (1.0 + math.log(2 * math.pi)) + self._half_log_det()
        return jnp.broadcast_to(entropy, self.batch_shape)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, MultivariateNormal):
            return super().kl_divergence(other)
        squares = (solve_tril(other.scale_tril, self.scale_tril) ** 2).sum((-2, -1))
        squares = squares + (solve_tril(other.scale_tril, (other.loc - self.loc)[..., None]) ** 2).sum((-2, -1))
        return other._half_log_det() - self._half_log_det() + 0.5 * (squares - self.loc.shape[-1])

    def _half_log_det(self) -> jax.Array:
        return jnp.log(jnp.diagonal(self.scale_tril, axis1=-2, axis2=-1)).sum(-1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Independent(Distribution):
    """Distributions whose last `ndims` axes belong to one outcome: their logarithms and entropies are summed."""

    base_dist: Any
    ndims: int = field(metadata={"static": True})

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        shape: tuple[int, ...] = self.base_dist.batch_shape
        return shape[: len(shape) - self.ndims]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        shape: tuple[int, ...] = self.base_dist.batch_shape
        return shape[len(shape) - self.ndims :] + tuple(self.base_dist.event_shape)

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        mean: jax.Array = self.base_dist.mean
        return mean

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        variance: jax.Array = self.base_dist.variance
        return variance

    @property
    def mode(self) -> jax.Array:
        """The most likely outcome."""
        mode: jax.Array = self.base_dist.mode
        return mode

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        values: jax.Array = self.base_dist.rsample(rngs, sample_shape)
        return values

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        values: jax.Array = self.base_dist.sample(rngs, sample_shape)
        return values

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        return self._summed(self.base_dist.log_prob(value))

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return self._summed(self.base_dist.entropy())

    def expand(self, batch_shape: Sequence[int]) -> Self:
        """The same distributions, repeated to a larger `batch_shape`."""
        return replace(self, base_dist=self.base_dist.expand((*batch_shape, *self.event_shape[: self.ndims])))

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Independent) or other.ndims != self.ndims:
            return super().kl_divergence(other)
        return self._summed(self.base_dist.kl_divergence(other.base_dist))

    def _summed(self, values: jax.Array) -> jax.Array:
        return values.sum(tuple(range(-self.ndims, 0)))
