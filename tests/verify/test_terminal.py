"""What a verification prints: short where all is well, and nothing that a narrow terminal breaks."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from rich.console import Console

from torch2jax.report import Diagnostic
from torch2jax.verify.found import Found, Place
from torch2jax.verify.report import Outcome, Rung, Verdict, VerifyReport
from torch2jax.verify.terminal import print_report


def ladder(case: str, *, wrong: bool = False) -> list[Outcome]:
    plain = [Outcome(case, rung, "float64", Verdict.AGREES, seconds=0.5) for rung in list(Rung)[:3]]
    good = Outcome(case, Rung.EVAL, "float64", Verdict.AGREES, 1e-16, 2e-15, seconds=1.0)
    train = Outcome(case, Rung.TRAIN, "float64", Verdict.INFORMATION, detail="left out: random")
    if not wrong:
        return [*plain, good, train]
    place = Found("y", Place("net.py", 3, "y = x"), Place("net_jax.py", 4, "y = -x"))
    bad = replace(good, verdict=Verdict.DIFFERS, max_rel=2.0, detail="worst at [0]", place=place)
    return [*plain, bad, *(Outcome(case, rung, "float64", Verdict.NOT_REACHED) for rung in (Rung.TRAIN, Rung.JIT))]


def printed(outcomes: list[Outcome], width: int = 100, diagnostics: tuple[Diagnostic, ...] = ()) -> str:
    stream = io.StringIO()
    print_report(VerifyReport("net.py", tuple(outcomes), diagnostics), Console(file=stream, width=width))
    return stream.getvalue()


def test_rungs_without_numbers_share_a_row() -> None:
    lines = printed(ladder("Net()")).splitlines()
    (row,) = [line for line in lines if "imports" in line]
    assert row.split() == ["imports,", "builds,", "state", "1.5", "agrees"]
    assert " train: left out: random" in lines
    assert lines[-1] == "1 case agrees."


def test_rungs_that_were_not_reached_are_one_line() -> None:
    text = printed(ladder("Net()", wrong=True))
    assert text.count("not reached") == 1
    assert " not reached: train, jit" in text
    assert "torch net.py:3: y = x" in text
    assert text.endswith("Net(): eval DIFFERS.\n")


def test_among_many_cases_those_that_agree_have_a_line_each() -> None:
    cases = [ladder(f"Net({n})") for n in range(3)] + [ladder("Bad()", wrong=True)]
    text = printed([outcome for case in cases for outcome in case])
    assert "Net(1): agrees (5 rungs, relative error at most 2.0e-15); train: left out: random\n" in text
    assert text.count("rel error") == 1
    assert text.endswith("3 of 4 cases agree; Bad(): eval DIFFERS.\n")


def test_cases_with_the_same_title_stay_apart() -> None:
    assert printed([*ladder("Net()"), *ladder("Net()")]).endswith("2 cases agree.\n")


@pytest.mark.parametrize("width", [40, 63])
def test_a_narrow_terminal_gets_fewer_columns(width: int) -> None:
    text = printed(ladder("Net(with=a, [dim]=8)"), width)
    assert "abs error" not in text
    assert "2.0e-15" in text
    assert "[dim]" in text
    table = text.split("train:")[0].splitlines()
    assert max(map(len, table)) <= width


def test_what_was_not_translated_is_said_at_the_end() -> None:
    flagged = (Diagnostic.of("T2J101", "torch.foo has no rule", path="net.py", line=1),)
    text = printed(ladder("Net()"), diagnostics=flagged)
    assert "T2J101: torch.foo has no rule" in text
    assert text.endswith("1 case agrees; 1 use of torch not translated.\n")


def test_a_long_note_is_cut_and_a_short_one_is_not() -> None:
    outcomes = [replace(outcome, detail="x" * 400) for outcome in ladder("Net()")[-1:]]
    assert "x" * 400 in printed(outcomes, 80)
    outcomes = [replace(outcome, detail="x" * 4000) for outcome in outcomes]
    assert "x" * 601 not in printed(outcomes, 80)
