"""Distributions of counts, of relaxed categories, and mixtures."""

from torch2jax.rulebook import *


@rule("torch.distributions.OneHotCategoricalStraightThrough", view=True)
def OneHotCategoricalStraightThrough(probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """One-hot vectors whose gradient is that of their probabilities.

    >>> d = torch.distributions.OneHotCategoricalStraightThrough(pos(2, 5))
    >>> x = d.log_prob(F.one_hot(i64(2, high=5), 5)) + d.entropy() + torch.zeros(d.batch_shape)
    >>> x + (d.rsample() + d.sample() + torch.zeros(d.event_shape)).sum(-1)

    >>> d = torch.distributions.OneHotCategoricalStraightThrough(logits=f32(2, 5))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.probs, d.logits, d.rsample()])

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.OneHotCategoricalStraightThrough(given[0], given[1]).entropy()
    """
    if probs is None:
        return helpers.OneHotCategoricalStraightThrough(given_logits=logits)
    if logits is None:
        return helpers.OneHotCategoricalStraightThrough(probs)
    return helpers.OneHotCategoricalStraightThrough(probs, logits)


@rule("torch.distributions.RelaxedOneHotCategorical", view=True)
def RelaxedOneHotCategorical(temperature: Scalar, probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Vectors of probabilities.

    >>> d = torch.distributions.RelaxedOneHotCategorical(torch.tensor(0.7), pos(2, 5))
    >>> d.log_prob(torch.softmax(f32(4, 2, 5), -1)) + torch.zeros(d.batch_shape)

    >>> d = torch.distributions.RelaxedOneHotCategorical(torch.tensor(0.7), logits=f32(2, 5))
    >>> d.rsample() + d.sample() + d.probs + d.logits + d.temperature + torch.zeros(d.event_shape)

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.RelaxedOneHotCategorical(0.7, given[0], given[1]).probs
    """
    if probs is None:
        return helpers.RelaxedOneHotCategorical(temperature, given_logits=logits)
    if logits is None:
        return helpers.RelaxedOneHotCategorical(temperature, probs)
    return helpers.RelaxedOneHotCategorical(temperature, probs, logits)


@rule("torch.distributions.RelaxedBernoulli", view=True)
def RelaxedBernoulli(temperature: Scalar, probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Numbers between 0 and 1.

    >>> d = torch.distributions.RelaxedBernoulli(torch.tensor(0.7), unit(2, 5))
    >>> d.log_prob(unit(4, 2, 5)) + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.RelaxedBernoulli(torch.tensor(0.7), logits=f32(2, 5))
    >>> d.rsample() + d.sample() + d.probs + d.logits + d.temperature

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.RelaxedBernoulli(0.7, given[0], given[1]).probs
    """
    if probs is None:
        return helpers.RelaxedBernoulli(temperature, given_logits=logits)
    if logits is None:
        return helpers.RelaxedBernoulli(temperature, probs)
    return helpers.RelaxedBernoulli(temperature, probs, logits)


@attribute(
    "torch.distributions.RelaxedOneHotCategorical.temperature",
    "torch.distributions.RelaxedBernoulli.temperature",
    view=True,
)
def temperature(self) -> Tensor:
    """How far from discrete they are.

    >>> torch.distributions.RelaxedBernoulli(f32(3), unit(2, 3)).temperature
    """
    return self.temperature


@attribute("torch.distributions.RelaxedOneHotCategorical.probs", "torch.distributions.Multinomial.probs")
def probs(self) -> Tensor:
    """Probabilities, with a sum of 1.

    >>> torch.distributions.Multinomial(3, pos(2, 5)).probs
    """
    return self.probs


@attribute("torch.distributions.RelaxedOneHotCategorical.logits", "torch.distributions.Multinomial.logits")
def logits(self) -> Tensor:
    """Logarithms of the probabilities.

    >>> torch.distributions.Multinomial(3, pos(2, 5)).logits
    """
    return self.logits


@attribute(
    "torch.distributions.RelaxedBernoulli.probs",
    "torch.distributions.Geometric.probs",
    "torch.distributions.NegativeBinomial.probs",
    "torch.distributions.ContinuousBernoulli.probs",
)
def probs_of_success(self) -> Tensor:
    """Probabilities of success.

    >>> torch.distributions.Geometric(unit(2, 3)).probs
    """
    return self.probs


@attribute(
    "torch.distributions.RelaxedBernoulli.logits",
    "torch.distributions.Geometric.logits",
    "torch.distributions.NegativeBinomial.logits",
    "torch.distributions.ContinuousBernoulli.logits",
)
def logits_of_success(self) -> Tensor:
    """Logarithms of the odds of success.

    >>> torch.distributions.Geometric(unit(2, 3)).logits
    """
    return self.logits


@rule("torch.distributions.Poisson", view=True)
def Poisson(rate: Scalar, validate_args: Ignored = None) -> Object:
    """Numbers of events.

    >>> d = torch.distributions.Poisson(pos(2, 3))
    >>> d.log_prob(i64(4, 2, 3, high=7)) + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.Poisson(pos(2, 3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.rate])

    >>> torch.distributions.Poisson(pos(2, 3)).sample((4,))  # random
    """
    return helpers.Poisson(rate)


@rule("torch.distributions.Geometric", view=True)
def Geometric(probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Numbers of failures before a success.

    >>> d = torch.distributions.Geometric(unit(2, 3))
    >>> d.log_prob(i64(4, 2, 3, high=7).double()) + d.sample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.Geometric(logits=f32(2, 3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.probs, d.logits, d.sample()])

    >>> torch.distributions.Geometric(torch.ones(3)).log_prob(torch.tensor([0.0, 0.0, 1.0]))

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.Geometric(given[0], given[1]).entropy()
    """
    if probs is None:
        return helpers.Geometric(given_logits=logits)
    if logits is None:
        return helpers.Geometric(probs)
    return helpers.Geometric(probs, logits)


@rule("torch.distributions.NegativeBinomial", view=True)
def NegativeBinomial(total_count: Scalar, probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """Numbers of successes before a number of failures.

    >>> d = torch.distributions.NegativeBinomial(7, unit(2, 3))
    >>> d.log_prob(i64(4, 2, 3, high=7)) + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.NegativeBinomial(pos(2, 3), logits=f32(2, 3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.probs, d.logits, d.log_prob(i64(2, 3, high=7))])

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.NegativeBinomial(7, given[0], given[1]).mean

    >>> torch.distributions.NegativeBinomial(0, unit(2, 5)).log_prob(torch.zeros(2, 5))

    >>> torch.distributions.NegativeBinomial(7, unit(2, 3)).sample((4,))  # random
    """
    if probs is None:
        return helpers.NegativeBinomial(total_count, given_logits=logits)
    if logits is None:
        return helpers.NegativeBinomial(total_count, probs)
    return helpers.NegativeBinomial(total_count, probs, logits)


@rule("torch.distributions.Multinomial", view=True)
def Multinomial(total_count: int = 1, probs=None, logits=None, validate_args: Ignored = None) -> Object:
    """How often categories come up.

    >>> d = torch.distributions.Multinomial(3, pos(2, 5))
    >>> d.log_prob(torch.tensor([[1.0, 0, 2, 0, 0], [0, 3, 0, 0, 0]])) + torch.zeros(d.batch_shape)

    >>> d = torch.distributions.Multinomial(logits=f32(2, 5), total_count=3)
    >>> torch.cat([d.mean, d.variance, d.stddev, d.probs, d.logits]) + torch.zeros(d.event_shape)

    >>> d = torch.distributions.Multinomial(probs=torch.tensor([0.5, 0.5, 0.0]), total_count=2)
    >>> d.log_prob(torch.tensor([[1.0, 1.0, 0.0], [2.0, 0.0, 0.0]]))

    >>> torch.distributions.Multinomial(3, logits=torch.tensor([1.0, -torch.inf])).log_prob(torch.tensor([3.0, 0.0]))
    >>> torch.distributions.Multinomial(probs=pos(2, 5)).mean

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.Multinomial(3, given[0], given[1]).mean

    >>> torch.distributions.Multinomial(3, pos(2, 5)).sample((4,))  # random
    """
    if probs is None:
        return helpers.Multinomial(total_count, given_logits=logits)
    if logits is None:
        return helpers.Multinomial(total_count, probs)
    return helpers.Multinomial(total_count, probs, logits)


@rule("torch.distributions.MixtureSameFamily", view=True)
def MixtureSameFamily(mixture_distribution, component_distribution, validate_args: Ignored = None) -> Object:
    """Outcomes of one of several distributions.

    >>> mixture = torch.distributions.Categorical(logits=f32(2, 3))
    >>> d = torch.distributions.MixtureSameFamily(mixture, torch.distributions.Normal(f32(2, 3), pos(3)))
    >>> d.log_prob(f32(4, 2)) + torch.zeros(d.batch_shape + d.event_shape)

    >>> mixture = torch.distributions.Categorical(pos(3))
    >>> vectors = torch.distributions.Independent(torch.distributions.Normal(f32(2, 3, 4), pos(4)), 1)
    >>> d = torch.distributions.MixtureSameFamily(mixture, vectors)
    >>> torch.cat([d.mean, d.variance, d.stddev]) + d.log_prob(f32(4, 5, 2, 4)).sum()

    >>> mixture = torch.distributions.Categorical(pos(2, 3))
    >>> vectors = torch.distributions.Independent(torch.distributions.Normal(f32(2, 3, 4), pos(4)), 1)
    >>> torch.distributions.MixtureSameFamily(mixture, vectors).sample()

    >>> mixture = torch.distributions.Categorical(pos(2, 3))
    >>> torch.distributions.MixtureSameFamily(mixture, torch.distributions.Normal(f32(2, 3), pos(3))).sample((4,))
    """
    return helpers.MixtureSameFamily(mixture_distribution, component_distribution)
