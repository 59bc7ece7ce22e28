"""Run the cases of a program and of its translation up the ladder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import cache

from torch2jax.verify.cases import Case
from torch2jax.verify.climb import Climb, Plan, untraced
from torch2jax.verify.ladder import Ladder
from torch2jax.verify.line_map import LineMap
from torch2jax.verify.locating import Locator
from torch2jax.verify.lower import LowerPrecision
from torch2jax.verify.precision import float32, float64
from torch2jax.verify.programs import Programs
from torch2jax.verify.report import Outcome
from torch2jax.verify.sides import namespace_of
from torch2jax.verify.steps import Watch, unwatched

__all__ = ["Plan", "namespace_of", "run_cases"]


def run_cases(
    programs: Programs,
    cases: Sequence[Case],
    plan: Plan | None = None,
    watch: Watch = unwatched,
    lines: Callable[[], LineMap] | None = None,
) -> Iterator[Outcome]:
    """The outcomes of each case, rung by rung. Raises CaseError for one that can't be run as written.

    lines: gives the line map of the programs; by default it is made when it is needed.
    """
    plan = plan or Plan()
    with float64():
        wide = programs.spaces()
    with float32():
        single = programs.spaces()  # defaults are bound at import: each precision imports the programs anew
    lines = lines or cache(lambda: LineMap.of(programs))
    for case in cases:
        climb = Climb(programs, case, wide, "float64", plan, watch)
        climb.traced = Locator(climb, lines)
        with float64():
            ladder = Ladder(climb)
            yield from ladder.outcomes()
        if set(plan.dtypes) - {"float64"}:
            with float32():
                climb = replace(climb, spaces=single, dtype="float32", traced=untraced)
                yield from LowerPrecision(climb, jitted=ladder.jitted).outcomes()
