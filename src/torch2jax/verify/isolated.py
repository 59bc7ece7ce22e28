"""A verification in processes of its own: a program may hang, end its process, or take it down."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from torch2jax.options import Options
from torch2jax.report import Diagnostic
from torch2jax.verify.cases import Case, CaseError
from torch2jax.verify.children import DiedError, Limits, messages_of
from torch2jax.verify.failures import one_line
from torch2jax.verify.inputs import InputError
from torch2jax.verify.report import Outcome, VerifyReport
from torch2jax.verify.steps import CaseBegins, Event, Step, Texts, Watch, unwatched
from torch2jax.verify.texts import TranslatedFile
from torch2jax.verify.written import written_cases

START = 120.0
"""Seconds that the import of torch and jax may take at least: no program is to blame for that."""

Send = Callable[[Any], object]
Told = Callable[[Sequence[Case], Sequence[str]], object]


class MissingPackageError(Exception):
    """torch, jax or flax can't be imported; the message is the name of the package."""


def verify_apart(
    path: Path,
    translation: Path | None,
    cases: Sequence[Case] | None,
    options: Options,
    *,
    timeout: float,
    memory: float | None = None,
    told: Told = lambda cases, left_out: None,
    watch: Watch = unwatched,
    **settings: Any,
) -> VerifyReport:
    """As `verify`, in new processes. What the programs print goes to standard error.

    A case that takes the process down is a failure of its own: those behind it run in another process.

    Args:
        path: as for `verify`, like the next three.
        translation: a finished translation.
        cases: what to run.
        options: of the conversion.
        timeout: seconds that one step may take: the conversion, the search for a case, or one call on one side.
        memory: GiB that the process may take; nearly all that is free if None.
        told: called with the cases, and a sentence for each class without one, before they run.
        watch: called in this process with what happens in the others.
        settings: what else `verify` takes.

    Raises:
        CaseError, OSError, UnicodeDecodeError: as `verify`. MissingPackageError: this environment can't verify.
    """
    limits = Limits(timeout, max(timeout, START), memory)
    left_out: Sequence[str] = ()
    if cases is None:
        cases = written_cases(path.resolve())
    if not cases:
        cases, left_out = _found(path.resolve(), limits, watch)
    told(cases, left_out)
    run = _Run(path, watch)
    watch(run.step)
    while run.done < len(cases):
        arguments = (path, translation, cases[run.done :], options, settings)
        try:
            run.follow(messages_of(_verify, arguments, limits))
        except DiedError as error:
            run.end_of_case(str(error))
    shown, found = None if translation is None else str(translation.resolve()), tuple(run.outcomes)
    return VerifyReport(str(path.resolve()), found, run.diagnostics, tuple(cases), tuple(left_out), run.files, shown)


@dataclass
class _Run:
    """What became of the cases so far. done: how many have come to an end."""

    path: Path
    watch: Watch
    done: int = 0
    outcomes: list[Outcome] = field(default_factory=list)
    diagnostics: tuple[Diagnostic, ...] = ()
    files: tuple[TranslatedFile, ...] = ()
    step: Step = field(default_factory=lambda: Step("importing torch and jax"))

    def follow(self, events: Iterator[Event | VerifyReport]) -> None:
        """Collect what a process tells until it is done. Raises DiedError, and what the process sends."""
        before = self.done
        for event in events:
            if isinstance(event, VerifyReport):
                self.done = before + len(event.cases)
                continue
            self.watch(event)
            if isinstance(event, Step):
                self.step = event
            elif isinstance(event, CaseBegins):
                self.done = before + event.number
            elif isinstance(event, Outcome):
                self.outcomes.append(event)
            elif isinstance(event, Texts):
                self.files = event.files
            else:
                self.diagnostics = event

    def end_of_case(self, reason: str) -> None:
        """Note that the process died in the current case. Raises CaseError if there was none yet."""
        text = f"{self.step.what}: {reason}"
        if self.step.outcome is None:
            raise CaseError(f"{self.path}: {text}")
        self.outcomes.append(replace(self.step.outcome, detail=text))
        self.step = Step("importing torch and jax")
        self.done += 1


def _found(path: Path, limits: Limits, watch: Watch) -> tuple[Sequence[Case], Sequence[str]]:
    """What the program itself offers, looked for in other processes: what takes one down is left out in the next."""
    from torch2jax.verify.discovery import EXAMPLES, collected

    found: list[Case | str] = []
    examples, skipped = True, set[str]()
    while True:
        step = Step("importing torch")
        watch(step)
        try:
            for event in messages_of(_search, (path, examples, skipped), limits):
                if isinstance(event, Step):
                    step = event
                    watch(step)
                else:
                    found.append(event)
                    skipped |= {event.entry} if isinstance(event, Case) else {step.subject}
            break
        except DiedError as error:
            if not step.subject:
                raise CaseError(f"{path}: {step.what}: {error}") from None
            if step.subject != EXAMPLES:
                found.append(f"no case was found for {step.subject} ({error})")
            examples, skipped = False, skipped | {step.subject}
    discovery = collected(path, dict.fromkeys(found))
    return discovery.cases, discovery.left_out


def _search(send: Send, path: Path, examples: bool, skipped: set[str]) -> None:
    """Look for cases, and send them."""
    with _sent(send, path):
        try:
            from torch2jax.verify.discovery import search
        except ImportError as error:
            raise MissingPackageError(error.name or str(error)) from None
        send(Step("importing it to find out what to run"))
        for finding in search(path, send, examples=examples, skipped=skipped):
            send(finding)


def _verify(
    send: Send,
    path: Path,
    translation: Path | None,
    cases: Sequence[Case],
    options: Options,
    settings: Mapping[str, Any],
) -> None:
    """Verify, and send what happens. The programs find no arguments of ours."""
    sys.argv = [str(path)]
    with _sent(send, path):
        try:
            from torch2jax.verify import run as _  # noqa: F401 - torch, jax and flax
        except ImportError as error:
            raise MissingPackageError(error.name or str(error)) from None
        from torch2jax.verify import verify

        send(verify(path, translation, cases=cases, options=options, watch=send, **settings))


@contextmanager
def _sent(send: Send, path: Path) -> Iterator[None]:
    """Send an exception instead of raising it; one that is a mistake of ours as a sentence."""
    try:
        yield
    except (CaseError, InputError, MissingPackageError, OSError, UnicodeDecodeError) as error:
        send(error)
    except Exception as error:
        if os.environ.get("TORCH2JAX_DEBUG"):
            raise
        reason = f"torch2jax failed: {one_line(error)}; set TORCH2JAX_DEBUG=1 for the traceback"
        send(CaseError(f"{path}: {reason}"))
