"""More distributions of real and of positive numbers."""

from torch2jax.rulebook import *


@rule("torch.distributions.LogNormal", view=True)
def LogNormal(loc: Scalar, scale: Scalar, validate_args: Ignored = None) -> Object:
    """Exponentials of normal variables.

    >>> d = torch.distributions.LogNormal(f32(2, 3), pos(3))
    >>> d.log_prob(pos(4, 2, 3)) + d.rsample() + d.sample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.LogNormal(f32(2, 3), scale=0.5)
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.loc, d.scale])
    """
    return helpers.LogNormal(loc, scale)


@rule("torch.distributions.HalfNormal", view=True)
def HalfNormal(scale: Scalar, validate_args: Ignored = None) -> Object:
    """Magnitudes of normal variables.

    >>> d = torch.distributions.HalfNormal(pos(2, 3), validate_args=False)
    >>> d.log_prob(f32(2, 3)).exp() + d.rsample() + d.sample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.HalfNormal(pos(2, 3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.scale])
    """
    return helpers.HalfNormal(scale)


@rule("torch.distributions.HalfCauchy", view=True)
def HalfCauchy(scale: Scalar, validate_args: Ignored = None) -> Object:
    """Magnitudes of Cauchy variables.

    >>> d = torch.distributions.HalfCauchy(pos(2, 3), validate_args=False)
    >>> d.log_prob(f32(2, 3)).exp() + d.rsample() + d.sample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.HalfCauchy(pos(2, 3))
    >>> torch.cat([d.entropy(), d.scale])
    """
    return helpers.HalfCauchy(scale)


@rule("torch.distributions.StudentT", view=True)
def StudentT(df: Scalar, loc: Scalar = 0.0, scale: Scalar = 1.0, validate_args: Ignored = None) -> Object:
    """Student's distributions.

    >>> d = torch.distributions.StudentT(pos(2, 3), f32(3), pos(2, 3))
    >>> d.log_prob(f32(4, 2, 3)) + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.StudentT(torch.tensor([0.5, 1.5, 4.0]), f32(2, 3), 2.0)
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.df, d.loc, d.scale])

    >>> torch.distributions.StudentT(3.0).log_prob(f32(4))
    >>> torch.distributions.StudentT(pos(2, 3), 0.0, pos(3)).rsample((4,))  # random
    >>> torch.distributions.StudentT(pos(2, 3)).sample()  # random
    """
    return helpers.StudentT(df, loc, scale)


@rule("torch.distributions.Gumbel", view=True)
def Gumbel(loc: Scalar, scale: Scalar, validate_args: Ignored = None) -> Object:
    """Gumbel distributions.

    >>> d = torch.distributions.Gumbel(f32(2, 3), pos(3))
    >>> d.log_prob(f32(4, 2, 3)) + d.rsample() + d.sample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.Gumbel(f32(2, 3), pos(3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.loc, d.scale])
    """
    return helpers.Gumbel(loc, scale)


@rule("torch.distributions.Pareto", view=True)
def Pareto(scale: Scalar, alpha: Scalar, validate_args: Ignored = None) -> Object:
    """Pareto distributions.

    >>> d = torch.distributions.Pareto(pos(2, 3), 1 + pos(3))
    >>> d.log_prob(2 + pos(4, 2, 3)) + d.rsample() + d.sample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.Pareto(pos(2, 3), 2 + pos(3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.scale, d.alpha])
    """
    return helpers.Pareto(scale, alpha)


@rule("torch.distributions.Weibull", view=True)
def Weibull(scale: Scalar, concentration: Scalar, validate_args: Ignored = None) -> Object:
    """Weibull distributions.

    >>> d = torch.distributions.Weibull(pos(2, 3), pos(3))
    >>> d.log_prob(pos(4, 2, 3)) + d.rsample() + d.sample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.Weibull(pos(2, 3), pos(3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.scale, d.concentration])
    """
    return helpers.Weibull(scale, concentration)


@rule("torch.distributions.InverseGamma", view=True)
def InverseGamma(concentration: Scalar, rate: Scalar, validate_args: Ignored = None) -> Object:
    """Reciprocals of gamma variables.

    >>> d = torch.distributions.InverseGamma(pos(2, 3), pos(3))
    >>> d.log_prob(pos(4, 2, 3)) + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.InverseGamma(2 + pos(2, 3), pos(2, 3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.concentration, d.rate])

    >>> torch.distributions.InverseGamma(pos(2, 3), pos(3)).rsample((4,))  # random
    >>> torch.distributions.InverseGamma(pos(2, 3), pos(3)).sample()  # random
    """
    return helpers.InverseGamma(concentration, rate)


@rule("torch.distributions.Kumaraswamy", view=True)
def Kumaraswamy(concentration1: Scalar, concentration0: Scalar, validate_args: Ignored = None) -> Object:
    """Kumaraswamy's distributions.

    >>> d = torch.distributions.Kumaraswamy(pos(2, 3), pos(3))
    >>> d.log_prob(unit(4, 2, 3)) + d.rsample() + d.sample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.Kumaraswamy(pos(2, 3), pos(2, 3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.concentration1, d.concentration0])
    """
    return helpers.Kumaraswamy(concentration1, concentration0)


