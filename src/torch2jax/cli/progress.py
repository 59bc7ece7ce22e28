"""What shows on a terminal that work goes on: on stderr, after a second, and gone when it is done."""

from __future__ import annotations

import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from torch2jax.cli.streams import on_terminal

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn, TaskID

    from torch2jax.verify.steps import Event


class ProgressBar:
    """A bar that appears after a second, and never where stderr is no terminal.

    Call it with how many files are done and how many there are.
    """

    def __init__(self, label: str, *, delay: float = 1.0) -> None:
        self._label = label
        self._timer = threading.Timer(delay, self._start)
        self._timer.daemon = True
        self._lock = threading.Lock()
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._state: tuple[int, int | None] = (0, None)

    def __enter__(self) -> ProgressBar:
        """Begin to wait."""
        if on_terminal():
            self._timer.start()
        return self

    def __call__(self, done: int, total: int) -> None:
        """Say how far the work is."""
        with self._lock:
            self._state = done, total
            self._update()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove the bar."""
        self._timer.cancel()
        with self._lock:
            if self._bar is not None:
                self._bar.stop()

    def columns(self) -> tuple[ProgressColumn, ...]:
        """What the line is made of."""
        from rich.progress import Progress

        return Progress.get_default_columns()

    def _start(self) -> None:
        from rich.console import Console
        from rich.progress import Progress

        with self._lock:
            self._bar = Progress(*self.columns(), console=Console(stderr=True), transient=True)
            self._task = self._bar.add_task(self._label, total=None)
            self._bar.start()
            self._update()

    def _update(self) -> None:
        if self._bar is not None and self._task is not None:
            done, total = self._state
            self._bar.update(self._task, description=self._label, completed=done, total=total)


class VerifyStatus(ProgressBar):
    """A line that names the case, the rung and the step of a verification, and how long it has taken."""

    def __init__(self, *, delay: float = 1.0) -> None:
        super().__init__("starting", delay=delay)

    def __enter__(self) -> VerifyStatus:
        """Begin to wait."""
        super().__enter__()
        return self

    def watch(self, event: Event) -> None:
        """Follow what a verification tells."""
        from rich.markup import escape

        from torch2jax.verify.steps import Step

        if isinstance(event, Step):
            outcome = event.outcome
            where = f"{outcome.case}: {outcome.rung}: " if outcome is not None else ""
            with self._lock:
                self._label = escape(f"{where}{event.what}")
                self._update()

    def above(self, say: Callable[[], object]) -> None:
        """Print something while the line is gone."""
        with self._lock:
            if self._bar is not None:
                self._bar.stop()
            say()
            if self._bar is not None:
                self._bar.start()

    def columns(self) -> tuple[ProgressColumn, ...]:
        """A spinner, the step, and the time."""
        from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn
        from rich.table import Column

        step = TextColumn("{task.description}", table_column=Column(no_wrap=True, overflow="ellipsis"))
        return SpinnerColumn(), step, TimeElapsedColumn()
