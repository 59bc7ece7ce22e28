"""The rule for ill-conditioned results excuses rounding, and no mistake."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils._python_dispatch import TorchDispatchMode

from torch2jax.verify.compare import compare_leaves
from torch2jax.verify.report import Verdict
from torch2jax.verify.rounding import LastPlaces, Ruling, rule

Function = Callable[[torch.Tensor], torch.Tensor]


def ruling(original: Function, translation: Function, x: torch.Tensor, beside: float = 0.0) -> Ruling:
    """The rule for two functions at a point; ``beside``: the size of another array on the same rung."""

    def run(function: Function) -> dict[str, Any]:
        return {"out": function(x)} | ({"beside": torch.full((2,), beside, dtype=torch.double)} if beside else {})

    def again(mode: TorchDispatchMode) -> dict[str, Any]:
        with mode:
            return run(original)

    expected = run(original)
    return rule(compare_leaves(expected, run(translation)), expected, again)


def sample(seed: int, *shape: int, mean: float = 0.0, scale: float = 1.0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(shape, generator=generator, dtype=torch.double) * scale + mean


def normalised(eps: float = 1e-5, *, unbiased: bool = False) -> Function:
    return lambda x: (x - x.mean(-1, keepdim=True)) / (x.var(-1, keepdim=True, unbiased=unbiased) + eps).sqrt()


def one_pass(x: torch.Tensor) -> torch.Tensor:
    """The same as `normalised()`, with the variance from the mean of squares: as many digits as cancel are lost."""
    variance = (x * x).mean(-1, keepdim=True) - x.mean(-1, keepdim=True) ** 2
    return (x - x.mean(-1, keepdim=True)) / (variance + 1e-5).sqrt()


def test_a_sum_that_is_zero_but_for_rounding_agrees() -> None:
    """As the gradient of a bias in front of a batch norm."""
    found = ruling(
        lambda x: (x - x.mean()).sum(), lambda x: x.sum() - len(x) * x.mean(), sample(2, 401, mean=3.0), beside=1.0
    )
    assert found.verdict is Verdict.AGREES
    assert found.excused == {"out"}


def test_nothing_is_decided_where_all_is_rounding() -> None:
    found = ruling(lambda x: (x - x.mean()).sum(), lambda x: x.sum() - len(x) * x.mean(), sample(2, 401, mean=3.0))
    assert found.verdict is Verdict.UNDECIDED
    assert found.detail.startswith("ill-conditioned: out")


def test_what_torchs_own_rounding_moves_is_chaotic_also_where_more_differs() -> None:
    found = ruling(lambda x: (x - x.mean()).sum(), lambda x: x.sum() - len(x) * x.mean() + 1, sample(2, 401, mean=3.0))
    assert (found.verdict, found.chaotic) == (Verdict.DIFFERS, True)
    plain = ruling(lambda x: x * 1, lambda x: x + 1e-3, sample(2, 401))
    assert (plain.verdict, plain.chaotic) == (Verdict.DIFFERS, False)


def test_constants_inside_count_as_well() -> None:
    """Moving the input does not show the digits that the large number takes."""
    found = ruling(lambda x: (x + 1e7) - 1e7, lambda x: x, sample(1, 40), beside=1e3)
    assert found.verdict is Verdict.AGREES


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 6.0), st.floats(-1.0, 2.0))
def test_another_order_of_the_same_operations_is_excused(seed: int, mean: float, scale: float) -> None:
    x = sample(seed, 3, 50, mean=10**mean, scale=10**scale)
    found = ruling(one_pass, normalised(), x, beside=1.0)
    assert found.verdict in (Verdict.AGREES, Verdict.UNDECIDED), found


MISTAKES: list[tuple[Function, Function]] = [
    (normalised(), normalised(1e-6)),
    (normalised(), normalised(1.01e-5)),
    (normalised(), normalised(unbiased=True)),
    (torch.nn.functional.gelu, lambda x: torch.nn.functional.gelu(x, approximate="tanh")),
    (lambda x: torch.softmax(x, -1), lambda x: torch.softmax(x, -2)),
    (lambda x: x.std(-1), lambda x: x.std(-1, unbiased=False)),
    (torch.nn.functional.silu, lambda x: x * torch.sigmoid(1.0000001 * x)),
]


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(-2.0, 2.0), st.floats(-1.0, 0.0))
@pytest.mark.parametrize("number", range(len(MISTAKES)))
def test_a_mistake_is_never_excused(number: int, seed: int, mean: float, scale: float) -> None:
    original, mistaken = MISTAKES[number]
    x = sample(seed, 4, 30, mean=mean, scale=10**scale)
    assert ruling(original, mistaken, x, beside=10.0).verdict is Verdict.DIFFERS


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.floats(0.0, 8.0))
def test_a_mistake_in_ill_conditioned_code_never_agrees(seed: int, mean: float) -> None:
    x = sample(seed, 3, 50, mean=10**mean)
    assert ruling(one_pass, normalised(1e-4), x, beside=1.0).verdict in (Verdict.DIFFERS, Verdict.UNDECIDED)


def test_exact_operations_and_whole_numbers_stay() -> None:
    x = sample(0, 5, 4)
    with LastPlaces(0):
        assert torch.equal(x.t().contiguous().relu().flip(0), x.clone().t().relu().flip(0))
        assert torch.equal(torch.ones(3, dtype=torch.double) * 2 + 1, torch.full((3,), 3.0, dtype=torch.double))
        moved = x * 1.1
    assert not torch.equal(moved, x * 1.1)
    np.testing.assert_allclose(moved, x * 1.1, rtol=2**-51)
