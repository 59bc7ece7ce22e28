"""`torch2jax rules mutate`: rules broken on purpose, to see whether their examples notice."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torch2jax.cli.rules_dirs import rules_dirs_option

if TYPE_CHECKING:
    from torch2jax.verify.equivalents import Equivalents
    from torch2jax.verify.mutation import Verdict


@click.command()
@click.option(
    "--rules", "patterns", multiple=True, metavar="GLOB", help="Only rules whose name or file matches. Repeatable."
)
@click.option("--jobs", default=min(os.cpu_count() or 1, 8), show_default=True, help="Processes to spread rules over.")
@click.option("--fresh", is_flag=True, help="Do not use the results of an earlier run.")
@rules_dirs_option
def mutate(patterns: tuple[str, ...], jobs: int, fresh: bool, rules_dirs: tuple[Path, ...]) -> None:
    """Break rules, one small change at a time, and name the changes that no example notices.

    Arguments are exchanged, keywords and casts dropped, constants, guards and permutations of weights changed. What
    computes the same is recorded in equivalent_mutants.toml in the folder of the rules. A run that was interrupted goes
    on where it was.

    Exit status: 0 every change is noticed or recorded, 1 some are not, 2 bad usage.
    """
    try:
        from torch2jax.verify.quick_compilation import compile_quickly

        compile_quickly()
        from torch2jax.cli.progress import ProgressBar
        from torch2jax.rules.cache import builtin_rules_dir
        from torch2jax.rules.templates import RuleError
        from torch2jax.verify.equivalents import EquivalentsError, read_equivalents
        from torch2jax.verify.mutation import mutate_all
    except ImportError as error:
        raise click.UsageError(f"{error.name} is missing: pip install 'torch2jax-convert[verify]'") from None
    verdicts: list[Verdict] = []
    try:
        equivalents = read_equivalents([builtin_rules_dir(), *rules_dirs])
        with ProgressBar("mutants") as progress:
            for state in mutate_all(patterns or ("*",), jobs, rules_dirs, fresh=fresh):
                verdicts += state.verdicts
                progress(state.done, state.total)
    except (RuleError, EquivalentsError) as error:
        raise click.UsageError(str(error)) from None
    if not verdicts:
        raise click.UsageError(f"no rule with examples has a name or file that matches {' or '.join(patterns)}")
    raise click.exceptions.Exit(_report(verdicts, equivalents))


def _report(verdicts: Iterable[Verdict], equivalents: Equivalents) -> int:
    """Print survivors, wrong entries and the score; the exit status."""
    noticed = [verdict for verdict in verdicts if not verdict.survived]
    survivors = [verdict for verdict in verdicts if verdict.survived]
    alive = [verdict for verdict in survivors if (verdict.rule, verdict.change) not in equivalents]
    for verdict in sorted(alive, key=lambda v: (v.file, v.line)):
        click.echo(f"{verdict.file}:{verdict.line}: {verdict.rule}: no example notices: {verdict.change}")
    wrong = equivalents.wrong(
        [(v.rule, v.change) for v in noticed],
        [(v.rule, v.change) for v in survivors],
        {v.rule: v.file for v in verdicts},
    )
    for sentence in wrong:
        click.echo(sentence)
    count = len(noticed) + len(alive)
    score = 100 * len(noticed) / count if count else 100.0
    recorded = len(survivors) - len(alive)
    click.echo(f"{count} mutants, {len(alive)} survive, {recorded} more compute the same: score {score:.1f} %")
    return 1 if alive or wrong else 0
