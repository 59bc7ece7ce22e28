"""`torch2jax verify` with programs that end the process, crash or hang: one sentence, and never success."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from torch2jax.cli.verify import verify as command
from torch2jax.verify import Case, CaseError, Verdict, verify

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


def test_an_end_of_the_process_in_a_call_is_a_failure(tmp_path: Path) -> None:
    case = Case("Net", inputs=("f32[2,3]",), train=False, reason="one mode is enough")
    path = program(tmp_path, body="import sys; sys.exit(0)")
    outcome = verify(path, cases=[case], last="eval").outcomes[-1]
    assert (outcome.verdict, outcome.detail) == (Verdict.ORIGINAL_FAILS, "SystemExit: 0")
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
    assert verdicts == {"imports": "agrees", "builds": "agrees", "state": "agrees", "eval": "original fails"}


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
