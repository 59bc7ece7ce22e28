"""What a verification found, on a terminal: tables that leave out what says nothing."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from torch2jax.report import Severity
from torch2jax.verify.report import GOOD, Outcome, Rung, Verdict, VerifyReport

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
_FEW = 3
"""Cases up to which one that agrees has a table; among more it has a line."""
_NARROW = 64
"""Columns below which the absolute errors and the times are left out."""
_LONGEST = 600
"""Characters of a note that are shown; the report has all of it."""


def print_report(report: VerifyReport, console: Console) -> None:
    """Show the diagnostics that are errors, a table or a line for each case, and one sentence at the end."""
    for diagnostic in report.diagnostics:
        if diagnostic.severity is Severity.ERROR:
            _line(console, diagnostic.headline, "red")
    _line(console, report.path)
    cases = report.by_case
    for outcomes in cases:
        case = outcomes[0].case
        if len(cases) > _FEW and all(outcome.verdict in GOOD for outcome in outcomes):
            _line(console, agreement(case, outcomes), "green")
        else:
            console.print()
            console.print(ladder_table(case, outcomes, narrow=console.width < _NARROW))
            _print_notes(console, outcomes)
    console.print()
    _line(console, report.summary, "bold green" if report.ok else "bold red")


def ladder_table(case: str, outcomes: Sequence[Outcome], *, narrow: bool = False) -> Table:
    """A row for each rung of a case that was reached: the largest absolute and relative error, seconds, the verdict.

    Neighbours without numbers and with the same verdict share a row.
    """
    table = Table(title=escape(case), title_justify="left", title_style="bold", box=None, header_style="dim")
    table.add_column("rung")
    for heading in ("rel error",) if narrow else ("abs error", "rel error", "seconds"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("verdict")
    for rows in _rows(outcomes):
        first = rows[0]
        seconds = sum(o.seconds for o in rows)
        cells = [_number(first.max_abs), _number(first.max_rel), "" if seconds != seconds else f"{seconds:.1f}"]
        rungs = ", ".join(o.rung for o in rows)
        table.add_row(rungs, *(cells[1:2] if narrow else cells), Text(first.verdict, style=_COLOURS[first.verdict]))
    return table


def agreement(case: str, outcomes: Sequence[Outcome]) -> str:
    """A case that agrees, in one line: the largest error in float64, and what was not compared, with the reason."""
    errors = [o.max_rel for o in outcomes if o.dtype == "float64" and o.max_rel == o.max_rel]
    error = f", relative error at most {max(errors):.1e}" if errors else ""
    others = [
        f"; {o.rung}: {o.detail or o.verdict}"
        for o in outcomes
        if o.verdict is not Verdict.AGREES and o.rung not in (Rung.FLOAT32, Rung.BFLOAT16)
    ]
    return f"{case}: agrees ({len(outcomes)} rungs{error}){''.join(others)}"


def _print_notes(console: Console, outcomes: Sequence[Outcome]) -> None:
    """What there is to say about rungs, the place where the sides part, and in one line what was not reached."""
    for outcome in outcomes:
        if outcome.detail and outcome.verdict is not Verdict.NOT_REACHED:
            detail = outcome.detail if len(outcome.detail) <= _LONGEST else f"{outcome.detail[:_LONGEST]} ..."
            _line(console, f" {outcome.rung}: {detail}", "dim" if outcome.verdict in GOOD else None)
        for line in outcome.place.lines() if outcome.place is not None else ():
            _line(console, f"   {line}")
    missed = [outcome.rung for outcome in outcomes if outcome.verdict is Verdict.NOT_REACHED]
    if missed:
        _line(console, f" not reached: {', '.join(missed)}", "dim")


def _rows(outcomes: Sequence[Outcome]) -> Iterator[list[Outcome]]:
    """The outcomes in rows."""
    reached = [outcome for outcome in outcomes if outcome.verdict is not Verdict.NOT_REACHED]
    for (verdict, plain), group in groupby(reached, key=lambda o: (o.verdict, o.max_rel != o.max_rel)):
        if plain and verdict is Verdict.AGREES:
            yield list(group)
        else:
            yield from ([outcome] for outcome in group)


def _line(console: Console, text: str, style: str | None = None) -> None:
    console.print(text, style=style, highlight=False, markup=False, emoji=False, soft_wrap=True)


def _number(value: float) -> str:
    return "" if value != value else f"{value:.1e}"
