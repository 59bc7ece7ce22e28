"""`torch2jax check`: the rule book's examples in both frameworks, for CI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torch2jax.cli.progress import ProgressBar
from torch2jax.cli.rules_dirs import rules_dirs_option

if TYPE_CHECKING:
    from torch2jax.verify.checked import Checked


@click.command()
@click.argument(
    "more_dirs", metavar="[RULES_DIRS]...", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@rules_dirs_option
@click.option("--rules", "pattern", metavar="GLOB", help="Only rules whose name or file matches.")
@click.option(
    "--samples",
    "sample_dirs",
    multiple=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    metavar="DIR",
    help="Verify the programs that have a verify.toml beside them, at any depth; rules only with --rules. Repeatable.",
)
@click.option("--jobs", default=min(os.cpu_count() or 1, 8), show_default=True, help="Processes to work in.")
@click.option("--fresh", is_flag=True, help="Check what did not change since it was checked as well.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the results as JUnit XML.")
def check(
    more_dirs: tuple[Path, ...],
    rules_dirs: tuple[Path, ...],
    pattern: str | None,
    sample_dirs: tuple[Path, ...],
    jobs: int,
    fresh: bool,
    junit: Path | None,
) -> None:
    """Run the examples of all rules in PyTorch and in JAX, and compare values and gradients in float64.

    Every branch of a rule must be reached by an example, every example must come to the same when it is written in
    another way (keywords, positions, variables, starred arguments), or be flagged, and headers must have the parameters
    that the installed torch has. RULES_DIRS are folders of rules of your own, as with --rules-dir.

    `torch2jax check --rules '*' --samples samples/` is the whole of torch2jax: the rules and the samples.

    Exit status: 0 everything agrees, 1 something does not, 2 bad usage.
    """
    try:
        from torch2jax.verify.quick_compilation import compile_quickly

        compile_quickly()
        from torch2jax.rules.templates import RuleError
        from torch2jax.verify import examples as _  # noqa: F401 - torch, jax, flax: fails here where they are missing
        from torch2jax.verify.cases import CaseError
    except ImportError as error:
        raise click.UsageError(f"{error.name} is missing: pip install 'torch2jax-convert[verify]'") from None
    if pattern is None and not sample_dirs:
        pattern = "*"
    try:
        checked = _checked(pattern, jobs, (*rules_dirs, *more_dirs), sample_dirs, fresh=fresh)
    except (CaseError, OSError, RuleError, UnicodeDecodeError) as error:
        raise click.UsageError(str(error)) from None
    if junit is not None:
        from torch2jax.verify.junit import junit_xml

        junit.write_text(junit_xml(checked), encoding="utf-8")
    failures = [item for item in checked if item.problem]
    for item in sorted(failures, key=lambda item: (item.file, item.line)):
        click.echo(item.headline)
    click.echo(f"{len(checked)} checks, {len(failures)} failures")
    raise click.exceptions.Exit(1 if failures else 0)


def _checked(
    pattern: str | None, jobs: int, folders: tuple[Path, ...], sample_dirs: tuple[Path, ...], *, fresh: bool
) -> list[Checked]:
    """What was found, with a bar that shows how far the work is. Raises UsageError where there is nothing to check."""
    from torch2jax.rules.cache import load_book
    from torch2jax.verify.checking import check_all, select, weight
    from torch2jax.verify.sample_check import check_samples, samples_in

    samples = [sample for folder in sample_dirs for sample in samples_in(folder)]
    files = select(load_book(folders), pattern) if pattern is not None else {}
    if pattern is not None and not files:
        raise click.UsageError(f"no rule's name or file matches {pattern!r}")
    if not files and not samples:
        raise click.UsageError(f"there is no verify.toml in {', '.join(map(str, sample_dirs))}")
    weights = {file: weight(rules) for file, rules in files.items()}
    total = sum(weights.values()) + sum(sample.weight for sample in samples)
    checked: list[Checked] = []
    done = 0
    with ProgressBar("checking rules and samples" if samples else "checking rules") as progress:
        for results in check_all(pattern, jobs, folders, fresh=fresh) if pattern is not None else ():
            checked += results
            done += weights.get(results[0].file, 0) if results else 0
            progress(done, total)
        for sample, results in check_samples(samples, jobs, folders, fresh=fresh):
            checked += results
            done += sample.weight
            progress(done, total)
    return checked
