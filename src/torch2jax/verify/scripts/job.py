"""What a process has to run, and what both sides need for it: as a script, in a folder of its own, silently watched."""

from __future__ import annotations

import io
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from torch2jax.verify.failures import one_line
from torch2jax.verify.lifting import code_of, lifted_imports
from torch2jax.verify.scripts.pinning import Pin
from torch2jax.verify.scripts.recording import Loss, Place, Printed, Progress, Recording

_EVERY = 0.2
"""Seconds between two messages about the progress."""


@dataclass(frozen=True, slots=True)
class Job:
    """A script to run.

    script: the file. root: the folder that the program's files are in. folder: where it runs. arguments: what it finds
    in `sys.argv`. steps: after how many losses, and the update that they belong to, it is stopped; None for never.
    updates: how many updates the other side had made then. silent: what it prints is only recorded.
    pinned: parameters whose gradients are set to zero.
    """

    script: Path
    root: Path
    folder: Path
    arguments: tuple[str, ...]
    steps: int | None = None
    updates: int = 0
    silent: bool = False
    pinned: tuple[Pin, ...] = ()


class Stopped(BaseException):
    """The program has differentiated as many losses as were asked for; no `except Exception` of its own stops this."""


class Recorder:
    """Collects what a program does, while it runs."""

    def __init__(self, job: Job, send: Callable[[Any], object]) -> None:
        self.job, self.recording = job, Recording()
        self.settle: Callable[[], object] = lambda: None  # wait for what is still being computed
        self._send, self._told = send, 0.0

    def begins(self) -> None:
        """A loss is about to be differentiated. Raises Stopped where enough have been."""
        if self.job.steps is not None:
            self.settle()
            if self._is_enough(self.job.steps):
                raise Stopped

    def _is_enough(self, steps: int) -> bool:
        """Another side may differentiate one sum where this one differentiates its terms: then updates count."""
        losses, updates = self.recording.losses, self.recording.updates
        if self.job.updates and updates:
            return updates >= self.job.updates
        between = not updates or losses[-1].updates < updates
        return len(losses) >= steps and between

    def updated(self) -> None:
        """An optimizer has changed parameters."""
        self.recording.updates += 1

    def loss(self, value: float, place: Place | None) -> None:
        """A loss was differentiated."""
        self.recording.losses.append(Loss(value, place, self.recording.updates))
        if time.monotonic() - self._told > _EVERY:
            self._told = time.monotonic()
            self._send(Progress(len(self.recording.losses)))

    def printed(self, text: str) -> None:
        """Something was printed."""
        self.settle()
        self.recording.printed.append(Printed(text, len(self.recording.losses)))

    def place(self) -> Place | None:
        """The innermost line of the program's own files that is running."""
        for frame, line in traceback.walk_stack(sys._getframe()):
            path = Path(frame.f_code.co_filename)
            if path.is_relative_to(self.job.root):
                return self._line(path, line)
        return None

    def _line(self, path: Path, line: int) -> Place:
        import linecache

        return Place(path.relative_to(self.job.root).as_posix(), line, linecache.getline(str(path), line).strip())


class _Output(io.TextIOBase):
    """Standard output that is recorded, and goes on to standard error unless it is to be silent."""

    encoding = "utf-8"

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder

    def write(self, text: str) -> int:
        """Record the text."""
        self._recorder.printed(text)
        if not self._recorder.job.silent:
            sys.stderr.write(text)
        return len(text)

    def writable(self) -> bool:
        """It is."""
        return True

    def fileno(self) -> int:
        """Of the real standard output."""
        return 1


@contextmanager
def as_script(job: Job, recorder: Recorder) -> Iterator[ModuleType]:
    """Inside, the process looks as if Python ran the script: arguments, folder, search path, standard output."""
    module = ModuleType("__main__")
    vars(module).update({"__file__": str(job.script), "__builtins__": __builtins__})
    before = sys.modules["__main__"], sys.argv, sys.stdout, sys.path[:]
    sys.modules["__main__"] = module
    sys.argv = [str(job.script), *job.arguments]
    sys.path[0:0] = [str(job.script.parent)] if job.script.parent == job.root else [str(job.root)]
    sys.dont_write_bytecode = True
    sys.stdout = _Output(recorder)
    os.chdir(job.folder)
    try:
        yield module
    finally:
        sys.stdout.flush()
        sys.modules["__main__"], sys.argv, sys.stdout, sys.path[:] = before


def run_script(job: Job, recorder: Recorder, module: ModuleType) -> None:
    """Run the script to its end, and note how that was."""
    recording, started = recorder.recording, time.perf_counter()
    _package(job, module)
    try:
        with lifted_imports(job.root):
            exec(code_of(job.script.read_bytes(), str(job.script)), vars(module))  # noqa: S102 - the user's own
    except Stopped:
        recording.stopped = True
    except SystemExit as error:
        recording.error = "" if error.code in (None, 0) else one_line(error, job.root)
    except Exception as error:
        recording.error = one_line(error, job.root)
    try:
        recorder.settle()
    except Exception as error:
        recording.error = recording.error or one_line(error, job.root)
    recording.seconds = time.perf_counter() - started


def _package(job: Job, module: ModuleType) -> None:
    """Let relative imports work in a script that is in a package."""
    parts = job.script.relative_to(job.root).parent.parts
    if parts:
        vars(module)["__package__"] = ".".join(parts)
