"""Programs to verify, and runs of the command."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from torch2jax.cli.verify import verify as command

PROGRAMS = Path(__file__).parent / "programs"

Changed = Callable[..., Path]


@pytest.fixture(autouse=True)
def working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each test has one of its own."""
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def program() -> Changed:
    """Copies a program and its translation to the working directory; old and new: a change of the translation."""

    def copy(name: str, old: str = "", new: str = "") -> Path:
        for file in (PROGRAMS / name).iterdir():
            shutil.copy(file, file.name)
        translation = Path("train_jax.py")
        text = translation.read_text()
        assert old in text
        translation.write_text(text.replace(old, new))
        return Path("train.py")

    return copy


@pytest.fixture
def run() -> Callable[..., Result]:
    """Runs `torch2jax verify --script`, which never shows a traceback."""

    def verify(*arguments: object) -> Result:
        result = CliRunner().invoke(command, ["--script", *map(str, arguments)])
        assert "Traceback" not in result.output
        return result

    return verify
