"""The processes of the contenders, as the process that measures sees them."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import threading
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any, TypeVar
from unittest.mock import patch

from torch2jax.verify.bench.messages import Begin, Begun, FindPeak, Job, Peak, Ready, Refused, Request, TakeTurn
from torch2jax.verify.bench.race import Turn
from torch2jax.verify.children import DiedError, Limits, leave_terminal, next_message

T = TypeVar("T")

_STARTING = threading.Lock()
"""The environment that a process is started with belongs to all threads."""

_UNWATCHED = float("inf")
"""GiB in a turn: what it takes was seen in the warm-up, and a look at it would take time from the one that runs."""


class Worker:
    """One contender in a process of its own, which is asked for one thing at a time.

    problem: why it can't go on; empty while it can. refused: why it can't do what was begun last.
    """

    def __init__(self, job: Job, environment: Mapping[str, str], limits: Limits) -> None:
        self.problem = ""
        self.refused = ""
        self._limits, self._memory = limits, limits.gib()
        context = multiprocessing.get_context("spawn")  # a fork of a process with threads of torch or jax can block
        self._connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs, job), daemon=False)
        with _STARTING, patch.dict(os.environ, environment):  # read when torch and jax are imported there
            self._process.start()
        theirs.close()

    def ready(self) -> Ready | None:
        """Wait until it has loaded its program; None where it can't."""
        return self._expect(self._received(self._limits.first), Ready)

    def begin(self, request: Begin) -> Begun | None:
        """Compile and warm up. What this refuses is a problem of this work only: see `refused`."""
        self.refused = ""
        answer = self._ask(request)
        if isinstance(answer, Refused):
            self.refused = answer.detail
            return None
        return self._expect(answer, Begun)

    def turn(self, seconds: float) -> Turn | None:
        """One turn of what was begun last."""
        return self._expect(self._ask(TakeTurn(seconds), memory=_UNWATCHED), Turn)

    def peak(self) -> int | None:
        """The bytes that it takes."""
        peak = self._expect(self._ask(FindPeak()), Peak)
        return None if peak is None else peak.held

    def close(self) -> None:
        """End the process."""
        self._connection.close()
        self._process.join(2)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _ask(self, request: Request, *, memory: float | None = None) -> Any:
        if self.problem:
            return None
        with contextlib.suppress(OSError):  # it has died: how, the next message says
            self._connection.send(request)
        return self._received(self._limits.seconds, memory)

    def _received(self, seconds: float, memory: float | None = None) -> Any:
        try:
            return next_message(self._connection, self._process, seconds, memory or self._memory)
        except DiedError as error:
            self._process.kill()
            self.problem = str(error)
            return None

    def _expect(self, answer: object, kind: type[T]) -> T | None:
        """The answer, if it is of that kind; what was refused is a problem from now on."""
        if isinstance(answer, Refused):
            self.problem = answer.detail
        return answer if isinstance(answer, kind) else None


def _serve(connection: Connection, job: Job) -> None:
    """The process: what the program prints goes to standard error, and it finds an empty standard input."""
    leave_terminal()
    try:
        from torch2jax.verify.bench.child import serve
    except ImportError as error:
        package = error.name or str(error)
        connection.send(Refused(f"{package} is missing: pip install 'torch2jax-convert[verify]'"))
        return
    try:
        serve(connection, job)
    except KeyboardInterrupt:
        os._exit(130)
