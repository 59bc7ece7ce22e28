"""Distributions of how often something happens, with the formulas of `torch.distributions`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.scipy.special import gammaln, xlogy

from torch2jax.helpers.discrete_distributions import OfCategories
from torch2jax.helpers.distributions import Univariate
from torch2jax.helpers.rare_distributions import OfTries


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Poisson(Univariate):
    """Numbers of events that happen at a `rate`."""

    rate: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected number."""
        return jnp.asarray(self.rate)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.mean

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        return rngs.poisson(self.rate, (*sample_shape, *self.batch_shape)).astype(jnp.result_type(self.rate, 0.0))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability of `value`."""
        value = jnp.asarray(value, jnp.result_type(value, self.rate, 0.0))  # xlogy has no gradient for integers
        return xlogy(value, self.rate) - self.rate - gammaln(value + 1)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Poisson):
            return super().kl_divergence(other)
        return self.rate * (jnp.log(self.rate) - jnp.log(other.rate)) - (self.rate - other.rate)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Geometric(OfTries):
    """Numbers of failures before the first success."""

    given_probs: Any = None
    given_logits: Any = None

    @property
    def mean(self) -> jax.Array:
        """The expected number."""
        return 1 / self.probs - 1

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.mean / self.probs

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        probs = jax.lax.stop_gradient(self.probs)
        tiny = float(jnp.finfo(probs.dtype).tiny)  # type: ignore[no-untyped-call]
        unit = rngs.uniform((*sample_shape, *self.batch_shape), dtype=probs.dtype, minval=tiny)
        return jnp.floor(jnp.log(unit) / jnp.log1p(-probs))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability of `value`."""
        certain = (self.probs == 1) & (value == 0)
        return value * jnp.log1p(-jnp.where(certain, 0, self.probs)) + jnp.log(self.probs)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        logits, probs = self.logits, self.probs
        return ((1 - probs) * logits + jax.nn.softplus(-logits)) / probs

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Geometric):
            return super().kl_divergence(other)
        return -self.entropy() - jnp.log1p(-other.probs) / self.probs - other.logits


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NegativeBinomial(OfTries):
    """Numbers of successes before `total_count` failures."""

    total_count: Any
    given_probs: Any = None
    given_logits: Any = None

    @property
    def mean(self) -> jax.Array:
        """The expected number."""
        return jnp.asarray(self.total_count * jnp.exp(self.logits))

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.mean / jax.nn.sigmoid(-self.logits)

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        shape, logits = (*sample_shape, *self.batch_shape), self.logits
        concentration = jnp.broadcast_to(jnp.asarray(self.total_count, logits.dtype), shape)
        rate = rngs.gamma(concentration, shape) * jnp.exp(logits)
        return rngs.poisson(rate, shape).astype(logits.dtype)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability of `value`."""
        count, logits = jnp.asarray(self.total_count, self.logits.dtype), self.logits
        log_prob = count * jax.nn.log_sigmoid(-logits) + value * jax.nn.log_sigmoid(logits)
        log_norm = gammaln(1.0 + value) + gammaln(count) - gammaln(count + value)
        return log_prob - jnp.where(count + value == 0, 0.0, log_norm)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Multinomial(OfCategories):
    """How often each category comes up in `total_count` draws, given its `probs` or unnormalised `logits`."""

    total_count: int = field(metadata={"static": True})
    given_probs: Any = None
    given_logits: Any = None

    @property
    def mean(self) -> jax.Array:
        """The expected numbers."""
        return self.total_count * self.probs

    @property
    def variance(self) -> jax.Array:
        """The variances."""
        return self.mean * (1 - self.probs)

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        probs = self.probs
        drawn = self.index.sample(rngs, (self.total_count, *sample_shape))
        return jax.nn.one_hot(drawn, probs.shape[-1], dtype=probs.dtype).sum(0)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability of `value`."""
        logits = self.logits
        impossible = (value == 0) & jnp.isneginf(logits)
        log_powers = (jnp.where(impossible, 0, logits) * value).sum(-1)
        return gammaln(value.sum(-1) + 1) - gammaln(value + 1).sum(-1) + log_powers
