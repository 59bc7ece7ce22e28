"""Work spread over processes."""

import os
import signal
from concurrent.futures.process import BrokenProcessPool

import pytest

from torch2jax.parallel import cores, forked_map


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_every_item_comes_with_its_value(jobs: int) -> None:
    offset = 10
    found = dict(forked_map(lambda item: (item + offset, os.getpid()), range(20), jobs))
    assert {item: value for item, (value, _) in found.items()} == {item: item + 10 for item in range(20)}
    others = {process for _, process in found.values()} - {os.getpid()}
    assert bool(others) == (jobs > 1)


def test_one_item_needs_no_process() -> None:
    assert list(forked_map(lambda _: os.getpid(), ["a"], 4)) == [("a", os.getpid())]
    assert list(forked_map(str, [], 4)) == []


def test_an_exception_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        list(forked_map(lambda item: 1 // item, [1, 0, 2], 2))


def test_a_worker_that_is_killed_is_an_error_and_no_endless_wait() -> None:
    def work(item: int) -> int:
        if item == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    with pytest.raises(BrokenProcessPool):
        list(forked_map(work, range(4), 2))


def test_there_is_a_core() -> None:
    assert cores() >= 1
