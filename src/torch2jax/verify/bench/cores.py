"""The cores that a process may use: as many as it has threads while it is measured, all of them while it compiles."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

_TASKS = Path("/proc/self/task")


class Cores:
    """The same cores for every contender, where Linux can; elsewhere the sizes of the thread pools must do."""

    def __init__(self, threads: int) -> None:
        affinity = getattr(os, "sched_getaffinity", None)
        self._all: list[int] = [] if affinity is None else sorted(affinity(0))
        self._some = self._all[-threads:]

    def use_some(self) -> None:
        """As many as there are threads."""
        _keep_to(self._some, self._all)

    def use_all(self) -> None:
        """All that there are."""
        _keep_to(self._all, self._some)


def _keep_to(cores: list[int], before: list[int]) -> None:
    """Let all threads of this process run on some cores only. Threads that they start do as they do."""
    if cores == before or not _TASKS.is_dir():
        return
    for task in _TASKS.iterdir():
        with contextlib.suppress(OSError):  # a thread that has just ended
            os.sched_setaffinity(int(task.name), cores)
