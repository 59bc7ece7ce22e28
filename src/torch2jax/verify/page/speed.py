"""Bars for what `--bench` measured: the time of a call, with quartiles, and how it compares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

_LENGTH = 1000
"""Units of the longest bar."""


@dataclass(frozen=True, slots=True)
class BarView:
    """One program. bar, low, high: the median and the quartiles, in units of `_LENGTH`; None where it did not run."""

    name: str
    measurement: Mapping[str, Any]
    bar: float | None
    low: float
    high: float
    ratios: list[tuple[str, float]]


@dataclass(frozen=True, slots=True)
class RaceView:
    """Programs that were measured against each other."""

    case: str
    inputs: str
    work: str
    bars: list[BarView]


@dataclass(frozen=True, slots=True)
class SpeedView:
    """All races, and on what they were run."""

    environment: Sequence[tuple[str, str]]
    races: list[RaceView]
    left_out: Sequence[str]
    length: int = _LENGTH


def speed_view(bench: Mapping[str, Any]) -> SpeedView:
    """The view of the data that `--bench` gives."""
    groups = groupby(bench["measurements"], key=lambda m: (m["case"], m["inputs"], m["work"]))
    races = [RaceView(*key, _bars(list(group))) for key, group in groups]
    environment = [(name, str(value)) for name, value in bench.get("environment", {}).items()]
    return SpeedView(environment, races, bench.get("left_out", ()))


def _bars(race: Sequence[Mapping[str, Any]]) -> list[BarView]:
    longest = max((m["seconds"]["high"] for m in race if m["seconds"]), default=0.0) or 1.0
    return [_bar(m, _LENGTH / longest) for m in race]


def _bar(measured: Mapping[str, Any], scale: float) -> BarView:
    seconds = measured["seconds"]
    if not seconds:
        return BarView(measured["contender"], measured, None, 0, 0, [])
    low, median, high = (round(seconds[key] * scale, 1) for key in ("low", "median", "high"))
    ratios = [(name, ratio["median"]) for name, ratio in measured.get("times_as_fast_as", {}).items() if ratio]
    return BarView(measured["contender"], measured, median, low, high, ratios)
