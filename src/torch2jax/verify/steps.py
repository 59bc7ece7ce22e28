"""What a verification tells while it runs, so that something can be said of a program that never returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch2jax.report import Diagnostic
from torch2jax.verify.report import Outcome
from torch2jax.verify.texts import TranslatedFile


@dataclass(frozen=True, slots=True)
class Step:
    """What begins now, and what becomes of the case if it does not end (None: the case is not known yet).

    subject: what the step is about, so that it can be left out in a second try.
    """

    what: str
    outcome: Outcome | None = None
    subject: str = ""


@dataclass(frozen=True, slots=True)
class CaseBegins:
    """The case with this place in the list of cases begins."""

    number: int


@dataclass(frozen=True, slots=True)
class Texts:
    """The text of both programs, where a report shows it."""

    files: tuple[TranslatedFile, ...]


Event = Step | CaseBegins | Texts | Outcome | tuple[Diagnostic, ...]
"""A step or case that begins, the programs, the outcome of a run, or what the conversion found."""

Watch = Callable[[Event], object]


def unwatched(event: Event) -> None:
    """Nobody listens."""
