"""`torch2jax verify`: convert, run both programs on the same weights and inputs, and compare."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from torch2jax.options import InterfaceOrder
    from torch2jax.verify import Case, VerifyReport


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
@click.option("--interface", type=click.Choice(["nchw", "nhwc"]), default="nchw", show_default=True)
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
    interface: str,
    report: Path | None,
) -> None:
    """Show that a PyTorch file or package and its translation compute the same.

    PATH is converted (or compared with TRANSLATION, if given). What to build and call comes from the options, from
    `verify.toml` in the same folder, from `get_inputs` in the file, or is guessed from the first layers.

    Exit status: 0 everything agrees, 1 something differs or could not be translated, 2 bad usage.
    """
    from torch2jax.verify.cases import Case, CaseError
    from torch2jax.verify.inputs import InputError

    if entry is None and (inputs or arguments):
        raise click.UsageError("--input and --args need --entry: the class or function that they are for")
    cases = None
    if entry is not None:
        cases = [Case(entry, arguments, inputs, dropout_args=dropout_args, train=train, method=method)]
    try:
        found = _run(path, translation, cases, interface)
    except (CaseError, InputError) as error:
        raise click.UsageError(str(error)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise click.UsageError(f"can't read {path}: {error}") from None
    if report is not None:
        report.write_text(json.dumps(found.to_json(), indent=2) + "\n", encoding="utf-8")
    raise click.exceptions.Exit(0 if found.ok else 1)


def _run(path: Path, translation: Path | None, cases: list[Case] | None, interface: str) -> VerifyReport:
    """Import the heavy part only now, so that --help is quick; say which packages are missing if it can't be."""
    try:
        from rich.console import Console

        from torch2jax.options import Options
        from torch2jax.verify import run as _  # noqa: F401 - torch, jax and flax: fails here where they are missing
        from torch2jax.verify import verify as verify_path
    except ImportError as error:
        raise click.UsageError(f"{error.name} is missing: pip install 'torch2jax-convert[verify]'") from None
    order: InterfaceOrder = "nhwc" if interface == "nhwc" else "nchw"
    report = verify_path(path, translation, cases=cases, options=Options(interface=order))
    report.print(Console())
    return report
