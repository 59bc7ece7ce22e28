"""What two recordings say about each other."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from torch2jax.verify.report import Outcome, Rung, Verdict
from torch2jax.verify.scripts.judging import Judge, Reruns
from torch2jax.verify.scripts.recording import Loss, Place, Printed, Recording, Root

PLACE = Place("train.py", 7, "loss.backward()")


def recording(*losses: float, **fields: Any) -> Recording:
    return Recording([Loss(value, PLACE, step) for step, value in enumerate(losses)], updates=len(losses), **fields)


def judged(expected: Recording, actual: Recording, *others: Recording) -> dict[Rung, Outcome]:
    """The outcomes; others: the original's run as it is, and those with moved last places."""
    again, *moved = others or (expected,)

    def rerun(seed: int | None) -> Recording:
        return again if seed is None else moved[seed % len(moved)] if moved else expected

    return {outcome.rung: outcome for outcome in Judge("train.py", expected, actual, Reruns(rerun)).outcomes()}


def test_equal_recordings_agree() -> None:
    state = {"weight": np.ones((2, 3))}
    root = Root(0, "Net", True, PLACE, ("weight",), first=state, last=state, label="net")
    full = recording(
        *(1.0, 0.5),
        printed=[Printed("loss 0.5\n", 2)],
        roots=[root],
        models={"net": state},
        values={"x": {"": np.arange(3.0)}},
    )
    assert {outcome.verdict for outcome in judged(full, full).values()} == {Verdict.AGREES}


@pytest.mark.parametrize(("actual", "number"), [((1.0, 0.5, 0.3), 3), ((1.1, 0.5, 0.25), 1), ((1.0, np.nan, 0.25), 2)])
def test_the_first_loss_that_differs_is_named_with_its_line(actual: tuple[float, ...], number: int) -> None:
    found = judged(recording(1.0, 0.5, 0.25), recording(*actual))[Rung.LOSSES]
    assert found.verdict is Verdict.DIFFERS
    assert f"first at loss {number} of 3" in found.detail
    assert "train.py:7: loss.backward()" in found.detail


def test_a_missing_loss_is_a_difference() -> None:
    found = judged(recording(1.0, 0.5), recording(1.0))[Rung.LOSSES]
    assert (found.verdict, found.detail) == (Verdict.DIFFERS, "the original differentiates 2 losses, the translation 1")


def test_a_sum_may_be_differentiated_in_place_of_its_terms() -> None:
    terms = Recording([Loss(1.0, PLACE), Loss(0.5, PLACE), Loss(0.25, PLACE, 1), Loss(0.25, PLACE, 1)], 2)
    sums = Recording([Loss(1.5, PLACE), Loss(0.5, PLACE, 1)], 2)
    found = judged(terms, sums)[Rung.LOSSES]
    assert (found.verdict, found.losses) == (Verdict.AGREES, ((1.5, 0.5), (1.5, 0.5)))
    assert "by their sum" in found.detail
    wrong = replace(sums, losses=[Loss(1.5, PLACE), Loss(0.6, PLACE, 1)])
    assert judged(terms, wrong)[Rung.LOSSES].verdict is Verdict.DIFFERS


def test_what_torch_itself_does_not_determine_is_undecided() -> None:
    expected, actual = recording(1.0, 0.5, 0.4), recording(1.0, 0.5, 0.4 + 1e-7)
    moved = recording(1.0, 0.5, 0.4 + 1e-7)
    found = judged(expected, actual, expected, moved)[Rung.LOSSES]
    assert found.verdict is Verdict.UNDECIDED
    assert "float64 determines the first 2 losses: --train-steps 2 compares those" in found.detail
    assert judged(expected, actual)[Rung.LOSSES].verdict is Verdict.DIFFERS


def test_other_draws_are_named() -> None:
    first = recording(1.0, draws={("normal", (3,)): 2})
    second = recording(0.9, draws={("normal", (3,)): 1})
    found = judged(first, second)[Rung.LOSSES]
    assert found.verdict is Verdict.UNMATCHED
    assert "the original draws 1 x normal (3,)" in found.detail


@pytest.mark.parametrize(
    ("expected", "actual", "words"),
    [
        ({"": np.ones(3)}, {"": np.ones(3) * 1.1}, "worst at x"),
        ({"": 3}, {"": 4}, "x differs in 1 of 1 elements"),
        ({"[0]": 0.5, "[1]": 0.25}, {"[0]": 0.5}, "x has 2 entries in torch and 1 in jax"),
        ({"['loss']": 0.5}, {"['loss']": 0.6}, "worst at x['loss']"),
        ({"": np.ones(3)}, {"": np.ones(3, int)}, "x has dtype float64 in torch and int64 in jax"),
        ({"": np.ones((2, 3))}, {"": np.ones((2, 2))}, "x has shape (2, 3) in torch and (2, 2) in jax"),
    ],
)
def test_globals_that_differ_are_named(expected: dict[str, Any], actual: dict[str, Any], words: str) -> None:
    found = judged(recording(values={"x": expected}), recording(values={"x": actual}))[Rung.GLOBALS]
    assert (found.verdict, found.detail) == (Verdict.DIFFERS, words)


