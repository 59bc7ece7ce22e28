"""Contenders in turns, with clocks of our own: nothing here depends on how fast this machine is."""

from collections import Counter
from collections.abc import Callable
from itertools import pairwise

import pytest

from torch2jax.verify.bench.race import LEAST_ROUNDS, Turn, orders, race, rounds_within, timed_turn
from torch2jax.verify.bench.spread import Spread, speed_ratio

NAMES = ["torch", "torch.compile", "jax"]


class Clock:
    """A clock that only work moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> Callable[[], None]:
        def call() -> None:
            self.now += seconds

        return call


class Runner:
    """Somebody whose calls take some seconds, times how slow the machine is at that time."""

    def __init__(self, name: str, clock: Clock, seconds: float, log: list[str], last: int = 10**9) -> None:
        self.name, self.clock, self.seconds, self.log, self.last = name, clock, seconds, log, last

    def turn(self, seconds: float) -> Turn | None:
        if self.log.count(self.name) >= self.last:
            return None
        self.log.append(self.name)
        slow = 1 + self.clock.now / 10  # the machine becomes slower and slower
        return timed_turn(self.clock.work(self.seconds * slow), seconds, clock=self.clock, cpu_clock=self.clock)


def test_everyone_has_one_turn_in_each_round_and_every_place_equally_often() -> None:
    rounds = list(orders(NAMES, 12))
    assert all(sorted(order) == sorted(NAMES) for order in rounds)
    for place in range(3):
        assert Counter(order[place] for order in rounds) == dict.fromkeys(NAMES, 4)


def test_nobody_always_follows_the_same_one() -> None:
    followed = {pair for order in orders(NAMES, 12) for pair in pairwise(order)}
    assert len(followed) == 6


def test_the_turns_are_interleaved() -> None:
    log: list[str] = []
    clock = Clock()
    turns = race({name: Runner(name, clock, 0.01, log) for name in NAMES}, 4, 0.1)
    assert log == [name for order in orders(NAMES, 4) for name in order]
    assert all(list(found) == [0, 1, 2, 3] for found in turns.values())


def test_a_machine_that_becomes_slower_changes_no_ratio() -> None:
    clock = Clock()
    log: list[str] = []
    turns = race({"a": Runner("a", clock, 0.02, log), "b": Runner("b", clock, 0.01, log)}, 20, 0.1)
    seconds = {name: {number: turn.seconds for number, turn in found.items()} for name, found in turns.items()}
    assert max(seconds["a"].values()) > 1.3 * min(seconds["a"].values())
    ratio = speed_ratio(seconds["a"], seconds["b"])
    assert ratio is not None
    assert ratio.median == pytest.approx(2.0, rel=0.03)


def test_one_who_can_not_go_on_is_left_out() -> None:
    clock = Clock()
    log: list[str] = []
    racers = {"a": Runner("a", clock, 0.01, log, last=2), "b": Runner("b", clock, 0.01, log)}
    turns = race(racers, 5, 0.1)
    assert [len(found) for found in turns.values()] == [2, 5]
    assert race({}, 5, 0.1) == {}


def test_a_turn_lasts_some_seconds_after_a_call_that_does_not_count() -> None:
    clock = Clock()
    called = []

    def call() -> None:
        called.append(clock.now)
        clock.now += 9.0 if len(called) == 1 else 0.25

    turn = timed_turn(call, 10.0, clock=clock, cpu_clock=lambda: clock.now * 2)
    assert turn.calls == (0.25,) * 40
    assert (turn.seconds, turn.cpu) == (0.25, 0.5)
    assert len(called) == 41


def test_a_call_longer_than_a_turn_is_made_once_and_counted_once() -> None:
    clock = Clock()
    turn = timed_turn(clock.work(3.0), 0.1, clock=clock, cpu_clock=clock)
    assert turn.calls == (3.0,)
    assert clock.now == 6.0


def test_rounds_fit_into_the_budget_but_are_never_few() -> None:
    assert rounds_within([0.001] * 3, rounds=20, seconds=0.1, budget=30) == 20
    assert rounds_within([0.5] * 3, rounds=20, seconds=0.1, budget=30) == 10
    assert rounds_within([60.0] * 3, rounds=20, seconds=0.1, budget=30) == LEAST_ROUNDS
    assert rounds_within([60.0] * 3, rounds=2, seconds=0.1, budget=30) == 2


def test_spread_and_ratios() -> None:
    assert Spread.of([4.0, 1.0, 3.0, 2.0, 5.0]) == Spread(3.0, 2.0, 4.0)
    assert Spread.of([7.0]) == Spread(7.0, 7.0, 7.0)
    # Only rounds that both had; one of each round against the other, not one median against the other.
    ratio = speed_ratio({0: 1.0, 1: 10.0, 2: 4.0}, {0: 2.0, 1: 20.0, 3: 1.0})
    assert ratio == Spread(0.5, 0.5, 0.5)
    assert speed_ratio({0: 1.0}, {1: 1.0}) is None
