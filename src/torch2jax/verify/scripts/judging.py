"""What two recordings say about each other: the outcome of each rung of a script."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import groupby
from typing import Any

import numpy as np

from torch2jax.verify.compare import AGREEMENT, Comparison, compare_leaves
from torch2jax.verify.randomness import Draws, unmatched
from torch2jax.verify.report import Outcome, Rung, Verdict
from torch2jax.verify.rounding import CEILING, FACTOR, RERUNS, LastPlaces, Ruling, own_errors, rule
from torch2jax.verify.scripts.pinning import Pin, uncertain, unmoved
from torch2jax.verify.scripts.prints import changes, lines_of, mismatch
from torch2jax.verify.scripts.recording import Loss, Recording
from torch2jax.verify.scripts.states import states_of
from torch2jax.verify.scripts.values import common_values

_FAR = 1e6
"""How many times the rule's allowance a difference is that further samples can't explain."""
_SHOWN = 4
"""Names that a sentence lists."""
_COMPARED = (Rung.WEIGHTS, Rung.LOSSES, Rung.MODELS, Rung.GLOBALS, Rung.PRINTS)


class Reruns:
    """Further runs of the original, each made when it is first asked for. run: makes one, with a seed or as it is."""

    def __init__(self, run: Callable[[int | None], Recording]) -> None:
        self._run = run
        self._known: dict[int | None, Recording] = {}

    def moved(self, seed: int) -> Recording:
        """With the last place of every result moved at random."""
        return self._get(seed)

    @property
    def again(self) -> Recording:
        """As it is: what is not the same as before changes from run to run."""
        return self._get(None)

    def _get(self, seed: int | None) -> Recording:
        if seed not in self._known:
            self._known[seed] = self._run(seed)
        return self._known[seed]


@dataclass
class Judge:
    """Compares what the original left with what the translation left.

    case: the title of all outcomes. shown: how the user calls a file of the translation.
    """

    case: str
    expected: Recording
    actual: Recording
    reruns: Reruns
    shown: Callable[[str], str] = str

    def outcomes(self) -> list[Outcome]:
        """All rungs, in order."""
        runs = self.runs()
        if runs.verdict is not Verdict.AGREES:
            return [runs, *(self._outcome(rung, Verdict.NOT_REACHED) for rung in _COMPARED)]
        return [runs, self.weights(), self.losses(), self.models(), self.globals(), self.prints()]

    def unmoved(self) -> tuple[Pin, ...]:
        """The parameters that only rounding has moved."""
        return unmoved(self.expected, self._moved(), FACTOR)

    def uncertain(self) -> tuple[Pin, ...]:
        """The parameters that torch's own rounding leaves undecided."""
        return uncertain(self.expected, self._moved(), FACTOR)

    def _moved(self) -> list[Recording]:
        return [self.reruns.moved(seed) for seed in range(RERUNS)]

    def runs(self) -> Outcome:
        """Both programs come to their end."""
        seconds = self.expected.seconds + self.actual.seconds
        if self.expected.error:
            return self._outcome(Rung.RUNS, Verdict.ORIGINAL_FAILS, self.expected.error)
        if self.actual.weights:
            return self._outcome(Rung.RUNS, Verdict.FAILS, self.actual.weights)
        if self.actual.error:
            return self._outcome(Rung.RUNS, Verdict.FAILS, f"{self.actual.error}{self._so_far()}")
        detail = f"both were stopped after {_count(len(self.expected.losses))}" if self.expected.stopped else ""
        return self._outcome(Rung.RUNS, Verdict.AGREES, detail, seconds=seconds)

    def weights(self) -> Outcome:
        """The models of the original have counterparts, which began with the same weights."""
        if not self.expected.roots:
            return self._outcome(Rung.WEIGHTS, Verdict.INFORMATION, "the original builds no model")
        return self._outcome(Rung.WEIGHTS, Verdict.AGREES)

    def losses(self) -> Outcome:
        """The losses that were differentiated, in order."""
        first, second, note = self._series()
        if not first and not second:
            return self._outcome(Rung.LOSSES, Verdict.INFORMATION, "nothing is differentiated")
        count = min(len(first), len(second))
        comparison = compare_leaves(_leaves(first[:count]), _leaves(second[:count]))
        grouped = _summed if note else _unchanged

        def again(run: Recording) -> Mapping[str, Any]:
            return _leaves(grouped(run.losses)[:count])

        ruling, own = self._ruled(comparison, again, _leaves(first[:count]))
        detail, verdict = ruling.detail or note, ruling.verdict
        if verdict is Verdict.DIFFERS:
            verdict, detail = self._with_draws(verdict, self._first_difference(first, second, own))
        elif verdict is Verdict.UNDECIDED:
            detail = f"{detail}; {_decided(first, second, own)}"
        elif len(first) != len(second):
            verdict = Verdict.DIFFERS
            detail = f"the original differentiates {_count(len(first))}, the translation {len(second)}"
        series = tuple(loss.value for loss in first), tuple(loss.value for loss in second)
        return self._outcome(Rung.LOSSES, verdict, detail, comparison=_without(comparison, ruling), losses=series)

    def _series(self) -> tuple[Sequence[Loss], Sequence[Loss], str]:
        """The losses of both sides, or their sums between updates where one side differentiates sums; a note then."""
        first, second = self.expected.losses, self.actual.losses
        if len(first) != len(second):
            sums = _summed(first), _summed(second)
            if len(sums[0]) == len(sums[1]) and sums != (first, second):
                return *sums, "the losses between two updates are compared by their sum"
        return first, second, ""

    def models(self) -> Outcome:
        """Parameters and buffers at the end."""
        states = states_of(self.expected, self.actual)
        if states.problem:
            return self._outcome(Rung.MODELS, Verdict.DIFFERS, states.problem)
        if not states.expected:
            return self._outcome(Rung.MODELS, Verdict.INFORMATION, "there is no model with parameters or buffers")
        comparison = compare_leaves(states.expected, states.actual)
        ruling, _ = self._ruled(comparison, lambda run: states_of(self.expected, run).actual, states.expected)
        return self._outcome(Rung.MODELS, ruling.verdict, ruling.detail, comparison=_without(comparison, ruling))

    def globals(self) -> Outcome:
        """Arrays and numbers that both leave in globals of the same name."""
        if self.expected.stopped:
            return self._outcome(Rung.GLOBALS, Verdict.INFORMATION, "not compared, since both were stopped")
        values = common_values(self.expected.values, self.actual.values)
        comparison = compare_leaves(values.expected, values.actual)
        if not values.names:
            return self._outcome(Rung.GLOBALS, Verdict.INFORMATION, "no array or number is left under the same name")
        notes = [f"in another order of axes: {_listed(values.reordered)}"] if values.reordered else []
        if values.problems or not comparison.agrees:
            varying = _varying(self.expected, self.reruns.again)
            if varying:
                notes.append(f"not compared, since torch's own values change from run to run: {_listed(varying)}")
            kept = {name: value for name, value in self.expected.values.items() if name not in varying}
            values = common_values(kept, self.actual.values)
            comparison = compare_leaves(values.expected, values.actual)
        if values.problems:
            return self._outcome(Rung.GLOBALS, Verdict.DIFFERS, next(iter(values.problems.values())))
        ruling, _ = self._ruled(comparison, _all_values, values.expected)
        detail = "; ".join([*([ruling.detail] if ruling.detail else []), *notes])
        return self._outcome(Rung.GLOBALS, ruling.verdict, detail, comparison=_without(comparison, ruling))

    def prints(self) -> Outcome:
        """What both print: the same text, and the same numbers in it."""
        first, second = lines_of(self.expected.printed), lines_of(self.actual.printed)
        if not first and not second:
            return self._outcome(Rung.PRINTS, Verdict.INFORMATION, "nothing is printed")
        if self.expected.stopped:
            count = min(len(first), len(second))
            first, second = first[:count], second[:count]
        if mismatch(first, second, {}) is None:
            return self._outcome(Rung.PRINTS, Verdict.AGREES)
        unsteady = dict.fromkeys(changes(first, lines_of(self.reruns.again.printed)), Decimal("Infinity"))
        found, note = mismatch(first, second, unsteady), "numbers that change from run to run are not compared"
        if found is not None:
            allowed, note = self._print_allowances() | unsteady, "within the error of torch's own rounding"
            found = mismatch(first, second, allowed)
        return self._outcome(Rung.PRINTS, Verdict.DIFFERS if found else Verdict.AGREES, str(found or note))

    def _ruled(
        self, comparison: Comparison, of: Callable[[Recording], Mapping[str, Any]], expected: Mapping[str, Any]
    ) -> tuple[Ruling, Mapping[str, float]]:
        """The rule for rounding, with further runs of the original; and torch's own errors where they were measured."""

        def rerun(mode: Any) -> Mapping[str, Any]:
            found = of(self.reruns.moved(mode.seed))
            return {path: found[path] for path in expected if path in found}

        obvious = _obvious(comparison, expected, rerun)
        if obvious:
            return Ruling(Verdict.DIFFERS, f"worst at {obvious}"), {}
        ruling = rule(comparison, expected, rerun)
        measured = ruling.verdict is not Verdict.AGREES and not comparison.problem
        return ruling, own_errors(expected, rerun) if measured else {}

    def _print_allowances(self) -> dict[tuple[int, int], Decimal]:
        """How far printed numbers may be off: as arrays may, in proportion to what torch's own rounding changes."""
        first, found = lines_of(self.expected.printed), dict[tuple[int, int], Decimal]()
        for seed in range(RERUNS):
            for place, change in changes(first, lines_of(self.reruns.moved(seed).printed)).items():
                found[place] = max(found.get(place, Decimal(0)), change * int(FACTOR))
        return found

    def _first_difference(self, first: Sequence[Loss], second: Sequence[Loss], own: Mapping[str, float]) -> str:
        """The first loss that differs by more than torch's own error, with both lines."""
        for number, (a, b) in enumerate(zip(first, second, strict=False), 1):
            if _apart(a.value, b.value) and not abs(a.value - b.value) <= FACTOR * own.get(f"loss {number}", 0.0):
                values = f"{a.value:.12g} in torch, {b.value:.12g} in the translation"
                return f"first at loss {number} of {len(first)}: {values}{self._lines(a, b)}"
        return ""

    def _lines(self, a: Loss, b: Loss) -> str:
        parts = [f"{a.place}: {a.place.text}"] if a.place else []
        parts += [f"{self.shown(b.place.file)}:{b.place.line}: {b.place.text}"] if b.place else []
        return f" ({'; '.join(parts)})" if parts else ""

    def _with_draws(self, verdict: Verdict, detail: str) -> tuple[Verdict, str]:
        """Where the two drew different things, their values can't be compared."""
        reason = unmatched(_drawn(self.expected), _drawn(self.actual))
        both = self.expected.draws and self.actual.draws
        return (Verdict.UNMATCHED, f"{detail}; {reason}") if reason and both else (verdict, detail)

    def _so_far(self) -> str:
        """How far a translation came that failed."""
        count = min(len(self.expected.losses), len(self.actual.losses))
        if not count:
            return ""
        apart = self._first_difference(self.expected.losses, self.actual.losses, {})
        return f"; before that, {apart}" if apart else f"; the {_count(count)} before that agree"

    def _outcome(
        self,
        rung: Rung,
        verdict: Verdict,
        detail: str = "",
        *,
        comparison: Comparison | None = None,
        losses: tuple[tuple[float, ...], tuple[float, ...]] | None = None,
        seconds: float = float("nan"),
    ) -> Outcome:
        found = comparison or Comparison(float("nan"), float("nan"))
        measured = (found.max_abs, found.max_rel) if found.arrays else (float("nan"), float("nan"))
        return Outcome(
            self.case, rung, "float64", verdict, *measured, detail, found.arrays, losses=losses, seconds=seconds
        )


