"""The options of `torch2jax verify` that measure speed and memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from torch2jax.cli.streams import on_terminal

if TYPE_CHECKING:
    from torch2jax.options import Options
    from torch2jax.verify import VerifyReport
    from torch2jax.verify.bench import BenchReport, BenchSettings
    from torch2jax.verify.children import Limits

F = TypeVar("F", bound=Callable[..., Any])

_GIVEN = "torch2jax.bench"
"""Where a context keeps the values of these options, by name."""


def _keep(ctx: click.Context, param: click.Parameter, value: Any) -> None:
    if value is not None and param.name is not None:
        ctx.meta.setdefault(_GIVEN, {})[param.name] = value


def _keep_batches(ctx: click.Context, param: click.Parameter, value: str | None) -> None:
    """Read `1,8,64`."""
    sizes = [] if value is None else [size.strip() for size in value.split(",")]
    if not all(size.isdecimal() and int(size) for size in sizes):
        raise click.BadParameter(f"{value!r} is no list of batch sizes; write it as 1,8,64", ctx, param)
    _keep(ctx, param, tuple(dict.fromkeys(map(int, sizes))) or None)


def _option(*names: str, callback: Callable[..., None] = _keep, **settings: Any) -> Callable[[F], F]:
    return click.option(*names, expose_value=False, callback=callback, **settings)


_OPTIONS = (
    _option("--bench", is_flag=True, help="Measure speed and memory of torch, torch.compile and JAX as well."),
    _option("--batch", "batches", callback=_keep_batches, metavar="N,N,...", help="Batch sizes to measure with."),
    _option("--device", type=click.Choice(["cpu", "gpu"]), help="Where to measure (default: cpu)."),
    _option("--threads", type=click.IntRange(min=1), metavar="N", help="Threads of each (default: one per core)."),
    _option("--matmul", type=click.Choice(["highest", "tf32"]), help="Products of float32 (default: highest)."),
    _option("--bench-dtype", "dtype", type=click.Choice(["float32", "bfloat16"]), help="Default: float32."),
    _option("--rounds", type=click.IntRange(min=1), metavar="N", help="Turns of each, at most (default: 20)."),
)


def bench_options(command: F) -> F:
    """Add the options to a command; `bench_settings` reads them."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def bench_settings(context: click.Context) -> BenchSettings | None:
    """How to measure, as the options say; None without --bench. Raises UsageError for options that need it."""
    given = dict(context.meta.get(_GIVEN, {}))
    if not given.pop("bench", False):
        for name in given:
            option = next(p.opts[0] for p in context.command.params if p.name == name)
            raise click.UsageError(f"{option} needs --bench: it says how to measure")
        return None
    from torch2jax.verify.bench import BenchSettings, all_cores

    if given.get("matmul") == "tf32" and given.get("device", "cpu") == "cpu":
        raise click.UsageError("--matmul tf32 needs --device gpu: a CPU has no TF32")
    if given.get("threads", 1) > all_cores():
        raise click.UsageError(f"--threads {given['threads']}: there are {all_cores()} cores")
    return BenchSettings(**given)


def check_devices(settings: BenchSettings, limits: Limits) -> None:
    """See that the device is there for both frameworks. Raises BenchError."""
    from torch2jax.verify.bench import require_device

    if settings.device != "cpu":
        with _progress() as tell:
            tell("looking for the device")
            require_device(settings, limits)


def measure(
    path: Path,
    translation: Path | None,
    report: VerifyReport,
    options: Options,
    settings: BenchSettings,
    limits: Limits,
) -> BenchReport:
    """Measure the cases of a verification that agree. Raises BenchError and CaseError."""
    from torch2jax.verify.bench import bench, worth_measuring

    cases, left_out = worth_measuring(report)
    with _progress() as tell:
        found = bench(path, translation, cases=cases, options=options, settings=settings, limits=limits, tell=tell)
    return replace(found, left_out=tuple(left_out))


@contextmanager
def _progress() -> Iterator[Callable[[str], object]]:
    """What is going on, in one line of the terminal."""
    if not on_terminal():
        yield lambda sentence: None
        return
    from rich.console import Console
    from rich.markup import escape

    with Console(stderr=True).status("") as status:
        yield lambda sentence: status.update(escape(sentence))
