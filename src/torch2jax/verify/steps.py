"""What a verification tells while it runs, so that something can be said of a program that never returns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from torch2jax.report import Diagnostic
from torch2jax.verify.report import Outcome


@dataclass(frozen=True, slots=True)
class Step:
    """What begins now, and what becomes of the case if it does not end (None: the case is not known yet)."""

    what: str
    outcome: Outcome | None = None


Event = Step | Outcome | tuple[Diagnostic, ...]
"""A step that begins, the outcome of a run, or what the conversion found."""

Watch = Callable[[Event], object]


def unwatched(event: Event) -> None:
    """Nobody listens."""
