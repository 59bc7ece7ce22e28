"""Errors of the programs that are run, in one line."""

from __future__ import annotations

import importlib.util
import sys
import traceback
from pathlib import Path

_MESSAGE_LENGTH = 400

FAILURES = (Exception, SystemExit)
"""What a program may raise: `sys.exit()` is no end of the verification."""


def one_line(error: BaseException, root: Path | None = None) -> str:
    """The kind of error, its message on one line, the last place in the program's own files, and what to install."""
    return f"{_text(error, root)}{_advice(error)}"


def _text(error: BaseException, root: Path | None) -> str:
    message = "; ".join(line.strip() for line in str(error).strip().splitlines() if line.strip())
    text = f"{type(error).__name__}: {message[:_MESSAGE_LENGTH]}"
    frames = traceback.extract_tb(error.__traceback__) if root is not None else []
    own = [frame for frame in frames if frame.filename.startswith(str(root))]
    if not own:
        return text
    return f"{text} ({own[-1].filename.removeprefix(f'{root}/')}:{own[-1].lineno})"


def _advice(error: BaseException) -> str:
    """What to do about a package that is not there, or why there is nothing to read."""
    if isinstance(error, EOFError) and "reading a line" in str(error):
        return "; it reads standard input, which is empty while a program is verified"
    package = (error.name or "").partition(".")[0] if isinstance(error, ModuleNotFoundError) else ""
    if not package or package in sys.modules or importlib.util.find_spec(package) is not None:
        return ""
    return f"; install {package} beside torch first"
