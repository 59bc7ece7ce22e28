"""Errors of the programs that are run, in one line."""

from __future__ import annotations

import traceback
from pathlib import Path

_MESSAGE_LENGTH = 400

FAILURES = (Exception, SystemExit)
"""What a program may raise: `sys.exit()` is no end of the verification."""


def one_line(error: BaseException, root: Path | None = None) -> str:
    """The kind of error, its message on one line, and the last place in the program's own files."""
    message = "; ".join(line.strip() for line in str(error).strip().splitlines() if line.strip())
    text = f"{type(error).__name__}: {message[:_MESSAGE_LENGTH]}"
    frames = traceback.extract_tb(error.__traceback__) if root is not None else []
    own = [frame for frame in frames if frame.filename.startswith(str(root))]
    if not own:
        return text
    return f"{text} ({own[-1].filename.removeprefix(f'{root}/')}:{own[-1].lineno})"
