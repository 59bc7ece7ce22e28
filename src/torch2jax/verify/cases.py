"""What to build and with what to call it, and the `verify.toml` beside a source that says so."""

from __future__ import annotations

import shlex
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from torch2jax.verify.inputs import InputError, parse_inputs

SETTINGS = "verify.toml"

_TYPES: Mapping[str, type | tuple[type, ...]] = {
    "entry": str,
    "args": str,
    "inputs": list,
    "dropout_args": str,
    "train": bool,
    "reason": str,
    "method": str,
    "name": str,
}


class CaseError(ValueError):
    """A case that can't be run as it is written, with the file and what to change."""


@dataclass(frozen=True, slots=True)
class Case:
    """One construction and one call.

    entry: a class, a function that builds a module, or a plain function; `module:name` in a package.
    args: call arguments of the constructor, as Python source that is evaluated in each program's own module.
    inputs: specifications as in `torch2jax.verify.inputs`.
    dropout_args: arguments added for the comparison in train mode, to switch dropout off.
    train: whether train mode is compared; where not, ``reason`` says why.
    method: what to call on the module.
    origin: where the case comes from, for reports: "verify.toml", "its __main__ block", ...
    """

    entry: str
    args: str = ""
    inputs: tuple[str, ...] = ()
    dropout_args: str = ""
    train: bool = True
    reason: str = ""
    method: str = "forward"
    name: str = ""
    origin: str = field(default="", compare=False)

    @property
    def title(self) -> str:
        """How the case is called in reports."""
        return self.name or f"{self.entry}({self.args})"

    @property
    def options(self) -> str:
        """The options of `torch2jax verify` that run this case again, quoted for a shell."""
        words = ["--entry", self.entry]
        words += ["--args", self.args] if self.args else []
        words += [word for spec in self.inputs for word in ("--input", spec)]
        words += ["--method", self.method] if self.method != "forward" else []
        words += ["--dropout-args", self.dropout_args] if self.dropout_args else []
        words += [] if self.train else ["--no-train"]
        return shlex.join(words)


def read_cases(path: Path) -> list[Case]:
    """The cases of a `verify.toml`. Raises CaseError with the file, the case's number and what is wrong."""
    try:
        data = tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CaseError(f"{path}: not valid TOML: {error}") from None
    except OSError as error:
        raise CaseError(f"{path}: can't be read: {error.strerror}") from None
    cases = data.get("case")
    if not isinstance(cases, list) or not cases or not all(isinstance(case, dict) for case in cases):
        raise CaseError(f"{path}: write at least one [[case]] with an entry and inputs")
    return [_case(path, number, table) for number, table in enumerate(cases, 1)]


def _case(path: Path, number: int, table: Mapping[str, Any]) -> Case:
    where = f"{path}: case {number}"
    for key, value in table.items():
        if key not in _TYPES:
            raise CaseError(f"{where}: {key!r} is not a setting; there are {', '.join(_TYPES)}")
        if not isinstance(value, _TYPES[key]):
            raise CaseError(f"{where}: {key} must be of type {getattr(_TYPES[key], '__name__', _TYPES[key])}")
    if "entry" not in table:
        raise CaseError(f"{where}: `entry` is missing: the class or function to build")
    if table.get("train") is False and not table.get("reason"):
        raise CaseError(f"{where}: train = false needs a `reason`")
    values = dict(table)
    values["inputs"] = tuple(str(item) for item in values.get("inputs", ()))
    try:
        parse_inputs(values["inputs"])
    except InputError as error:
        raise CaseError(f"{where}: {error}") from None
    return Case(**values, origin=SETTINGS)
