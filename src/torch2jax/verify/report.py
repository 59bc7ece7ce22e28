"""What a verification found, as data and as a table."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from torch2jax.report import Diagnostic, Severity


class Verdict(enum.StrEnum):
    """What became of one run."""

    AGREES = "agrees"
    ROUGH = "rough"  # float32 differs by more than rounding usually does; float64 decides
    DIFFERS = "DIFFERS"
    FAILS = "FAILS"  # the translation raised
    ORIGINAL_FAILS = "original fails"


_COLOURS = {
    Verdict.AGREES: "green",
    Verdict.ROUGH: "yellow",
    Verdict.DIFFERS: "bold red",
    Verdict.FAILS: "bold red",
    Verdict.ORIGINAL_FAILS: "magenta",
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One run of one case: mode "eval", "train", "call" (a plain function) or "buffers" (after the train call)."""

    case: str
    mode: str
    dtype: str
    verdict: Verdict
    max_abs: float = float("nan")
    max_rel: float = float("nan")
    detail: str = ""


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """All outcomes for one path, and what the conversion reported about it."""

    path: str
    outcomes: tuple[Outcome, ...]
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def flagged(self) -> bool:
        """Whether the conversion had errors."""
        return any(d.severity is Severity.ERROR for d in self.diagnostics)

    @property
    def agrees(self) -> bool:
        """Whether every run came through and every float64 result is the same."""
        return bool(self.outcomes) and all(o.verdict in (Verdict.AGREES, Verdict.ROUGH) for o in self.outcomes)

    @property
    def ok(self) -> bool:
        """Whether the translation is complete and agrees."""
        return self.agrees and not self.flagged

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "path": self.path,
            "ok": self.ok,
            "outcomes": [
                {key: None if value != value else value for key, value in asdict(outcome).items()}  # JSON knows no NaN
                for outcome in self.outcomes
            ],
            "diagnostics": [d.to_json() for d in self.diagnostics],
        }

    def print(self, console: Console) -> None:
        """Show the diagnostics that are errors, the table, and a line per problem."""
        for diagnostic in self.diagnostics:
            if diagnostic.severity is Severity.ERROR:
                console.print(diagnostic.headline, style="red", highlight=False, markup=False, soft_wrap=True)
        console.print(outcome_table(self.path, self.outcomes))
        for outcome in self.outcomes:
            if outcome.detail:
                line = f"{outcome.case} ({outcome.mode}, {outcome.dtype}): {outcome.detail}"
                console.print(line, highlight=False, markup=False, soft_wrap=True)


def outcome_table(title: str, outcomes: Sequence[Outcome]) -> Table:
    """Case, mode, dtype, the largest absolute and relative error, and the verdict."""
    table = Table(title=title, title_justify="left")
    for heading in ("case", "mode", "dtype"):
        table.add_column(heading)
    for heading in ("max abs error", "max rel error"):
        table.add_column(heading, justify="right")
    table.add_column("verdict")
    for o in outcomes:
        colour = _COLOURS[o.verdict]
        verdict = f"[{colour}]{o.verdict}[/{colour}]"
        table.add_row(o.case, o.mode, o.dtype, _number(o.max_abs), _number(o.max_rel), verdict)
    return table


def _number(value: float) -> str:
    return "" if value != value else f"{value:.1e}"
