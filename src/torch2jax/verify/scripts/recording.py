"""What one run of a script leaves behind, as data that another process can read."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from torch2jax.weights.arrays import Array


@dataclass(frozen=True, slots=True)
class Place:
    """A line of the program. file: relative to the program's folder."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Loss:
    """A number that was differentiated, and the line that did so.

    value: the root of the differentiation; where it has several elements or gradients of its own, their inner product.
    updates: how many times an optimizer had changed the parameters before.
    """

    value: float
    place: Place | None
    updates: int = 0


@dataclass(frozen=True, slots=True)
class Printed:
    """A piece of text that went to standard output when that many losses had been differentiated."""

    text: str
    losses: int


@dataclass(slots=True)
class Root:
    """A model that the program built, and that holds arrays: what its outermost constructor returned.

    number: its place among the models of the original. kind: the name of its class. own: whether the program defines
    the class. names: of the arrays, as torch has them; buffers: those among them that are buffers. first: the arrays
    when the constructor returned. later: those that were drawn anew until they were first used. last: the arrays at
    the end; empty for a part of another model. label: the global that means it, or else its class.
    """

    number: int
    kind: str
    own: bool
    place: Place | None
    names: tuple[str, ...] = ()
    buffers: tuple[str, ...] = ()
    first: dict[str, Array] = field(default_factory=dict)
    later: dict[str, Array] = field(default_factory=dict)
    last: dict[str, Array] = field(default_factory=dict)
    label: str = ""


@dataclass(slots=True)
class Recording:
    """One run of one program.

    updates: how many times an optimizer has changed parameters. error: why it ended before its end, in a sentence, or
    "". stopped: after as many losses as were asked for. roots: the models in the order in which they were built.
    models: the names in the module's globals that mean a model, with its arrays under torch's names. values: the arrays
    and numbers in the other globals, by name, each by path. unshared, draws: random numbers that were drawn, as in
    `Draws`. weights: why the original's weights do not fit the translation, or "". seconds: from the first line to the
    last.
    """

    losses: list[Loss] = field(default_factory=list)
    updates: int = 0
    printed: list[Printed] = field(default_factory=list)
    roots: list[Root] = field(default_factory=list)
    models: dict[str, dict[str, Array]] = field(default_factory=dict)
    values: dict[str, dict[str, Any]] = field(default_factory=dict)
    unshared: tuple[str, ...] = ()
    draws: dict[tuple[str, tuple[int, ...]], int] = field(default_factory=dict)
    error: str = ""
    stopped: bool = False
    weights: str = ""
    seconds: float = float("nan")


@dataclass(frozen=True, slots=True)
class Progress:
    """How many losses a running program has differentiated; None before its first line runs."""

    losses: int | None = None
