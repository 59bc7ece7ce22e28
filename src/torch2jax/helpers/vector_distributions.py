"""More distributions of vectors, with the formulas of `torch.distributions`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import jax
import jax.numpy as jnp
from flax import nnx

from torch2jax.helpers.distributions import Distribution, Normal, solve_tril


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LowRankMultivariateNormal(Distribution):
    """Normal distributions of vectors, of covariances `cov_factor @ cov_factor.T + diag(cov_diag)`.

    loc: (..., n). cov_factor: (..., n, rank). cov_diag: (..., n).
    """

    loc: jax.Array
    cov_factor: jax.Array
    cov_diag: jax.Array

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return jnp.broadcast_shapes(self.loc.shape[:-1], self.cov_factor.shape[:-2], self.cov_diag.shape[:-1])

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        return self.loc.shape[-1:]

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.broadcast_to(self.loc, (*self.batch_shape, *self.event_shape))

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        variance = (self.cov_factor**2).sum(-1) + self.cov_diag
        return jnp.broadcast_to(variance, (*self.batch_shape, *self.event_shape))

    @property
    def covariance_matrix(self) -> jax.Array:
        """The covariances."""
        n = self.loc.shape[-1]
        covariance = self.cov_factor @ self.cov_factor.mT + self.cov_diag[..., None] * jnp.eye(n)
        return jnp.broadcast_to(covariance, (*self.batch_shape, n, n))

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        shape, dtype = (*sample_shape, *self.batch_shape), self.loc.dtype
        common = rngs.normal((*shape, self.cov_factor.shape[-1]), dtype=dtype)
        own = rngs.normal((*shape, *self.event_shape), dtype=dtype)
        return self.loc + (self.cov_factor @ common[..., None])[..., 0] + jnp.sqrt(self.cov_diag) * own

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`, by Woodbury's identity."""
        distance = value - self.loc
        common = self._scaled_factor().mT @ distance[..., None]
        squares = (distance**2 / self.cov_diag).sum(-1)
        squares = squares - (solve_tril(self._capacitance_tril(), common) ** 2).sum((-2, -1))
        return -0.5 * (self.loc.shape[-1] * math.log(2 * math.pi) + self._log_det() + squares)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        entropy = 0.5 * (self.loc.shape[-1] * (1.0 + math.log(2 * math.pi)) + self._log_det())
        return jnp.broadcast_to(entropy, self.batch_shape)

    def _scaled_factor(self) -> jax.Array:
        return self.cov_factor / self.cov_diag[..., None]

    def _capacitance_tril(self) -> jax.Array:
        rank = self.cov_factor.shape[-1]
        return jnp.asarray(jnp.linalg.cholesky(jnp.eye(rank) + self._scaled_factor().mT @ self.cov_factor))

    def _log_det(self) -> jax.Array:
        diagonal = jnp.diagonal(self._capacitance_tril(), axis1=-2, axis2=-1)
        return 2 * jnp.log(diagonal).sum(-1) + jnp.log(self.cov_diag).sum(-1)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LogisticNormal(Distribution):
    """Vectors of probabilities made of normal variables, one fewer, each of which breaks off a part of the rest."""

    loc: jax.Array
    scale: jax.Array

    @property
    def normal(self) -> Normal:
        """The distributions of the variables."""
        return Normal(jnp.atleast_1d(self.loc), jnp.atleast_1d(self.scale))

    @property
    def batch_shape(self) -> tuple[int, ...]:
        """The common shape of the parameters."""
        return self.normal.batch_shape[:-1]

    @property
    def event_shape(self) -> tuple[int, ...]:
        """The shape of one outcome."""
        return (self.normal.batch_shape[-1] + 1,)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        x = self.normal.rsample(rngs, sample_shape)
        info = jnp.finfo(x.dtype)  # type: ignore[no-untyped-call]
        parts = jax.nn.sigmoid(x - self._log_parts_left())
        parts = jnp.clip(parts, float(info.tiny), 1 - float(info.eps))
        rest = jnp.cumprod(1 - parts, axis=-1)
        ones = jnp.ones_like(x[..., :1])
        return jnp.concatenate([parts, ones], -1) * jnp.concatenate([ones, rest], -1)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        tiny = float(jnp.finfo(value.dtype).tiny)  # type: ignore[no-untyped-call]
        log_value = jnp.log(value[..., :-1])
        rest = jnp.maximum(1 - jnp.cumsum(value[..., :-1], axis=-1), tiny)
        logits = log_value - jnp.log(rest)
        log_slope = (log_value - logits + jax.nn.log_sigmoid(logits)).sum(-1)
        return self.normal.log_prob(logits + self._log_parts_left()).sum(-1) - log_slope

    def _log_parts_left(self) -> jax.Array:
        n = self.normal.batch_shape[-1]
        return jnp.log(jnp.arange(n, 0, -1.0))
