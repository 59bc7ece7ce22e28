"""`torch2jax convert`: files, folders or standard input in, Flax NNX source out."""

import errno
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from torch2jax.options import Data, InterfaceOrder, Options

if TYPE_CHECKING:
    from torch2jax.batch import ProjectConverter, Result
    from torch2jax.conversion import ProjectReport
    from torch2jax.source.walk import Tree

UNREADABLE = 2

_EPILOG = """
Exit status: 0 all translated; 1 something is flagged (with --strict also an assumption), or --check found a
difference; 2 bad usage, or an input that can't be read.
"""


class UnusableError(click.ClickException):
    """An input or output that can't be used: one sentence, exit status 2."""

    exit_code = UNREADABLE


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for."""

    paths: tuple[Path, ...]
    output: Path | None
    options: Options
    diff: bool
    check: bool
    force: bool
    quiet: bool
    report: Path | None

    @property
    def dry(self) -> bool:
        """Whether nothing is to be written."""
        return self.diff or self.check


_PATH = click.Path(readable=False, path_type=Path)  # what can't be read or written is said in our own words


@click.command(epilog=_EPILOG)
@click.argument("paths", nargs=-1, required=True, metavar="PATH...", type=_PATH)
@click.option("-o", "--output", type=_PATH, metavar="OUT", help="File or folder to write to.")
@click.option("--diff", is_flag=True, help="Print a unified diff and write nothing.")
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the output is not up to date.")
@click.option("--strict", is_flag=True, help="Count assumptions (warnings) as failures.")
@click.option("--force", is_flag=True, help="Replace what exists at the output.")
@click.option(
    "--interface",
    type=click.Choice(["nchw", "nhwc"]),
    default="nchw",
    show_default=True,
    help="Axis order of images at the entrance and exit of public modules.",
)
@click.option(
    "--defer-item", is_flag=True, help="Add up and list metrics of training loops as arrays, without waiting for steps."
)
@click.option(
    "--data",
    type=click.Choice(["torch", "grain"]),
    default="torch",
    show_default=True,
    help="What loads the data: PyTorch as before, or NumPy and grain, for a script without PyTorch.",
)
@click.option("--report", type=_PATH, metavar="FILE.json", help="Write the findings as JSON.")
@click.option(
    "--rules-dir",
    "rules_dirs",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Rules of your own, which add to the built-in ones and override them. Repeatable.",
)
@click.option("--quiet", "-q", is_flag=True, help="Errors only: no assumptions, notes or summary.")
@click.pass_obj
def convert(
    converter: "ProjectConverter | None",
    paths: tuple[Path, ...],
    output: Path | None,
    diff: bool,
    check: bool,
    strict: bool,
    force: bool,
    interface: InterfaceOrder,
    defer_item: bool,
    data: Data,
    report: Path | None,
    rules_dirs: tuple[Path, ...],
    quiet: bool,
) -> None:
    """Translate PyTorch source to Flax NNX.

    PATH is a file, a folder, or - for standard input. One file goes to standard output unless -o says where to; a
    folder needs -o, and becomes a folder with the same files, in which what is no Python is copied.
    """
    if report is not None and report.suffix != ".json":
        raise click.UsageError(f"--report {report}: the name must end in .json.")
    options = Options(interface=interface, strict=strict, rules_dirs=rules_dirs, defer_item=defer_item, data=data)
    raise click.exceptions.Exit(run(Request(paths, output, options, diff, check, force, quiet, report), converter))


def run(request: Request, converter: "ProjectConverter | None" = None) -> int:
    """Do what was asked and return the exit status. The converter can be another than torch2jax's own."""
    from torch2jax.cli.streams import read_input
    from torch2jax.rules.templates import RuleError
    from torch2jax.source.walk import InputError, find
    from torch2jax.source.write import OutputError

    try:
        _check_rules(request.options)
        if request.report is not None:
            _check_report(request.report, force=request.force)
        if Path("-") in request.paths:
            if len(request.paths) > 1:
                raise InputError("-: standard input can't be mixed with files.")
            return _run_one(request, "<stdin>", read_input(), converter)
        tree = find(request.paths)
        if len(request.paths) == 1 and not request.paths[0].is_dir():
            return _run_one(request, str(request.paths[0]), _read(request.paths[0]), converter)
        return _run_tree(request, tree, converter)
    except (InputError, OutputError, RuleError) as error:
        raise UnusableError(str(error)) from None
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of the output has seen enough: click ends without a word
            raise
        raise UnusableError(f"{error.filename}: {error.strerror}.") from None


def _read(path: Path) -> bytes:
    """The bytes of the one input."""
    from torch2jax.source.walk import InputError

    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: can't be read: {error.strerror}.") from None


def _check_report(target: Path, *, force: bool) -> None:
    """Raise OutputError now for what would go wrong when the report is written. An older report may be replaced."""
    from torch2jax.source.write import OutputError, check_file

    if target.is_file() and not force:
        with target.open("rb") as stream:
            if b'"torch2jax":' not in stream.read(100):
                raise OutputError(f"{target}: exists already and is no report; pass --force to replace it.")
    check_file(target, force=True)


