"""Distributions of waiting times, rates and proportions, and Laplace's, with the formulas of `torch.distributions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.scipy.special import betaln, digamma, gammaln

from torch2jax.helpers.distributions import Distribution, Univariate


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Exponential(Univariate):
    """Exponential distributions of a `rate`."""

    rate: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return 1 / jnp.asarray(self.rate)

    @property
    def stddev(self) -> jax.Array:
        """The standard deviation."""
        return self.mean

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.mean**2

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        return rngs.exponential((*sample_shape, *self.batch_shape), dtype=self.mean.dtype) / self.rate

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        return jnp.log(self.rate) - self.rate * value

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return 1.0 - jnp.log(self.rate)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Exponential):
            return super().kl_divergence(other)
        ratio = jnp.asarray(other.rate) / self.rate
        return ratio - jnp.log(ratio) - 1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Laplace(Univariate):
    """Laplace distributions around `loc` of width `scale`."""

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
        return 2**0.5 * jnp.broadcast_to(self.scale, self.batch_shape)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.stddev**2

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        noise = rngs.laplace((*sample_shape, *self.batch_shape), dtype=jnp.result_type(self.loc, self.scale, 0.0))
        return self.loc + self.scale * noise

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        return -jnp.log(2 * jnp.asarray(self.scale)) - jnp.abs(value - self.loc) / self.scale

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return 1 + jnp.log(2 * jnp.broadcast_to(self.scale, self.batch_shape))

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Laplace):
            return super().kl_divergence(other)
        ratio, distance = jnp.asarray(self.scale) / other.scale, jnp.abs(jnp.asarray(self.loc) - other.loc)
        return distance / other.scale + ratio * jnp.exp(-distance / self.scale) - jnp.log(ratio) - 1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Gamma(Univariate):
    """Gamma distributions of shape `concentration` and of a `rate`."""

    concentration: jax.Array
    rate: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.asarray(self.concentration) / self.rate

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return jnp.asarray(self.concentration) / self.rate**2

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        shape = (*sample_shape, *self.batch_shape)
        return rngs.gamma(jnp.broadcast_to(self.concentration, shape), shape) / self.rate

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        a, rate = self.concentration, self.rate
        return a * jnp.log(rate) + (a - 1) * jnp.log(value) - rate * value - gammaln(a)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        a = self.concentration
        return a - jnp.log(self.rate) + gammaln(a) + (1.0 - a) * digamma(a)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Gamma):
            return super().kl_divergence(other)
        a, b = self.concentration, other.concentration
        shapes = gammaln(b) - gammaln(a) + (a - b) * digamma(a)
        return shapes + b * jnp.log(self.rate / other.rate) + (other.rate - self.rate) * (a / self.rate)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Beta(Univariate):
    """Beta distributions of the shapes `concentration1` and `concentration0`."""

    concentration1: jax.Array
    concentration0: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.asarray(self.concentration1) / (self.concentration1 + self.concentration0)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        total = self.concentration1 + self.concentration0
        return jnp.asarray(self.concentration1) * self.concentration0 / (total**2 * (total + 1))

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        return rngs.beta(self.concentration1, self.concentration0, (*sample_shape, *self.batch_shape))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        a, b = self.concentration1, self.concentration0
        return (a - 1) * jnp.log(value) + (b - 1) * jnp.log1p(-value) - betaln(a, b)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        a, b = self.concentration1, self.concentration0
        return betaln(a, b) - (a - 1) * digamma(a) - (b - 1) * digamma(b) + (a + b - 2) * digamma(a + b)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Beta):
            return super().kl_divergence(other)
        a, b, c, d = self.concentration1, self.concentration0, other.concentration1, other.concentration0
        slopes = (a - c) * digamma(a) + (b - d) * digamma(b) + (c + d - a - b) * digamma(a + b)
        return betaln(c, d) - betaln(a, b) + slopes


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Dirichlet(Distribution):
    """Dirichlet distributions over vectors of probabilities; the last axis of `concentration` is theirs."""

    concentration: jax.Array

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return self.concentration.shape[:-1]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        return self.concentration.shape[-1:]

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return self.concentration / self.concentration.sum(-1, keepdims=True)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        return rngs.dirichlet(self.concentration, (*sample_shape, *self.batch_shape))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        a = self.concentration
        return ((a - 1) * jnp.log(value)).sum(-1) + gammaln(a.sum(-1)) - gammaln(a).sum(-1)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        a = self.concentration
        total, k = a.sum(-1), a.shape[-1]
        return gammaln(a).sum(-1) - gammaln(total) - (k - total) * digamma(total) - ((a - 1.0) * digamma(a)).sum(-1)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Dirichlet):
            return super().kl_divergence(other)
        a, b = self.concentration, other.concentration
        norm = gammaln(a.sum(-1)) - gammaln(b.sum(-1)) - (gammaln(a) - gammaln(b)).sum(-1)
        return norm + ((a - b) * (digamma(a) - digamma(a.sum(-1))[..., None])).sum(-1)
