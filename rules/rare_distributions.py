"""Distributions of counts, and of what has no mean."""

from torch2jax.rulebook import *


@rule("torch.distributions.Binomial", view=True)
def Binomial(total_count: Scalar = 1, probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Numbers of successes.

    >>> torch.distributions.Binomial(7, unit(2, 3)).log_prob(i64(4, 2, 3, high=7).double())
    >>> torch.distributions.Binomial(7, logits=f32(2, 3)).log_prob(i64(2, 3, high=7).double())
    >>> torch.distributions.Binomial(probs=unit(3)).mean
    >>> torch.distributions.Binomial(i64(4, 3).double(), unit(3)).mean

    >>> given = [None, f32(2, 3)]
    >>> torch.distributions.Binomial(7, given[0], given[1]).mean
    """
    if probs is None:
        return helpers.Binomial(total_count, given_logits=logits)
    if logits is None:
        return helpers.Binomial(total_count, probs)
    return helpers.Binomial(total_count, probs, logits)


@rule("torch.distributions.Binomial.sample")
def binomial_sample(self, sample_shape: Shape = ()) -> Tensor:
    """Numbers that no gradient flows through.

    >>> torch.distributions.Binomial(7, unit(2, 3)).sample()  # random
    >>> torch.distributions.Binomial(7, logits=f32(2, 3)).sample((4,))  # random
    >>> torch.distributions.Binomial(probs=0.3).sample((4, 2))  # random
    """
    if given(sample_shape):
        return self.sample(rngs, sample_shape)
    return self.sample(rngs)


@rule("torch.distributions.Binomial.log_prob")
def binomial_log_prob(self, value: Scalar) -> Tensor:
    """Logarithms of probabilities.

    >>> torch.distributions.Binomial(7, unit(2, 3)).log_prob(i64(2, 3, high=7).double())
    >>> torch.distributions.Binomial(7 + i64(2, 3).double(), logits=40 * f32(2, 3)).log_prob(i64(2, 3, high=7).double())
    """
    return self.log_prob(value)


@attribute("torch.distributions.Binomial.mean")
def binomial_mean(self) -> Tensor:
    """Expected numbers.

    >>> torch.distributions.Binomial(7, logits=f32(2, 3)).mean
    """
    return self.mean


@attribute("torch.distributions.Binomial.variance")
def binomial_variance(self) -> Tensor:
    """Variances.

    >>> torch.distributions.Binomial(7, unit(2, 3)).variance
    """
    return self.variance


@attribute("torch.distributions.Binomial.stddev")
def binomial_stddev(self) -> Tensor:
    """Standard deviations.

    >>> torch.distributions.Binomial(7, unit(2, 3)).stddev
    """
    return self.stddev


@attribute("torch.distributions.Binomial.probs")
def binomial_probs(self) -> Tensor:
    """Probabilities of success.

    >>> torch.distributions.Binomial(7, logits=f32(2, 3)).probs
    >>> torch.distributions.Binomial(7, unit(2, 3)).probs
    >>> torch.distributions.Binomial(i64(2, 3).double(), unit(3)).probs
    """
    return self.probs


@attribute("torch.distributions.Binomial.logits")
def binomial_logits(self) -> Tensor:
    """Logarithms of the odds of success.

    >>> torch.distributions.Binomial(7, logits=f32(2, 3)).logits
    >>> torch.distributions.Binomial(7, unit(2, 3)).logits
    """
    return self.logits


@attribute("torch.distributions.Binomial.batch_shape", "torch.distributions.Cauchy.batch_shape")
def batch_shape(self) -> Shape:
    """Sizes of the parameters.

    >>> torch.zeros(torch.distributions.Binomial(7, logits=f32(2, 3)).batch_shape)
    >>> torch.zeros(torch.distributions.Cauchy(f32(2, 3), pos(3)).batch_shape)
    """
    return self.batch_shape


@attribute("torch.distributions.Binomial.event_shape", "torch.distributions.Cauchy.event_shape")
def event_shape(self) -> Shape:
    """Sizes of one outcome.

    >>> torch.zeros(torch.distributions.Binomial(7, logits=f32(2, 3)).event_shape)
    >>> torch.zeros(torch.distributions.Cauchy(f32(2, 3), pos(3)).event_shape)
    """
    return self.event_shape


@rule("torch.distributions.Cauchy", view=True)
def Cauchy(loc: Scalar, scale: Scalar, validate_args: Ignored = None) -> Object:
    """Ratios of normal variables.

    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).log_prob(f32(4, 2, 3))
    >>> torch.distributions.Cauchy(0.5, scale=2.0).log_prob(f32(4, 2))
    """
    return helpers.Cauchy(loc, scale)


@rule("torch.distributions.Cauchy.sample")
def cauchy_sample(self, sample_shape: Shape = ()) -> Tensor:
    """Outcomes that no gradient flows through.

    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).sample()
    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).sample((4,))
    """
    if given(sample_shape):
        return self.sample(rngs, sample_shape)
    return self.sample(rngs)


@rule("torch.distributions.Cauchy.rsample")
def cauchy_rsample(self, sample_shape: Shape = ()) -> Tensor:
    """Outcomes that the gradient flows through.

    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).rsample()
    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).rsample((4,))
    """
    if given(sample_shape):
        return self.rsample(rngs, sample_shape)
    return self.rsample(rngs)


@rule("torch.distributions.Cauchy.log_prob")
def cauchy_log_prob(self, value: Scalar) -> Tensor:
    """Logarithms of densities.

    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).log_prob(f32(4, 2, 3))
    """
    return self.log_prob(value)


@rule("torch.distributions.Cauchy.entropy")
def cauchy_entropy(self) -> Tensor:
    """Entropies in nats.

    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).entropy()
    """
    return self.entropy()


@rule("torch.distributions.Cauchy.cdf")
def cauchy_cdf(self, value: Scalar) -> Tensor:
    """Probabilities of at most a value.

    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).cdf(f32(4, 2, 3))
    """
    return self.cdf(value)


@rule("torch.distributions.Cauchy.icdf")
def cauchy_icdf(self, value: Scalar) -> Tensor:
    """Values at probabilities.

    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).icdf(unit(4, 2, 3))
    """
    return self.icdf(value)


@rule("torch.binomial")
def binomial(count: Tensor, prob: Tensor) -> Tensor:
    """Numbers of successes.

    >>> torch.binomial(i64(2, 3).double(), unit(2, 3))  # random
    >>> torch.binomial(torch.tensor([3.0, 4.0, 5.0]), torch.tensor([0.0, 1.0, 1.0]))
    """
    return rngs.binomial(count, prob, count.shape, prob.dtype)