def _obvious(comparison: Comparison, expected: Mapping[str, Any], rerun: Callable[[Any], Mapping[str, Any]]) -> str:
    """The array that is worst, if it is so far off that one further run is enough to tell; else ""."""
    doubtful = [array for array in comparison.arrays if array.max_rel > AGREEMENT]
    if comparison.problem or not doubtful:
        return ""
    moved = {array.path: array.max_abs for array in compare_leaves(expected, rerun(LastPlaces(0))).arrays}
    far = [array for array in doubtful if array.max_abs > _FAR * FACTOR * moved.get(array.path, 0.0)]
    return max(far, key=lambda array: array.max_rel).path if far else ""


def _unchanged(losses: Sequence[Loss]) -> Sequence[Loss]:
    return losses


def _summed(losses: Sequence[Loss]) -> list[Loss]:
    """The losses that belong to one update as one."""
    groups = (list(group) for _, group in groupby(losses, key=lambda loss: loss.updates))
    return [replace(group[-1], value=sum(loss.value for loss in group)) for group in groups]


def _leaves(losses: Sequence[Loss]) -> dict[str, Any]:
    return {f"loss {number}": np.float64(loss.value) for number, loss in enumerate(losses, 1)}


def _all_values(run: Recording) -> dict[str, Any]:
    return {f"{name}{path}": leaf for name, inside in run.values.items() for path, leaf in inside.items()}


