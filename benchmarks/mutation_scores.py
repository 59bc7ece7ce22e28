"""How many mistakes in rules their examples notice, by rule file.

    python benchmarks/mutation_scores.py [--rules GLOB ...] [--minutes 30] [--jobs 2] > benchmarks/mutation.md
    python benchmarks/mutation_scores.py --rules '*/pool*.py' --into benchmarks/mutation.md

Breaks the rules as `torch2jax rules mutate` does, and shares its results with it: what was run before is not run again,
and a run that ends after ``--minutes`` is gone on with by the next one. The table says how many rules were reached.
With ``--into`` the rows of rule files that the run did not reach to their end stay as they are in that page.
"""

from __future__ import annotations

import argparse
import datetime
import platform
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import astuple, dataclass, field
from importlib.metadata import version
from pathlib import Path

from torch2jax.rules.cache import builtin_rules_dir, load_book
from torch2jax.rules.mutants import mutants
from torch2jax.verify.equivalents import Equivalents, read_equivalents
from torch2jax.verify.mutation import Verdict, mutate_all
from torch2jax.verify.quick_compilation import compile_quickly

PACKAGES = ("torch", "jax", "flax", "optax")
compile_quickly()

TODAY = f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}"


@dataclass
class Tally:
    """The mutants of one rule file."""

    noticed: int = 0
    survive: int = 0
    equivalent: int = 0
    rules: set[int] = field(default_factory=set)

    def add(self, verdict: Verdict, equivalents: Equivalents) -> None:
        """Count one mutant."""
        if not verdict.survived:
            self.noticed += 1
        elif (verdict.rule, verdict.change) in equivalents:
            self.equivalent += 1
        else:
            self.survive += 1

    def row(self, total: int) -> Row:
        """The row of the file; total: how many rules with mutants there are."""
        return Row(len(self.rules), total, self.noticed + self.survive, self.survive, self.equivalent, TODAY)


@dataclass(frozen=True)
class Row:
    """A row of the table: rules reached and all, mutants, those that survive, those that compute the same, the day."""

    reached: int
    rules: int
    mutants: int
    survive: int
    equivalent: int
    measured: str = ""

    def line(self, name: str) -> str:
        """The row as it is written."""
        score = f"{100 * (self.mutants - self.survive) / self.mutants:.1f}" if self.mutants else ""
        cells = (f"{self.reached} of {self.rules}", self.mutants, self.survive, self.equivalent, score, self.measured)
        return f"| {name} | {' | '.join(map(str, cells))} |"


def rows_of(page: Path) -> dict[str, Row]:
    """The rows of a page, but for the last one."""
    found = {}
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if line.startswith("| ") and cells[0].endswith(".py"):
            reached, _, rules = cells[1].partition(" of ")
            found[cells[0]] = Row(*map(int, (reached, rules, *cells[2:5])), cells[6])
    return found


def tallies(patterns: list[str], minutes: float, jobs: int) -> dict[str, Tally]:
    """The mutants of each rule file, until the time is over."""
    equivalents = read_equivalents([builtin_rules_dir()])
    end = 0.0
    found: dict[str, Tally] = {}
    for state in mutate_all(patterns or ("*",), jobs):
        end = end or time.monotonic() + 60 * minutes  # kept results come first, once the rules are loaded
        for verdict in state.verdicts:
            tally = found.setdefault(verdict.file, Tally())
            tally.add(verdict, equivalents)
        if state.verdicts:
            found[state.verdicts[0].file].rules.add(state.done)
        if time.monotonic() > end:
            break
    return found


def rows(found: dict[str, Tally], before: dict[str, Row]) -> dict[str, Row]:
    """The rows of the table: those that were measured now, or before where not every rule of the file was reached."""
    totals = Counter(rule.file for rule in load_book().rules() if rule.examples and mutants(rule))
    names = {file: Path(file).relative_to(builtin_rules_dir()).as_posix() for file in totals}
    new = {names[file]: tally.row(totals[file]) for file, tally in found.items() if file in names}
    old = {name: row for name, row in before.items() if name in names.values()}
    return old | {name: row for name, row in new.items() if name not in old or row.reached == row.rules}


def page(table: dict[str, Row]) -> Iterator[str]:
    """The lines of the page."""
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield "# Mistakes in rules that their examples notice"
    yield ""
    yield f"By `benchmarks/mutation_scores.py`: {versions}, python {platform.python_version()}, {TODAY}."
    yield "Each mutant is a rule with one small mistake (`torch2jax rules mutate`, docs/rules.md). The score is the"
    yield "share, in percent, that an example notices; mutants that compute the same as the rule, at least wherever an"
    yield "example can run (`rules/equivalent_mutants.toml`), do not count. Of the rules, those are counted that have"
    yield "mutants."
    yield ""
    yield "| rules | reached | mutants | survive | compute the same | score | measured |"
    yield "|---|---:|---:|---:|---:|---:|---|"
    for name, row in sorted(table.items()):
        yield row.line(name)
    whole = Row(*(sum(counts) for counts in zip(*(astuple(row)[:5] for row in table.values()), strict=True)))
    yield whole.line("**all**")


def main() -> None:
    """Print the table, or put it into a page."""
    parser = argparse.ArgumentParser(description="Print how many mistakes in rules their examples notice.")
    parser.add_argument("--rules", action="append", default=[], metavar="GLOB", help="only rules that match")
    parser.add_argument("--minutes", type=float, default=600, help="stop after so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes to spread rules over")
    parser.add_argument("--into", type=Path, metavar="PAGE", help="a page of before, whose other rows stay")
    arguments = parser.parse_args()
    found = tallies(arguments.rules, arguments.minutes, arguments.jobs)
    before = rows_of(arguments.into) if arguments.into else {}
    text = "\n".join(page(rows(found, before)))
    if arguments.into:
        arguments.into.write_text(text + "\n", encoding="utf-8")
    else:
        print(text)


if __name__ == "__main__":
    main()
