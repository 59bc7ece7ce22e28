"""More distributions of real and of positive numbers, with the formulas of `torch.distributions`."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx
from jax.scipy.special import digamma, gammaln

from torch2jax.helpers.distributions import Normal, Univariate
from torch2jax.helpers.positive_distributions import Gamma


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class LogNormal(Univariate):
    """Distributions whose logarithms are normal, of means `loc` and standard deviations `scale`."""

    loc: jax.Array
    scale: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.exp(self.loc + self.scale**2 / 2)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return jnp.expm1(self.scale**2) * jnp.exp(2 * self.loc + self.scale**2)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        return jnp.exp(Normal(self.loc, self.scale).rsample(rngs, sample_shape))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        return Normal(self.loc, self.scale).log_prob(jnp.log(value)) - jnp.log(value)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return Normal(self.loc, self.scale).entropy() + self.loc

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, LogNormal):
            return super().kl_divergence(other)
        return Normal(self.loc, self.scale).kl_divergence(Normal(other.loc, other.scale))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class HalfNormal(Univariate):
    """Magnitudes of normal variables of mean 0 and standard deviations `scale`."""

    scale: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.asarray(self.scale) * math.sqrt(2 / math.pi)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return jnp.asarray(self.scale) ** 2 * (1 - 2 / math.pi)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        return jnp.abs(Normal(jnp.zeros(()), self.scale).rsample(rngs, sample_shape))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        log_prob = Normal(jnp.zeros(()), self.scale).log_prob(value) + math.log(2)
        return jnp.where(value >= 0, log_prob, -math.inf)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return 0.5 * math.log(math.pi / 2) + 0.5 + jnp.log(self.scale)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, HalfNormal):
            return super().kl_divergence(other)
        ratio = (jnp.asarray(self.scale) / other.scale) ** 2
        return 0.5 * (ratio - 1 - jnp.log(ratio))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class HalfCauchy(Univariate):
    """Magnitudes of Cauchy variables around 0 of width `scale`."""

    scale: jax.Array

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        noise = rngs.cauchy((*sample_shape, *self.batch_shape), dtype=jnp.result_type(self.scale, 0.0))
        return jnp.abs(noise * self.scale)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        log_prob = math.log(2 / math.pi) - jnp.log(self.scale) - jnp.log1p((value / self.scale) ** 2)
        return jnp.where(value >= 0, log_prob, -math.inf)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return math.log(2 * math.pi) + jnp.log(self.scale)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class StudentT(Univariate):
    """Student's distributions of `df` degrees of freedom, around `loc` and of width `scale`."""

    df: jax.Array
    loc: jax.Array
    scale: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome; there is none up to one degree of freedom."""
        return jnp.where(jnp.broadcast_to(self.df, self.batch_shape) <= 1, jnp.nan, self.loc)

    @property
    def variance(self) -> jax.Array:
        """The variance; infinite up to two degrees of freedom, and none up to one."""
        df = jnp.broadcast_to(self.df, self.batch_shape)
        above_2 = jnp.where(df > 2, df, 3)  # so that no gradient is infinite times 0
        variance = jnp.where(df > 2, self.scale**2 * above_2 / (above_2 - 2), jnp.inf)
        return jnp.where(df > 1, variance, jnp.nan)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        shape = (*sample_shape, *self.batch_shape)
        noise = rngs.normal(shape, dtype=jnp.result_type(self.df, self.loc, self.scale, 0.0))
        df = jnp.broadcast_to(self.df, shape)
        chi2 = 2 * rngs.gamma(0.5 * df, shape)
        return self.loc + self.scale * noise * jax.lax.rsqrt(chi2 / df)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        y = (value - self.loc) / self.scale
        return -0.5 * (self.df + 1.0) * jnp.log1p(y**2 / self.df) - jnp.log(self.scale) - self._log_norm()

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        slope = 0.5 * (self.df + 1) * (digamma(0.5 * (self.df + 1)) - digamma(0.5 * self.df))
        return jnp.log(jnp.broadcast_to(self.scale, self.batch_shape)) + slope + self._log_norm()

    def _log_norm(self) -> jax.Array:
        half = 0.5 * self.df
        return 0.5 * jnp.log(self.df) + 0.5 * math.log(math.pi) + gammaln(half) - gammaln(half + 0.5)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Gumbel(Univariate):
    """Gumbel distributions around `loc` of width `scale`."""

    loc: jax.Array
    scale: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return jnp.asarray(self.loc + self.scale * jnp.euler_gamma)

    @property
    def stddev(self) -> jax.Array:
        """The standard deviation."""
        return math.pi / math.sqrt(6) * jnp.broadcast_to(self.scale, self.batch_shape)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self.stddev**2

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        dtype = jnp.result_type(self.loc, self.scale, 0.0)
        info = jnp.finfo(dtype)  # type: ignore[no-untyped-call]
        low, high = float(info.tiny), 1 - float(info.eps)
        unit = rngs.uniform((*sample_shape, *self.batch_shape), dtype=dtype, minval=low, maxval=high)
        return self.loc - self.scale * jnp.log(-jnp.log(unit))

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        y = (self.loc - value) / self.scale
        return y - jnp.exp(y) - jnp.log(self.scale)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return jnp.log(jnp.broadcast_to(self.scale, self.batch_shape)) + (1 + jnp.euler_gamma)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each."""
        if not isinstance(other, Gumbel):
            return super().kl_divergence(other)
        ratio, distance = jnp.asarray(self.scale) / other.scale, (jnp.asarray(self.loc) - other.loc) / other.scale
        expected = jnp.exp(gammaln(1 + ratio) - distance)
        return distance - jnp.log(ratio) + ratio * jnp.euler_gamma + expected - (1 + jnp.euler_gamma)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Pareto(Univariate):
    """Pareto distributions above `scale`, of the exponent `alpha`."""

    scale: jax.Array
    alpha: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome, infinite for exponents up to 1."""
        a = jnp.maximum(self.alpha, 1)
        return a * self.scale / (a - 1)

    @property
    def variance(self) -> jax.Array:
        """The variance, infinite for exponents up to 2."""
        a = jnp.maximum(self.alpha, 2)
        return self.scale**2 * a / ((a - 1) ** 2 * (a - 2))

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        dtype = jnp.result_type(self.scale, self.alpha, 0.0)
        return self.scale * jnp.exp(rngs.exponential((*sample_shape, *self.batch_shape), dtype=dtype) / self.alpha)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`, which is at least `scale`."""
        return jnp.log(self.alpha) - self.alpha * jnp.log(value / self.scale) - jnp.log(value)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        return jnp.log(self.scale / self.alpha) + (1 + 1 / self.alpha)

    def kl_divergence(self, other: Any) -> jax.Array:
        """KL(self || other) of each; infinite where `other` leaves something out."""
        if not isinstance(other, Pareto):
            return super().kl_divergence(other)
        ratio = jnp.asarray(other.alpha) / self.alpha
        divergence = other.alpha * jnp.log(self.scale / other.scale) - jnp.log(ratio) + ratio - 1
        return jnp.where(self.scale < other.scale, jnp.inf, divergence)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Weibull(Univariate):
    """Weibull distributions of width `scale` and shape `concentration`."""

    scale: jax.Array
    concentration: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return self.scale * jnp.exp(gammaln(1 + 1 / self.concentration))

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        mean_square = jnp.exp(gammaln(1 + 2 / self.concentration))
        return self.scale**2 * (mean_square - jnp.exp(2 * gammaln(1 + 1 / self.concentration)))

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        dtype = jnp.result_type(self.scale, self.concentration, 0.0)
        noise = rngs.exponential((*sample_shape, *self.batch_shape), dtype=dtype)
        return self.scale * noise ** (1 / self.concentration)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        k, relative = self.concentration, value / self.scale
        return jnp.log(k / self.scale) + (k - 1) * jnp.log(relative) - relative**k

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        k = self.concentration
        return jnp.euler_gamma * (1 - 1 / k) + jnp.log(self.scale / k) + 1


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class InverseGamma(Univariate):
    """Reciprocals of gamma variables of shape `concentration` and of a `rate`."""

    concentration: jax.Array
    rate: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome, infinite for shapes up to 1."""
        return jnp.where(self.concentration > 1, self.rate / (self.concentration - 1), jnp.inf)

    @property
    def variance(self) -> jax.Array:
        """The variance, infinite for shapes up to 2."""
        a = self.concentration
        return jnp.where(a > 2, self.rate**2 / ((a - 1) ** 2 * (a - 2)), jnp.inf)

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        return 1 / Gamma(self.concentration, self.rate).rsample(rngs, sample_shape)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        return Gamma(self.concentration, self.rate).log_prob(1 / value) - 2 * jnp.log(value)

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        a = self.concentration
        return a + jnp.log(self.rate) + gammaln(a) - (1 + a) * digamma(a)


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Kumaraswamy(Univariate):
    """Kumaraswamy's distributions over (0, 1) of the shapes `concentration1` and `concentration0`."""

    concentration1: jax.Array
    concentration0: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome."""
        return self._moment(1)

    @property
    def variance(self) -> jax.Array:
        """The variance."""
        return self._moment(2) - self.mean**2

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        dtype = jnp.result_type(self.concentration1, self.concentration0, 0.0)
        unit = rngs.uniform((*sample_shape, *self.batch_shape), dtype=dtype)
        return (1 - unit ** (1 / self.concentration0)) ** (1 / self.concentration1)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        a, b = self.concentration1, self.concentration0
        return jnp.log(a * b) + (a - 1) * jnp.log(value) + (b - 1) * jnp.log1p(-(value**a))

    def entropy(self) -> jax.Array:
        """The entropy in nats."""
        a, b = self.concentration1, self.concentration0
        return (1 - 1 / b) + (1 - 1 / a) * (digamma(b + 1) + jnp.euler_gamma) - jnp.log(a * b)

    def _moment(self, n: int) -> jax.Array:
        arg, b = 1 + n / self.concentration1, self.concentration0
        return b * jnp.exp(gammaln(arg) + gammaln(b) - gammaln(arg + b))


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class FisherSnedecor(Univariate):
    """F distributions of `df1` and `df2` degrees of freedom."""

    df1: jax.Array
    df2: jax.Array

    @property
    def mean(self) -> jax.Array:
        """The expected outcome; there is none for `df2` up to 2."""
        df2 = jnp.broadcast_to(self.df2, self.batch_shape)
        return jnp.where(df2 > 2, df2, jnp.nan) / (df2 - 2)

    @property
    def variance(self) -> jax.Array:
        """The variance; there is none for `df2` up to 4."""
        df2 = jnp.where(self.df2 > 4, self.df2, jnp.nan)
        return 2 * df2**2 * (self.df1 + df2 - 2) / (self.df1 * (df2 - 2) ** 2 * (df2 - 4))

    def rsample(self, rngs: nnx.Rngs, sample_shape: Sequence[int] = ()) -> jax.Array:
        """Outcomes that the gradient flows through."""
        above, below = (Gamma(0.5 * df, df).expand(self.batch_shape) for df in (self.df1, self.df2))
        return above.rsample(rngs, sample_shape) / below.rsample(rngs, sample_shape)

    def log_prob(self, value: jax.Array) -> jax.Array:
        """The logarithm of the density of `value`."""
        half1, half2, ratio = 0.5 * self.df1, 0.5 * self.df2, self.df1 / self.df2
        norm = gammaln(half1 + half2) - gammaln(half1) - gammaln(half2) + half1 * jnp.log(ratio)
        return norm + (half1 - 1) * jnp.log(value) - (half1 + half2) * jnp.log1p(ratio * value)
