"""Prove that a translation computes what its original computes.

`verify(path)` converts a file or package, builds both programs, carries the weights over, and compares the results.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from torch2jax.options import Options
from torch2jax.verify.cases import Case, CaseError
from torch2jax.verify.report import Outcome, Rung, Verdict, VerifyReport
from torch2jax.verify.steps import CaseBegins, Step, Texts, Watch, unwatched
from torch2jax.verify.texts import TranslatedFile, translated_files

__all__ = ["Case", "CaseError", "Outcome", "Rung", "Verdict", "VerifyReport", "verify"]


def verify(
    path: str | Path,
    translation: str | Path | None = None,
    *,
    cases: Sequence[Case] | None = None,
    options: Options | None = None,
    dtypes: Sequence[str] = ("float64", "float32", "bfloat16"),
    train_steps: int = 5,
    last: str = "bfloat16",
    detailed: bool = False,
    watch: Watch = unwatched,
) -> VerifyReport:
    """Compare a PyTorch file, or package, with its translation.

    Args:
        path: the original. What it imports from its own folder is converted too.
        translation: a finished translation; by default the source is converted now.
        cases: what to build and call; by default those of `verify.toml` in the same folder or of comments in the
            source, else what the file itself offers (see `torch2jax.verify.discovery`).
        options: of the conversion.
        dtypes: "float64" decides whether the two agree, and is always run; "float32" and "bfloat16" show what a user
            sees.
        train_steps: how many steps of gradient descent are compared.
        last: the highest rung, by its name in `Rung`.
        detailed: tell also how far each layer is from its counterpart, and the text of both programs line by line.
        watch: called with each step that begins and with each outcome.

    Raises:
        CaseError: nothing can be run as asked. OSError, UnicodeDecodeError: the source can't be read.
    """
    from torch2jax.verify.line_map import LineMap
    from torch2jax.verify.programs import translated
    from torch2jax.verify.run import Plan, run_cases

    path = Path(path).resolve()
    given = None if translation is None else Path(translation).resolve()
    left_out: Sequence[str] = ()
    if cases is None:
        cases, left_out = _chosen(path, watch)
    watch(Step("converting"))
    with translated(path, given, options or Options()) as programs:
        watch(programs.diagnostics)
        lines = cache(lambda: LineMap.of(programs))
        files: tuple[TranslatedFile, ...] = ()
        if detailed:
            watch(Step("finding out which lines belong together"))
            files = translated_files(programs, lines)
            watch(Texts(files))
        plan = Plan(tuple(dtypes), train_steps, Rung(last), layers=detailed)
        outcomes = []
        for number, case in enumerate(cases):
            watch(CaseBegins(number))
            for outcome in run_cases(programs, [case], plan, watch, lines):
                outcomes.append(outcome)
                watch(outcome)
        diagnostics, shown = programs.diagnostics, None if given is None else str(given)
        return VerifyReport(str(path), tuple(outcomes), diagnostics, tuple(cases), tuple(left_out), files, shown)


def _chosen(path: Path, watch: Watch) -> tuple[Sequence[Case], Sequence[str]]:
    """What is written down, or else what the program offers; and a sentence for each class without a case."""
    from torch2jax.verify.written import written_cases

    cases = written_cases(path)
    if cases:
        return cases, ()
    from torch2jax.verify.discovery import discover

    watch(Step("importing it to find out what to run"))
    found = discover(path, watch=watch)
    return found.cases, found.left_out
