"""What every rung of the ladder needs: both sides of a case, who raised, and how a comparison is judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from torch.utils._python_dispatch import TorchDispatchMode

from torch2jax.verify.calls import CallArrays, take_apart
from torch2jax.verify.cases import Case, CaseError
from torch2jax.verify.compare import Comparison, compare_leaves
from torch2jax.verify.failures import FAILURES, one_line
from torch2jax.verify.inputs import Inputs
from torch2jax.verify.programs import Programs
from torch2jax.verify.randomness import Draws, unmatched
from torch2jax.verify.report import GOOD, Outcome, Rung, Verdict
from torch2jax.verify.rounding import Ruling, rule
from torch2jax.verify.sides import SEED, Original, Translation
from torch2jax.verify.spaces import Space
from torch2jax.verify.steps import Step, Watch

T = TypeVar("T")

RESTS_ON: Mapping[Rung, Rung] = {
    Rung.BUILDS: Rung.IMPORTS,
    Rung.STATE: Rung.BUILDS,
    Rung.INITIAL: Rung.STATE,
    Rung.EVAL: Rung.STATE,
    Rung.TRAIN: Rung.EVAL,
    Rung.BUFFERS: Rung.TRAIN,
    Rung.GRADIENTS: Rung.TRAIN,
    Rung.STEPS: Rung.GRADIENTS,
    Rung.JIT: Rung.EVAL,
    Rung.SIZES: Rung.EVAL,
    Rung.FLOAT32: Rung.EVAL,
    Rung.BFLOAT16: Rung.FLOAT32,
}
"""What must be good for a rung to be tried; a plain function is called in place of eval and train."""

_CAN_NOT_BE_COMPILED = "T2J203"
"""The diagnostic that says that control flow depends on the data, so that code must run without `jax.jit`."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How far to go.

    dtypes: the precisions; train_steps: of gradient descent; last: the highest rung; layers: whether they are compared
    one by one also where all agrees. seed: of weights, inputs and what the programs draw. compiled: whether gradients
    are compiled, which is slow to begin with and quick to repeat.
    """

    dtypes: tuple[str, ...] = ("float64", "float32", "bfloat16")
    train_steps: int = 5
    last: Rung = Rung.BFLOAT16
    layers: bool = False
    seed: int = 0
    compiled: bool = True

    def wants(self, rung: Rung) -> bool:
        """Whether a rung is within what was asked for."""
        order = list(Rung)
        last = Rung.CALL if self.last is Rung.EVAL else self.last  # a case has one of the two
        return order.index(rung) <= order.index(last)


class SideError(Exception):
    """One side raised; the outcome says which one and what."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.detail)
        self.outcome = outcome


def untraced(outcome: Outcome, cause: BaseException | None) -> Outcome:
    """Nothing more is looked for."""
    return outcome


