"""What counts as equal, and how what differs is named."""

import collections
import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest
import torch

from torch2jax.verify.compare import AGREEMENT, compare


@dataclasses.dataclass
class Result:
    logits: object
    hidden: object = None


def test_nested_results_are_compared_leaf_by_leaf():
    Pair = collections.namedtuple("Pair", "a b")
    x = torch.arange(6.0).reshape(2, 3)
    y = jnp.asarray(x.numpy())
    expected = {"out": [x, None, "name"], "pair": Pair(x, 3), "result": Result(x, (x,))}
    actual = {"out": (y, None, "name"), "pair": Pair(y, 3), "result": Result(y, [y])}
    assert compare(expected, actual).agrees


def test_the_error_is_relative_to_the_scale_of_the_array():
    a = np.array([1e-6, 100.0])
    found = compare(a, a + np.array([1e-8, 0.0]))
    assert found.max_abs == pytest.approx(1e-8, rel=1e-6)
    assert found.max_rel == pytest.approx(1e-10, rel=1e-6)
    assert found.agrees
    assert not compare(a, a + np.array([2 * AGREEMENT * 100, 0.0])).agrees


def test_a_reference_of_zeros_is_compared_absolutely():
    assert compare(np.zeros(3), np.full(3, 1e-5)).max_rel == 1e-5


def test_the_worst_array_is_reported_whatever_its_place():
    ones = np.ones(2)
    found = compare([ones, 1000 * ones], [ones + 1e-3, 1000 * ones + 1e-2])
    assert (found.worst, found.max_abs) == ("[0]", pytest.approx(1e-2))
    assert found.max_rel == pytest.approx(1e-3)


@pytest.mark.parametrize(
    ("expected", "actual", "problem"),
    [
        (np.ones((2, 3)), np.ones((3, 2)), "shape (2, 3) in torch and (3, 2) in jax"),
        (np.ones(2), np.ones(2, int), "dtype float64 in torch and int64 in jax"),
        (np.array([True]), np.array([1]), "dtype bool in torch"),
        (np.array([1, 2, 3]), np.array([1, 2, 4]), "differs in 1 of 3 elements"),
        (np.array([1.0, np.nan]), np.array([np.nan, 1.0]), "NaN or infinity in different places"),
        (np.array([np.inf]), np.array([-np.inf]), "NaN or infinity in different places"),
        (np.array([1.0]), np.array([np.nan]), "NaN or infinity in different places"),
        ([np.ones(2)], [np.ones(2), np.ones(2)], "only the translation has [1]"),
        ({"a": np.ones(2)}, {"b": np.ones(2)}, "only the original has ['a']; only the translation has ['b']"),
        (np.ones(2), None, "the result is a ndarray in torch and None in jax"),
        ("a", "b", "'a' in torch and 'b' in jax"),
        ([], np.ones(2), "only the original has"),
        (object(), object(), "can't be compared"),
    ],
)
def test_differences_in_kind_are_named(expected, actual, problem):
    found = compare(expected, actual)
    assert not found.agrees
    assert problem in found.problem


def test_equal_nans_and_infinities_agree():
    a = np.array([np.nan, np.inf, -np.inf, 2.0])
    assert compare(a, a.copy()).agrees


def test_a_problem_is_not_hidden_by_a_later_array():
    found = compare([np.ones(2), np.ones(2)], [np.ones(3), np.ones(2)])
    assert "shape" in found.problem
