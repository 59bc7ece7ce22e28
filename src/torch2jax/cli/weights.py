"""`torch2jax weights`: checkpoints of the original for its translation, and back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import click

if TYPE_CHECKING:
    from torch2jax.checkpoints.request import Format, Request, Summary

_FORMATS: dict[str, Format] = {
    "": "orbax",
    ".safetensors": "safetensors",
    ".pt": "torch",
    ".pth": "torch",
    ".bin": "torch",
}
_LISTED = 12  # names of what was left out


class UnconvertibleError(click.ClickException):
    """What can't be converted as asked: one sentence, exit status 2."""

    exit_code = 2


@click.command()
@click.argument("translation", type=click.Path(exists=True, path_type=Path))
@click.argument("source", type=click.Path(path_type=Path))
@click.option("-o", "--output", required=True, metavar="OUT", type=click.Path(path_type=Path), help="What to write.")
@click.option("--entry", metavar="NAME", help="Class or function that builds the model; module:NAME in a folder.")
@click.option("--args", "arguments", default="", metavar="CODE", help="Its arguments: 'depth=18, width=64'.")
@click.option(
    "--format",
    "file_format",
    type=click.Choice(["orbax", "safetensors", "torch"]),
    help="Of OUT; else by its ending: .safetensors, .pt/.pth/.bin, or orbax.",
)
@click.option(
    "--to", type=click.Choice(["flax", "torch"]), help="Whose names OUT has, from safetensors to safetensors."
)
@click.option("--key", metavar="KEY", help="The dict in SOURCE that is meant: ema, or model.state_dict.")
@click.option(
    "--like",
    metavar="CHECKPOINT",
    type=click.Path(exists=True, path_type=Path),
    help="A checkpoint of torch whose names OUT shall have, or that has the names of SOURCE in order.",
)
@click.option("--partial", is_flag=True, help="Write what fits, although something is missing or left over.")
@click.option("--force", is_flag=True, help="Replace a checkpoint that is there.")
def weights(
    translation: Path,
    source: Path,
    output: Path,
    entry: str | None,
    arguments: str,
    file_format: Format | None,
    to: Literal["flax", "torch"] | None,
    key: str | None,
    like: Path | None,
    partial: bool,
    force: bool,
) -> None:
    """Bring a checkpoint of PyTorch to the translated model, or one of the translated model back to PyTorch.

    TRANSLATION is the translated file or package. SOURCE is a checkpoint of torch (.pt, .pth, .bin, .safetensors, a
    sharded *.index.json) or of flax (a folder of Orbax, .safetensors). The model is what --entry and --args build,
    or one that `verify.toml` beside the translation builds, or one that needs no arguments.

    Exit status: 0 everything was written, 1 the checkpoint does not fit the model (nothing is written), 2 bad usage,
    or files that can't be read or written.
    """
    if entry is None and arguments:
        raise click.UsageError("--args needs --entry: the class or function that they are for")
    with _sentences(translation):
        from torch2jax.checkpoints.output import check_output
        from torch2jax.checkpoints.request import Request
        from torch2jax.verify.cases import Case

        chosen = file_format or _format_of(output)
        check_output(output, source, folder=chosen == "orbax", force=force)
        case = None if entry is None else Case(entry, arguments)
        _print(_convert(Request(translation, source, chosen, case, to, key, like, partial), output), source, output)


def _format_of(output: Path) -> Format:
    if output.suffix not in _FORMATS and not output.is_dir():
        raise click.UsageError(f"{output}: say --format, since its ending {output.suffix} means none")
    return _FORMATS.get(output.suffix, "orbax")


def _convert(request: Request, output: Path) -> Summary:
    from torch2jax.checkpoints.apart import transfer_apart
    from torch2jax.checkpoints.output import new_checkpoint
    from torch2jax.cli.progress import ProgressBar

    with ProgressBar("converting weights") as bar, new_checkpoint(output) as place:
        return transfer_apart(request, place, bar)


def _print(summary: Summary, source: Path, output: Path) -> None:
    """What was taken from where, on standard error."""
    for line in summary.problems:
        click.echo(click.style(line, fg="yellow"), err=True)
    if summary.left_out:
        names = ", ".join(summary.left_out[:_LISTED])
        more = len(summary.left_out) - _LISTED
        click.echo(f"left out: {names}{f' and {more} more' if more > 0 else ''}", err=True)
    if summary.rivals:
        click.echo(f"also fits (--key): {', '.join(summary.rivals[:_LISTED])}", err=True)
    where = f"{summary.place!r} of {source}" if summary.place else str(source)
    if summary.prefix:
        where += f", without {summary.prefix!r}"
    arrays = "1 array" if summary.arrays == 1 else f"{summary.arrays} arrays"
    click.echo(
        f"{output}: {arrays} ({summary.size / 1e6:.1f} MB) of {summary.built} for {summary.direction}, from {where}",
        err=True,
    )


@contextmanager
def _sentences(translation: Path) -> Iterator[None]:
    """Turn what can't be converted into one sentence and its exit status."""
    try:
        from torch2jax.checkpoints.errors import CheckpointError, UnfitError
        from torch2jax.source.write import OutputError
        from torch2jax.verify.cases import CaseError
        from torch2jax.verify.isolated import MissingPackageError
    except ImportError as error:
        raise UnconvertibleError(_missing(error.name)) from None
    try:
        yield
    except UnfitError as error:
        click.echo(str(error), err=True)
        raise click.exceptions.Exit(1) from None
    except (CheckpointError, CaseError, OutputError) as error:
        raise UnconvertibleError(str(error)) from None
    except MissingPackageError as error:
        raise UnconvertibleError(_missing(str(error))) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UnconvertibleError(f"can't read {translation}: {error}") from None


def _missing(package: str | None) -> str:
    return f"{package} is missing: pip install 'torch2jax-convert[verify]'"
