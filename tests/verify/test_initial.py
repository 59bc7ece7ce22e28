"""Wrong initial distributions are found, and right ones raise no alarm."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import nn

from torch2jax.verify.initial import FALSE_ALARMS, Starts, differ, number_of_builds

Array = NDArray[np.float64]
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


def uniform(bound: float) -> Draw:
    return lambda rng, shape: rng.uniform(-bound, bound, shape)


def normal(std: float, mean: float = 0.0) -> Draw:
    return lambda rng, shape: rng.normal(mean, std, shape)


def padded(draw: Draw) -> Draw:
    """An embedding whose first row is 0."""

    def drawn(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
        table = draw(rng, shape)
        table[0] = 0
        return table

    return drawn


def tiled(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.broadcast_to(rng.normal(0, 1, (shape[0], 1)), shape).copy()


def sparse(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.normal(0, 1, shape) * (rng.random(shape) < 0.1)


def coins(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return (rng.random(shape) < 0.5).astype(np.float64)


def shuffled(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.permutation(shape[0] * shape[1]).reshape(shape).astype(np.float64)


def scaled_at_random(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return rng.lognormal() * rng.normal(0, 1, shape)


def orthogonal(rng: np.random.Generator, shape: tuple[int, ...]) -> Array:
    torch.manual_seed(int(rng.integers(2**31)))
    return nn.init.orthogonal_(torch.empty(shape, dtype=torch.float64)).numpy()


def builds(draw: Draw, seed: int, count: int = 8, shape: tuple[int, ...] = (16, 24)) -> list[dict[str, Array]]:
    rng = np.random.default_rng(seed)
    return [{"weight": draw(rng, shape)} for _ in range(count)]


def problems(left: Draw, right: Draw, seed: int = 0, **how: int) -> dict[str, str]:
    return Starts.of(builds(left, 2 * seed, **how)).other_distributions(builds(right, 2 * seed + 1, **how))


WRONG = [
    (uniform(1), uniform(0.8)),
    (uniform(1), uniform(1.02)),
    (uniform(1), uniform(0.98)),
    (uniform(1), normal(3**-0.5)),
    (uniform(1), uniform(3**0.5)),
    (normal(0.02), normal(0.025)),
    (normal(0.02), normal(0.02, 0.01)),
    (normal(0.02), lambda rng, shape: np.zeros(shape)),
    (normal(0.02), lambda rng, shape: np.abs(rng.normal(0, 0.02, shape))),
    (normal(1), lambda rng, shape: rng.normal(0, 1, shape).clip(-2, 2)),
    (padded(normal(1)), padded(normal(1.3))),
    (uniform(1), lambda rng, shape: np.full(shape, np.nan)),
]


@pytest.mark.parametrize(("left", "right"), WRONG)
def test_another_distribution_is_found(left: Draw, right: Draw) -> None:
    for seed in range(3):
        assert "weight is drawn from another distribution" in problems(left, right, seed)["weight"]
        assert (
            problems(right, left, seed)
            or not np.isfinite(right(np.random.default_rng(0), (2, 2))).all()
            or (np.ptp(right(np.random.default_rng(0), (2, 2))) == 0)
        )


RIGHT = [uniform(1), normal(0.02), padded(normal(1)), tiled, sparse, coins, shuffled, scaled_at_random, orthogonal]


@pytest.mark.parametrize("draw", RIGHT)
def test_the_same_distribution_raises_no_alarm(draw: Draw) -> None:
    for seed in range(12):
        for count in (8,) if draw is scaled_at_random else (2, 8):
            starts = Starts.of(builds(draw, 2 * seed, count))
            expected, found = starts.certain_values(builds(draw, 2 * seed + 1, count)[0])
            assert all(np.array_equal(value, found[name]) for name, value in expected.items())
            assert not starts.other_distributions(builds(draw, 2 * seed + 1, count))


@pytest.mark.parametrize("draw", [uniform(1), normal(1), tiled, orthogonal, shuffled])
@pytest.mark.parametrize("level", [0.2, 0.05])
def test_alarms_are_as_rare_as_the_level_says(draw: Draw, level: float) -> None:
    """Eight tests, each at ``level``, in 100 pairs of samples."""
    rng = np.random.default_rng(3)
    alarms = sum(differ(draw(rng, (6, 7)).ravel(), draw(rng, (6, 7)).ravel(), level) for _ in range(100))
    assert alarms <= 100 * 8 * level


def test_what_is_certain_is_told_from_what_is_drawn() -> None:
    starts = Starts.of(builds(padded(normal(1)), 0))
    expected, found = starts.certain_values({"weight": np.ones((16, 24))})
    assert not expected["weight"].any()
    assert expected["weight"].shape == found["weight"].shape == (24,)
    unwritten = [{"weight": np.ones(5)}, {"weight": np.full(5, np.nan)}]
    starts = Starts.of(unwritten)
    assert starts.certain_values(unwritten[0]) == ({}, {})
    assert not starts.other_distributions([{"weight": np.zeros(5)}] * 2)


def test_large_models_are_built_twice_and_small_ones_often() -> None:
    assert number_of_builds({"weight": np.zeros(100)}) == 8
    assert number_of_builds({"weight": np.zeros(2**16)}) == 4
    assert number_of_builds({"weight": np.zeros(2**20)}) == 2
    assert number_of_builds({}) == 8
    assert FALSE_ALARMS <= 1e-9
