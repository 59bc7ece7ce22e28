"""Which cases of a verification are worth measuring: those whose results agree."""

from __future__ import annotations

from torch2jax.verify.cases import Case
from torch2jax.verify.report import GOOD, Rung, VerifyReport


def title_of(case: Case) -> str:
    """How a case is called beside others of the same object."""
    return case.title if case.method == "forward" else f"{case.title}.{case.method}"


def worth_measuring(report: VerifyReport) -> tuple[list[Case], list[str]]:
    """The cases whose call agrees, and a sentence about each other one."""
    cases, sentences = [], []
    for case in report.cases:
        calls = [o for o in report.outcomes if o.case == case.title and o.rung in (Rung.EVAL, Rung.CALL)]
        bad = next((o for o in calls if o.verdict not in GOOD), None)
        if calls and bad is None:
            cases.append(case)
        else:
            why = "it was not run" if bad is None else f"{bad.rung}: {bad.verdict}"
            sentences.append(f"{title_of(case)} is not measured ({why})")
    if not report.cases:
        sentences.append("nothing is measured: the verification came to no end")
    return cases, sentences
