"""Contenders in turns: each round, every one runs for a moment, in an order that changes from round to round."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Protocol, TypeVar

LEAST_ROUNDS = 5
_MOST_CALLS = 1000

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of one contender: seconds of each call, and seconds of the processor per call, over all threads."""

    calls: tuple[float, ...]
    cpu: float

    @property
    def seconds(self) -> float:
        """The median call."""
        return median(self.calls)


def timed_turn(
    call: Callable[[], object],
    seconds: float,
    *,
    clock: Callable[[], float] = time.perf_counter,
    cpu_clock: Callable[[], float] = time.process_time,
) -> Turn:
    """Call as often as fits into some seconds, at least once. ``call`` returns when the device is done.

    One call before that is not counted: the caches still hold what belongs to the contender before.
    """
    start = clock()
    call()
    if clock() - start < seconds:
        start = clock()
    calls: list[float] = []
    cpu = cpu_clock()
    while not calls or (clock() - start < seconds and len(calls) < _MOST_CALLS):
        before = clock()
        call()
        calls.append(clock() - before)
    return Turn(tuple(calls), (cpu_clock() - cpu) / len(calls))


class Racer(Protocol):
    """Somebody who can have a turn."""

    def turn(self, seconds: float) -> Turn | None:
        """One turn; None for one who can't go on."""


def orders(names: Sequence[Key], rounds: int) -> Iterator[list[Key]]:
    """The order of each round: nobody has a fixed place or a fixed predecessor.

    Every second round is the one before in reverse, and after each pair the order is rotated by one.
    """
    for number in range(rounds):
        start = number // 2 % len(names)
        order = [*names[start:], *names[:start]]
        yield order[::-1] if number % 2 else order


def race(racers: Mapping[Key, Racer], rounds: int, seconds: float) -> dict[Key, dict[int, Turn]]:
    """The turns of each racer by round. One who can't go on is left out from then on."""
    turns: dict[Key, dict[int, Turn]] = {name: {} for name in racers}
    gone: set[Key] = set()
    if racers:
        for number, order in enumerate(orders(list(racers), rounds)):
            for name in order:
                turn = None if name in gone else racers[name].turn(seconds)
                if turn is None:
                    gone.add(name)
                else:
                    turns[name][number] = turn
    return turns


def rounds_within(calls: Sequence[float], rounds: int, seconds: float, budget: float) -> int:
    """How many rounds fit into a budget of seconds, between `LEAST_ROUNDS` and ``rounds``.

    calls: about how long one call of each contender takes.
    """
    one_round = sum(max(seconds, call) + call for call in calls)
    fitting = int(budget / one_round) if one_round else rounds
    return min(rounds, max(LEAST_ROUNDS, fitting))
