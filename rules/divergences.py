"""Divergences of distributions, and functions of their parameters."""

from torch2jax.rulebook import *


@rule("torch.distributions.kl_divergence")
def kl_divergence(p, q) -> Tensor:
    """KL(p || q), of distributions of one class; for others an error says so when it runs.

    >>> p, q = torch.distributions.Normal(f32(2, 3), pos(3)), torch.distributions.Normal(0.5, pos(2, 3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Categorical(pos(2, 5)), torch.distributions.Categorical(logits=f32(2, 5))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Bernoulli(unit(2, 5)), torch.distributions.Bernoulli(logits=f32(2, 5))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.OneHotCategorical(pos(2, 5)), torch.distributions.OneHotCategorical(logits=f32(2, 5))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Uniform(unit(2, 3), 2 + unit(3)), torch.distributions.Uniform(0.3, 2.5)
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Exponential(pos(2, 3)), torch.distributions.Exponential(pos(3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Laplace(f32(2, 3), pos(3)), torch.distributions.Laplace(0.5, pos(2, 3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Gamma(pos(2, 3), pos(3)), torch.distributions.Gamma(pos(3), pos(2, 3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Beta(pos(2, 3), pos(2, 3)), torch.distributions.Beta(pos(3), pos(3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Dirichlet(pos(2, 5)), torch.distributions.Dirichlet(pos(2, 5))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p = torch.distributions.MultivariateNormal(f32(4, 3), 2 * torch.eye(3))
    >>> q = torch.distributions.MultivariateNormal(f32(2, 1, 3), torch.eye(3) + 0.3)
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Poisson(pos(2, 3)), torch.distributions.Poisson(pos(3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Geometric(unit(2, 3)), torch.distributions.Geometric(logits=f32(2, 3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.LogNormal(f32(2, 3), pos(3)), torch.distributions.LogNormal(0.5, pos(2, 3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.HalfNormal(pos(2, 3)), torch.distributions.HalfNormal(pos(3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Gumbel(f32(2, 3), pos(3)), torch.distributions.Gumbel(0.5, pos(2, 3))
    >>> torch.distributions.kl_divergence(p, q)

    >>> p, q = torch.distributions.Pareto(pos(2, 3), pos(2, 3)), torch.distributions.Pareto(pos(2, 3), pos(2, 3))
    >>> torch.distributions.kl_divergence(p, q)
    """
    return p.kl_divergence(q)


@rule("torch.distributions.utils.logits_to_probs")
def logits_to_probs(logits: Tensor, is_binary: bool = False) -> Tensor:
    """Probabilities of logits.

    >>> torch.distributions.utils.logits_to_probs(f32(2, 3))
    >>> torch.distributions.utils.logits_to_probs(f32(2, 3), is_binary=True)
    """
    if is_binary:
        return nnx.sigmoid(logits)
    return nnx.softmax(logits)


@rule("torch.distributions.utils.probs_to_logits")
def probs_to_logits(probs: Tensor, is_binary: bool = False) -> Tensor:
    """Logits of probabilities, finite for 0 and 1 as well.

    >>> torch.distributions.utils.probs_to_logits(torch.tensor([[0.0, 1.0], [0.3, 0.7]]))
    >>> torch.distributions.utils.probs_to_logits(torch.tensor([0.0, 1.0, 0.3]), is_binary=True)
    """
    if is_binary:
        return helpers.log_odds(probs)
    return jnp.log(helpers.clamp_probs(probs))


@rule("torch.distributions.utils.clamp_probs")
def clamp_probs(probs: Tensor) -> Tensor:
    """Probabilities kept from 0 and 1.

    >>> torch.distributions.utils.clamp_probs(torch.tensor([0.0, 1.0, 0.3])).log()
    """
    return helpers.clamp_probs(probs)


@rule("torch.distributions.utils.broadcast_all")
def broadcast_all(*values) -> Tensors:
    """Tensors of one shape; numbers have the dtype of the first tensor.

    >>> torch.stack(torch.distributions.utils.broadcast_all(f32(2, 3), f32(3), 2))
    >>> torch.stack(torch.distributions.utils.broadcast_all(1, 2.5))
    """
    return helpers.broadcast_all(*values)
