"""A script that runs as if Python ran it, and is recorded."""

import sys
from pathlib import Path
from typing import Any

import pytest

from torch2jax.verify.scripts.job import Job, Recorder, as_script, run_script
from torch2jax.verify.scripts.recording import Recording


def ran(tmp_path: Path, text: str, *arguments: str, **settings: Any) -> tuple[Recording, dict[str, Any]]:
    """Run a script that finds a function `loss`, which records one."""
    script = tmp_path / "train.py"
    script.write_text(text)
    job = Job(script, tmp_path, tmp_path, arguments, silent=True, **settings)
    recorder = Recorder(job, lambda message: None)

    def loss(value: float) -> None:
        recorder.begins()
        recorder.loss(value, recorder.place())

    with as_script(job, recorder) as module:
        vars(module)["loss"] = loss
        run_script(job, recorder, module)
    return recorder.recording, vars(module)


@pytest.fixture(autouse=True)
def back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The working directory is put back."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


def test_a_script_finds_its_name_arguments_folder_and_neighbours(tmp_path: Path) -> None:
    (tmp_path / "beside_it.py").write_text("VALUE = 3\n")
    text = (
        "import os, sys\nfrom beside_it import VALUE\nx = __name__, sys.argv[1:], os.getcwd(), VALUE\nprint('a', 1)\n"
    )
    recording, names = ran(tmp_path, text, "--epochs", "2")
    del sys.modules["beside_it"]
    assert names["x"] == ("__main__", ["--epochs", "2"], str(tmp_path), 3)
    assert "".join(piece.text for piece in recording.printed) == "a 1\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("import sys\nsys.exit(0)\n", ""),
        ("import sys\nsys.exit()\n", ""),
        ("import sys\nsys.exit(2)\n", "SystemExit: 2 (train.py:2)"),
        ("x = 1\n1 / 0\n", "ZeroDivisionError: division by zero (train.py:2)"),
        ("def f(:\n", "SyntaxError: invalid syntax (train.py, line 1)"),
        ("import not_there_at_all\n", "install not_there_at_all beside torch first"),
    ],
)
def test_how_a_script_ends_is_a_sentence(tmp_path: Path, text: str, error: str) -> None:
    recording, _ = ran(tmp_path, text)
    assert error in recording.error
    assert bool(recording.error) == bool(error)


def test_losses_have_lines_and_prints_have_losses(tmp_path: Path) -> None:
    recording, _ = ran(tmp_path, "loss(1.0)\nprint('x')\nloss(0.5)\n")
    assert [(loss.value, str(loss.place)) for loss in recording.losses] == [(1.0, "train.py:1"), (0.5, "train.py:3")]
    assert recording.losses[0].place is not None
    assert recording.losses[0].place.text == "loss(1.0)"
    assert recording.printed[0].losses == 1


def test_a_script_is_stopped_before_the_next_loss_whatever_it_catches(tmp_path: Path) -> None:
    text = "while True:\n    try:\n        loss(1.0)\n    except Exception:\n        pass\n"
    recording, _ = ran(tmp_path, text, steps=3)
    assert (len(recording.losses), recording.stopped, recording.error) == (3, True, "")
