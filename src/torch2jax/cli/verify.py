"""`torch2jax verify`: convert, run both programs on the same weights and inputs, and compare."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torch2jax.options import InterfaceOrder
    from torch2jax.verify import VerifyReport


class UnverifiableError(click.ClickException):
    """What can't be verified as asked: one sentence, exit status 2."""

    exit_code = 2


@click.command()
@click.argument("path", type=click.Path(exists=True, path_type=Path))
@click.argument("translation", required=False, type=click.Path(exists=True, path_type=Path))
@click.option("--entry", metavar="NAME", help="Class or function to build; module:NAME in a folder.")
@click.option(
    "--args", "arguments", default="", metavar="CODE", help="Arguments of its constructor: 'dim=64, depth=2'."
)
@click.option("--input", "inputs", multiple=True, metavar="SPEC", help="An input: f32[4,3,32,32], mask=bool[4,10], =3.")
@click.option("--method", default="forward", show_default=True, help="What to call.")
@click.option("--dropout-args", default="", metavar="CODE", help="Arguments that switch dropout off in train mode.")
@click.option("--train/--no-train", default=True, help="Compare train mode as well.")
@click.option(
    "--train-steps", type=click.IntRange(min=0), default=5, show_default=True, help="Steps of SGD to compare."
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
@click.option("--report", type=click.Path(dir_okay=False, path_type=Path), help="Write the results as JSON.")
def verify(
    path: Path,
    translation: Path | None,
    entry: str | None,
    arguments: str,
    inputs: tuple[str, ...],
    method: str,
    dropout_args: str,
    train: bool,
    train_steps: int,
    interface: InterfaceOrder,
    timeout: float,
    report: Path | None,
) -> None:
    """Show that a PyTorch file or package and its translation compute the same.

    PATH is converted (or compared with TRANSLATION, if given). What to build and call comes from the options, from
    `verify.toml` in the same folder, from `get_inputs` in the file, or is guessed from the first layers.

    Exit status: 0 everything agrees, 1 something differs or could not be translated, 2 bad usage.
    """
    if entry is None and (inputs or arguments):
        raise click.UsageError("--input and --args need --entry: the class or function that they are for")
    with _sentences(path):
        from torch2jax.options import Options
        from torch2jax.source.write import check_file, write_file
        from torch2jax.verify.cases import Case
        from torch2jax.verify.inputs import parse_inputs
        from torch2jax.verify.isolated import verify_apart

        parse_inputs(inputs)
        if report is not None:
            check_file(report, force=True)
        cases = None
        if entry is not None:
            cases = [Case(entry, arguments, inputs, dropout_args=dropout_args, train=train, method=method)]
        options = Options(interface=interface)
        found = verify_apart(path, translation, cases, options, train_steps=train_steps, timeout=timeout)
        _print(found)
        if report is not None:
            write_file(report, f"{json.dumps(found.to_json(), indent=2)}\n".encode())
    raise click.exceptions.Exit(0 if found.ok else 1)


def _print(report: VerifyReport) -> None:
    from rich.console import Console

    report.print(Console())


@contextmanager
def _sentences(path: Path) -> Iterator[None]:
    """Turn what can't be verified into one sentence and exit status 2."""
    try:
        from torch2jax.source.write import OutputError
        from torch2jax.verify.cases import CaseError
        from torch2jax.verify.inputs import InputError
        from torch2jax.verify.isolated import MissingPackageError
    except ImportError as error:
        raise UnverifiableError(_missing(error.name)) from None
    try:
        yield
    except (CaseError, InputError, OutputError) as error:
        raise UnverifiableError(str(error)) from None
    except MissingPackageError as error:
        raise UnverifiableError(_missing(str(error))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnverifiableError(f"can't read {path}: {error}") from None


def _missing(package: str | None) -> str:
    return f"{package} is missing: pip install 'torch2jax-convert[verify]'"
