"""The group of commands."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

from click.testing import CliRunner

from torch2jax.cli import main
from torch2jax.version import __version__


def test_help_lists_every_command_and_each_has_help_of_its_own() -> None:
    result = CliRunner().invoke(main, ["--help"])
    assert result.exit_code == 0
    for name in main.list_commands(None):  # type: ignore[arg-type]
        assert f"\n  {name} " in result.output
        single = CliRunner().invoke(main, [name, "--help"])
        assert single.exit_code == 0
        assert single.output.startswith(f"Usage: main {name} ")


def test_every_command_has_a_module() -> None:
    folder = Path(import_module("torch2jax.cli").__file__ or "").parent
    for name in main.list_commands(None):  # type: ignore[arg-type]
        assert (folder / f"{name}.py").exists()


def test_an_unknown_command_is_bad_usage() -> None:
    result = CliRunner().invoke(main, ["transmogrify"])
    assert result.exit_code == 2
    assert "No such command 'transmogrify'" in result.output


def test_the_module_runs_as_a_program() -> None:
    source = str(Path(__file__).parents[2] / "src")
    command = [sys.executable, "-m", "torch2jax", "--version"]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env={"PYTHONPATH": source})
    assert done.stdout == f"torch2jax, version {__version__}\n"
