"""What a verification found, as data. `docs/verify-report.schema.json` describes the JSON."""

from __future__ import annotations

import enum
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

from torch2jax.report import Diagnostic, Severity
from torch2jax.verify.cases import Case
from torch2jax.verify.compare import ArrayError
from torch2jax.verify.found import Found, LayerError
from torch2jax.verify.texts import TranslatedFile
from torch2jax.version import __version__

SCHEMA = 1
"""Counts the versions of the JSON."""


class Rung(enum.StrEnum):
    """What is compared, in the order in which it is reached. docs/verify.md says what each one means."""

    IMPORTS = "imports"
    BUILDS = "builds"
    STATE = "state"
    INITIAL = "initial"
    EVAL = "eval"
    CALL = "call"  # a plain function, in place of eval
    TRAIN = "train"
    BUFFERS = "buffers"
    GRADIENTS = "gradients"
    STEPS = "steps"
    JIT = "jit"
    SIZES = "sizes"
    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    RUNS = "runs"  # of a script, like the next ones
    WEIGHTS = "weights"
    LOSSES = "losses"
    MODELS = "models"
    GLOBALS = "globals"
    PRINTS = "prints"


class Verdict(enum.StrEnum):
    """What became of one rung."""

    AGREES = "agrees"
    ROUGH = "rough"  # a lower precision differs by more than rounding usually does; float64 decides
    KINKS = "differs at kinks"  # only where the function has no derivative, as shown at a point beside it
    INFORMATION = "-"  # nothing to compare, and the detail says why
    DIFFERS = "DIFFERS"
    FAILS = "FAILS"  # the translation raised
    UNTRACEABLE = "can't be traced"  # the translation runs, but not under jax.jit, and no diagnostic said so
    UNMATCHED = "other draws"  # the two sides draw different random numbers, so that values can't be compared
    UNDECIDED = "undecided"  # float64 does not determine the result well enough to see a mistake
    ORIGINAL_FAILS = "original fails"
    NOT_REACHED = "not reached"  # it rests on a rung that failed


GOOD = frozenset((Verdict.AGREES, Verdict.ROUGH, Verdict.KINKS, Verdict.INFORMATION))
"""Verdicts that hold nothing against the translation."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One rung of one case.

    dtype: the precision that was compared. max_abs, max_rel: the largest errors (NaN where no array was compared).
    arrays: the errors of each array. losses: of the steps, in torch and in the translation. seconds: both sides.
    place: the first place where the two programs part, as far as it was found. layers: how far each module is from its
    counterpart, where that was asked for.
    """

    case: str
    rung: Rung
    dtype: str
    verdict: Verdict
    max_abs: float = float("nan")
    max_rel: float = float("nan")
    detail: str = ""
    arrays: tuple[ArrayError, ...] = ()
    losses: tuple[tuple[float, ...], tuple[float, ...]] | None = None
    place: Found | None = None
    layers: tuple[LayerError, ...] = ()
    seconds: float = float("nan")

    def to_json(self) -> dict[str, Any]:
        """The outcome as JSON data, which knows no NaN and no infinity."""
        return {key: _jsonable(value) for key, value in asdict(self).items()}


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """All outcomes for one path, and what the conversion reported about it.

    cases: what was run. left_out: a sentence for each class that nobody knew how to run. files: the text of both
    programs, where that was asked for. translation: the path of a finished translation; None if it was made now.
    """

    path: str
    outcomes: tuple[Outcome, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    cases: tuple[Case, ...] = ()
    left_out: tuple[str, ...] = ()
    files: tuple[TranslatedFile, ...] = ()
    translation: str | None = None

    @property
    def flagged(self) -> bool:
        """Whether the conversion had errors."""
        return any(d.severity is Severity.ERROR for d in self.diagnostics)

    @property
    def agrees(self) -> bool:
        """Whether every rung was reached and every float64 result is the same."""
        return any(o.verdict is Verdict.AGREES for o in self.outcomes) and not self.bad

    @property
    def bad(self) -> tuple[Outcome, ...]:
        """The outcomes that stand against the translation, or leave it unproven."""
        return tuple(o for o in self.outcomes if o.verdict not in GOOD)

    @property
    def by_case(self) -> list[list[Outcome]]:
        """The outcomes of each case. Two cases may have the same title; each begins with its first rung."""
        found: list[list[Outcome]] = []
        for outcome in self.outcomes:
            if not found or outcome.case != found[-1][0].case or outcome.rung is Rung.IMPORTS:
                found.append([])
            found[-1].append(outcome)
        return found

    @property
    def summary(self) -> str:
        """One sentence: how many cases agree, and which do not."""
        failed = [(rows[0].case, wrong) for rows in self.by_case if (wrong := reasons(rows))]
        total, good = len(self.by_case), len(self.by_case) - len(failed)
        parts = [f"{case}: {wrong}" for case, wrong in failed]
        flags = sum(d.severity is Severity.ERROR for d in self.diagnostics)
        parts += [f"{_count(flags, 'use')} of torch not translated"] if flags else []
        if not failed:
            parts.insert(0, f"{_count(total, 'case')} {'agrees' if total == 1 else 'agree'}")
        elif total > 1:
            parts.insert(0, f"{good} of {total} cases {'agrees' if good == 1 else 'agree'}")
        return f"{'; '.join(parts)}."

    @property
    def ok(self) -> bool:
        """Whether the translation is complete and agrees."""
        return self.agrees and not self.flagged

    def to_json(self) -> dict[str, Any]:
        """The report as JSON data."""
        return {
            "schema": SCHEMA,
            "torch2jax": __version__,
            "path": self.path,
            "translation": self.translation,
            "ok": self.ok,
            "summary": self.summary,
            "cases": [{**asdict(case), "options": case.options} for case in self.cases],
            "left_out": list(self.left_out),
            "outcomes": [outcome.to_json() for outcome in self.outcomes],
            "diagnostics": [d.to_json() for d in self.diagnostics],
            "files": [file.to_json() for file in self.files],
        }


def reasons(outcomes: Iterable[Outcome]) -> str:
    """The rungs of one case that failed, with their verdicts; "" where none did."""
    bad = [o for o in outcomes if o.verdict not in GOOD]
    failed = [o for o in bad if o.verdict is not Verdict.NOT_REACHED]  # the others follow from these
    return ", ".join(f"{o.rung} {o.verdict}" for o in failed or bad[:1])


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _jsonable(value: Any) -> Any:
    if isinstance(value, float):
        return value if abs(value) < float("inf") else None
    if isinstance(value, dict):
        return {key: _jsonable(item) for key, item in value.items()}
    if isinstance(value, Iterable) and not isinstance(value, str):
        return [_jsonable(item) for item in value]
    return value
