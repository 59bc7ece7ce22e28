"""Programs that run only to be watched: for a while, silently, leaving nothing behind."""

from __future__ import annotations

import os
import signal
import socket
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout
from types import FrameType
from typing import Any
from unittest.mock import patch

import torch


class TooLongError(BaseException):
    """The time is up. No Exception: programs catch those."""


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TooLongError inside after so many seconds, as soon as Python runs again.

    Without effect where the system has no such signal, or outside the main thread.
    """
    if not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _time_is_up)
    outer = signal.setitimer(signal.ITIMER_REAL, seconds)[0]
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, outer)
        signal.signal(signal.SIGALRM, before)


def _time_is_up(_: int, __: FrameType | None) -> None:
    raise TooLongError


@contextmanager
def without_traces(argument: str) -> Iterator[None]:
    """Inside, a program prints nowhere, works in a folder that goes at the end, saves nothing and reaches no network.

    argument: all that its `sys.argv` holds.
    """
    before = os.getcwd()  # noqa: PTH109 - restored by the same name
    with ExitStack() as stack:
        nowhere = stack.enter_context(open(os.devnull, "w"))  # noqa: PTH123 - no path
        stack.enter_context(redirect_stdout(nowhere))
        stack.enter_context(redirect_stderr(nowhere))
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="torch2jax-", ignore_cleanup_errors=True))
        for owner, name, value in _replacements():
            stack.enter_context(patch.object(owner, name, value))
        stack.enter_context(patch.object(sys, "argv", [argument]))
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(before)


def _replacements() -> list[tuple[Any, str, Callable[..., Any]]]:
    return [
        (torch, "save", lambda *_, **__: None),
        (torch, "compile", _uncompiled),
        (socket.socket, "connect", _no_network),
        (socket, "getaddrinfo", _no_network),
    ]


def _uncompiled(model: Any = None, **_: Any) -> Any:
    """`torch.compile`, as a call and as a decorator with arguments."""
    return model if model is not None else lambda function: function


def _no_network(*_: Any, **__: Any) -> Any:
    raise OSError("no network while torch2jax looks for a case")
