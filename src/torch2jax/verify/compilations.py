"""Compiled programs that are kept while rules are checked: an example in another style mostly compiles to the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from tempfile import TemporaryDirectory

import jax
from jax.experimental.compilation_cache import compilation_cache


@contextmanager
def kept_compilations() -> Iterator[str]:
    """Inside, this process compiles no program twice; gives the folder, which other processes may share."""
    before = {name: getattr(jax.config, name) for name in _always_kept("")}
    with TemporaryDirectory(prefix="torch2jax-compiled-") as folder:
        keep_compilations(folder)
        try:
            yield folder
        finally:
            for name, value in before.items():
                jax.config.update(name, value)  # type: ignore[no-untyped-call]
            compilation_cache.reset_cache()


def keep_compilations(folder: str) -> None:
    """Keep every program that this process compiles in the folder, and look there first."""
    for name, value in _always_kept(folder).items():
        jax.config.update(name, value)  # type: ignore[no-untyped-call]
    compilation_cache.reset_cache()


def _always_kept(folder: str) -> dict[str, object]:
    """Settings of JAX's cache, which by default leaves out what takes less than a second."""
    return {
        "jax_compilation_cache_dir": folder,
        "jax_persistent_cache_min_compile_time_secs": 0.0,
        "jax_persistent_cache_min_entry_size_bytes": -1,
    }