def _check_rules(options: Options) -> None:
    """Find mistakes in the user's own rules before anything else is done."""
    from torch2jax.rules.cache import load_book
    from torch2jax.source.walk import InputError

    for folder in options.rules_dirs:
        if not folder.is_dir():
            raise InputError(f"--rules-dir {folder}: there is no such folder.")
    if options.rules_dirs:
        load_book(options.rules_dirs)


def _run_one(request: Request, name: str, data: bytes, converter: "ProjectConverter | None") -> int:
    """One file or standard input, to a file or to standard output."""
    from torch2jax.batch import translate_text
    from torch2jax.cli.streams import write_output
    from torch2jax.conversion import ProjectReport
    from torch2jax.source.write import write_file

    target = _target(request, name)
    result = translate_text(data, name, request.options, converter=converter)
    report = ProjectReport({name: result.conversion})
    assert result.after is not None  # there are bytes to begin with
    status = _status(report, request.options)
    if request.dry:
        outdated = _compare(request, {name: (result, target)})
        status = max(status, int(request.check and outdated))
    elif status < UNREADABLE:
        if target is None:
            write_output(result.after)
        else:
            write_file(target, result.after, mode_of=Path(name))
    _tell(request, report, {name: result})
    return status


def _run_tree(request: Request, tree: "Tree", converter: "ProjectConverter | None") -> int:
    """A folder or several files, to a folder."""
    from torch2jax.batch import translate, write_tree
    from torch2jax.cli.progress import ProgressBar
    from torch2jax.source.walk import InputError
    from torch2jax.source.write import check_folder

    output = request.output
    if not tree.python:
        raise InputError(f"{request.paths[0]}: there are no Python files in it.")
    if not request.dry:
        if output is None:
            subject = "several files need" if len(request.paths) > 1 else f"{request.paths[0]}: a folder needs"
            raise InputError(f"{subject} a folder to go to; pass -o OUT (or --diff, --check).")
        check_folder(output, request.paths, force=request.force)
    name = output.resolve().name if output else None
    with ProgressBar("converting") as progress:
        batch = translate(tree, request.options, converter=converter, progress=progress, name=name)
    status = _status(batch.report, request.options)
    if request.dry:
        pairs = {tree.display(path): (result, output and output / path) for path, result in batch.results.items()}
        outdated = _compare(request, pairs)
        status = max(status, int(request.check and outdated))
    elif output is not None:
        write_tree(batch, output)
    _tell(request, batch.report, {tree.display(path): result for path, result in batch.results.items()})
    return status


def _target(request: Request, name: str) -> Path | None:
    """Where one file goes, None for standard output; raises OutputError where that can't be."""
    from torch2jax.source.write import OutputError, check_file

    target = request.output
    if target is None or str(target) == "-":
        return None
    if target.is_dir() or (target.suffix != ".py" and not target.exists()):
        if name == "<stdin>":
            raise OutputError(f"{target}: what comes from standard input needs the name of a file, OUT.py.")
        target /= Path(name).name
    if target.exists() and Path(name).exists() and target.samefile(name):
        raise OutputError(f"{target}: the output would replace its input; choose another place with -o.")
    if not request.dry:
        check_file(target, force=request.force)
    return target


def _status(report: "ProjectReport", options: Options) -> int:
    """0, 1 where something is flagged, 2 where a file could not be read."""
    from torch2jax.report import Severity

    if any(finding.code == "T2J109" for finding in report.diagnostics):
        return UNREADABLE
    failing = {Severity.ERROR, Severity.WARNING} if options.strict else {Severity.ERROR}
    return int(any(finding.severity in failing for finding in report.diagnostics))


def _compare(request: Request, results: "Mapping[str, tuple[Result, Path | None]]") -> bool:
    """Show what would change: at the target if one is given, else in the source. Returns whether anything would."""
    from torch2jax.cli.differences import existing, print_diff
    from torch2jax.cli.streams import writing

    outdated = []
    for name, (result, target) in results.items():
        if result.after is None:
            continue
        old = existing(target) if target is not None else result.before
        if old == result.after:
            continue
        outdated.append(name)
        if request.diff:
            label = str(target) if target is not None else name
            with writing():
                print_diff(old or b"", result.after, "/dev/null" if old is None else label, label)
        elif not request.quiet:
            click.echo(f"would {'write' if old is None else 'change'} {target or name}", err=True)
    return bool(outdated)


def _tell(request: Request, report: "ProjectReport", results: "Mapping[str, Result]") -> None:
    """Report on stderr, and as JSON where that was asked for."""
    from torch2jax.cli.console import print_findings, print_summary
    from torch2jax.cli.json_report import to_json
    from torch2jax.source.write import write_file

    sources = {name: result.lines for name, result in results.items()}
    print_findings(report.diagnostics, sources, quiet=request.quiet)
    if not request.quiet:
        print_summary({name: result.conversion for name, result in results.items()}, report.diagnostics)
    if request.report is not None:
        changed = [result.changed for result in results.values()]
        text = json.dumps(to_json(report, request.options, changed), indent=2)
        write_file(request.report, f"{text}\n".encode())
