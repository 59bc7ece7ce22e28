"""A transfer in a process of its own: the translation is imported, and may end its process or take it down."""

from __future__ import annotations

import multiprocessing
import os
import sys
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from torch2jax.checkpoints.errors import CheckpointError, UnfitError
from torch2jax.checkpoints.request import Progress, Request, Summary
from torch2jax.verify.cases import CaseError
from torch2jax.verify.failures import one_line
from torch2jax.verify.isolated import MissingPackageError


@dataclass(frozen=True, slots=True)
class _Done:
    """How many arrays are done, of how many."""

    count: int
    total: int


def transfer_apart(request: Request, place: Path, progress: Progress) -> Summary:
    """As `transfer`, in a new process. What the translation prints goes to standard error.

    Raises:
        CheckpointError, UnfitError, CaseError, OSError, UnicodeDecodeError: as `transfer`. MissingPackageError: torch,
            jax, flax or a library for checkpoints can't be imported.
    """
    context = multiprocessing.get_context("spawn")  # a fork of a process with threads of torch or jax can block
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, request, place), daemon=True)
    process.start()
    sender.close()
    try:
        while True:
            event: _Done | Summary | Exception = receiver.recv()
            if isinstance(event, Summary):
                return event
            if isinstance(event, Exception):
                raise event
            progress(event.count, event.total)
    except EOFError:
        process.join()
        raise CheckpointError(f"{request.source}: was not converted: {_end(process.exitcode or 0)}") from None
    finally:
        process.kill()
        process.join()


def _end(code: int) -> str:
    """How a process ended."""
    if code >= 0:
        return f"the translation ended the process with exit status {code}"
    return f"the process was killed by signal {-code}" + (" (out of memory?)" if code == -9 else "")


def _work(sender: Connection, request: Request, place: Path) -> None:
    """Transfer, and send what happens. The translation finds an empty input and no arguments of ours."""
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.argv = [str(request.translation)]
    os.environ.setdefault("JAX_PLATFORMS", "cpu")  # nothing is computed
    try:
        try:
            from torch2jax.checkpoints.transfer import transfer
        except ImportError as error:
            raise MissingPackageError(error.name or str(error)) from None
        sender.send(transfer(request, place, lambda count, total: sender.send(_Done(count, total))))
    except KeyboardInterrupt:
        os._exit(130)
    except (CheckpointError, UnfitError, CaseError, MissingPackageError, OSError, UnicodeDecodeError) as error:
        sender.send(error)
    except Exception as error:
        if os.environ.get("TORCH2JAX_DEBUG"):
            raise
        reason = f"torch2jax failed: {one_line(error)}; set TORCH2JAX_DEBUG=1 for the traceback"
        sender.send(CheckpointError(f"{request.source}: {reason}"))
