"""Elementwise functions against torch, at the points where jax.numpy has other gradients."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import torch
from torch.nn import functional

from torch2jax.helpers import pointwise

Agree = Callable[..., None]
# Both signs, zero, the bounds of every function below, and points in between.
POINTS = np.array([-3.0, -1.0, -0.5, -0.2, 0.0, 0.2, 0.5, 1.0, 3.0])


def test_absolute(agree: Agree) -> None:
    agree(torch.abs, pointwise.absolute, POINTS)


def test_absolute_of_integers_and_complex_numbers(agree: Agree) -> None:
    agree(torch.abs, pointwise.absolute, np.array([-2, 0, 3]))
    assert pointwise.absolute(jnp.array([3 + 4j])) == 5


def test_absolute_of_infinity_and_nan() -> None:
    found = pointwise.absolute(jnp.array([-jnp.inf, jnp.nan]))
    assert found[0] == jnp.inf
    assert jnp.isnan(found[1])


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (0.0, None), (None, 0.5), (1.0, -1.0), (0.0, 0.0)])
def test_clamp(low: float | None, high: float | None, agree: Agree) -> None:
    agree(lambda x: torch.clamp(x, low, high), lambda x: pointwise.clamp(x, low, high), POINTS)


def test_clamp_to_tensors(agree: Agree) -> None:
    low, high = np.linspace(-1, 1, 9), np.linspace(0.5, 0.0, 9)
    agree(torch.clamp, pointwise.clamp, POINTS, low, high)
    agree(lambda x, y: torch.clamp(x, min=y), lambda x, y: pointwise.clamp(x, min=y), POINTS, POINTS)


def test_clamp_keeps_nan_and_the_dtype() -> None:
    assert jnp.isnan(pointwise.clamp(jnp.array(jnp.nan), 0, 1))
    assert pointwise.clamp(jnp.array([3], jnp.int8), 0, 1).dtype == jnp.int8
    assert pointwise.clamp(jnp.array([3], jnp.float16), 0.0, 1.0).dtype == jnp.float16


@pytest.mark.parametrize(("low", "high"), [(-1.0, 1.0), (-0.5, 3.0)])
def test_hardtanh(low: float, high: float, agree: Agree) -> None:
    agree(
        lambda x: functional.hardtanh(x, low, high),
        lambda x: pointwise.hardtanh(x, low, high),
        POINTS,
    )


def test_leaky_relu(agree: Agree) -> None:
    agree(lambda x: functional.leaky_relu(x, 0.2), lambda x: pointwise.leaky_relu(x, 0.2), POINTS)


@pytest.mark.parametrize(("shape", "count"), [((9,), 1), ((3, 3), 1), ((3, 3), 3), ((1, 3, 3), 1), ((1, 3, 3), 3)])
def test_prelu(shape: tuple[int, ...], count: int, agree: Agree) -> None:
    agree(functional.prelu, pointwise.prelu, POINTS.reshape(shape), np.linspace(0.1, 0.4, count))


def test_prelu_of_a_number(agree: Agree) -> None:
    agree(functional.prelu, pointwise.prelu, np.array(-0.7), np.array([0.25]))


@pytest.mark.parametrize("divisor", [0.3, -0.7, 2.0])
def test_truncated_divide(divisor: float, agree: Agree) -> None:
    agree(
        lambda x: torch.div(x, divisor, rounding_mode="trunc"),
        lambda x: pointwise.truncated_divide(x, divisor),
        POINTS,
    )


@pytest.mark.parametrize("divisor", [3, -3, 1])
def test_truncated_divide_of_integers(divisor: int, agree: Agree) -> None:
    x = np.array([-7, -6, -1, 0, 1, 5, 7, 2**52 + 1])
    agree(
        lambda x: torch.div(x, divisor, rounding_mode="trunc"),
        lambda x: pointwise.truncated_divide(x, divisor),
        x,
    )


def test_power_of_zero(agree: Agree) -> None:
    base = np.array([0.0, 0.0, 0.0, 0.0, 2.0, 0.5, 1.0, 2.0])
    exponent = np.array([0.0, 1.0, 1.5, 3.0, 0.7, -1.2, 0.0, 0.0])
    agree(torch.pow, pointwise.power, base, exponent)


def test_arctan2_at_and_off_the_origin(agree: Agree) -> None:
    y = np.array([0.0, 0.0, 0.0, 1.0, -2.0, 0.0, -0.0])
    x = np.array([0.0, -0.0, 1.0, 0.0, -3.0, -2.0, 0.0])
    agree(torch.atan2, pointwise.arctan2, y, x)


def test_angle(agree: Agree) -> None:
    real, imag = np.array([0.0, 0.0, 1.0, -2.0, 0.3]), np.array([0.0, 1.0, 0.0, -0.5, 2.0])
    agree(
        lambda x, y: torch.angle(torch.complex(x, y)),
        lambda x, y: pointwise.angle(jax.lax.complex(x, y)),
        real,
        imag,
    )
    agree(torch.angle, pointwise.angle, real)


@pytest.mark.parametrize("eps", [None, 1e-3, 0.3])
def test_logit(eps: float | None, agree: Agree) -> None:
    agree(lambda x: torch.logit(x, eps), lambda x: pointwise.logit(x, eps), np.array([0.001, 0.2, 0.3, 0.5, 0.7, 0.9]))


def test_with_data(agree: Agree) -> None:
    """The value is replaced, the graph is not."""

    def original(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        held = x * 2
        held.data = y * 3
        return held + y

    agree(original, lambda x, y: pointwise.with_data(x * 2, y * 3) + y, POINTS, POINTS[::-1].copy())


def test_with_data_takes_the_place_of_infinities_and_of_other_shapes() -> None:
    old, new = jnp.array([jnp.inf, -jnp.inf, jnp.nan, 1.0]), jnp.arange(4.0)
    assert pointwise.with_data(old, new).tolist() == [0, 1, 2, 3]
    assert pointwise.with_data(old, new[:1]).shape == (1,)
    assert pointwise.with_data(jnp.arange(3), jnp.ones(3, jnp.int8)).dtype == jnp.int8


def test_nextafter_has_the_gradient_of_its_first_argument(agree: Agree) -> None:
    agree(torch.nextafter, pointwise.nextafter, POINTS, POINTS[::-1].copy())
    assert np.isfinite(pointwise.nextafter(jnp.array(jnp.inf), jnp.array(0.0)))
