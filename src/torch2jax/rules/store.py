"""Files in the user's cache directory that hold what was compiled from sources, by a hash of those sources."""

from __future__ import annotations

import hashlib
import marshal
import os
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

_KEPT: Final = 6


def fingerprint(parts: Iterable[tuple[str, bytes]]) -> str:
    """A hash of named contents and of the interpreter, whose `marshal` format is its own."""
    digest = hashlib.blake2b(sys.version.encode(), digest_size=16)
    for name, content in parts:
        digest.update(f"\0{name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def cached(kind: str, key: str, build: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `build` returns, from the cache where it is there. Without a usable directory it is built every time."""
    path = _file(kind, key)
    compiled = _load(path)
    if compiled is None:
        compiled = build()
        _save(path, kind, compiled)
    return compiled


def cache_dir() -> Path | None:
    """`$TORCH2JAX_CACHE_DIR`, else `torch2jax` in the platform's cache directory; None if there is no such place."""
    chosen = os.environ.get("TORCH2JAX_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("LOCALAPPDATA" if sys.platform == "win32" else "XDG_CACHE_HOME")
    try:
        return (Path(base) if base else Path("~/.cache").expanduser()) / "torch2jax"
    except RuntimeError:  # no home directory
        return None


def _file(kind: str, key: str) -> Path | None:
    directory = cache_dir()
    return directory / f"{kind}-{key}.bin" if directory else None


def _load(path: Path | None) -> dict[str, Any] | None:
    try:
        compiled = marshal.loads(path.read_bytes()) if path else None  # noqa: S302 - a file that only we write
    except (OSError, ValueError, EOFError, TypeError):
        return None
    return compiled if isinstance(compiled, dict) else None


def _save(path: Path | None, kind: str, compiled: dict[str, Any]) -> None:
    """Write atomically and remove the oldest files of this kind; a cache that can't be written is no error."""
    if path is None:
        return
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".new-")
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(marshal.dumps(compiled))
        temporary.replace(path)
        for old in sorted(path.parent.glob(f"{kind}-*.bin"), key=_age)[_KEPT:]:
            old.unlink(missing_ok=True)
    except OSError:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _age(path: Path) -> float:
    try:
        return -path.stat().st_mtime
    except OSError:  # another process has removed it
        return 0.0
