"""What a conversion would change: a unified diff, and whether there is one."""

import difflib
import re
from collections.abc import Iterator
from pathlib import Path

import click

from torch2jax.source.text import SourceError, SourceText

_LINE = re.compile(r"[^\n]*\n|[^\n]+")  # str.splitlines would also split at form feeds


def print_diff(old: bytes, new: bytes, old_name: str, new_name: str) -> None:
    """Print a unified diff to standard output, in colour on a terminal."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    for line in unified_diff(old, new, old_name, new_name):
        click.secho(line, fg=colours.get(line[:1]), bold=line.startswith(("+++", "---")), nl=False)


def unified_diff(old: bytes, new: bytes, old_name: str, new_name: str) -> Iterator[str]:
    """The lines of a diff that `patch` takes, empty where nothing differs."""
    before, after = (_LINE.findall(_text(data)) for data in (old, new))
    for line in difflib.unified_diff(before, after, old_name, new_name):
        yield line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"


def existing(target: Path) -> bytes | None:
    """What is at the target now, None if nothing is."""
    return target.read_bytes() if target.is_file() else None


def _text(data: bytes) -> str:
    """The text with its newlines; bytes that are no text in their encoding are shown as such."""
    try:
        source = SourceText.decode(data, "")
    except SourceError:
        return data.decode("utf-8", errors="backslashreplace")
    return source.restore(source.text).removeprefix("\ufeff")
