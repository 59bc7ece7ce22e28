"""Mixtures of distributions, with the formulas of `torch.distributions`."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.discrete_distributions import Categorical
from torch2jax.helpers.distributions import Distribution


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MixtureSameFamily(Distribution):
    """Outcomes of one of the `components`, whose last batch axis counts them: `mixture` draws which."""

    mixture: Categorical
    components: Any

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        shape: tuple[int, ...] = self.components.batch_shape
        return shape[:-1]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        shape: tuple[int, ...] = self.components.event_shape
        return shape

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return self._expected(self.components.mean)

    @property
    def variance(self) -> jax.Array:
        """The variance: that of the components, and that of their means."""
        distance = self.components.mean - jnp.expand_dims(self.mean, self._axis)
        return self._expected(self.components.variance) + self._expected(distance**2)

    def sample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that no gradient flows through."""
        chosen = self.mixture.sample(rngs, sample_shape)
        outcomes = self.components.sample(rngs, sample_shape)
        chosen = jnp.expand_dims(chosen, tuple(range(self._axis, 0)))
        return jnp.take_along_axis(outcomes, chosen, axis=self._axis).squeeze(self._axis)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the probability, or density, of `value`."""
        log_prob = self.components.log_prob(jnp.expand_dims(value, self._axis))
        return jax.nn.logsumexp(log_prob + self.mixture.logits, axis=-1)

    @property
    def _axis(self) -> int:
        return -1 - len(self.event_shape)

    def _expected(self, values: jax.Array) -> jax.Array:
        probs = jnp.expand_dims(self.mixture.probs, tuple(range(-len(self.event_shape), 0)))
        return (probs * values).sum(self._axis)
