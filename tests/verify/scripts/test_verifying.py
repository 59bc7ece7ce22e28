"""Whole scripts and hand-written translations of them: right ones agree, and each mistake is found and named."""

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from torch2jax.cli.verify import verify as command

PROGRAMS = Path(__file__).parent / "programs"


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has one of its own."""
    monkeypatch.chdir(tmp_path)


def program(name: str) -> Path:
    """A copy of a program and its translation in the working directory."""
    for file in (PROGRAMS / name).iterdir():
        shutil.copy(file, file.name)
    return Path("train.py")


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(command, ["--script", *map(str, arguments)])
    assert "Traceback" not in result.output
    return result


def test_a_right_translation_agrees() -> None:
    result = run(program("linear"), "train_jax.py")
    assert result.exit_code == 0, result.output
    assert "1 case agrees" in result.output
