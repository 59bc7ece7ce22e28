"""Medians, quartiles, and ratios of what was measured in the same rounds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Spread:
    """A median and the quartiles around it."""

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """The spread of at least one value."""
        if len(values) == 1:
            return cls(values[0], values[0], values[0])
        low, median, high = statistics.quantiles(values, n=4, method="inclusive")
        return cls(median, low, high)


def speed_ratio(reference: Mapping[int, float], measured: Mapping[int, float]) -> Spread | None:
    """How many times as fast as a reference something is: above 1 it is faster. None without a common round.

    Both hold seconds by round. Each round gives a ratio of its own, of two measurements that were made right after
    each other; so a machine that is slower for a while slows both and changes no ratio.
    """
    common = sorted(reference.keys() & measured.keys())
    ratios = [reference[number] / measured[number] for number in common if measured[number] > 0]
    return Spread.of(ratios) if ratios else None
