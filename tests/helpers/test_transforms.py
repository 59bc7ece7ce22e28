"""Transforms. Their formulas are compared with PyTorch's by the examples of their rules."""

import jax
import jax.numpy as jnp
import pytest
from flax import nnx

from torch2jax.helpers.distributions import Independent, Normal
from torch2jax.helpers.transforms import (
    AffineTransform,
    Cached,
    ComposeTransform,
    ExpTransform,
    TanhTransform,
    Transform,
    TransformedDistribution,
)


def test_a_cache_gives_back_what_an_image_came_from() -> None:
    x = jnp.array([30.0])
    cached = Cached(TanhTransform())
    assert cached.inv(cached(x)) is x
    assert jnp.isinf(cached.inv(cached(x) + 0)).all(), "another array than the last image"
    y = jnp.array([0.5])
    assert cached(cached.inv(y)) is y


def test_a_cache_serves_inside_of_traced_functions_and_keeps_nothing_between_them() -> None:
    squashed = TransformedDistribution(Normal(jnp.array([30.0]), jnp.array([1.0])), Cached(TanhTransform()))

    @jax.jit
    def log_prob(squashed: TransformedDistribution) -> jax.Array:
        return squashed.log_prob(squashed.rsample(nnx.Rngs(0)))

    assert jnp.isfinite(log_prob(squashed)).all()
    assert jnp.isfinite(log_prob(squashed)).all()
    assert not jnp.isfinite(squashed.log_prob(jnp.array([1.0]))).any()


def test_no_gradient_flows_through_sample_into_transforms() -> None:
    def drawn(scale: jax.Array, how: str) -> jax.Array:
        moved = TransformedDistribution(Normal(0.0, 1.0), [Cached(AffineTransform(1.0, scale)), ExpTransform()])
        return getattr(moved, how)(nnx.Rngs(0)).sum()

    assert jax.grad(drawn)(jnp.ones(3), "sample").tolist() == [0, 0, 0]
    assert all(jax.grad(drawn)(jnp.ones(3), "rsample"))


def test_parameters_of_transforms_make_more_of_the_base() -> None:
    base = Independent(Normal(jnp.zeros(3), 1.0), 1)
    moved = TransformedDistribution(base, AffineTransform(jnp.zeros((2, 3)), 1.0))
    assert (moved.batch_shape, moved.event_shape) == ((2,), (3,))
    first, second = moved.rsample(nnx.Rngs(0))
    assert not (first == second).any()


def test_inverses_of_inverses_and_of_compositions() -> None:
    exp = ExpTransform()
    assert exp.inv.inv is exp
    both = ComposeTransform([AffineTransform(1.0, 2.0), exp])
    x = jnp.array(0.25)
    y = both(x)
    assert both.inv(y) == pytest.approx(0.25)
    assert both.inv.log_abs_det_jacobian(y, x) == pytest.approx(-both.log_abs_det_jacobian(x, y))


def test_a_transform_of_no_kind_does_nothing() -> None:
    with pytest.raises(NotImplementedError, match="Transform can't be computed"):
        Transform()(jnp.ones(3))
