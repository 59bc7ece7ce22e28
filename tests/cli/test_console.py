"""The terminal: tables, colours and the progress bar."""

import io
import sys
import time

import click
import pytest

from torch2jax.cli.console import print_findings, print_summary
from torch2jax.cli.progress import ProgressBar, VerifyStatus
from torch2jax.conversion import Conversion, Coverage
from torch2jax.report import Diagnostic
from torch2jax.verify.report import Outcome, Rung, Verdict
from torch2jax.verify.steps import Step


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """Makes stderr a terminal. No fixture: pytest sets stderr again between set-up and test."""
    stream = Terminal()
    monkeypatch.setattr(sys, "stderr", stream)
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("TERM", "xterm")
    return stream


def test_findings_are_grouped_by_file_and_in_order(capsys: pytest.CaptureFixture[str]) -> None:
    found = [
        Diagnostic.of("T2J301", "third", path="b.py", line=1),
        Diagnostic.of("T2J101", "second", path="a.py", line=9),
        Diagnostic.of("T2J201", "first", path="a.py", line=2, hint="h"),
    ]
    print_findings(found, {"a.py": ["x", "y"], "b.py": ["z"]})
    assert capsys.readouterr().err.splitlines() == [
        "a.py:2:1: warning T2J201: first",
        "    2 | y",
        "      | ^",
        "  hint: h",
        "a.py:9:1: error T2J101: second",
        "",
        "b.py:1:1: note T2J301: third",
    ]


def test_a_terminal_gets_colours_and_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    found = [Diagnostic.of("T2J101", "no", path="a.py", line=1), Diagnostic.of("T2J101", "no", path="a.py", line=2)]
    print_findings(found, {})
    assert "\x1b[31m\x1b[1merror T2J101\x1b[0m: no" in stream.getvalue()
    stream.truncate(0)
    files = {
        "a.py": Conversion("", tuple(found), 3, Coverage(6, 2, 0)),
        "b.py": Conversion("", (), 0, Coverage(1, 0, 0)),
        "c.py": Conversion(""),
    }
    print_summary(files, found)
    text = click.unstyle(stream.getvalue())
    words = [line.split() for line in text.splitlines()]
    assert ["T2J101", "2", "no", "rule", "for", "this", "API"] in words
    assert ["b.py", "1", "0", "0", "100", "%", "0"] in words
    assert ["a.py", "6", "2", "0", "75", "%", "3"] in words
    assert "c.py" not in text
    assert "3 files: 7 translated, 2 flagged, 0 dropped (78 %), 3 transposes" in text
    assert "2 errors." in text


def test_the_bar_appears_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    with ProgressBar("converting", delay=0.05) as progress:
        progress(1, 4)
        assert stream.getvalue() == ""
        deadline = time.monotonic() + 30
        while "converting" not in stream.getvalue() and time.monotonic() < deadline:
            time.sleep(0.01)
        progress(2, 4)
    assert "converting" in stream.getvalue()
    assert "50%" in stream.getvalue()


def test_work_that_is_quick_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    with ProgressBar("converting", delay=60) as progress:
        progress(1, 2)
    assert stream.getvalue() == ""


def test_there_is_no_bar_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with ProgressBar("converting", delay=0) as progress:
        progress(1, 2)
        time.sleep(0.05)
    assert stream.getvalue() == ""


def test_a_verification_names_its_case_rung_and_step(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = terminal(monkeypatch)
    died = Outcome("Net([4])", Rung.GRADIENTS, "float64", Verdict.FAILS)
    with VerifyStatus(delay=0.05) as status:
        status.watch(Step("converting"))
        status.watch(Step("differentiating the original", died))
        deadline = time.monotonic() + 30
        while "Net([4]): gradients: differentiating the original" not in stream.getvalue():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        status.above(lambda: stream.write("said above\n"))
    assert "said above" in stream.getvalue()


def test_a_verification_says_nothing_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    with VerifyStatus(delay=0) as status:
        status.watch(Step("converting"))
        time.sleep(0.05)
    assert stream.getvalue() == ""