def _apart(a: float, b: float) -> bool:
    return bool(np.isnan(a) != np.isnan(b) or abs(a - b) > AGREEMENT * abs(a) or np.isinf(a) != np.isinf(b))


def _decided(first: Sequence[Loss], second: Sequence[Loss], own: Mapping[str, float]) -> str:
    """Up to where float64 determines the losses."""
    scale = max(abs(loss.value) for loss in first)
    for number, (a, b) in enumerate(zip(first, second, strict=False), 1):
        if _apart(a.value, b.value) and FACTOR * own.get(f"loss {number}", 0.0) > CEILING * scale:
            steps = number - 1
            return (
                f"float64 determines the first {_count(steps)}: --train-steps {steps} compares those" if steps else ""
            )
    return ""


def _without(comparison: Comparison, ruling: Ruling) -> Comparison:
    """The comparison of the arrays that are not excused."""
    arrays = tuple(array for array in comparison.arrays if array.path not in ruling.excused)
    largest = max((a.max_abs for a in arrays), default=0.0), max((a.max_rel for a in arrays), default=0.0)
    return Comparison(*largest, comparison.problem, comparison.worst, comparison.arrays, comparison.structural)


def _varying(first: Recording, again: Recording) -> list[str]:
    """The globals whose values are not the same in a second run."""
    return [
        name for name, inside in first.values.items() if not compare_leaves(inside, again.values.get(name, {})).agrees
    ]


def _drawn(recording: Recording) -> Draws:
    draws = Draws(0)
    draws.log, draws.unshared = Counter(recording.draws), Counter(recording.unshared)
    return draws


def _count(losses: int) -> str:
    return "1 loss" if losses == 1 else f"{losses} losses"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (", ..." if len(names) > _SHOWN else "")
