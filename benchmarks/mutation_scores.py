"""How many mistakes in rules their examples notice, by rule file.

    python benchmarks/mutation_scores.py [--rules GLOB ...] [--minutes 30] [--jobs 2] > benchmarks/mutation.md

Breaks the rules as `torch2jax rules mutate` does, and shares its results with it: what was run before is not run again,
and a run that ends after ``--minutes`` is gone on with by the next one. The table says how many rules were reached.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from torch2jax.rules.cache import builtin_rules_dir, load_book
from torch2jax.rules.mutants import mutants
from torch2jax.verify.equivalents import Equivalents, read_equivalents
from torch2jax.verify.mutation import Verdict, mutate_all

PACKAGES = ("torch", "jax", "flax", "optax")
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")


@dataclass
class Tally:
    """The mutants of one rule file, or of all."""

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

    def row(self, name: str, total: int) -> str:
        """A row of the table; total: how many rules with mutants there are."""
        count = self.noticed + self.survive
        score = f"{100 * self.noticed / count:.1f}" if count else ""
        return f"| {name} | {len(self.rules)} of {total} | {count} | {self.survive} | {self.equivalent} | {score} |"


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


def page(found: dict[str, Tally]) -> Iterator[str]:
    """The lines of the table."""
    totals = Counter(rule.file for rule in load_book().rules() if rule.examples and mutants(rule))
    versions = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    yield "# Mistakes in rules that their examples notice"
    yield ""
    today = datetime.datetime.now(datetime.UTC)
    yield f"By `benchmarks/mutation_scores.py`: {versions}, python {platform.python_version()}, {today:%Y-%m-%d}."
    yield "Each mutant is a rule with one small mistake (`torch2jax rules mutate`, docs/rules.md). The score is the"
    yield "share, in percent, that an example notices; mutants that compute the same as the rule"
    yield "(`rules/equivalent_mutants.toml`) do not count. Of the rules, those are counted that have mutants."
    yield ""
    yield "| rules | reached | mutants | survive | compute the same | score |"
    yield "|---|---:|---:|---:|---:|---:|"
    whole = Tally()
    for number, (file, tally) in enumerate(sorted(found.items())):
        yield tally.row(Path(file).relative_to(builtin_rules_dir()).as_posix(), totals[file])
        whole.noticed += tally.noticed
        whole.survive += tally.survive
        whole.equivalent += tally.equivalent
        whole.rules |= {number * 10_000 + rule for rule in tally.rules}
    yield whole.row("**all**", sum(totals.values()))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print how many mistakes in rules their examples notice.")
    parser.add_argument("--rules", action="append", default=[], metavar="GLOB", help="only rules that match")
    parser.add_argument("--minutes", type=float, default=600, help="stop after so long")
    parser.add_argument("--jobs", type=int, default=1, help="processes to spread rules over")
    arguments = parser.parse_args()
    print("\n".join(page(tallies(arguments.rules, arguments.minutes, arguments.jobs))))


if __name__ == "__main__":
    main()
