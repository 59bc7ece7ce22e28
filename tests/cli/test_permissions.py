"""`torch2jax convert` as a user who may not read or write everything."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

NET = "import torch\n\n\ndef f(x):\n    return torch.relu(x)\n"
NOBODY = 65534


@pytest.fixture
def limited(command, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A folder of an ordinary user's own, and that user's rights: permissions do not bind the superuser."""
    if os.name == "nt":
        pytest.skip("permissions as POSIX has them")
    with tempfile.TemporaryDirectory() as folder:
        monkeypatch.chdir(folder)
        make("warm/a.py")
        command("warm", "-o", "warm_out", "--report", "r.json")  # import everything while we may
        command("warm/a.py", "--diff")
        is_root = os.getuid() == 0
        if is_root:
            os.chown(folder, NOBODY, NOBODY)
            os.setresgid(NOBODY, NOBODY, 0)
            os.setresuid(NOBODY, NOBODY, 0)
        try:
            yield
        finally:
            if is_root:
                os.setresuid(0, 0, 0)
                os.setresgid(0, 0, 0)
            for path in Path(folder).rglob("*"):
                if path.is_dir():
                    path.chmod(0o700)
            monkeypatch.chdir("/")


def make(name: str, text: str = NET) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_a_folder_that_is_read_only_is_named(limited, command) -> None:
    make("net.py")
    make("locked/old.py", "old\n")
    Path("locked").chmod(0o555)
    for arguments in (
        ("net.py", "-o", "locked/out.py"),
        ("net.py", "-o", "locked/old.py", "--force"),
        ("net.py", "-o", "locked/deep/out.py"),
        ("warm", "-o", "locked/out"),
        ("warm", "-o", "locked", "--force"),
        ("net.py", "-o", "out.py", "--report", "locked/r.json"),
    ):
        result = command(*arguments, code=2)
        assert "locked" in result.stderr
        assert "read-only" in result.stderr
        assert "Traceback" not in result.stderr
    assert [path.name for path in Path("locked").iterdir()] == ["old.py"]
    assert Path("locked/old.py").read_text() == "old\n"
    assert not Path("out.py").exists()


def test_a_file_that_is_read_only_is_not_replaced(limited, command) -> None:
    make("net.py")
    make("out.py", "mine\n").chmod(0o444)
    result = command("net.py", "-o", "out.py", "--force", code=2)
    assert "out.py: the file is read-only" in result.stderr
    assert Path("out.py").read_text() == "mine\n"


def test_an_input_that_may_not_be_read_is_named(limited, command) -> None:
    make("net.py").chmod(0)
    assert "Error: net.py: can't be read: Permission denied." in command("net.py", code=2).stderr
    make("closed/net.py")
    Path("closed").chmod(0)
    assert "closed/net.py: can't be read: Permission denied." in command("closed/net.py", code=2).stderr
    assert "there are no Python files in it" in command("closed", "-o", "out", code=2).stderr
    assert not Path("out").exists()


def test_what_may_not_be_read_in_a_folder_is_left_out_and_reported(limited, command) -> None:
    make("src/a.py")
    make("src/closed.py").chmod(0)
    make("src/data.txt").chmod(0)
    make("src/sub/b.py")
    Path("src/sub").chmod(0)
    make("out/closed.py", "an older translation\n")
    result = command("src", "-o", "out", "--force", code=2)
    assert "src/closed.py: error T2J109: the file can't be read: Permission denied" in result.stderr
    assert "src/data.txt: error T2J109: left out: the file can't be read" in result.stderr
    assert "src/sub: error T2J109: left out: the folder can't be read: Permission denied" in result.stderr
    assert {path.name for path in Path("out").iterdir()} == {"a.py", "closed.py"}
    assert Path("out/closed.py").read_text() == "an older translation\n"
    result = command("src", "--check", "-o", "out", code=2)
    assert "would" not in result.stderr
