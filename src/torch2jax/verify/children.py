"""Work in a process of its own, which may hang, end, crash, or want more memory than there is."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import psutil

_GIB = 2**30
_GLANCE = 0.1
"""Seconds between two looks at the memory of a process."""
_MOST = 0.9
"""The part of the memory that is free now which a process may take where no limit is given."""


class DiedError(Exception):
    """The process came to no end of its own; the message says how, as the rest of a sentence about the program."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a process may take.

    seconds: the time between two messages. first: the time before the first one. memory: GiB, None for nearly all
    that is free.
    """

    seconds: float
    first: float
    memory: float | None = None

    def gib(self) -> float:
        """GiB that a process which begins now may take."""
        return self.memory or psutil.virtual_memory().available * _MOST / _GIB


@dataclass(frozen=True, slots=True)
class _Done:
    """The work is done."""


def messages_of(work: Callable[..., None], arguments: tuple[Any, ...], limits: Limits) -> Iterator[Any]:
    """What ``work(send, *arguments)`` sends from a new process, until it returns. Exceptions that it sends are raised.

    The process finds an empty standard input; what it prints goes to standard error.
    Raises DiedError where it does not return by itself.
    """
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads of torch or jax can block
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_begin, args=(sender, work, arguments), daemon=True)
    process.start()
    sender.close()
    try:
        patience = limits.first
        memory = limits.gib()
        while not isinstance(message := next_message(receiver, process, patience, memory), _Done):
            if isinstance(message, Exception):
                raise message
            patience = limits.seconds
            yield message
    finally:
        process.kill()
        process.join()


def next_message(receiver: Connection, process: BaseProcess, seconds: float, memory: float) -> Any:
    """The next message of a process that may take some seconds for it and some GiB. Raises DiedError."""
    end = time.monotonic() + seconds
    try:
        while not receiver.poll(_GLANCE):
            if memory != float("inf") and _memory_of(process) > memory * _GIB:
                raise DiedError(f"needed more than {memory:.3g} GiB of memory (--memory)")
            if time.monotonic() > end:
                raise DiedError(f"did not end within {seconds:g} s (--timeout)")
        return receiver.recv()
    except (EOFError, ConnectionResetError):
        process.join()
        raise DiedError(_end(process.exitcode or 0)) from None


def _memory_of(process: BaseProcess) -> int:
    """Bytes of memory that a process and its children hold now."""
    total = 0
    with contextlib.suppress(psutil.Error):
        parent = psutil.Process(process.pid)
        for member in (parent, *parent.children(recursive=True)):
            with contextlib.suppress(psutil.Error):
                total += member.memory_info().rss
    return total


def _end(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"ended the process with exit status {code}"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        return f"the process was killed by signal {-code}"
    hint = ", as happens where memory runs out" if name == "SIGKILL" else ""
    return f"the process was killed by {name}{hint}"


def _begin(sender: Connection, work: Callable[..., None], arguments: tuple[Any, ...]) -> None:
    """Work, and send what happens."""
    leave_terminal()
    try:
        work(sender.send, *arguments)
        sender.send(_Done())
    except KeyboardInterrupt:
        os._exit(130)


def leave_terminal() -> None:
    """From now on this process finds an empty standard input, and what it prints goes to standard error."""
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - multiprocessing put another in its place