@dataclass(slots=True)
class Climb:
    """One case in one precision: its sides, its inputs, and the verdicts so far.

    inputs: those of the last call; ruling: on the last comparison. traced: adds to an outcome where the two sides
    part, and their layers.
    """

    programs: Programs
    case: Case
    spaces: tuple[Space, Space]
    dtype: str
    plan: Plan
    watch: Watch
    verdicts: dict[Rung, Verdict] = field(default_factory=dict)
    inputs: CallArrays | None = None
    traced: Callable[[Outcome, BaseException | None], Outcome] = untraced
    ruling: Ruling | None = None

    def sides(self, *, train: bool) -> tuple[Original, Translation]:
        """Both sides, not built yet."""
        double = self.dtype == "float64"
        original = Original(self.programs, self.case, self.spaces[0], double=double, train=train, seed=self.plan.seed)
        twin = Translation(self.programs, self.case, self.spaces[1], double=double, train=train, seed=self.plan.seed)
        return original, twin

    def drawn(self, inputs: Inputs) -> CallArrays:
        """Random arrays for specifications. Raises CaseError where there is no memory for them."""
        try:
            self.inputs = take_apart(inputs.draw(SEED + self.plan.seed))
            return self.inputs
        except (MemoryError, ValueError):
            raise CaseError(
                f"{self.case.title}: the inputs {', '.join(self.case.inputs)} do not fit into memory"
            ) from None

    def tried(self, rung: Rung, attempt: Callable[[Rung], Outcome]) -> Iterator[Outcome]:
        """The outcome of one rung: none where it was not asked for, `not reached` where it rests on one that failed."""
        if not self.plan.wants(rung):
            return
        if not self._is_reached(rung):
            outcome = self.outcome(rung, Verdict.NOT_REACHED)
        else:
            started = time.perf_counter()
            cause: BaseException | None = None
            try:
                outcome = attempt(rung)
            except SideError as error:
                outcome, cause = error.outcome, error.__cause__
            outcome = self.traced(replace(outcome, seconds=time.perf_counter() - started), cause)
        self.verdicts[rung] = outcome.verdict
        yield outcome

    def on_original(self, rung: Rung, what: str, action: Callable[[], T]) -> T:
        """Do something with the original. Raises SideError, and CaseError for a case that can't be run as written."""
        died = self.outcome(rung, Verdict.ORIGINAL_FAILS)
        self.watch(Step(what, died))
        try:
            return action()
        except CaseError:
            raise
        except FAILURES as error:
            raise SideError(replace(died, detail=one_line(error, self.spaces[0].root))) from error

    def on_translation(self, rung: Rung, what: str, action: Callable[[], T]) -> T:
        """Do something with the translation. Raises SideError."""
        died = self.outcome(rung, Verdict.FAILS)
        self.watch(Step(what, died))
        try:
            return action()
        except FAILURES as error:
            raise SideError(replace(died, detail=one_line(error, self.spaces[1].root))) from error

    def outcome(self, rung: Rung, verdict: Verdict, detail: str = "") -> Outcome:
        """An outcome without numbers."""
        return Outcome(self.case.title, rung, self.dtype, verdict, detail=detail)

    def judge(
        self,
        rung: Rung,
        expected: Mapping[str, Any],
        actual: Mapping[str, Any],
        again: Callable[[], Mapping[str, Any]],
        draws: tuple[Draws, Draws] | None = None,
    ) -> Outcome:
        """Compare leaves in float64. ``again`` runs the original once more, for the rule about rounding."""
        comparison = compare_leaves(expected, actual)

        def under(mode: TorchDispatchMode) -> Mapping[str, Any]:
            with mode:
                return again()

        self.ruling = ruling = rule(comparison, expected, under)
        verdict, detail = ruling.verdict, ruling.detail
        why = unmatched(*draws) if draws else ""
        if verdict is Verdict.DIFFERS and why and not comparison.structural:
            one_sided = draws is not None and not (draws[1].log or draws[1].unshared)
            verdict, detail = (Verdict.DIFFERS if one_sided else Verdict.UNMATCHED), why
        outcome = self.compared(rung, verdict, comparison, detail)
        if ruling.excused:  # the size of noise beside noise says nothing
            others = [array.max_rel for array in comparison.arrays if array.path not in ruling.excused]
            outcome = replace(outcome, max_rel=max(others, default=float("nan")))
        return outcome

    def compared(self, rung: Rung, verdict: Verdict, comparison: Comparison, detail: str = "") -> Outcome:
        """An outcome with the numbers of a comparison."""
        return Outcome(
            self.case.title,
            rung,
            self.dtype,
            verdict,
            comparison.max_abs,
            comparison.max_rel,
            detail,
            comparison.arrays,
        )

    def untraceable(self, rung: Rung, error: BaseException) -> Outcome:
        """The outcome where the translation runs, but not under `jax.jit`: information where a diagnostic said so."""
        reason = one_line(error, self.spaces[1].root)
        said = any(d.code == _CAN_NOT_BE_COMPILED for d in self.programs.diagnostics)
        if said:
            return self.outcome(
                rung, Verdict.INFORMATION, f"runs without jit only, as {_CAN_NOT_BE_COMPILED} says: {reason}"
            )
        return self.outcome(rung, Verdict.UNTRACEABLE, reason)

    def _is_reached(self, rung: Rung) -> bool:
        below = RESTS_ON.get(rung)
        if Rung.CALL in self.verdicts and below in (Rung.EVAL, Rung.TRAIN):
            below = Rung.CALL
        if rung is Rung.CALL:
            below = Rung.STATE
        return below is None or self.verdicts.get(below) in GOOD
