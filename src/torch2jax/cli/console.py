"""What a run says on the terminal: findings by file, what the codes mean, and how much was covered. All on stderr."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import click

from torch2jax.cli.streams import on_terminal
from torch2jax.conversion import Conversion, total_coverage
from torch2jax.report import CODES, Diagnostic, Severity, count_by_severity

_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "cyan"}


def print_findings(
    findings: Sequence[Diagnostic], sources: Mapping[str, Sequence[str]], *, quiet: bool = False
) -> None:
    """Print the findings in order of file and place, with the source lines of errors and warnings.

    sources: the lines of each file by the path that the findings have. quiet: errors only.
    """
    path = None
    for finding in sorted(findings, key=lambda d: d.sort_key):
        if quiet and finding.severity is not Severity.ERROR:
            continue
        if path is not None and finding.path != path:
            click.echo(err=True)
        path = finding.path
        is_note = finding.severity is Severity.NOTE
        text = finding.headline if is_note else finding.text(sources.get(finding.path))
        label = f"{finding.severity} {finding.code}"
        colour = _COLOURS[finding.severity]
        click.echo(text.replace(label, click.style(label, fg=colour, bold=not is_note), 1), err=True)


def print_summary(files: Mapping[str, Conversion], findings: Sequence[Diagnostic]) -> None:
    """Print how often each code was found and the coverage per file and in total: tables on a terminal, else lines."""
    counts = dict(sorted(Counter(finding.code for finding in findings).items()))
    if on_terminal():
        _print_tables(files, counts)
    else:
        for code, count in counts.items():
            click.echo(f"{code} x {count}: {CODES[code].title}", err=True)
        for name, conversion in files.items():
            if len(files) > 1 and conversion.coverage.total:
                click.echo(f"{name}: {_coverage_line([conversion])}", err=True)
    if "T2J109" not in counts or any(conversion.coverage.total for conversion in files.values()):
        click.echo(f"{_plural(len(files), 'file')}: {_coverage_line(files.values())}", err=True)
    if findings:
        click.echo(_verdict(findings), err=True)


def _print_tables(conversions: Mapping[str, Conversion], counts: Mapping[str, int]) -> None:
    """The same on a terminal."""
    from rich.console import Console
    from rich.table import Table

    console = Console(stderr=True)
    if counts:
        codes = Table("code", "count", "meaning", box=None, header_style="dim", padding=(0, 2, 0, 0))
        for code, count in counts.items():
            codes.add_row(code, str(count), CODES[code].title)
        console.print(codes, "")
    files = Table("file", box=None, header_style="dim", padding=(0, 2, 0, 0))
    for title in ("translated", "flagged", "dropped", "covered", "transposes"):
        files.add_column(title, justify="right")
    for name, conversion in conversions.items():
        found = conversion.coverage
        cells = (found.translated, found.flagged, found.dropped, f"{found.percent:.0f} %", conversion.transposes)
        if found.total:
            files.add_row(name, *map(str, cells), style="red" if found.flagged else None)
    if files.row_count:
        console.print(files, "")


def _coverage_line(conversions: Iterable[Conversion]) -> str:
    found = list(conversions)
    coverage = total_coverage(found)
    if not coverage.total:
        return "no torch in it"
    parts = f"{coverage.translated} translated, {coverage.flagged} flagged, {coverage.dropped} dropped"
    return f"{parts} ({coverage.percent:.0f} %), {_plural(sum(c.transposes for c in found), 'transpose')}"


def _verdict(findings: Sequence[Diagnostic]) -> str:
    counts = {severity: count for severity, count in count_by_severity(findings).items() if count}
    text = ", ".join(_plural(count, severity.value) for severity, count in counts.items())
    return click.style(f"{text}.", fg=_COLOURS[next(iter(counts))])


def _plural(count: int, word: str) -> str:
    return f"{count} {word}" if count == 1 else f"{count} {word}s"
