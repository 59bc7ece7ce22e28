"""More distributions of vectors, and the continuous Bernoulli distribution."""

from torch2jax.rulebook import *


@rule("torch.distributions.LowRankMultivariateNormal", view=True)
def LowRankMultivariateNormal(
    loc: Tensor, cov_factor: Tensor, cov_diag: Tensor, validate_args: Ignored = None
) -> Object:
    """Normal distributions of vectors, of covariances of low rank and a diagonal.

    >>> d = torch.distributions.LowRankMultivariateNormal(f32(2, 3), f32(3, 4), pos(3))
    >>> d.log_prob(f32(5, 2, 3)) + d.entropy() + torch.zeros(d.batch_shape)

    >>> d = torch.distributions.LowRankMultivariateNormal(f32(3), f32(2, 3, 4), pos(3))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.loc, d.cov_diag]) + torch.zeros(d.event_shape)

    >>> d = torch.distributions.LowRankMultivariateNormal(f32(3), f32(3, 4), pos(2, 3))
    >>> torch.cat([d.cov_factor, d.covariance_matrix], -1)

    >>> d = torch.distributions.LowRankMultivariateNormal(f32(3), f32(3, 4), pos(2, 3))
    >>> d.rsample((5,)) + d.sample()
    """
    return helpers.LowRankMultivariateNormal(loc, cov_factor, cov_diag)


@attribute("torch.distributions.LowRankMultivariateNormal.loc")
def low_rank_loc(self) -> Tensor:
    """Where they lie.

    >>> torch.distributions.LowRankMultivariateNormal(f32(3), f32(2, 3, 4), pos(3)).loc
    """
    return self.mean


@attribute("torch.distributions.LowRankMultivariateNormal.cov_factor")
def cov_factor(self) -> Tensor:
    """Factors of the covariances.

    >>> torch.distributions.LowRankMultivariateNormal(f32(2, 3), f32(3, 4), pos(3)).cov_factor
    >>> torch.distributions.LowRankMultivariateNormal(f32(3), f32(2, 3, 4), pos(3)).cov_factor
    """
    return jnp.broadcast_to(self.cov_factor, (*self.batch_shape, *self.cov_factor.shape[-2:]))


@attribute("torch.distributions.LowRankMultivariateNormal.cov_diag")
def cov_diag(self) -> Tensor:
    """Diagonals of the covariances.

    >>> torch.distributions.LowRankMultivariateNormal(f32(2, 3), f32(3, 4), pos(3)).cov_diag
    """
    return jnp.broadcast_to(self.cov_diag, (*self.batch_shape, *self.event_shape))


@attribute("torch.distributions.LowRankMultivariateNormal.covariance_matrix")
def low_rank_covariance_matrix(self) -> Tensor:
    """Covariances.

    >>> torch.distributions.LowRankMultivariateNormal(f32(2, 3), f32(3, 4), pos(3)).covariance_matrix
    """
    return self.covariance_matrix


@rule("torch.distributions.LogisticNormal", view=True)
def LogisticNormal(loc: Scalar, scale: Scalar, validate_args: Ignored = None) -> Object:
    """Vectors of probabilities made of normal variables.

    >>> d = torch.distributions.LogisticNormal(f32(2, 3), pos(3))
    >>> d.log_prob(torch.softmax(f32(5, 2, 4), -1)) + torch.zeros(d.batch_shape)

    >>> d = torch.distributions.LogisticNormal(f32(2, 3), pos(3))
    >>> d.rsample((5,)) + d.sample() + torch.zeros(d.event_shape)

    >>> torch.distributions.LogisticNormal(0.5, scale=2.0).log_prob(torch.tensor([0.3, 0.7]))
    """
    return helpers.LogisticNormal(loc, scale)


@rule("torch.distributions.ContinuousBernoulli", view=True)
def ContinuousBernoulli(probs=None, logits=None, lims=(0.499, 0.501), validate_args: Ignored = None) -> Object:
    """Numbers from 0 to 1.

    >>> d = torch.distributions.ContinuousBernoulli(torch.tensor([[0.0, 0.3], [0.9, 1.0], [0.5, 0.5002]]))
    >>> d.log_prob(unit(4, 3, 2)) + d.rsample() + torch.zeros(d.batch_shape + d.event_shape)

    >>> d = torch.distributions.ContinuousBernoulli(logits=f32(2, 5))
    >>> torch.cat([d.mean, d.variance, d.stddev, d.entropy(), d.probs, d.logits, d.sample()])

    >>> d = torch.distributions.ContinuousBernoulli(torch.tensor([0.3, 0.5, 0.51, 0.7]))
    >>> torch.cat([d.mean, d.variance, d.entropy()])

    >>> given = [None, f32(2, 5)]
    >>> torch.distributions.ContinuousBernoulli(given[0], given[1], (0.3, 0.7)).mean
    >>> torch.distributions.ContinuousBernoulli(unit(2, 5), lims=(0.3, 0.7)).mean
    >>> torch.distributions.ContinuousBernoulli(logits=f32(2, 5), lims=(0.3, 0.7)).mean
    """
    if probs is None:
        return helpers.ContinuousBernoulli(given_logits=logits, lims=lims)
    if logits is None:
        return helpers.ContinuousBernoulli(probs, lims=lims)
    return helpers.ContinuousBernoulli(probs, logits, lims)
