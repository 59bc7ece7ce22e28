"""Standard input and output as bytes, with one sentence where they are closed or full."""

import errno
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

from torch2jax.source.walk import InputError
from torch2jax.source.write import OutputError


def read_input() -> bytes:
    """All of standard input. Raises InputError."""
    try:
        return _binary(sys.stdin, InputError("standard input is closed; pass the name of a file.")).read()
    except OSError as error:
        raise InputError(f"standard input can't be read: {error.strerror}.") from None


def write_output(data: bytes) -> None:
    """Write to standard output. Raises OutputError."""
    stream = _binary(sys.stdout, OutputError("standard output is closed; say with -o where to write."))
    with writing():
        stream.write(data)
        stream.flush()


@contextmanager
def writing() -> Iterator[None]:
    """Turn errors of standard output into OutputError; a reader that went away (`| head`) is click's to handle."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise
        raise OutputError(f"standard output can't be written: {error.strerror}.") from None


def on_terminal() -> bool:
    """Whether standard error is a terminal."""
    return sys.stderr is not None and sys.stderr.isatty()


def _binary(stream: TextIO | None, closed: Exception) -> BinaryIO:
    if stream is None:  # the shell's `<&-` and `>&-`
        raise closed
    return stream.buffer
