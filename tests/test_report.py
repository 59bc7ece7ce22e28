"""Diagnostics as text and as JSON, and the registry of codes."""

import re
import runpy
from pathlib import Path

import pytest

from torch2jax.conversion import Conversion, Coverage, ProjectReport
from torch2jax.options import Options
from torch2jax.report import CODES, Diagnostic, Severity, count_by_severity, severity_of

ROOT = Path(__file__).parent.parent
GENERATE = runpy.run_path(str(ROOT / "docs/generate.py"))


def test_severity_comes_from_the_hundreds() -> None:
    assert {code[3]: severity_of(code) for code in CODES} == {
        "1": Severity.ERROR,
        "2": Severity.WARNING,
        "3": Severity.NOTE,
        "4": Severity.WARNING,
    }
    with pytest.raises(KeyError):
        severity_of("T2J999")
    with pytest.raises(KeyError):
        Diagnostic.of("X1", "no such code")


def test_every_code_is_well_formed_and_says_what_to_do() -> None:
    assert list(CODES) == sorted(CODES)
    for code, info in CODES.items():
        assert re.fullmatch(r"T2J[1-4]\d\d", code)
        assert not info.title.endswith(".")
        assert info.why.endswith(".")
        assert info.what_to_do.endswith(".")


def test_the_pages_of_the_rules_are_up_to_date() -> None:
    texts = GENERATE["rule_pages"]()
    folder = ROOT / "docs" / "rules"
    assert {path.name for path in folder.glob("*.md")} == set(texts)
    for name, text in texts.items():
        assert (folder / name).read_text(encoding="utf-8") == text, "run docs/generate.py"


def test_the_documentation_is_up_to_date() -> None:
    page = GENERATE["diagnostics_page"]()
    assert (ROOT / "docs/diagnostics.md").read_text(encoding="utf-8") == page, "run `make docs`"
    assert all(f"## {code} {info.title}\n" in page for code, info in CODES.items())


def test_the_page_on_training_is_up_to_date() -> None:
    assert (ROOT / "docs/training.md").read_text(encoding="utf-8") == GENERATE["training_page"](), "run `make docs`"


def test_the_samples_in_the_readme_are_up_to_date() -> None:
    assert (ROOT / "README.md").read_text(encoding="utf-8") == GENERATE["readme"](), "run `make docs`"


@pytest.mark.parametrize(
    ("line", "place", "excerpt"),
    [
        ("x = torch.foo(y)", {"column": 4, "end_column": 13}, ["    1 | x = torch.foo(y)", "      |     ^^^^^^^^^"]),
        ("\tx = foo()", {"column": 5, "end_column": 8}, ["    1 |     x = foo()", "      |         ^^^"]),
        (
            "s = '漢字'; foo()",
            {"column": 10, "end_column": 13},
            ["    1 | s = '漢字'; foo()", "      |             ^^^"],
        ),
        ("e\u0301 = foo()", {"column": 5, "end_column": 8}, ["    1 | e\u0301 = foo()", "      |     ^^^"]),
        ("foo(", {"column": 0, "end_line": 3, "end_column": 1}, ["    1 | foo(", "      | ^^^^"]),
        ("foo", {"column": 0}, ["    1 | foo", "      | ^"]),
        ("foo", {"column": 99, "end_column": 120}, ["    1 | foo", "      |    ^"]),
        ("foo\r\n", {"column": 2, "end_line": 1, "end_column": 3}, ["    1 | foo", "      |   ^"]),
    ],
)
def test_carets_stand_below_the_code(line: str, place: dict[str, int], excerpt: list[str]) -> None:
    found = Diagnostic.of("T2J101", "no", path="a.py", line=1, **place)
    assert found.text([line]).split("\n")[1:] == excerpt


def test_text_with_and_without_a_place() -> None:
    found = Diagnostic.of("T2J201", "maybe", hint="look", path="a.py", line=2, column=3)
    assert found.text() == "a.py:2:4: warning T2J201: maybe\n  hint: look"
    assert found.text(["only one line"]) == found.text()
    assert Diagnostic.of("T2J301", "gone", path="a.py").text(["x"]) == "a.py: note T2J301: gone"
    assert Diagnostic.of("T2J301", "gone").headline == "<string>: note T2J301: gone"


def test_json_counts_lines_and_columns_from_one() -> None:
    found = Diagnostic.of("T2J101", "no", path="a.py", line=2, column=3, end_line=2, end_column=5)
    assert found.to_json() == {
        "code": "T2J101",
        "severity": "error",
        "message": "no",
        "path": "a.py",
        "line": 2,
        "column": 4,
        "end_line": 2,
        "end_column": 6,
    }
    assert Diagnostic.of("T2J301", "gone", hint="h").to_json() == {
        "code": "T2J301",
        "severity": "note",
        "message": "gone",
        "hint": "h",
        "path": "",
    }


def test_counts_have_all_severities() -> None:
    found = [Diagnostic.of("T2J101", ""), Diagnostic.of("T2J102", ""), Diagnostic.of("T2J301", "")]
    assert count_by_severity(found) == {Severity.ERROR: 2, Severity.WARNING: 0, Severity.NOTE: 1}


def test_options_refuse_what_does_not_exist() -> None:
    with pytest.raises(ValueError, match="interface must be one of nchw, nhwc, not 'hwcn'"):
        Options(interface="hwcn")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="init must be one of torch, flax"):
        Options(init="jax")  # type: ignore[arg-type]
    assert Options(rules_dirs=("a",)).rules_dirs == (Path("a"),)  # type: ignore[arg-type]


def test_coverage_adds_up() -> None:
    assert Coverage().percent == 100.0
    assert Coverage(2, 1, 1).percent == 75.0
    assert Coverage(1, 2, 3) + Coverage(10, 20, 30) == Coverage(11, 22, 33)


def test_a_project_is_ok_when_every_file_is() -> None:
    warning, error = Diagnostic.of("T2J201", "", path="b"), Diagnostic.of("T2J101", "", path="a")
    good, bad = Conversion("", (warning,), coverage=Coverage(1)), Conversion("", (error,), coverage=Coverage(0, 1))
    assert good.ok
    assert not bad.ok
    assert ProjectReport({"b": good}).ok
    report = ProjectReport({"b": good, "a": bad})
    assert not report.ok
    assert report.diagnostics == (error, warning)
    assert report.coverage == Coverage(1, 1)
    assert not ProjectReport({}, notes=(Diagnostic.of("T2J109", ""),)).ok
