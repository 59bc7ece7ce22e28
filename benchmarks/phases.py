"""Several measurements at the same time: all compile together, then each is timed while the others wait."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Phases:
    """Where a group of threads meets between compiling and timing, as often as each has something to time.

    members: how many threads there are; every one has the same number of phases.
    """

    def __init__(self, members: int) -> None:
        self._meeting = threading.Barrier(members)
        self._turn = threading.Lock()

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Inside, no other member computes. Raises `threading.BrokenBarrierError` after a member has given up."""
        self._meeting.wait()
        with self._turn:
            yield
        self._meeting.wait()

    def give_up(self) -> None:
        """Leave before the end: the others can't be measured as promised, and end too."""
        self._meeting.abort()
