"""Where two programs part, and how far their layers are from each other, as data."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """A line of a program: the file relative to its root, the line from 1, and its text."""

    file: str
    line: int
    text: str

    def __str__(self) -> str:
        """`file:line: text`."""
        return f"{self.file}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True)
class Departure:
    """How far two arrays are from each other: the largest errors, where the largest is, and both shapes.

    ``problem`` says in words what no number says: another shape, another kind of dtype, NaN or infinity.
    """

    path: str
    shapes: tuple[tuple[int, ...], tuple[int, ...]]
    max_abs: float = float("nan")
    max_rel: float = float("nan")
    index: tuple[int, ...] = ()
    problem: str = ""

    def __str__(self) -> str:
        """In words."""
        if self.problem:
            return self.problem
        torch_shape, jax_shape = self.shapes
        shape = f"shape {torch_shape}" if torch_shape == jax_shape else f"shapes {torch_shape} and {jax_shape}"
        at = f", largest at {list(self.index)}" if self.index else ""
        return f"max abs error {self.max_abs:.1e}, relative {self.max_rel:.1e}{at}, {shape}"


@dataclass(frozen=True, slots=True)
class Found:
    """A place where the two programs part.

    what: the name of the value, or of the layer. called: where the layer is called, if the place is where it is built.
    departure: how far the values are apart; None where the translation raised or nothing can be measured.
    """

    what: str
    original: Place | None
    translation: Place | None
    departure: Departure | None = None
    called: Place | None = None

    def lines(self) -> list[str]:
        """For people: both lines, and how the values differ."""
        how = f"{self.what or 'the value'}: {self.departure}" if self.departure is not None else self.what
        text = [f"first departs here{f' ({how})' if how else ''}:"]
        text += [f"  torch {self.original}"] if self.original is not None else []
        text += [f"  jax   {self.translation}"] if self.translation is not None else []
        text += [f"  called in {self.called}"] if self.called is not None else []
        return text


@dataclass(frozen=True, slots=True)
class LayerError:
    """How far what a module gave is from what its counterpart in the translation gave, over all its calls in one run.

    name: torch's; empty for the whole model. kind, twin: the two classes (or the function in place of a layer). calls:
    how many were compared. max_abs, max_rel: the largest errors of what it gave, NaN where no array was compared.
    given_rel: that of what it was given. problem: what no number says. built: the line that builds it.
    """

    name: str
    kind: str
    twin: str = ""
    calls: int = 0
    max_abs: float = float("nan")
    max_rel: float = float("nan")
    given_rel: float = float("nan")
    problem: str = ""
    built: Place | None = None
