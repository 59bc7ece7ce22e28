"""Probability distributions: objects of helpers' classes, with PyTorch's formulas.

Their arguments are not validated: `validate_args` is dropped, and a value outside of the support gives no error.
"""

from torch2jax.rulebook import *


@rule("torch.distributions.Distribution")
def Distribution(batch_shape: Shape = (), event_shape: Shape = (), validate_args: Ignored = None) -> Object:
    """What all distributions are.

    >>> torch.zeros(torch.distributions.Distribution(validate_args=False).batch_shape)

    >>> torch.zeros(torch.distributions.Distribution(torch.Size([2]), validate_args=False).batch_shape)

    >>> torch.distributions.Distribution(event_shape=torch.Size([2]), validate_args=False).event_shape
    """
    if given(batch_shape) or given(event_shape):
        raise Unsupported("a distribution of one's own is not translated", "write it by hand")
    return helpers.Distribution()


@rule("torch.distributions.Normal", view=True)
def Normal(loc: Scalar, scale: Scalar, validate_args: Ignored = None) -> Object:
    """Normal distributions.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).log_prob(f32(4, 2, 3))
    >>> torch.distributions.Normal(0.5, scale=2.0).log_prob(f32(4, 2))
    """
    return helpers.Normal(loc, scale)


@rule("torch.distributions.Categorical", view=True)
def Categorical(probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Distributions over indices.

    >>> torch.distributions.Categorical(pos(2, 5)).log_prob(i64(4, 2, high=5))
    >>> torch.distributions.Categorical(logits=f32(2, 5)).log_prob(i64(2, high=5))

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.Categorical(given[0], given[1]).entropy()
    """
    if probs is None:
        return helpers.Categorical(given_logits=logits)
    if logits is None:
        return helpers.Categorical(probs)
    return helpers.Categorical(probs, logits)


@rule("torch.distributions.OneHotCategorical", view=True)
def OneHotCategorical(probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Distributions over one-hot vectors.

    >>> torch.distributions.OneHotCategorical(pos(2, 5)).log_prob(F.one_hot(i64(2, high=5), 5))
    >>> torch.distributions.OneHotCategorical(logits=f32(2, 5)).entropy()

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.OneHotCategorical(given[0], given[1]).entropy()
    """
    if probs is None:
        return helpers.OneHotCategorical(given_logits=logits)
    if logits is None:
        return helpers.OneHotCategorical(probs)
    return helpers.OneHotCategorical(probs, logits)


@rule("torch.distributions.Bernoulli", view=True)
def Bernoulli(probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Distributions over 0 and 1.

    >>> torch.distributions.Bernoulli(unit(2, 5)).log_prob(b8(4, 2, 5).double())
    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).log_prob(b8(2, 5).double())

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.Bernoulli(given[0], given[1]).entropy()
    """
    if probs is None:
        return helpers.Bernoulli(given_logits=logits)
    if logits is None:
        return helpers.Bernoulli(probs)
    return helpers.Bernoulli(probs, logits)


@rule("torch.distributions.Uniform", view=True)
def Uniform(low: Scalar, high: Scalar, validate_args: Ignored = None) -> Object:
    """Uniform distributions.

    >>> torch.distributions.Uniform(-f32(2, 3).abs() - 1, pos(3)).log_prob(unit(4, 2, 3) * 0.2)
    >>> torch.distributions.Uniform(-1.0, 3.0, validate_args=False).log_prob(3 * f32(4, 2, 3))
    """
    return helpers.Uniform(low, high)


@rule("torch.distributions.Exponential", view=True)
def Exponential(rate: Scalar, validate_args: Ignored = None) -> Object:
    """Exponential distributions.

    >>> torch.distributions.Exponential(pos(2, 3)).log_prob(pos(4, 2, 3))
    """
    return helpers.Exponential(rate)


@rule("torch.distributions.Laplace", view=True)
def Laplace(loc: Scalar, scale: Scalar, validate_args: Ignored = None) -> Object:
    """Laplace distributions.

    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).log_prob(f32(4, 2, 3))
    """
    return helpers.Laplace(loc, scale)


@rule("torch.distributions.Gamma", view=True)
def Gamma(concentration: Scalar, rate: Scalar, validate_args: Ignored = None) -> Object:
    """Gamma distributions.

    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).log_prob(pos(4, 2, 3))
    """
    return helpers.Gamma(concentration, rate)


@rule("torch.distributions.Beta", view=True)
def Beta(concentration1: Scalar, concentration0: Scalar, validate_args: Ignored = None) -> Object:
    """Beta distributions.

    >>> torch.distributions.Beta(pos(2, 3), pos(2, 3)).log_prob(unit(4, 2, 3))
    """
    return helpers.Beta(concentration1, concentration0)


@rule("torch.distributions.Dirichlet", view=True)
def Dirichlet(concentration: Tensor, validate_args: Ignored = None) -> Object:
    """Dirichlet distributions.

    >>> torch.distributions.Dirichlet(pos(2, 3)).log_prob(torch.softmax(f32(2, 3), -1))
    """
    return helpers.Dirichlet(concentration)


@rule("torch.distributions.MultivariateNormal", view=True)
def MultivariateNormal(
    loc: Tensor, covariance_matrix=None, precision_matrix=None, scale_tril=None, validate_args: Ignored = None
) -> Object:
    """Normal distributions of vectors.

    >>> x = f32(2, 3, 3)
    >>> torch.distributions.MultivariateNormal(f32(3), x @ x.mT + torch.eye(3)).log_prob(f32(4, 2, 3))

    >>> x = f32(2, 3, 3).tril() + 4 * torch.eye(3)
    >>> torch.distributions.MultivariateNormal(f32(3), scale_tril=x).log_prob(f32(4, 2, 3))

    >>> torch.distributions.MultivariateNormal(f32(3), precision_matrix=torch.eye(3)).log_prob(f32(3))
    """
    if precision_matrix is not None:
        raise Unsupported("a precision matrix is not translated", "give `scale_tril` or `covariance_matrix`")
    if scale_tril is not None:
        return helpers.MultivariateNormal(loc, scale_tril)
    return helpers.MultivariateNormal(loc, jnp.linalg.cholesky(covariance_matrix))


@rule("torch.distributions.Independent", view=True)
def Independent(base_distribution, reinterpreted_batch_ndims: int, validate_args: Ignored = None) -> Object:
    """Distributions whose last axes belong to one outcome.

    >>> normal = torch.distributions.Normal(f32(2, 3), pos(3))
    >>> torch.distributions.Independent(normal, 1).log_prob(f32(4, 2, 3))
    """
    return helpers.Independent(base_distribution, reinterpreted_batch_ndims)


@rule("torch.distributions.Distribution.sample")
def sample(self, sample_shape: Shape = ()) -> Tensor:
    """Outcomes that no gradient flows through.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).sample()  # random
    >>> torch.distributions.Categorical(logits=f32(2, 5)).sample()  # random
    >>> torch.distributions.OneHotCategorical(logits=f32(2, 5)).sample()  # random
    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).sample()  # random
    >>> torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).sample()  # random
    >>> torch.distributions.Exponential(pos(2, 3)).sample()  # random
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).sample()  # random
    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).sample()  # random
    >>> torch.distributions.Beta(pos(2, 3), pos(2, 3)).sample()  # random
    >>> torch.distributions.Dirichlet(pos(2, 3)).sample()  # random
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).sample()  # random
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).sample()  # random
    >>> torch.distributions.Normal(f32(2, 3), pos(3)).sample((4,))  # random
    >>> torch.distributions.Categorical(logits=f32(2, 5)).sample(torch.Size([4]))  # random
    """
    if given(sample_shape):
        return self.sample(rngs, sample_shape)
    return self.sample(rngs)


@rule("torch.distributions.Distribution.rsample")
def rsample(self, sample_shape: Shape = ()) -> Tensor:
    """Outcomes that the gradient flows through.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).rsample()  # random
    >>> torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).rsample()  # random
    >>> torch.distributions.Exponential(pos(2, 3)).rsample()  # random
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).rsample()  # random
    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).rsample()  # random
    >>> torch.distributions.Beta(pos(2, 3), pos(2, 3)).rsample()  # random
    >>> torch.distributions.Dirichlet(pos(2, 3)).rsample()  # random
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).rsample()  # random
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).rsample()  # random
    >>> torch.distributions.Normal(f32(2, 3), pos(3)).rsample((4,))  # random
    """
    if given(sample_shape):
        return self.rsample(rngs, sample_shape)
    return self.rsample(rngs)


@rule("torch.distributions.Distribution.log_prob")
def log_prob(self, value: Scalar) -> Tensor:
    """Logarithms of probabilities or densities.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).log_prob(f32(4, 2, 3))
    >>> torch.distributions.Categorical(logits=f32(2, 5)).log_prob(i64(4, 2, high=5))
    >>> torch.distributions.OneHotCategorical(logits=f32(2, 5)).log_prob(F.one_hot(i64(2, high=5), 5))
    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).log_prob(b8(2, 5).double())
    >>> torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).log_prob(f32(4, 2, 3) * 0.1 + 2)
    >>> torch.distributions.Exponential(pos(2, 3)).log_prob(pos(2, 3))
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).log_prob(f32(2, 3))
    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).log_prob(pos(2, 3))
    >>> torch.distributions.Beta(pos(2, 3), pos(2, 3)).log_prob(unit(2, 3))
    >>> torch.distributions.Dirichlet(pos(2, 3)).log_prob(torch.softmax(f32(2, 3), -1))
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).log_prob(f32(4, 2, 3))
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).log_prob(f32(4, 2, 3))
    """
    return self.log_prob(value)


@rule("torch.distributions.Distribution.entropy")
def entropy(self) -> Tensor:
    """Entropies in nats.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).entropy()
    >>> torch.distributions.Categorical(logits=f32(2, 5)).entropy()
    >>> torch.distributions.OneHotCategorical(logits=f32(2, 5)).entropy()
    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).entropy()
    >>> torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).entropy()
    >>> torch.distributions.Exponential(pos(2, 3)).entropy()
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).entropy()
    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).entropy()
    >>> torch.distributions.Beta(pos(2, 3), pos(2, 3)).entropy()
    >>> torch.distributions.Dirichlet(pos(2, 3)).entropy()
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).entropy()
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).entropy()
    """
    return self.entropy()


@rule("torch.distributions.Distribution.cdf")
def cdf(self, value: Scalar) -> Tensor:
    """Probabilities of at most a value.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).cdf(f32(4, 2, 3))
    """
    return self.cdf(value)


@rule("torch.distributions.Distribution.icdf")
def icdf(self, value: Scalar) -> Tensor:
    """Values at probabilities.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).icdf(unit(4, 2, 3))
    """
    return self.icdf(value)


@attribute("torch.distributions.Distribution.mean")
def mean(self) -> Tensor:
    """Expected outcomes.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).mean
    >>> torch.distributions.OneHotCategorical(logits=f32(2, 5)).mean
    >>> torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).mean
    >>> torch.distributions.Exponential(pos(2, 3)).mean
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).mean
    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).mean
    >>> torch.distributions.Beta(pos(2, 3), pos(2, 3)).mean
    >>> torch.distributions.Dirichlet(pos(2, 3)).mean
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).mean
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).mean
    """
    return self.mean


@attribute("torch.distributions.Bernoulli.mean")
def bernoulli_mean(self) -> Tensor:
    """Probabilities of 1.

    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).mean
    """
    return self.mean


@attribute("torch.distributions.Distribution.variance")
def variance(self) -> Tensor:
    """Variances.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).variance
    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).variance
    >>> torch.distributions.OneHotCategorical(logits=f32(2, 5)).variance
    >>> torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).variance
    >>> torch.distributions.Exponential(pos(2, 3)).variance
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).variance
    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).variance
    >>> torch.distributions.Beta(pos(2, 3), pos(2, 3)).variance
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).variance
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).variance
    """
    return self.variance


@attribute("torch.distributions.Distribution.stddev")
def stddev(self) -> Tensor:
    """Standard deviations.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).stddev
    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).stddev
    >>> torch.distributions.OneHotCategorical(logits=f32(2, 5)).stddev
    >>> torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).stddev
    >>> torch.distributions.Exponential(pos(2, 3)).stddev
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).stddev
    >>> torch.distributions.Gamma(pos(2, 3), pos(3)).stddev
    >>> torch.distributions.Beta(pos(2, 3), pos(2, 3)).stddev
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).stddev
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).stddev
    """
    return self.stddev


@attribute("torch.distributions.Distribution.mode")
def mode(self) -> Tensor:
    """The most likely outcomes.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).mode
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).mode
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).mode
    >>> torch.distributions.OneHotCategorical(logits=f32(2, 5)).mode
    >>> torch.distributions.OneHotCategoricalStraightThrough(logits=f32(2, 5)).mode
    >>> torch.distributions.Bernoulli(torch.tensor([0.2, 0.5, 0.7])).mode
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).mode
    """
    return self.mode


@attribute("torch.distributions.Categorical.mode", dtype="int")
def index_mode(self) -> Tensor:
    """The most likely indices.

    >>> torch.distributions.Categorical(logits=f32(2, 5)).mode
    """
    return self.mode


@attribute("torch.distributions.Categorical.probs", "torch.distributions.OneHotCategorical.probs")
def probs(self) -> Tensor:
    """Probabilities, with a sum of 1.

    >>> torch.distributions.Categorical(logits=f32(2, 5)).probs
    >>> torch.distributions.Categorical(pos(2, 5)).probs
    >>> torch.distributions.OneHotCategorical(pos(2, 5)).probs
    """
    return self.probs


@attribute("torch.distributions.Categorical.logits", "torch.distributions.OneHotCategorical.logits")
def logits(self) -> Tensor:
    """Logarithms of the probabilities.

    >>> torch.distributions.Categorical(logits=f32(2, 5)).logits
    >>> torch.distributions.Categorical(pos(2, 5)).logits
    """
    return self.logits


@attribute("torch.distributions.Bernoulli.probs")
def bernoulli_probs(self) -> Tensor:
    """Probabilities of 1.

    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).probs
    >>> torch.distributions.Bernoulli(unit(2, 5)).probs
    """
    return self.probs


@attribute("torch.distributions.Bernoulli.logits")
def bernoulli_logits(self) -> Tensor:
    """Logarithms of the odds of 1.

    >>> torch.distributions.Bernoulli(logits=f32(2, 5)).logits
    >>> torch.distributions.Bernoulli(unit(2, 5)).logits
    """
    return self.logits


@attribute("torch.distributions.Distribution.batch_shape")
def batch_shape(self) -> Shape:
    """Sizes of the parameters.

    >>> torch.zeros(torch.distributions.Normal(f32(2, 3), pos(3)).batch_shape)
    >>> torch.zeros(torch.distributions.Categorical(logits=f32(2, 5)).batch_shape)
    >>> torch.zeros(torch.distributions.OneHotCategorical(logits=f32(2, 5)).batch_shape)
    >>> torch.zeros(torch.distributions.Bernoulli(logits=f32(2, 5)).batch_shape)
    >>> torch.zeros(torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).batch_shape)
    >>> torch.zeros(torch.distributions.Exponential(pos(2, 3)).batch_shape)
    >>> torch.zeros(torch.distributions.Laplace(f32(2, 3), pos(3)).batch_shape)
    >>> torch.zeros(torch.distributions.Gamma(pos(2, 3), pos(3)).batch_shape)
    >>> torch.zeros(torch.distributions.Beta(pos(2, 3), pos(2, 3)).batch_shape)
    >>> torch.zeros(torch.distributions.Dirichlet(pos(2, 3)).batch_shape)
    >>> torch.zeros(torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).batch_shape)
    >>> torch.zeros(torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).batch_shape)
    """
    return self.batch_shape


@attribute("torch.distributions.Distribution.event_shape")
def event_shape(self) -> Shape:
    """Sizes of one outcome.

    >>> torch.zeros(torch.distributions.Normal(f32(2, 3), pos(3)).event_shape)
    >>> torch.zeros(torch.distributions.Categorical(logits=f32(2, 5)).event_shape)
    >>> torch.zeros(torch.distributions.OneHotCategorical(logits=f32(2, 5)).event_shape)
    >>> torch.zeros(torch.distributions.Bernoulli(logits=f32(2, 5)).event_shape)
    >>> torch.zeros(torch.distributions.Uniform(f32(2, 3), 3 + pos(3)).event_shape)
    >>> torch.zeros(torch.distributions.Exponential(pos(2, 3)).event_shape)
    >>> torch.zeros(torch.distributions.Laplace(f32(2, 3), pos(3)).event_shape)
    >>> torch.zeros(torch.distributions.Gamma(pos(2, 3), pos(3)).event_shape)
    >>> torch.zeros(torch.distributions.Beta(pos(2, 3), pos(2, 3)).event_shape)
    >>> torch.zeros(torch.distributions.Dirichlet(pos(2, 3)).event_shape)
    >>> torch.zeros(torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).event_shape)
    >>> torch.zeros(torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).event_shape)
    """
    return self.event_shape


@attribute(
    "torch.distributions.Normal.loc",
    "torch.distributions.Laplace.loc",
    "torch.distributions.MultivariateNormal.loc",
)
def loc(self) -> Tensor:
    """Where they lie.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).loc
    >>> torch.distributions.Laplace(f32(2, 3), pos(3)).loc
    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).loc
    """
    return self.mean


@attribute("torch.distributions.Normal.scale")
def scale(self) -> Tensor:
    """Standard deviations.

    >>> torch.distributions.Normal(f32(2, 3), pos(3)).scale
    """
    return self.stddev


@attribute("torch.distributions.MultivariateNormal.covariance_matrix")
def covariance_matrix(self) -> Tensor:
    """Covariances.

    >>> torch.distributions.MultivariateNormal(f32(2, 3), torch.eye(3)).covariance_matrix
    """
    return self.covariance_matrix


@attribute("torch.distributions.Independent.base_dist", view=True)
def base_dist(self) -> Object:
    """The distributions of the parts.

    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).base_dist.mean
    >>> torch.distributions.Independent(torch.distributions.Normal(f32(2, 3), pos(3)), 1).base_dist.rsample()
    """
    return self.base_dist
