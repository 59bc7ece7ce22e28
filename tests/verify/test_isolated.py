"""`torch2jax verify` with programs that end the process, crash or hang: one sentence, and never success."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from torch2jax.cli.verify import verify as command
from torch2jax.verify import Case, CaseError, Verdict, verify
from torch2jax.verify.failures import one_line

NET = (
    "from torch import nn\n\n\nclass Net(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    "        self.fc = nn.Linear(3, 4)\n\n    def forward(self, x):\n        {body}\n        return self.fc(x)\n\n\n"
)


def program(folder: Path, *, top: str = "", body: str = "pass") -> Path:
    path = folder / "net.py"
    path.write_text(NET.format(body=body) + top)
    return path


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(command, [*map(str, arguments)])
    assert "Traceback" not in result.output
    return result


@pytest.mark.parametrize(
    ("top", "words"),
    [
        (
            "import pack_that_is_not_there.x\n",
            "No module named 'pack_that_is_not_there' (net.py:14); install pack",
        ),
        ("import sys\nsys.exit(0)\n", "net: can't be imported: SystemExit: 0 (net.py:15)"),
        ("raise ValueError('no')\n", "net: can't be imported: ValueError: no (net.py:14)"),
        ("def f(:\n", "net: can't be imported: SyntaxError: invalid syntax (net.py, line 14)"),
        ("def get_inputs():\n    return 1 / 0\n", "net: its get_inputs can't be used: ZeroDivisionError"),
    ],
)
def test_an_original_that_can_not_be_imported_is_named(tmp_path: Path, top: str, words: str) -> None:
    with pytest.raises(CaseError) as raised:
        verify(program(tmp_path, top=top))
    assert words in str(raised.value)


def test_who_reads_standard_input_is_told_that_it_is_empty() -> None:
    error = EOFError("EOF when reading a line")
    assert one_line(error).endswith("; it reads standard input, which is empty while a program is verified")


def test_an_end_of_the_process_in_a_call_is_a_failure(tmp_path: Path) -> None:
    case = Case("Net", inputs=("f32[2,3]",), train=False, reason="one mode is enough")
    path = program(tmp_path, body="import sys; sys.exit(0)")
    outcome = verify(path, cases=[case], last="eval").outcomes[-1]
    assert (outcome.verdict, outcome.detail) == (Verdict.ORIGINAL_FAILS, "SystemExit: 0 (net.py:10)")
    plain = program(tmp_path)
    translation = tmp_path / "net_jax.py"
    translation.write_text("import sys\nsys.exit(0)\n")
    outcome = verify(plain, translation, cases=[case], last="imports").outcomes[-1]
    assert (outcome.verdict, outcome.detail) == (Verdict.FAILS, "SystemExit: 0 (net.py:2)")


def test_a_program_that_hangs_is_ended(tmp_path: Path) -> None:
    path = program(tmp_path, body="if x.sum() > 1e9: return x\n        while True: pass")
    report = tmp_path / "report.json"
    result = run(path, "--entry", "Net", "--input", "f32[2,3]", "--timeout", "10", "--report", report)
    assert result.exit_code == 1
    assert "running the original: did not end within 10 s (--timeout)" in result.output
    found = json.loads(report.read_text(), parse_constant=pytest.fail)
    assert found["ok"] is False
    verdicts = {outcome["rung"]: outcome["verdict"] for outcome in found["outcomes"]}
    assert verdicts == {
        **dict.fromkeys(("imports", "builds", "state", "initial"), "agrees"),
        "eval": "original fails",
    }


@pytest.mark.parametrize(
    ("top", "words"),
    [
        (
            "import os\nos._exit(0)\n",
            "net.py: importing it to find out what to run: ended the process",
        ),
        (
            "import os\nos.kill(os.getpid(), 11)\n",
            "net.py: importing it to find out what to run: the process was",
        ),
    ],
)
def test_a_program_that_takes_the_process_down_is_no_success(tmp_path: Path, top: str, words: str) -> None:
    result = run(program(tmp_path, top=top))
    assert result.exit_code == 2
    assert words in result.output


def test_inputs_without_end_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CaseError, match="do not fit into memory"):
        verify(program(tmp_path), cases=[Case("Net", inputs=("f32[99999999,99999999]",))])


def test_the_report_must_have_a_place(tmp_path: Path) -> None:
    result = run(program(tmp_path), "--report", tmp_path / "net.py" / "r.json")
    assert result.exit_code == 2
    assert "can't be made" in result.output


def test_a_program_that_needs_too_much_memory_is_ended(tmp_path: Path) -> None:
    path = program(tmp_path, body="import torch; held = [torch.ones(2**27) for _ in range(64)]")
    result = run(path, "--entry", "Net", "--input", "f32[2,3]", "--memory", "2")
    assert result.exit_code == 1
    assert "running the original: needed more than 2 GiB of memory (--memory)" in result.output


def test_the_cases_behind_one_that_dies_are_run(tmp_path: Path) -> None:
    path = program(tmp_path, body="import os; x.shape[0] == 50 and os._exit(3)")
    report = tmp_path / "report.json"
    entries = [word for n in (2, 50, 4) for word in ("--entry", "Net", "--input", f"f32[{n},3]", "--no-train")]
    result = run(path, *entries, "--report", report)
    assert result.exit_code == 1
    assert "running the original: ended the process with exit status 3" in result.output
    found = json.loads(report.read_text())
    failures = [o for o in found["outcomes"] if o["verdict"] == "original fails"]
    assert len(failures) == 1
    assert found["outcomes"].index(failures[0]) < len(found["outcomes"]) - 1
    assert [case["inputs"] for case in found["cases"]] == [["f32[2,3]"], ["f32[50,3]"], ["f32[4,3]"]]


def test_what_was_found_is_printed_so_that_it_can_be_repeated(tmp_path: Path) -> None:
    main = "if __name__ == '__main__':\n    import torch\n    Net()(torch.randn(5, 3))\n"
    path = program(tmp_path, top=main)
    report = tmp_path / "report.json"
    result = run(path, "--report", report)
    assert result.exit_code == 0, result.output
    command = f"torch2jax verify {path} --entry Net --input 'f32[5,3]'"
    assert f"Net(), from what its own example runs:\n  {command}\n" in result.output
    (case,) = json.loads(report.read_text())["cases"]
    assert (case["options"], case["origin"]) == ("--entry Net --input 'f32[5,3]'", "what its own example runs")


def test_an_example_that_takes_the_process_down_is_done_without(tmp_path: Path) -> None:
    path = program(tmp_path, top="if __name__ == '__main__':\n    import os\n    os._exit(7)\n")
    result = run(path)
    assert result.exit_code == 0, result.output
    assert "Net(), from its constructor and first layers" in result.output


def test_options_belong_to_the_entry_before_them(tmp_path: Path) -> None:
    result = run(program(tmp_path), "--input", "f32[2,3]", "--entry", "Net")
    assert result.exit_code == 2
    assert "--input needs --entry before it" in result.output


def test_a_package_that_is_missing_is_named_on_its_rung(tmp_path: Path) -> None:
    path = program(tmp_path, body="import package_that_is_not_there")
    outcomes = verify(path, cases=[Case("Net", inputs=("f32[2,3]",))], dtypes=["float64"]).outcomes
    (outcome,) = [o for o in outcomes if o.verdict is Verdict.ORIGINAL_FAILS]
    assert outcome.rung == "eval"
    assert outcome.detail.endswith("; install package_that_is_not_there beside torch first")
