"""`torch2jax verify`: convert, run both programs on the same weights and inputs, and compare."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from torch2jax.cli.bench import bench_options, bench_settings, check_devices, measure

if TYPE_CHECKING:
    from torch2jax.options import InterfaceOrder
    from torch2jax.verify import Case, VerifyReport
    from torch2jax.verify.bench import BenchReport

_ORDER = "torch2jax.options"
_BEHIND = "torch2jax.script_arguments"
_OF_SCRIPTS = frozenset(("path", "translation", "script", "train_steps", "interface", "timeout", "memory", "reports"))
"""The parameters that mean something for a script."""


class UnverifiableError(click.ClickException):
    """What can't be verified as asked: one sentence, exit status 2."""

    exit_code = 2


class CasesCommand(click.Command):
    """A command with options that belong to the `--entry` before them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse, and keep the order in which the options stood; what is behind `--` belongs to a script."""
        if "--script" in args and "--" in args:
            place = args.index("--")
            ctx.meta[_BEHIND] = args[place + 1 :]
            args = args[:place]
        order = self.make_parser(ctx).parse_args(list(args))[2] if not ctx.resilient_parsing else []
        ctx.meta[_ORDER] = [parameter.name for parameter in order]
        return super().parse_args(ctx, args)


@click.command(cls=CasesCommand)
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.argument("translation", required=False, type=click.Path(exists=True, path_type=Path))
@click.option(
    "--entry",
    multiple=True,
    metavar="NAME",
    help="Class or function to build; module:NAME in a folder. Again for another: the four options below belong to "
    "the --entry before them.",
)
@click.option("--args", multiple=True, metavar="CODE", help="Arguments of its constructor: 'dim=64, depth=2'.")
@click.option("--input", multiple=True, metavar="SPEC", help="An input: f32[4,3,32,32], mask=bool[4,10], =3.")
@click.option("--method", multiple=True, metavar="NAME", help="What to call (default: forward).")
@click.option("--dropout-args", multiple=True, metavar="CODE", help="Arguments that switch dropout off in train mode.")
@click.option("--train/--no-train", default=True, help="Compare train mode as well.")
@click.option(
    "--train-steps",
    type=click.IntRange(min=0),
    default=5,
    show_default=True,
    help="Steps of SGD to compare. With --script: stop both after that many losses (default: never).",
)
@click.option(
    "--script",
    is_flag=True,
    help="Run PATH as a script, in a copy of the working directory, and compare the losses that it differentiates, "
    "its models, globals and prints. What is behind -- are its arguments.",
)
@click.option("--interface", type=click.Choice(["nchw", "nhwc"]), default="nchw", show_default=True)
@click.option(
    "--timeout",
    type=click.FloatRange(min=0, min_open=True),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How long one step (the import, one call on one side) may take.",
)
@click.option(
    "--memory",
    type=click.FloatRange(min=0, min_open=True),
    metavar="GIB",
    help="How much memory the programs may take (default: nearly all that is free).",
)
@click.option(
    "--report",
    "reports",
    multiple=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the results: as a page to a name that ends in .html, else as JSON. Can be repeated.",
)
@bench_options
@click.pass_context
def verify(
    context: click.Context,
    /,
    path: Path,
    translation: Path | None,
    train: bool,
    train_steps: int,
    script: bool,
    interface: InterfaceOrder,
    timeout: float,
    memory: float | None,
    reports: tuple[Path, ...],
    **cases: tuple[str, ...],
) -> None:
    """Show that a PyTorch file or package and its translation compute the same.

    PATH is converted (or compared with TRANSLATION, if given). What to build and call comes from the options, from
    `verify.toml` in the same folder, from comments in the file (`# torch2jax: verify Net(dim=8) f32[2,3]`), from its
    `get_inputs`, from what its `__main__` block or tests run, or is found by trying.

    With --script, PATH is a training script: `torch2jax verify --script train.py -- --epochs 2`.

    Exit status: 0 everything agrees, 1 something differs or could not be translated, 2 bad usage.
    """
    if script:
        _check_options(context)
        given = context.get_parameter_source("train_steps") is click.core.ParameterSource.COMMANDLINE
        settings = {"steps": train_steps if given else None, "timeout": timeout, "memory": memory}
        verify_script(path, translation, context.meta.get(_BEHIND, ()), interface, reports, settings)
    how = bench_settings(context)
    with _sentences(path):
        from torch2jax.cli.progress import VerifyStatus
        from torch2jax.cli.verify_reports import check_reports, write_reports
        from torch2jax.options import Options
        from torch2jax.verify.children import Limits
        from torch2jax.verify.isolated import START, verify_apart

        options, limits = Options(interface=interface), Limits(timeout, max(timeout, START), memory)
        if how is not None:
            check_devices(how, limits)
        check_reports(reports)
        chosen = _cases(context.meta[_ORDER], cases, train=train) or None
        with VerifyStatus() as status:
            found = verify_apart(
                path,
                translation,
                chosen,
                options,
                train_steps=train_steps,
                timeout=timeout,
                memory=memory,
                told=lambda found, left_out: status.above(lambda: _print_cases(path, translation, found, left_out)),
                detailed=bool(reports),
                watch=status.watch,
            )
        _print(found)
        data = found.to_json()
        if how is not None:
            measured = measure(path, translation, found, options, how, limits)
            _print_bench(measured)
            data["bench"] = measured.to_json()
        write_reports(reports, data)
    raise click.exceptions.Exit(0 if found.ok else 1)


