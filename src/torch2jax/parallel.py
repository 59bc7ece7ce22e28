"""Work spread over the cores by forking: the workers see all that is in memory, and only results travel."""

import gc
import multiprocessing
import os
import signal
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from typing import Any, TypeVar

Item = TypeVar("Item")
Value = TypeVar("Value")

# What the workers run. Set before they are forked, so that it needs no pickling.
_work: tuple[Callable[[Any], Any], Sequence[Any]] | None = None


def cores() -> int:
    """How many processes can run at once."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def forked_map(function: Callable[[Item], Value], items: Sequence[Item], jobs: int) -> Iterator[tuple[Item, Value]]:
    """Each item with its value, as they are done, computed by `jobs` processes that are forked from this one.

    The function may be a closure over anything; its values must be picklable. What it changes is lost, except in the
    value. An exception in a worker is raised here; BrokenProcessPool where a worker is killed (out of memory). Where
    there is one job or no fork (Windows), this is a plain map.
    """
    global _work
    if jobs <= 1 or len(items) <= 1 or "fork" not in multiprocessing.get_all_start_methods():
        yield from ((item, function(item)) for item in items)
        return
    _work = function, items
    gc.freeze()  # a collection in a worker would copy every page that it looks at
    context = multiprocessing.get_context("fork")
    executor = ProcessPoolExecutor(min(jobs, len(items)), mp_context=context, initializer=_leave_interrupts_to_parent)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # the thread of a progress bar is no danger
            futures = [executor.submit(_call, index) for index in range(len(items))]
        for future in as_completed(futures):
            index, value = future.result()
            yield items[index], value
    finally:
        executor.shutdown(cancel_futures=True)
        gc.unfreeze()
        _work = None


def _leave_interrupts_to_parent() -> None:
    """Control-C reaches all processes of a terminal; one of them ends the run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _call(index: int) -> tuple[int, Any]:
    assert _work is not None
    function, items = _work
    return index, function(items[index])
