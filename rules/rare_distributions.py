"""Distributions of numbers of successes, and of what has no mean."""

from torch2jax.rulebook import *


@rule("torch.distributions.Binomial", view=True)
def Binomial(total_count: Scalar = 1, probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Numbers of successes.

    >>> d = torch.distributions.Binomial(7, unit(2, 3))
    >>> d.log_prob(i64(4, 2, 3, high=7).double()) + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.Binomial(7, logits=f32(2, 3))
    >>> torch.cat([d.log_prob(i64(2, 3, high=7).double()), d.mean, d.variance, d.stddev])

    >>> d = torch.distributions.Binomial(7 + i64(2, 3).double(), logits=40 * f32(2, 3))
    >>> d.log_prob(i64(2, 3, high=7).double())

    >>> torch.distributions.Binomial(probs=unit(3)).mean
    >>> torch.distributions.Binomial(i64(4, 3).double(), unit(3)).mean

    >>> given = [None, f32(2, 3)]
    >>> torch.distributions.Binomial(7, given[0], given[1]).mean

    >>> torch.distributions.Binomial(7, unit(2, 3)).sample()  # random
    >>> torch.distributions.Binomial(7, logits=f32(2, 3)).sample((4,))  # random
    >>> torch.distributions.Binomial(probs=0.3).sample((4, 2))  # random
    """
    if probs is None:
        return helpers.Binomial(total_count, given_logits=logits)
    if logits is None:
        return helpers.Binomial(total_count, probs)
    return helpers.Binomial(total_count, probs, logits)


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


@rule("torch.distributions.Cauchy", view=True)
def Cauchy(loc: Scalar, scale: Scalar, validate_args: Ignored = None) -> Object:
    """Ratios of normal variables.

    >>> d = torch.distributions.Cauchy(f32(2, 3), pos(3))
    >>> d.log_prob(f32(4, 2, 3)) + d.cdf(f32(2, 3)) + d.icdf(unit(2, 3)) + d.entropy()

    >>> d = torch.distributions.Cauchy(f32(2, 3), pos(3))
    >>> d.sample() + d.rsample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> torch.distributions.Cauchy(0.5, scale=2.0).log_prob(f32(4, 2))
    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).sample((4,))
    >>> torch.distributions.Cauchy(f32(2, 3), pos(3)).rsample((4,))
    """
    return helpers.Cauchy(loc, scale)


@rule("torch.binomial")
def binomial(count: Tensor, prob: Tensor) -> Tensor:
    """Numbers of successes.

    >>> torch.binomial(i64(2, 3).double(), unit(2, 3))  # random
    >>> torch.binomial(torch.tensor([3.0, 4.0, 5.0]), torch.tensor([0.0, 1.0, 1.0]))
    """
    return rngs.binomial(count, prob, count.shape, prob.dtype)