def verify_script(
    path: Path,
    translation: Path | None,
    arguments: Sequence[str],
    interface: InterfaceOrder,
    reports: Sequence[Path],
    settings: Mapping[str, Any],
) -> NoReturn:
    """Run a script and its translation, and compare. settings: what else `torch2jax.verify.scripts` takes."""
    with _sentences(path):
        from torch2jax.cli.progress import VerifyStatus
        from torch2jax.cli.verify_reports import check_reports, write_reports
        from torch2jax.options import Options
        from torch2jax.verify.scripts import verify_script as verified

        check_reports(reports)
        with VerifyStatus() as status:
            found = verified(
                path,
                translation,
                arguments=arguments,
                options=Options(interface=interface),
                detailed=bool(reports),
                watch=status.watch,
                **settings,
            )
        _print(found)
        write_reports(reports, found.to_json())
    raise click.exceptions.Exit(0 if found.ok else 1)


def _check_options(context: click.Context) -> None:
    """Raise UsageError for an option that a script can't have."""
    for parameter in context.command.params:
        name = parameter.name or ""
        given = context.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        if given and name not in _OF_SCRIPTS:
            raise click.UsageError(f"{parameter.opts[0]} is for models: it can't be used with --script")


def _cases(order: Sequence[str], values: Mapping[str, Sequence[str]], *, train: bool) -> list[Case]:
    """The cases that the options describe. Raises UsageError for one that stands before any --entry, InputError."""
    from torch2jax.verify.cases import Case
    from torch2jax.verify.inputs import parse_inputs

    remaining = {name: iter(given) for name, given in values.items()}
    found: list[Case] = []
    for name in order:
        if name == "entry":
            found.append(Case(next(remaining[name]), train=train, origin="options"))
        elif name in remaining and not found:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --entry before it: the class that it is for")
        elif name == "input":
            found[-1] = replace(found[-1], inputs=(*found[-1].inputs, next(remaining[name])))
        elif name in remaining:
            found[-1] = _with(found[-1], name, next(remaining[name]))
    for case in found:
        parse_inputs(case.inputs)
    return found


def _with(case: Case, name: str, value: str) -> Case:
    if name == "args":
        return replace(case, args=value)
    return replace(case, method=value) if name == "method" else replace(case, dropout_args=value)


def _print_cases(path: Path, translation: Path | None, cases: Sequence[Case], left_out: Sequence[str]) -> None:
    """Say what is run and how to run it again, unless the user has said so."""
    from rich.console import Console

    console = Console()
    command = shlex.join(["torch2jax", "verify", str(path), *([str(translation)] if translation else [])])
    for case in cases:
        if case.origin != "options":
            line = f"{case.title}, from {case.origin}:\n  {command} {case.options}"
            console.print(line, highlight=False, markup=False, soft_wrap=True)
    for sentence in left_out:
        console.print(sentence, style="yellow", highlight=False, markup=False, soft_wrap=True)


def _print_bench(report: BenchReport) -> None:
    from rich.console import Console

    report.print(Console())


def _print(report: VerifyReport) -> None:
    from rich.console import Console

    from torch2jax.verify.terminal import print_report

    print_report(report, Console())


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn what can't be verified into one sentence and exit status 2."""
    try:
        from torch2jax.source.write import OutputError
        from torch2jax.verify.bench import BenchError
        from torch2jax.verify.cases import CaseError
        from torch2jax.verify.inputs import InputError
        from torch2jax.verify.isolated import MissingPackageError
    except ImportError as error:
        raise UnverifiableError(_missing(error.name)) from None
    try:
        yield
    except (BenchError, CaseError, InputError, OutputError) as error:
        raise UnverifiableError(str(error)) from None
    except MissingPackageError as error:
        raise UnverifiableError(_missing(str(error))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnverifiableError(f"can't read {path}: {error}") from None


def _missing(package: str | None) -> str:
    return f"{package} is missing: pip install 'torch2jax-convert[verify]'"
