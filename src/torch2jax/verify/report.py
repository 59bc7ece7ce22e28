"""What a verification found, as data and as a table."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

from rich.console import Console
from rich.table import Table

from torch2jax.report import Diagnostic, Severity
from torch2jax.verify.cases import Case
from torch2jax.verify.compare import ArrayError
from torch2jax.verify.found import Found


class Rung(enum.StrEnum):
    """What is compared, in the order in which it is reached. docs/verify.md says what each one means."""

    IMPORTS = "imports"
    BUILDS = "builds"
    STATE = "state"
    EVAL = "eval"
    CALL = "call"  # a plain function, in place of eval
    TRAIN = "train"
    BUFFERS = "buffers"
    GRADIENTS = "gradients"
    STEPS = "steps"
    JIT = "jit"
    SIZES = "sizes"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"


class Verdict(enum.StrEnum):
    """What became of one rung."""

    AGREES = "agrees"
    ROUGH = "rough"  # a lower precision differs by more than rounding usually does; float64 decides
    KINKS = "differs at kinks"  # only where the function has no derivative, as shown at a point beside it
    INFORMATION = "-"  # nothing to compare, and the detail says why
    DIFFERS = "DIFFERS"
    FAILS = "FAILS"  # the translation raised
    UNTRACEABLE = "can't be traced"  # the translation runs, but not under jax.jit, and no diagnostic said so
    UNMATCHED = "other draws"  # the two sides draw different random numbers, so that values can't be compared
    UNDECIDED = "undecided"  # float64 does not determine the result well enough to see a mistake
    ORIGINAL_FAILS = "original fails"
    NOT_REACHED = "not reached"  # it rests on a rung that failed


GOOD = frozenset((Verdict.AGREES, Verdict.ROUGH, Verdict.KINKS, Verdict.INFORMATION))
"""Verdicts that hold nothing against the translation."""

_COLOURS = {
    Verdict.AGREES: "green",
    Verdict.ROUGH: "yellow",
    Verdict.KINKS: "yellow",
    Verdict.INFORMATION: "dim",
    Verdict.DIFFERS: "bold red",
    Verdict.FAILS: "bold red",
    Verdict.UNTRACEABLE: "bold red",
    Verdict.UNMATCHED: "bold yellow",
    Verdict.UNDECIDED: "bold yellow",
    Verdict.ORIGINAL_FAILS: "magenta",
    Verdict.NOT_REACHED: "dim",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rung of one case.

    dtype: the precision that was compared. max_abs, max_rel: the largest errors (NaN where no array was compared).
    arrays: the errors of each array. losses: of the steps, in torch and in the translation. seconds: both sides.
    place: the first place where the two programs part, as far as it was found.
    """

    case: str
    rung: Rung
    dtype: str
    verdict: Verdict
    max_abs: float = float("nan")
    max_rel: float = float("nan")
    detail: str = ""
    arrays: tuple[ArrayError, ...] = ()
    losses: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    place: Found | None = None
    seconds: float = float("nan")

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON data, which knows no NaN and no infinity."""
        return {key: _jsonable(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """All outcomes for one path, and what the conversion reported about it.

    cases: what was run. left_out: a sentence for each class that nobody knew how to run.
    """

    path: str
    outcomes: tuple[Outcome, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    cases: tuple[Case, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def flagged(self) -> bool:
        """Whether the conversion had errors."""
        return any(d.severity is Severity.ERROR for d in self.diagnostics)

    @property
    def agrees(self) -> bool:
        """Whether every rung was reached and every float64 result is the same."""
        return any(o.verdict is Verdict.AGREES for o in self.outcomes) and not self.bad

    @property
    def bad(self) -> tuple[Outcome, ...]:
        """The outcomes that stand against the translation, or leave it unproven."""
        return tuple(o for o in self.outcomes if o.verdict not in GOOD)

    @property
    def ok(self) -> bool:
        """Whether the translation is complete and agrees."""
        return self.agrees and not self.flagged

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "path": self.path,
            "ok": self.ok,
            "cases": [{**asdict(case), "options": case.options} for case in self.cases],
            "left_out": list(self.left_out),
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
            "diagnostics": [d.to_json() for d in self.diagnostics],
        }

    def print(self, console: Console) -> None:
        """Show the diagnostics that are errors, a table for each case, and a line per note."""
        for diagnostic in self.diagnostics:
            if diagnostic.severity is Severity.ERROR:
                console.print(diagnostic.headline, style="red", highlight=False, markup=False, soft_wrap=True)
        console.print(self.path, highlight=False, markup=False, soft_wrap=True)
        for case, outcomes in groupby(self.outcomes, key=lambda o: o.case):
            rows = list(outcomes)
            console.print(ladder_table(case, rows))
            for outcome in rows:
                if outcome.detail and outcome.verdict is not Verdict.NOT_REACHED:
                    line = f"{outcome.rung}: {outcome.detail}"
                    console.print(line, highlight=False, markup=False, soft_wrap=True)
                for line in outcome.place.lines() if outcome.place is not None else ():
                    console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def ladder_table(case: str, outcomes: Sequence[Outcome]) -> Table:
    """A row for each rung of a case: the precision, the largest absolute and relative error, seconds, the verdict."""
    table = Table(title=case, title_justify="left", title_style="bold")
    table.add_column("rung")
    table.add_column("dtype")
    for heading in ("max abs error", "max rel error", "seconds"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for o in outcomes:
        colour = _COLOURS[o.verdict]
        seconds = "" if o.seconds != o.seconds else f"{o.seconds:.1f}"
        verdict = f"[{colour}]{o.verdict}[/{colour}]"
        table.add_row(o.rung, o.dtype, _number(o.max_abs), _number(o.max_rel), seconds, verdict)
    return table


def _number(value: float) -> str:
    return "" if value != value else f"{value:.1e}"


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_jsonable(item) for item in value]
    return value