@rule("torch.distributions.FisherSnedecor", view=True)
def FisherSnedecor(df1: Scalar, df2: Scalar, validate_args: Ignored = None) -> Object:
    """F distributions.

    >>> d = torch.distributions.FisherSnedecor(pos(2, 3), 4 + pos(3))
    >>> d.log_prob(pos(4, 2, 3)) + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.FisherSnedecor(pos(2, 3), torch.tensor([1.0, 3.0, 5.0]))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.df1, d.df2])

    >>> torch.distributions.FisherSnedecor(pos(2, 3), pos(3)).rsample((4,))  # random
    >>> torch.distributions.FisherSnedecor(pos(2, 3), pos(3)).sample()  # random
    """
    return helpers.FisherSnedecor(df1, df2)


@rule("torch.distributions.Chi2", view=True)
def Chi2(df: Scalar, validate_args: Ignored = None) -> Object:
    """Sums of squares of normal variables.

    >>> d = torch.distributions.Chi2(pos(2, 3))
    >>> d.log_prob(pos(4, 2, 3)) + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.Chi2(pos(2, 3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.df, d.concentration, d.rate])

    >>> torch.distributions.Chi2(pos(2, 3)).rsample((4,))  # random
    >>> torch.distributions.Chi2(pos(2, 3)).sample()  # random
    """
    return helpers.Gamma(0.5 * df, 0.5)


@attribute("torch.distributions.Chi2.df")
def degrees_of_freedom(self) -> Tensor:
    """Degrees of freedom.

    >>> torch.distributions.Chi2(pos(2, 3)).df
    """
    return 2 * self.concentration


@attribute(
    "torch.distributions.LogNormal.loc",
    "torch.distributions.StudentT.loc",
    "torch.distributions.Gumbel.loc",
    "torch.distributions.Cauchy.loc",
)
def loc(self) -> Tensor:
    """Where they lie.

    >>> torch.distributions.Gumbel(f32(3), pos(2, 3)).loc
    >>> torch.distributions.Cauchy(f32(3), pos(2, 3)).loc
    """
    return jnp.broadcast_to(self.loc, self.batch_shape)


@attribute(
    "torch.distributions.LogNormal.scale",
    "torch.distributions.HalfNormal.scale",
    "torch.distributions.HalfCauchy.scale",
    "torch.distributions.StudentT.scale",
    "torch.distributions.Gumbel.scale",
    "torch.distributions.Pareto.scale",
    "torch.distributions.Weibull.scale",
    "torch.distributions.Laplace.scale",
    "torch.distributions.Cauchy.scale",
)
def scale(self) -> Tensor:
    """How wide they are.

    >>> torch.distributions.Gumbel(f32(2, 3), pos(3)).scale
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).scale
    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).scale
    """
    return jnp.broadcast_to(self.scale, self.batch_shape)


@attribute("torch.distributions.StudentT.df")
def df(self) -> Tensor:
    """Degrees of freedom.

    >>> torch.distributions.StudentT(pos(3), f32(2, 3)).df
    """
    return jnp.broadcast_to(self.df, self.batch_shape)


@attribute("torch.distributions.FisherSnedecor.df1")
def df1(self) -> Tensor:
    """Degrees of freedom of the numerator.

    >>> torch.distributions.FisherSnedecor(pos(3), pos(2, 3)).df1
    """
    return jnp.broadcast_to(self.df1, self.batch_shape)


@attribute("torch.distributions.FisherSnedecor.df2")
def df2(self) -> Tensor:
    """Degrees of freedom of the denominator.

    >>> torch.distributions.FisherSnedecor(pos(2, 3), pos(3)).df2
    """
    return jnp.broadcast_to(self.df2, self.batch_shape)


@attribute("torch.distributions.Pareto.alpha")
def alpha(self) -> Tensor:
    """Exponents.

    >>> torch.distributions.Pareto(pos(2, 3), pos(3)).alpha
    """
    return jnp.broadcast_to(self.alpha, self.batch_shape)


@attribute(
    "torch.distributions.Gamma.concentration",
    "torch.distributions.InverseGamma.concentration",
    "torch.distributions.Weibull.concentration",
)
def concentration(self) -> Tensor:
    """Shapes.

    >>> torch.distributions.Gamma(pos(3), pos(2, 3)).concentration
    >>> torch.distributions.Weibull(pos(2, 3), pos(3)).concentration
    """
    return jnp.broadcast_to(self.concentration, self.batch_shape)


@attribute(
    "torch.distributions.Gamma.rate",
    "torch.distributions.InverseGamma.rate",
    "torch.distributions.Exponential.rate",
    "torch.distributions.Poisson.rate",
)
def rate(self) -> Tensor:
    """Rates.

    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).rate
    >>> torch.distributions.Exponential(pos(3)).rate
    """
    return jnp.broadcast_to(self.rate, self.batch_shape)


@attribute("torch.distributions.Beta.concentration1", "torch.distributions.Kumaraswamy.concentration1")
def concentration1(self) -> Tensor:
    """First shapes.

    >>> torch.distributions.Beta(pos(3), pos(2, 3)).concentration1
    """
    return jnp.broadcast_to(self.concentration1, self.batch_shape)


@attribute("torch.distributions.Beta.concentration0", "torch.distributions.Kumaraswamy.concentration0")
def concentration0(self) -> Tensor:
    """Second shapes.

    >>> torch.distributions.Beta(pos(2, 3), pos(3)).concentration0
    """
    return jnp.broadcast_to(self.concentration0, self.batch_shape)
