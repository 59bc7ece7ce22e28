"""What was measured, as data and as tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from torch2jax.verify.bench.race import Turn
from torch2jax.verify.bench.settings import BenchSettings, Contender, Work
from torch2jax.verify.bench.spread import Spread, speed_ratio

_MIB = 2**20
_BUSY = 1.2
"""How many times as long as it computes a call of one thread may take before the machine counts as busy."""


@dataclass(frozen=True, slots=True)
class Measurement:
    """One contender at one work.

    detail: why it was not measured, or what is special about it. turns: by round. first_call: seconds of the first
    call, in which it is compiled. warm_up: seconds of the calls between that and the first round. peak: bytes held at
    most during calls. compile_peak: the same until the end of the warm-up.
    """

    case: str
    batch: int | None
    shapes: str
    work: Work
    contender: Contender
    detail: str = ""
    turns: Mapping[int, Turn] = field(default_factory=dict)
    first_call: float | None = None
    warm_up: float | None = None
    peak: int | None = None
    compile_peak: int | None = None

    @property
    def seconds(self) -> Spread | None:
        """Of a call, over the rounds; None where there was none."""
        return Spread.of([turn.seconds for turn in self.turns.values()]) if self.turns else None

    @property
    def cpu(self) -> Spread | None:
        """Seconds of the processor per call, of all threads together, over the rounds."""
        return Spread.of([turn.cpu for turn in self.turns.values()]) if self.turns else None

    def faster_than(self, other: Measurement, *, cpu: bool = False) -> Spread | None:
        """How many times as fast as another one it is, by the clock or in seconds of the processor."""
        mine, theirs = (
            {number: turn.cpu if cpu else turn.seconds for number, turn in m.turns.items()} for m in (self, other)
        )
        return speed_ratio(theirs, mine)

    @property
    def waited(self) -> float:
        """How many times as long as it computed it took; with one thread, above 1 other work was in the way."""
        return self.seconds.median / self.cpu.median if self.seconds and self.cpu and self.cpu.median else 1.0

    @property
    def key(self) -> tuple[str, str, Work]:
        """What is the same for the contenders of one race."""
        return self.case, self.shapes, self.work


@dataclass(frozen=True, slots=True)
class BenchReport:
    """All measurements, on what they were made, and the load of the machine before and after."""

    settings: BenchSettings
    environment: Mapping[str, str]
    measurements: tuple[Measurement, ...]
    left_out: tuple[str, ...] = ()

    def races(self) -> Iterator[list[Measurement]]:
        """The measurements of each case, batch and work."""
        for _, group in groupby(self.measurements, key=lambda m: m.key):
            yield list(group)

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data; docs/verify.md describes it."""
        settings = self.settings
        return {
            "settings": {
                "device": settings.device,
                "threads": settings.threads,
                "matmul": settings.matmul,
                "dtype": settings.dtype,
                "rounds": settings.rounds,
                "turn_s": settings.turn,
            },
            "environment": dict(self.environment),
            "measurements": [_json(m, race) for race in self.races() for m in race],
            "left_out": list(self.left_out),
        }

    def print(self, console: Console) -> None:
        """Show on what was measured, a table for each case, and a line per note."""
        line = ", ".join(f"{name} {value}" for name, value in self.environment.items())
        console.print(line, highlight=False, markup=False, soft_wrap=True)
        for case, group in groupby(self.measurements, key=lambda m: m.case):
            rows = list(group)
            console.print(case, style="bold", highlight=False, markup=False, soft_wrap=True)
            for _, race in groupby(rows, key=lambda m: m.key):
                console.print(race_table(list(race)))
            for text in dict.fromkeys(_notes(rows)):
                console.print(text, highlight=False, markup=False, soft_wrap=True)
        waited = max((m.waited for m in self.measurements), default=1.0)
        if self.settings.device == "cpu" and self.settings.threads == 1 and waited > _BUSY:
            text = f"The machine was busy: calls took up to {waited:.1f} times as long as they computed; see CPU ms."
            console.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)
        for text in self.left_out:
            console.print(text, style="yellow", highlight=False, markup=False, soft_wrap=True)


def race_table(race: Sequence[Measurement]) -> Table:
    """A row for each contender: milliseconds with quartiles, ratios to torch and to `torch.compile`, and memory."""
    title = f"{race[0].work}, {race[0].shapes}"
    table = Table(title=title, title_justify="left", title_style="italic", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("program", no_wrap=True)
    for heading in ("ms", "quartiles", "CPU ms", "vs torch", "vs compile", "first call s", "MiB"):
        table.add_column(heading, justify="right", min_width=max(map(len, heading.split())))
    table.columns[2].no_wrap = True
    for m in race:
        table.add_row(m.contender.value, *_cells(m, race))
    return table


def _cells(m: Measurement, race: Iterable[Measurement]) -> Iterator[str]:
    seconds, cpu = m.seconds, m.cpu
    if seconds is None or cpu is None:
        yield "[dim]-[/dim]"
        return
    yield _milliseconds(seconds.median)
    yield f"{_milliseconds(seconds.low)}-{_milliseconds(seconds.high)}"
    yield _milliseconds(cpu.median)
    for reference in (Contender.TORCH, Contender.COMPILED):
        ratio = _ratio(m, race, reference)
        yield "" if ratio is None or m.contender is reference else _coloured(ratio.median)
    yield "" if m.first_call is None else f"{m.first_call:.2f}"
    yield "" if m.peak is None else f"{m.peak / _MIB:.0f}"


def _notes(measurements: Iterable[Measurement]) -> Iterator[str]:
    for m in measurements:
        if m.detail:
            yield f"{m.shapes}, {m.work}, {m.contender}: {m.detail}"


def _ratio(m: Measurement, race: Iterable[Measurement], reference: Contender, *, cpu: bool = False) -> Spread | None:
    other = next((found for found in race if found.contender is reference), None)
    return None if other is None else m.faster_than(other, cpu=cpu)


def _coloured(ratio: float) -> str:
    colour = "green" if ratio >= 1 else "red"
    return f"[{colour}]{ratio:.2f}[/{colour}]"


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1e3:.3g}" if seconds < 0.1 else f"{seconds * 1e3:.0f}"


def _json(m: Measurement, race: Iterable[Measurement]) -> dict[str, Any]:
    return {
        "case": m.case,
        "batch": m.batch,
        "inputs": m.shapes,
        "work": m.work.value,
        "contender": m.contender.value,
        "detail": m.detail,
        "seconds": _spread(m.seconds),
        "cpu_seconds": _spread(m.cpu),
        "times_as_fast_as": _ratios(m, race, cpu=False),
        "cpu_times_as_fast_as": _ratios(m, race, cpu=True),
        "first_call_s": m.first_call,
        "warm_up_s": m.warm_up,
        "peak_bytes": m.peak,
        "compile_peak_bytes": m.compile_peak,
        "rounds": [
            {"round": number, "calls": len(turn.calls), "seconds": turn.seconds, "cpu_seconds": turn.cpu}
            for number, turn in m.turns.items()
        ],
    }


def _ratios(m: Measurement, race: Iterable[Measurement], *, cpu: bool) -> dict[str, Any]:
    references = [c for c in (Contender.TORCH, Contender.COMPILED) if c is not m.contender]
    return {reference.value: _spread(_ratio(m, race, reference, cpu=cpu)) for reference in references}


def _spread(spread: Spread | None) -> dict[str, float] | None:
    return None if spread is None else {"median": spread.median, "low": spread.low, "high": spread.high}
