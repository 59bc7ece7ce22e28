"""Distributions of counts, and of what has no mean, with the formulas of `torch.distributions`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.discrete_distributions import log_odds
from torch2jax.helpers.distributions import Univariate


class OfTries(Univariate):
    """Distributions of tries, given the `probs` of success or the `logits` (the logarithms of its odds)."""

    given_probs: Any
    given_logits: Any

    @property
    def probs(self) -> jax.Array:
        """The probabilities of success."""
        if self.given_probs is not None:
            return jnp.broadcast_to(self.given_probs, self.batch_shape).astype(jnp.result_type(self.given_probs, 0.0))
        return jax.nn.sigmoid(self.logits)

    @property
    def logits(self) -> jax.Array:
        """The logarithms of the odds of success."""
        if self.given_logits is not None:
            return jnp.broadcast_to(self.given_logits, self.batch_shape)
        return log_odds(self.probs)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Binomial(OfTries):
    """Numbers of successes in `total_count` tries, given their `probs` or `logits` (the logarithms of their odds)."""

    total_count: Any = 1
    given_probs: Any = None
    given_logits: Any = None

    @property
    def mean(self) -> jax.Array:
        """The expected number."""
        return jnp.asarray(self.total_count * self.probs)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.mean * (1 - self.probs)

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        shape = (*sample_shape, *self.batch_shape)
        return rngs.binomial(self.total_count, jax.lax.stop_gradient(self.probs), shape, self.probs.dtype)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability of `value`."""
        count, logits = self.total_count, self.logits
        ways = _log_factorial(count) - _log_factorial(value) - _log_factorial(count - value)
        softplus = jnp.maximum(logits, 0) + jnp.log1p(jnp.exp(-jnp.abs(logits)))
        return jnp.asarray(ways + value * logits - count * softplus)


def _log_factorial(number: Any) -> jax.Array:
    return jax.lax.lgamma(jnp.asarray(number, float) + 1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Cauchy(Univariate):
    """Cauchy distributions around `loc` of width `scale`."""

    loc: jax.Array
    scale: jax.Array

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        noise = rngs.cauchy((*sample_shape, *self.batch_shape), dtype=jnp.result_type(self.loc, self.scale, 0.0))
        return self.loc + noise * self.scale

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        scale = jnp.asarray(self.scale)
        return -math.log(math.pi) - jnp.log(scale) - jnp.log1p(((value - self.loc) / scale) ** 2)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return math.log(4 * math.pi) + jnp.log(jnp.broadcast_to(self.scale, self.batch_shape))

    def cdf(self, value: jax.Array) -> jax.Array:
        """The probability of at most `value`."""
        return jnp.arctan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value: jax.Array) -> jax.Array:
        """What an outcome is below with probability `value`."""
        return jnp.tan(math.pi * (value - 0.5)) * self.scale + self.loc
