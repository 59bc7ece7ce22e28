"""A verification in a process of its own: a program may hang, end its process, or take it down."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path

from torch2jax.options import Options
from torch2jax.report import Diagnostic
from torch2jax.verify.cases import Case, CaseError
from torch2jax.verify.failures import one_line
from torch2jax.verify.inputs import InputError
from torch2jax.verify.report import Outcome, VerifyReport
from torch2jax.verify.steps import Event, Step

_START = 120.0
"""Seconds that the import of torch and jax may take at least: no program is to blame for that."""


class MissingPackageError(Exception):
    """torch, jax or flax can't be imported; the message is the name of the package."""


def verify_apart(
    path: Path,
    translation: Path | None,
    cases: Sequence[Case] | None,
    options: Options,
    *,
    train_steps: int = 5,
    timeout: float,
) -> VerifyReport:
    """As `verify`, in a new process. What the programs print goes to standard error.

    timeout: seconds that one step may take: the conversion, the search for a case, or one call on one side.

    Raises:
        CaseError, OSError, UnicodeDecodeError: as `verify`. MissingPackageError: this environment can't verify.
    """
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads of torch or jax can block
    receiver, sender = context.Pipe(duplex=False)
    verification = _Verification(path, translation, cases, options, train_steps)
    process = context.Process(target=_work, args=(sender, verification), daemon=True)
    process.start()
    sender.close()
    try:
        return _follow(receiver, process, path, timeout)
    finally:
        process.kill()
        process.join()


def _follow(
    receiver: Connection, process: multiprocessing.process.BaseProcess, path: Path, timeout: float
) -> VerifyReport:
    """Collect what the process tells until it is done, dies, or takes too long."""
    step = Step("importing torch and jax")
    patience = max(timeout, _START)
    outcomes: list[Outcome] = []
    diagnostics: tuple[Diagnostic, ...] = ()
    while True:
        try:
            event: Event | VerifyReport | Exception | None = receiver.recv() if receiver.poll(patience) else None
        except EOFError:
            process.join()
            reason = _end(process.exitcode or 0)
            break
        if event is None:
            reason = f"did not end within {patience:g} s (--timeout)"
            break
        patience = timeout
        if isinstance(event, VerifyReport):
            return event
        if isinstance(event, Exception):
            raise event
        if isinstance(event, Step):
            step = event
        elif isinstance(event, Outcome):
            outcomes.append(event)
        else:
            diagnostics = event
    if step.outcome is None:
        raise CaseError(f"{path}: {step.what}: {reason}")
    return VerifyReport(str(path), (*outcomes, replace(step.outcome, detail=f"{step.what}: {reason}")), diagnostics)


def _end(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"ended the process with exit status {code}"
    try:
        return f"the process was killed by {signal.Signals(-code).name}"
    except ValueError:
        return f"the process was killed by signal {-code}"


@dataclass(frozen=True, slots=True)
class _Verification:
    """What the process is asked to do: the arguments of `verify`."""

    path: Path
    translation: Path | None
    cases: Sequence[Case] | None
    options: Options
    train_steps: int


def _work(sender: Connection, asked: _Verification) -> None:
    """Verify, and send what happens. The programs find an empty input and no arguments of ours."""
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - multiprocessing put another in its place
    sys.argv = [str(asked.path)]
    try:
        sender.send(_report(sender, asked))
    except KeyboardInterrupt:
        os._exit(130)
    except (CaseError, InputError, MissingPackageError, OSError, UnicodeDecodeError) as error:
        sender.send(error)
    except Exception as error:
        if os.environ.get("TORCH2JAX_DEBUG"):
            raise
        reason = f"torch2jax failed: {one_line(error)}; set TORCH2JAX_DEBUG=1 for the traceback"
        sender.send(CaseError(f"{asked.path}: {reason}"))


def _report(sender: Connection, asked: _Verification) -> VerifyReport:
    try:
        from torch2jax.verify import run as _  # noqa: F401 - torch, jax and flax
    except ImportError as error:
        raise MissingPackageError(error.name or str(error)) from None
    from torch2jax.verify import verify

    return verify(
        asked.path,
        asked.translation,
        cases=asked.cases,
        options=asked.options,
        train_steps=asked.train_steps,
        watch=sender.send,
    )
