"""`torch2jax check`: the rule book's examples in both frameworks, for CI."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console

    from torch2jax.verify.checking import Checked


@click.command()
@click.argument("rules_dirs", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--rules", "pattern", default="*", metavar="GLOB", help="Only rules whose name or file matches.")
@click.option("--jobs", default=min(os.cpu_count() or 1, 8), show_default=True, help="Processes to spread files over.")
@click.option("--junit", type=click.Path(dir_okay=False, path_type=Path), help="Write the results as JUnit XML.")
def check(rules_dirs: tuple[Path, ...], pattern: str, jobs: int, junit: Path | None) -> None:
    """Run the examples of all rules in PyTorch and in JAX, and compare values and gradients in float64.

    RULES_DIRS are folders of rules of your own, beside the built-in ones. Every branch of a rule must be reached by an
    example, and headers must have the parameters that the installed torch has.

    Exit status: 0 everything agrees, 1 something does not, 2 bad usage.
    """
    # Nothing here runs twice: what a compiler spends on speed is lost.
    os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")
    try:
        from rich.console import Console

        from torch2jax.rules.templates import RuleError
        from torch2jax.verify import examples as _  # noqa: F401 - torch, jax, flax: fails here where they are missing
        from torch2jax.verify.checking import check_all
    except ImportError as error:
        raise click.UsageError(f"{error.name} is missing: pip install 'torch2jax-convert[verify]'") from None
    console = Console()
    checked: list[Checked] = []
    try:
        for results in check_all(pattern, jobs, rules_dirs):
            checked += results
            _progress(console, results)
    except RuleError as error:
        raise click.UsageError(str(error)) from None
    if not checked:
        raise click.UsageError(f"no rule's name or file matches {pattern!r}")
    if junit is not None:
        from torch2jax.verify.junit import junit_xml

        junit.write_text(junit_xml(checked), encoding="utf-8")
    failures = [item for item in checked if item.problem]
    for item in sorted(failures, key=lambda item: (item.file, item.line)):
        console.print(item.headline, highlight=False, markup=False, emoji=False, soft_wrap=True)
    console.print(f"{len(checked)} checks, {len(failures)} failures", highlight=False)
    raise click.exceptions.Exit(1 if failures else 0)


def _progress(console: Console, results: list[Checked]) -> None:
    """One line for a finished file, on a terminal only."""
    if console.is_terminal and results:
        failures = sum(bool(item.problem) for item in results)
        mark = f"[red]{failures} failures[/red]" if failures else "[green]agrees[/green]"
        console.print(f"{results[0].file}: {len(results)} checks, {mark}", highlight=False)
