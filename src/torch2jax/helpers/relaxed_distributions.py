"""Continuous relaxations of discrete distributions, with the formulas of `torch.distributions`."""

from collections.abc import Sequence
from dataclasses import dataclass
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
    probs: Any = None
    logits: Any = None

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        logits = self.normalized_logits
        unit = clamp_probs(rngs.uniform((*sample_shape, *logits.shape), dtype=logits.dtype))
        return jax.nn.softmax((logits - jnp.log(-jnp.log(unit))) / self.temperature)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        logits, log_value = self.normalized_logits, jnp.log(value)
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
