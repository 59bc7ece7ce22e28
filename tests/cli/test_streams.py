"""The command in a process of its own: streams that are closed, full, or left by their reader."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

NET = "import torch\n\n\ndef f(x: torch.Tensor):\n    return torch.relu(x)\n"


def shell(line: str, folder: Path) -> subprocess.CompletedProcess[str]:
    command = f'"{sys.executable}" -m torch2jax convert'
    script = line.replace("CONVERT", command)
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", script], cwd=folder, env=os.environ, capture_output=True, text=True, timeout=60
    )


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("CONVERT net.py >&-", "Error: standard output is closed; say with -o where to write."),
        ("CONVERT - <&-", "Error: standard input is closed; pass the name of a file."),
        ("CONVERT net.py >/dev/full", "Error: standard output can't be written: No space left on device."),
        ("CONVERT net.py --diff >/dev/full", "Error: standard output can't be written: No space left on device."),
    ],
)
def test_a_stream_that_can_not_be_used_is_one_sentence(tmp_path: Path, line: str, words: str) -> None:
    (tmp_path / "net.py").write_text(NET)
    result = shell(line, tmp_path)
    assert result.returncode == 2
    assert result.stderr.splitlines()[-1] == words
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("options", [[], ["--diff"]])
def test_a_reader_that_went_away_ends_the_run_without_a_word(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "net.py").write_text(NET)
    command = [sys.executable, "-m", "torch2jax", "convert", "net.py", "-q", *options]
    reader, writer = os.pipe()
    os.close(reader)
    result = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=60)
    os.close(writer)
    assert result.returncode == 1
    assert result.stderr == ""


def test_standard_error_may_be_closed(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NET)
    result = shell("CONVERT net.py 2>&-", tmp_path)
    assert result.returncode == 0
    assert "nnx.relu(x)" in result.stdout
