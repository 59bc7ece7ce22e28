"""Distributions. Their formulas are compared with PyTorch's by the examples of their rules."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from flax import nnx

from torch2jax.helpers import discrete_distributions
from torch2jax.helpers.continuous_distributions import (
    FisherSnedecor,
    Gumbel,
    HalfNormal,
    InverseGamma,
    Kumaraswamy,
    LogNormal,
    Pareto,
    StudentT,
    Weibull,
)
from torch2jax.helpers.count_distributions import Geometric, Multinomial, NegativeBinomial, Poisson
from torch2jax.helpers.discrete_distributions import Bernoulli, Categorical
from torch2jax.helpers.distributions import Distribution, Independent, MultivariateNormal, Normal, Uniform
from torch2jax.helpers.mixtures import MixtureSameFamily
from torch2jax.helpers.positive_distributions import Beta, Dirichlet, Exponential, Gamma, Laplace
from torch2jax.helpers.rare_distributions import Binomial
from torch2jax.helpers.relaxed_distributions import ContinuousBernoulli

ONES = jnp.ones((40_000,))


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (Normal(2 * ONES, 3.0), torch.distributions.Normal(2.0, 3.0)),
        (Uniform(-ONES, 2.0), torch.distributions.Uniform(-1.0, 2.0)),
        (Laplace(ONES, 2.0), torch.distributions.Laplace(1.0, 2.0)),
        (Exponential(3 * ONES), torch.distributions.Exponential(3.0)),
        (Gamma(2 * ONES, 3.0), torch.distributions.Gamma(2.0, 3.0)),
        (Beta(2 * ONES, 3 * ONES), torch.distributions.Beta(2.0, 3.0)),
        (Bernoulli(0.3 * ONES), torch.distributions.Bernoulli(torch.tensor(0.3))),
        (Binomial(7, 0.3 * ONES), torch.distributions.Binomial(7, torch.tensor(0.3))),
        (LogNormal(ONES, 0.3), torch.distributions.LogNormal(1.0, 0.3)),
        (HalfNormal(2 * ONES), torch.distributions.HalfNormal(2.0)),
        (StudentT(9 * ONES, 1.0, 2.0), torch.distributions.StudentT(9.0, 1.0, 2.0)),
        (Gumbel(ONES, 2.0), torch.distributions.Gumbel(1.0, 2.0)),
        (Pareto(2 * ONES, 9.0), torch.distributions.Pareto(2.0, 9.0)),
        (Weibull(2 * ONES, 1.5), torch.distributions.Weibull(2.0, 1.5)),
        (InverseGamma(9 * ONES, 2.0), torch.distributions.InverseGamma(9.0, 2.0)),
        (Kumaraswamy(2 * ONES, 3.0), torch.distributions.Kumaraswamy(2.0, 3.0)),
        (FisherSnedecor(5 * ONES, 30.0), torch.distributions.FisherSnedecor(5.0, 30.0)),
        (Poisson(3 * ONES), torch.distributions.Poisson(3.0)),
        (Geometric(0.3 * ONES), torch.distributions.Geometric(0.3)),
        (NegativeBinomial(7, 0.3 * ONES), torch.distributions.NegativeBinomial(7, torch.tensor(0.3))),
        (ContinuousBernoulli(0.8 * ONES), torch.distributions.ContinuousBernoulli(torch.tensor(0.8))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_outcomes_have_the_mean_and_variance_of_torch(
    ours: Distribution, theirs: torch.distributions.Distribution
) -> None:
    outcomes = ours.sample(nnx.Rngs(0))
    assert outcomes.shape == ONES.shape
    assert float(outcomes.mean()) == pytest.approx(float(theirs.mean), abs=5 * float(theirs.stddev) / 200)
    assert float(outcomes.var()) == pytest.approx(float(theirs.variance), rel=0.1)


def test_outcomes_of_several_axes() -> None:
    rngs = nnx.Rngs(0)
    assert Categorical(jnp.ones((2, 5))).sample(rngs, (3,)).shape == (3, 2)
    assert Dirichlet(jnp.ones((2, 5))).rsample(rngs, (3,)).shape == (3, 2, 5)
    assert Independent(Normal(jnp.zeros((2, 5)), 1.0), 1).rsample(rngs, (3,)).shape == (3, 2, 5)
    vectors = MultivariateNormal(jnp.zeros(2), jnp.array([[2.0, 0.0], [1.0, 1.0]])).sample(rngs, (40_000,))
    np.testing.assert_allclose(np.cov(vectors.T), [[4, 2], [2, 2]], atol=0.15)


def test_counts_of_categories() -> None:
    counts = Multinomial(7, jnp.array([1.0, 3.0])).sample(nnx.Rngs(0), (10_000,))
    assert (counts.sum(-1) == 7).all()
    np.testing.assert_allclose(counts.mean(0), [1.75, 5.25], atol=0.1)


def test_a_mixture_draws_its_components_as_often_as_they_weigh() -> None:
    mixture = MixtureSameFamily(Categorical(jnp.array([1.0, 3.0])), Normal(jnp.array([-5.0, 5.0]), 0.5))
    outcomes = mixture.sample(nnx.Rngs(0), (10_000,))
    assert float((outcomes > 0).mean()) == pytest.approx(0.75, abs=0.02)
    assert float(jnp.abs(outcomes).mean()) == pytest.approx(5, abs=0.02)


def test_repeated_distributions_draw_each_for_itself() -> None:
    first, second = Normal(jnp.zeros(3), 1.0).expand((2, 3)).sample(nnx.Rngs(0))
    assert not (first == second).any()


def test_the_gradient_flows_through_rsample_only() -> None:
    def drawn(loc: jax.Array, how: str) -> jax.Array:
        return getattr(Normal(loc, 1.0), how)(nnx.Rngs(0)).sum()

    assert jax.grad(drawn)(jnp.zeros(3), "rsample").tolist() == [1, 1, 1]
    assert jax.grad(drawn)(jnp.zeros(3), "sample").tolist() == [0, 0, 0]
    with pytest.raises(NotImplementedError, match="no gradient flows through the outcomes of Categorical"):
        Categorical(jnp.ones(3)).rsample(nnx.Rngs(0))


def test_they_pass_through_jit_and_vmap() -> None:
    normal = jax.jit(lambda x: Independent(Normal(x, x**2), 1))(jnp.arange(1.0, 4.0))
    assert normal.event_shape == (3,)
    assert jax.vmap(lambda d, x: d.log_prob(x))(Normal(jnp.zeros(3), jnp.ones(3)), jnp.zeros(3)).shape == (3,)


def test_a_divergence_without_a_formula_is_an_error() -> None:
    for p, q in [(Normal(0.0, 1.0), Laplace(0.0, 1.0)), (Categorical(jnp.ones(2)), Bernoulli(jnp.ones(2)))]:
        with pytest.raises(NotImplementedError, match=f"the divergence of {type(p).__name__} from {type(q).__name__}"):
            p.kl_divergence(q)


@pytest.mark.parametrize("name", ["Categorical", "OneHotCategorical", "Bernoulli"])
def test_probs_and_logits_are_those_of_torch_whatever_is_given(name: str) -> None:
    given = np.array([[0.2, 0.7, 0.5], [0.9, 0.1, 0.3]])
    ours, theirs = getattr(discrete_distributions, name), getattr(torch.distributions, name)
    pairs = [(ours(jnp.asarray(given)), theirs(torch.tensor(given)))]
    pairs += [(ours(given_logits=jnp.asarray(given)), theirs(logits=torch.tensor(given)))]
    for mine, other in pairs:
        np.testing.assert_allclose(mine.probs, other.probs, rtol=1e-5)
        np.testing.assert_allclose(mine.logits, other.logits, rtol=1e-5)
