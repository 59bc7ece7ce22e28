"""Results that are kept between runs, in one file of the user's cache directory: a line of JSON for each.

Lines are appended as results come, so that a run that is interrupted goes on where it was. A result counts as long as
its key, a hash of everything that it depends on, is the same.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from torch2jax.rewrite.helper_library import closure
from torch2jax.rules.model import Rule, encode
from torch2jax.rules.signatures import HELPERS_DIR, helper_files
from torch2jax.rules.store import cache_dir
from torch2jax.verify.stand_ins import PACKAGES, STAND_INS

_PACKAGES = ("torch", "jax", "jaxlib", "flax", "optax", "numpy", "einops")


class Kept:
    """The results of one kind. Without a usable cache directory nothing is kept."""

    def __init__(self, kind: str, *, fresh: bool = False) -> None:
        directory = cache_dir()
        self._path = directory / f"{kind}.jsonl" if directory is not None else None
        self._found: dict[str, tuple[str, Any]] = {}
        lines = [] if fresh else self._lines()
        for line in lines:
            try:
                name, key, value = json.loads(line)
            except ValueError:  # a line that was being written when the run ended
                continue
            self._found[name] = key, value
        if len(lines) > 3 * len(self._found) + 100:
            self._rewrite()

    def get(self, name: str, key: str) -> Any:
        """What was kept under the name, if with this key; None if nothing was."""
        kept, value = self._found.get(name, ("", None))
        return value if kept == key else None

    def put(self, name: str, key: str, value: Any) -> None:
        """Keep a value of plain data."""
        self._found[name] = key, value
        self._write([(name, key, value)], "a")

    def _lines(self) -> list[str]:
        try:
            return self._path.read_text(encoding="utf-8").splitlines() if self._path is not None else []
        except (OSError, UnicodeDecodeError):
            return []

    def _rewrite(self) -> None:
        self._write(((name, key, value) for name, (key, value) in self._found.items()), "w")

    def _write(self, entries: Iterable[tuple[str, str, Any]], mode: str) -> None:
        if self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with self._path.open(mode, encoding="utf-8") as file:
                file.writelines(json.dumps(entry) + "\n" for entry in entries)
        except OSError:  # a cache that can't be written is no error
            self._path = None


def digest(*parts: object) -> str:
    """A hash of plain data."""
    return hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()


@cache
def environment() -> str:
    """A hash of the installed frameworks and of the helpers that outputs carry."""
    return digest(frameworks(), [(path.name, path.read_bytes()) for path in helper_files(HELPERS_DIR)])


@cache
def frameworks() -> str:
    """A hash of the versions of the installed frameworks, and of what stands in for packages that are not installed."""
    stand_ins = [(name, (STAND_INS / f"{name}.py").read_bytes()) for name in sorted(PACKAGES)]
    return digest([(name, _version(name)) for name in (*_PACKAGES, *sorted(PACKAGES))], stand_ins)


def own_helpers(rule: Rule) -> str:
    """A hash of the helpers that a rule names, and of all that they use."""
    names = sorted(set(_helpers_in(encode(rule))))
    return digest([(definition.name, definition.source) for definition in closure(names).definitions])


def _helpers_in(part: object) -> Iterator[str]:
    if isinstance(part, (tuple, list)):
        if len(part) == 2 and part[0] == "helper":
            yield part[1]
        for inner in part:
            yield from _helpers_in(inner)


@cache
def converter() -> str:
    """A hash of the sources of this package."""
    root = Path(__file__).resolve().parent.parent
    return digest([(str(path.relative_to(root)), path.read_bytes()) for path in sorted(root.rglob("*.py"))])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def essence(rule: Rule) -> str:
    """A hash of all that a rule says, wherever it stands."""
    return digest(_without_places(rule))


def _without_places(rule: Rule) -> tuple[Any, ...]:
    names, kind, params, result, branches, caveats, doc, examples, *rest = encode(rule)
    *options, call, function, _, _, _ = rest
    placeless = [tuple(branch[:3]) for branch in branches]
    texts = [example[:2] for example in examples]
    called = call and (*call[:2], [tuple(branch[:3]) for branch in call[2]])
    members = [_without_places(attribute) for attribute in rule.attributes]
    return names, kind, params, result, placeless, caveats, doc, texts, options, called, function, members
