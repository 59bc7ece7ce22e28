"""What the command is asked to do, and what it tells; both travel between processes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from torch2jax.verify.cases import Case

Format: TypeAlias = Literal["orbax", "safetensors", "torch"]


@dataclass(frozen=True, slots=True)
class Request:
    """Bring a checkpoint to the other framework.

    translation: the translated file or package. source: the checkpoint. format: of the output. case: what to build
    (None: found out). to: "flax" or "torch", where source and output are both safetensors and neither says whose names
    it has. key: the dict in the checkpoint that is meant. like: a checkpoint of torch with the names that the output
    shall have, or with the order of the names in the source. partial: what fits is enough.
    """

    translation: Path
    source: Path
    format: Format
    case: Case | None = None
    to: Literal["flax", "torch"] | None = None
    key: str | None = None
    like: Path | None = None
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written.

    built: the model, as it was built. direction: whose names and axes the output has. arrays, size: how many, and
    their bytes. place, prefix: the dict of the source that was taken, and what was taken off its names. rivals: other
    dicts that fit as well. left_out: what else the source holds. problems: what does not fit, with --partial.
    """

    built: str
    direction: Literal["flax", "torch"]
    arrays: int
    size: int
    place: str = ""
    prefix: str = ""
    rivals: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()


Progress: TypeAlias = Callable[[int, int], object]
"""Called with how many arrays are done and how many there are."""