def test_a_global_of_one_side_is_not_compared() -> None:
    found = judged(recording(values={"x": {"": 1}}), recording(values={"rngs": {"": 1}}))[Rung.GLOBALS]
    assert found.verdict is Verdict.INFORMATION


def test_a_global_may_lie_in_another_order_of_axes() -> None:
    x = np.random.default_rng(0).random((2, 3, 4))
    found = judged(recording(values={"x": {"": x}}), recording(values={"x": {"": x.transpose(0, 2, 1)}}))[Rung.GLOBALS]
    assert (found.verdict, found.detail) == (Verdict.AGREES, "in another order of axes: x")


def test_what_changes_from_run_to_run_is_not_compared_and_named() -> None:
    def timed(start: float, x: float) -> Recording:
        values = {"start": {"": start}, "x": {"": x}}
        return recording(values=values, printed=[Printed(f"x {x:.2f} after {start:.3f} s\n", 0)])

    found = judged(timed(1.0, 2.0), timed(5.0, 2.0), timed(1.5, 2.0))
    assert found[Rung.GLOBALS].verdict is found[Rung.PRINTS].verdict is Verdict.AGREES
    assert "change from run to run: start" in found[Rung.GLOBALS].detail
    found = judged(timed(1.0, 2.0), timed(5.0, 3.0), timed(1.5, 2.0))
    assert found[Rung.GLOBALS].verdict is found[Rung.PRINTS].verdict is Verdict.DIFFERS


def test_prints_that_differ_are_shown() -> None:
    first, second = (recording(printed=[Printed(text, 0)]) for text in ("loss 0.5\n", "loss 0.6\n"))
    found = judged(first, second)[Rung.PRINTS]
    assert (found.verdict, found.detail) == (
        Verdict.DIFFERS,
        "line 1 is 'loss 0.5' in torch and 'loss 0.6' in the translation",
    )


def _model(weight: float, **more: Any) -> Recording:
    arrays = {"weight": np.full(2, weight), **more}
    first = {"weight": np.zeros(2), **{name: np.zeros_like(array) for name, array in more.items()}}
    root = Root(0, "Net", True, PLACE, tuple(arrays), first=first, last=arrays, label="Net")
    return recording(roots=[root])


def test_models_that_differ_are_named() -> None:
    found = judged(_model(1.0), _model(1.1))[Rung.MODELS]
    assert (found.verdict, found.detail) == (Verdict.DIFFERS, "worst at Net.weight")
    found = judged(_model(1.0, scale=np.ones(1)), _model(1.0))[Rung.MODELS]
    assert "Net.scale changes in torch and has no place in the translation" in found.detail
    for name, array in {"num_batches_tracked": np.array(3), "constant": np.zeros(3), "tied": np.full(2, 1.0)}.items():
        assert judged(_model(1.0, **{name: array}), _model(1.0))[Rung.MODELS].verdict is Verdict.AGREES, name


def test_a_program_that_failed_says_why_and_how_far_it_came() -> None:
    found = judged(recording(error="ValueError: no (train.py:3)"), Recording())
    assert found[Rung.RUNS].verdict is Verdict.ORIGINAL_FAILS
    assert found[Rung.LOSSES].verdict is Verdict.NOT_REACHED
    found = judged(recording(1.0, 0.5, 0.25), recording(1.0, 0.5, error="ValueError: no (train.py:3)"))
    assert found[Rung.RUNS].verdict is Verdict.FAILS
    assert found[Rung.RUNS].detail == "ValueError: no (train.py:3); the 2 losses before that agree"
    found = judged(recording(1.0, 0.5), recording(1.1, error="ValueError: no"))
    assert "before that, first at loss 1 of 2" in found[Rung.RUNS].detail


def test_stopped_programs_have_no_globals_and_print_as_far_as_both_went() -> None:
    first = recording(1.0, stopped=True, values={"x": {"": 1}}, printed=[Printed("a\nb\n", 1)])
    second = recording(1.0, stopped=True, values={"x": {"": 2}}, printed=[Printed("a\n", 1)])
    found = judged(first, second)
    assert found[Rung.RUNS].detail == "both were stopped after 1 loss"
    assert found[Rung.GLOBALS].verdict is Verdict.INFORMATION
    assert found[Rung.PRINTS].verdict is Verdict.AGREES
