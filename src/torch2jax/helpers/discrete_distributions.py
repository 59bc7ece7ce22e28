"""Distributions over finitely many outcomes, with the formulas of `torch.distributions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.distributions import Distribution, Univariate


def clamp_probs(probs: jax.Array) -> jax.Array:
    """Probabilities kept from 0 and 1 by the precision of their dtype."""
    eps = float(jnp.finfo(probs.dtype).eps)  # type: ignore[no-untyped-call]
    return jnp.clip(probs, eps, 1 - eps)


def log_odds(probs: jax.Array) -> jax.Array:
    """The logarithms of the odds that probabilities make, finite for 0 and 1 as well."""
    probs = clamp_probs(probs)
    return jnp.log(probs) - jnp.log1p(-probs)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Categorical(Distribution):
    """Distributions over the indices of the last axis, given their `probs` or their unnormalised `logits`."""

    given_probs: Any = None
    given_logits: Any = None

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return self.probs.shape[:-1]

    @property
    def probs(self) -> jax.Array:
        """Probabilities whose sum is 1."""
        if self.given_probs is not None:
            return jnp.asarray(self.given_probs / self.given_probs.sum(-1, keepdims=True))
        return jax.nn.softmax(self.logits)

    @property
    def logits(self) -> jax.Array:
        """Logarithms of the probabilities."""
        if self.given_logits is not None:
            return jnp.asarray(self.given_logits - jax.nn.logsumexp(self.given_logits, axis=-1, keepdims=True))
        return jnp.log(clamp_probs(self.probs))

    @property
    def mode(self) -> jax.Array:
        """The most likely outcome."""
        return self.probs.argmax(-1)

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        return rngs.categorical(self.logits, shape=(*sample_shape, *self.batch_shape))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        index = value.astype(int)
        log_probs = self.logits
        shape = jnp.broadcast_shapes(index.shape, log_probs.shape[:-1])
        log_probs = jnp.broadcast_to(log_probs, (*shape, log_probs.shape[-1]))
        return jnp.take_along_axis(log_probs, jnp.broadcast_to(index, shape)[..., None], axis=-1)[..., 0]

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        log_probs = self.logits
        finite = jnp.nan_to_num(log_probs, nan=jnp.nan, posinf=jnp.inf)  # impossible outcomes count nothing
        return -(finite * self.probs).sum(-1)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each; infinite where an outcome is impossible for `other` alone."""
        if not isinstance(other, Categorical):
            return super().kl_divergence(other)
        p, q = self.probs, other.probs
        terms = p * (self.logits - other.logits)
        terms = jnp.where(q == 0, jnp.inf, terms)
        return jnp.where(p == 0, 0, terms).sum(-1)


class OfCategories(Distribution):
    """Distributions of vectors with an element for each category, given its `probs` or unnormalised `logits`."""

    given_probs: Any
    given_logits: Any

    @property
    def index(self) -> Categorical:
        """The distribution of one category."""
        return Categorical(self.given_probs, self.given_logits)

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return self.index.batch_shape

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        return self.probs.shape[-1:]

    @property
    def probs(self) -> jax.Array:
        """Probabilities whose sum is 1."""
        return self.index.probs

    @property
    def logits(self) -> jax.Array:
        """Logarithms of the probabilities."""
        return self.index.logits


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class OneHotCategorical(OfCategories):
    """Distributions over one-hot vectors, given the `probs` of their ones, or unnormalised `logits`."""

    given_probs: Any = None
    given_logits: Any = None

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return self.probs

    @property
    def mode(self) -> jax.Array:
        """The most likely outcome."""
        probs = self.probs
        return jax.nn.one_hot(self.index.mode, probs.shape[-1], dtype=probs.dtype)

    @property
    def variance(self) -> jax.Array:
        """The variance of each element."""
        return self.mean * (1 - self.mean)

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        probs = self.probs
        return jax.nn.one_hot(self.index.sample(rngs, sample_shape), probs.shape[-1], dtype=probs.dtype)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        return self.index.log_prob(value.argmax(-1))

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return self.index.entropy()

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each; infinite where an outcome is impossible for `other` alone."""
        if not isinstance(other, OneHotCategorical):
            return super().kl_divergence(other)
        return self.index.kl_divergence(other.index)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class OneHotCategoricalStraightThrough(OneHotCategorical):
    """The same, with the gradient of the probabilities in place of the outcomes'."""

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes through which the gradient flows into the probabilities."""
        probs = self.probs
        return self.sample(rngs, sample_shape) + (probs - jax.lax.stop_gradient(probs))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Bernoulli(Univariate):
    """Distributions over 0 and 1, given the `probs` of 1 or the `logits` (the logarithms of its odds)."""

    given_probs: Any = None
    given_logits: Any = None

    @property
    def probs(self) -> jax.Array:
        """The probabilities of 1."""
        return jnp.asarray(self.given_probs) if self.given_probs is not None else jax.nn.sigmoid(self.given_logits)

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return self.probs

    @property
    def logits(self) -> jax.Array:
        """The logarithms of the odds of 1."""
        if self.given_logits is not None:
            return jnp.asarray(self.given_logits)
        return log_odds(self.probs)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.mean * (1 - self.mean)

    @property
    def mode(self) -> jax.Array:
        """The most likely outcome; there is none where both are as likely."""
        return jnp.where(self.mean == 0.5, jnp.nan, self.mean >= 0.5)

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        return rngs.bernoulli(self.mean, (*sample_shape, *self.batch_shape)).astype(self.mean.dtype)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        logits = self.logits
        return value * logits - jnp.maximum(logits, 0) - jnp.log1p(jnp.exp(-jnp.abs(logits)))

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return -self.log_prob(self.mean)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Bernoulli):
            return super().kl_divergence(other)
        p, q = self.mean, other.mean
        ones = p * (jax.nn.softplus(-other.logits) - jax.nn.softplus(-self.logits))
        ones = jnp.where(p == 0, 0, jnp.where(q == 0, jnp.inf, ones))
        zeros = (1 - p) * (jax.nn.softplus(other.logits) - jax.nn.softplus(self.logits))
        return ones + jnp.where(p == 1, 0, jnp.where(q == 1, jnp.inf, zeros))
