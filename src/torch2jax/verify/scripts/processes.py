"""What runs in the processes of a script's verification: light to import, since the parent imports it too."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from torch2jax.verify.cases import CaseError
from torch2jax.verify.failures import one_line
from torch2jax.verify.isolated import MissingPackageError
from torch2jax.verify.scripts.job import Job
from torch2jax.verify.scripts.recording import Root

_ENVIRONMENT = {
    "CUDA_VISIBLE_DEVICES": "",
    "JAX_ENABLE_X64": "1",  # callbacks run in threads of JAX's own, which know no context of ours
    "JAX_PLATFORMS": "cpu",
    "MPLBACKEND": "Agg",  # a window would wait for somebody to close it
    "TORCHDYNAMO_DISABLE": "1",
    "WANDB_MODE": "disabled",
}
"""What programs find; it must be there before they import anything."""

Send = Callable[[Any], object]


def original(send: Send, job: Job, moved: int | None) -> None:
    """Run the original script. moved: as for `run_original`."""
    with _sent(send, job):
        try:
            from torch2jax.verify.scripts.torch_side import run_original
        except ImportError as error:
            raise MissingPackageError(error.name or str(error)) from None
        run_original(send, job, moved)


def translation(
    send: Send, job: Job, roots: Sequence[Root], names: Mapping[str, Sequence[str]], compiled: bool
) -> None:
    """Run the translated script. The rest as for `run_translation`."""
    with _sent(send, job):
        try:
            from torch2jax.verify.scripts.jax_side import run_translation
        except ImportError as error:
            raise MissingPackageError(error.name or str(error)) from None
        run_translation(send, job, roots, names, compiled)


@contextmanager
def _sent(send: Send, job: Job) -> Iterator[None]:
    """Send an exception instead of raising it; one that is a mistake of ours as a sentence."""
    os.environ.update(_ENVIRONMENT)
    try:
        yield
    except MissingPackageError as error:
        send(error)
    except Exception as error:
        if os.environ.get("TORCH2JAX_DEBUG"):
            raise
        reason = f"torch2jax failed: {one_line(error)}; set TORCH2JAX_DEBUG=1 for the traceback"
        send(CaseError(f"{job.script.name}: {reason}"))
