"""Continuous relaxations of discrete distributions, with the formulas of `torch.distributions`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.scipy.special import gammaln

from torch2jax.helpers.discrete_distributions import OfCategories, clamp_probs, log_odds
from torch2jax.helpers.rare_distributions import OfTries
from torch2jax.helpers.transforms import SigmoidTransform


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RelaxedOneHotCategorical(OfCategories):
    """Distributions over vectors of probabilities, one-hot where the `temperature` is low (Maddison et al., 2017)."""

    temperature: Any
    given_probs: Any = None
    given_logits: Any = None

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        logits = self.logits
        unit = clamp_probs(rngs.uniform((*sample_shape, *logits.shape), dtype=logits.dtype))
        return jax.nn.softmax((logits - jnp.log(-jnp.log(unit))) / self.temperature)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        logits, log_value = self.logits, jnp.log(value)
        k = logits.shape[-1]
        log_scale = gammaln(jnp.asarray(k, logits.dtype)) + (k - 1) * jnp.log(self.temperature)
        scores = jax.nn.log_softmax(logits - log_value * self.temperature)
        return scores.sum(-1) + log_scale - log_value.sum(-1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class RelaxedBernoulli(OfTries):
    """Distributions over (0, 1), close to 0 and 1 where the `temperature` is low (Maddison et al., 2017)."""

    temperature: Any
    given_probs: Any = None
    given_logits: Any = None

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the probabilities."""
        return jnp.shape(self.given_probs if self.given_probs is not None else self.given_logits)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        unit = rngs.uniform((*sample_shape, *self.batch_shape), dtype=self.probs.dtype)
        return SigmoidTransform()((log_odds(unit) + log_odds(self.probs)) / self.temperature)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        sigmoid = SigmoidTransform()
        x = sigmoid.inverse(value)
        diff = self.logits - x * self.temperature
        log_prob = jnp.log(self.temperature) + diff - 2 * jnp.log1p(jnp.exp(diff))
        return jnp.asarray(log_prob) - sigmoid.log_abs_det_jacobian(x, value)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class ContinuousBernoulli(OfTries):
    """Distributions over [0, 1] (Loaiza-Ganem & Cunningham, 2019); within `lims` of `probs` by series about 1/2."""

    given_probs: Any = None
    given_logits: Any = None
    lims: tuple[float, float] = field(default=(0.499, 0.501), metadata={"static": True})

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The shape of the probabilities."""
        return jnp.shape(self.given_probs if self.given_probs is not None else self.given_logits)

    @property
    def probs(self) -> jax.Array:
        """What would be the probabilities of 1, kept from 0 and 1."""
        return clamp_probs(super().probs)

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        p, x = self._cut_probs(), self.probs - 0.5
        mean = p / (2.0 * p - 1.0) + 1.0 / (jnp.log1p(-p) - jnp.log(p))
        return jnp.where(self._is_stable(), mean, 0.5 + (1.0 / 3.0 + 16.0 / 45.0 * x**2) * x)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        p, x = self._cut_probs(), (self.probs - 0.5) ** 2
        variance = p * (p - 1.0) / (1.0 - 2.0 * p) ** 2 + 1.0 / (jnp.log1p(-p) - jnp.log(p)) ** 2
        return jnp.where(self._is_stable(), variance, 1.0 / 12.0 - (1.0 / 15.0 - 128.0 / 945.0 * x) * x)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        p = self._cut_probs()
        unit = rngs.uniform((*sample_shape, *self.batch_shape), dtype=p.dtype)
        outcomes = (jnp.log1p(-p + unit * (2.0 * p - 1.0)) - jnp.log1p(-p)) / (jnp.log(p) - jnp.log1p(-p))
        return jnp.where(self._is_stable(), outcomes, unit)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        logits = self.logits
        return value * logits - jax.nn.softplus(logits) + self._log_norm()

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        log_probs0, log_probs1 = jnp.log1p(-self.probs), jnp.log(self.probs)
        return self.mean * (log_probs0 - log_probs1) - self._log_norm() - log_probs0

    def _is_stable(self) -> jax.Array:
        return (self.probs <= self.lims[0]) | (self.probs > self.lims[1])

    def _cut_probs(self) -> jax.Array:
        return jnp.where(self._is_stable(), self.probs, self.lims[0])

    def _log_norm(self) -> jax.Array:
        p, x = self._cut_probs(), (self.probs - 0.5) ** 2
        log_norm = jnp.log(jnp.abs(jnp.log1p(-p) - jnp.log(p))) - jnp.log(jnp.abs(1.0 - 2.0 * p))
        return jnp.where(self._is_stable(), log_norm, math.log(2.0) + (4.0 / 3.0 + 104.0 / 45.0 * x) * x)
