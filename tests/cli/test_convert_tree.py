"""`torch2jax convert` with folders and several files."""

import json
import os
import shutil
import stat
from pathlib import Path

import pytest

NET = "import torch\n\n\ndef f(x):\n    return torch.relu(x)\n"
CONVERTED = NET.replace("torch", "jax") + "# nchw\n"


def make(files: dict[str, str | bytes]) -> None:
    for name, text in files.items():
        path = Path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)


def tree(folder: str) -> dict[str, bytes]:
    """Files by name, links as where they lead."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_symlink():
            found[name] = f"-> {path.readlink()}".encode()
        elif path.is_file():
            found[name] = path.read_bytes()
    return found


def test_a_folder_becomes_a_folder_with_the_same_files(command) -> None:
    make(
        {
            "src/train.py": NET,
            "src/models/net.py": NET,
            "src/plain.py": b"x = 1\r\ny = 2\n",
            "src/README.md": "torch\n",
            "src/data/a.bin": b"\x00\xff",
            "src/stub.pyi": "import torch\n",
            "src/__pycache__/train.pyc": b"",
            "src/.git/config": "",
            "src/env/pyvenv.cfg": "",
            "src/env/lib/torch.py": NET,
            "src/x.egg-info/PKG-INFO": "",
        }
    )
    Path("src/train.py").chmod(0o755)
    before = tree("src")
    result = command("src", "-o", "out")
    assert result.stdout == ""
    assert tree("out") == {
        "README.md": b"torch\n",
        "data/a.bin": b"\x00\xff",
        "models/net.py": CONVERTED.encode(),
        "plain.py": b"x = 1\r\ny = 2\n",
        "stub.pyi": b"import torch\n",
        "train.py": CONVERTED.encode(),
    }
    assert stat.S_IMODE(Path("out/train.py").stat().st_mode) == 0o755
    assert tree("src") == before
    assert {path.name for path in Path().iterdir()} == {"src", "out"}
    assert "src/models/net.py: 1 translated, 0 flagged, 0 dropped (100 %), 1 transpose" in result.stderr
    assert "src/plain.py" not in result.stderr
    assert "3 files: 2 translated, 0 flagged, 0 dropped (100 %), 2 transposes" in result.stderr


def test_a_helpers_module_is_put_at_the_root_of_the_package(command) -> None:
    make({"pkg/__init__.py": "", "pkg/a.py": "torch.helped()\n", "pkg/sub/__init__.py": "", "pkg/sub/b.py": NET})
    command("pkg", "-o", "pkg_jax")
    assert Path("pkg_jax/torch2jax_helpers.py").read_text() == "# helpers\n"
    assert set(tree("pkg_jax")) == {"__init__.py", "a.py", "sub/__init__.py", "sub/b.py", "torch2jax_helpers.py"}


def test_a_package_under_a_new_name_imports_itself_by_that_name(command) -> None:
    make(
        {
            "pkg/__init__.py": "from pkg.a import Net\nimport pkg.a as a\n",
            "pkg/a.py": "import pkg.b, os\nfrom . import b\nprint(pkg.b.x, 'pkg.b', other.pkg)\n",
            "pkg/b.py": "from  pkg import a\nimport pkgs\nx = 1\n",
        }
    )
    command("pkg", "-o", "pkg_jax")
    assert tree("pkg_jax") == {
        "__init__.py": b"from pkg_jax.a import Net\nimport pkg_jax.a as a\n",
        "a.py": b"import pkg_jax.b, os\nfrom . import b\nprint(pkg_jax.b.x, 'pkg.b', other.pkg)\n",
        "b.py": b"from  pkg_jax import a\nimport pkgs\nx = 1\n",
    }
    command("pkg", "-o", "elsewhere/pkg")
    assert tree("elsewhere/pkg") == tree("pkg")
    result = command("pkg", "-o", "pkg-jax", code=2)
    assert "pkg-jax: is no name for a package, and the package pkg imports itself by name" in result.stderr
    assert not Path("pkg-jax").exists()


def test_several_paths_keep_their_places(command) -> None:
    make({"a/models/net.py": NET, "a/train.py": NET, "a/other.py": NET})
    command("a/models", "a/train.py", "-o", "out")
    assert set(tree("out")) == {"models/net.py", "train.py"}
    command("a/train.py", "a/other.py", "-o", "a/out")
    assert set(tree("a/out")) == {"other.py", "train.py"}


def test_files_that_do_not_parse_are_reported_and_copied(command) -> None:
    make(
        {
            "src/good.py": NET,
            "src/bad.py": b"def f(:\r\n",
            "src/latin.py": b"x = '\xe9'\n",
            "src/boom.py": "torch.boom()\n",
        }
    )
    result = command("src", "-o", "out", code=2)
    assert tree("out") == {
        "bad.py": b"def f(:\r\n",
        "boom.py": b"torch.boom()\n",
        "good.py": CONVERTED.encode(),
        "latin.py": b"x = '\xe9'\n",
    }
    for words in (
        "src/bad.py:1:7: error T2J109: syntax error",
        "src/latin.py:1:6: error T2J109: not utf-8 text",
        "src/boom.py: error T2J110: torch2jax failed on this file: RuntimeError",
    ):
        assert words in result.stderr
    Path("src/bad.py").unlink()
    Path("src/latin.py").unlink()
    command("src", "-o", "out2", code=1)


def test_notebooks_are_copied_and_mentioned(command) -> None:
    make({"src/a.py": "x = 1\n", "src/demo.ipynb": "{}"})
    result = command("src", "-o", "out", "--report", "r.json")
    assert "src/demo.ipynb: note T2J303: a notebook, copied and not translated" in result.stderr
    assert tree("out")["demo.ipynb"] == b"{}"
    report = json.loads(Path("r.json").read_text())
    assert report["copied"] == ["demo.ipynb"]
    assert [note["code"] for note in report["notes"]] == ["T2J303"]
    assert [(file["path"], file["changed"]) for file in report["files"]] == [("a.py", False)]


def test_links_stay_links_and_circles_do_no_harm(command) -> None:
    make({"src/a.py": NET, "src/sub/b.py": NET, "outside/c.py": NET, "outside/big.bin": b"1"})
    Path("src/sub/up").symlink_to("..")
    Path("src/self").symlink_to("self")
    Path("src/same.py").symlink_to(Path("src/a.py").resolve())
    Path("src/c.py").symlink_to("../outside/c.py")
    Path("src/big").symlink_to("../outside")
    os.mkfifo("src/pipe")
    result = command("src", "-o", "out")
    found = tree("out")
    assert found.pop("big") == f"-> {Path('outside').resolve()}".encode()
    assert found == {
        "a.py": CONVERTED.encode(),
        "c.py": CONVERTED.encode(),
        "same.py": b"-> a.py",
        "self": b"-> self",
        "sub/b.py": CONVERTED.encode(),
        "sub/up": b"-> ..",
    }
    assert "src/pipe: note T2J303: left out: neither a file nor a folder" in result.stderr


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("src", "would replace its input"),
        ("src/out", "would be inside its input src"),
        ("out/../src/deep/out", "would be inside its input src"),
        ("link", "would replace its input"),
        ("file", "exists and is no folder"),
        ("full", "exists and is not empty; pass --force"),
        ("file/out", "can't be made, because"),
        (".", "the output would hold its input src"),
    ],
)
def test_an_output_that_can_not_be(command, output: str, words: str) -> None:
    make({"src/a.py": NET, "file": "x", "full/mine.txt": "x"})
    Path("link").symlink_to("src")
    before = tree(".")
    result = command("src", "-o", output, code=2)
    assert words in result.stderr
    assert tree(".") == before


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("src",), "pass -o OUT"),
        (("src/a.py", "src/b.py"), "pass -o OUT"),
        (("empty", "-o", "out"), "there are no Python files in it"),
        (("src", "missing", "-o", "out"), "missing: there is no such file or folder."),
    ],
)
def test_bad_usage(command, args: tuple[str, ...], words: str) -> None:
    make({"src/a.py": NET, "src/b.py": NET, "empty/x.txt": ""})
    assert words in command(*args, code=2).stderr
    assert not Path("out").exists()


def test_force_replaces_what_is_written_and_keeps_the_rest(command) -> None:
    make({"src/a.py": NET, "src/sub/b.py": NET, "out/a.py": "old", "out/mine.txt": "mine", "out/sub/c.py": "mine"})
    Path("out/link").symlink_to("mine.txt")
    Path("out/dirlink").symlink_to("sub")
    Path("out").chmod(0o700)
    command("src", "-o", "out", "--force")
    assert tree("out") == {
        "a.py": CONVERTED.encode(),
        "dirlink": b"-> sub",
        "link": b"-> mine.txt",
        "mine.txt": b"mine",
        "sub/b.py": CONVERTED.encode(),
        "sub/c.py": b"mine",
    }
    assert stat.S_IMODE(Path("out").stat().st_mode) == 0o700
    assert {path.name for path in Path().iterdir()} == {"src", "out"}


def test_a_folder_that_would_become_a_file_is_not_lost(command) -> None:
    make({"src/a.py": NET, "out/a.py/keep.txt": "mine"})
    assert "is a folder, and a file is to be written there" in command("src", "-o", "out", "--force", code=2).stderr
    assert tree("out") == {"a.py/keep.txt": b"mine"}


@pytest.mark.parametrize("force", [False, True])
def test_a_failure_while_writing_leaves_everything_as_it_was(
    command, monkeypatch: pytest.MonkeyPatch, force: bool
) -> None:
    make({"src/a.py": NET, "src/data.bin": "1", **({"out/a.py": "old"} if force else {})})
    before = tree(".")

    def full(*args: object, **keywords: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(shutil, "copy2", full)
    result = command("src", "-o", "out", *(["--force"] if force else []), code=2)
    assert "out: can't be written: No space left on device." in result.stderr
    assert tree(".") == before


def test_a_failed_exchange_of_folders_is_undone(command, monkeypatch: pytest.MonkeyPatch) -> None:
    make({"src/a.py": NET, "out/a.py": "old"})
    before = tree(".")
    rename = Path.rename

    def fail_on_new(self: Path, target: Path) -> Path:
        if self.suffix == ".tmp":
            raise OSError(5, "Input/output error")
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", fail_on_new)
    assert "Input/output error" in command("src", "-o", "out", "--force", code=2).stderr
    assert tree(".") == before


def test_diff_and_check_of_a_folder_write_nothing(command) -> None:
    make({"src/a.py": NET, "src/b.py": "x = 1\n"})
    before = tree(".")
    result = command("src", "--diff")
    assert result.stdout.count("--- ") == 1
    assert "--- src/a.py\n+++ src/a.py\n" in result.stdout
    assert "would change src/a.py" in command("src", "--check", code=1).stderr
    result = command("src", "--check", "-o", "out", code=1)
    assert "would write out/a.py" in result.stderr
    assert "would write out/b.py" in result.stderr
    assert tree(".") == before
    command("src", "-o", "out")
    command("src", "--check", "-o", "out")


def test_the_working_folder_can_be_the_input(command, monkeypatch: pytest.MonkeyPatch) -> None:
    make({"src/__init__.py": "", "src/a.py": NET})
    monkeypatch.chdir("src")
    command(".", "-o", "../out")
    assert set(tree("../out")) == {"__init__.py", "a.py"}


def test_files_that_go_away_while_the_folder_is_read(command, monkeypatch: pytest.MonkeyPatch) -> None:
    make({"src/a.py": NET, "src/b.py": NET, "src/data.bin": "1"})
    read, copy = Path.read_bytes, shutil.copy2

    def vanish(path: Path) -> bytes:
        if path.name == "b.py":
            path.unlink()
        return read(path)

    monkeypatch.setattr(Path, "read_bytes", vanish)
    result = command("src", "-o", "out", code=2)
    assert "src/b.py: error T2J109: the file can't be read: No such file or directory" in result.stderr
    assert set(tree("out")) == {"a.py", "data.bin"}

    def copy_late(source: Path, target: Path) -> object:
        source.unlink()
        return copy(source, target)

    monkeypatch.setattr(shutil, "copy2", copy_late)
    result = command("src", "-o", "out2", code=2)
    assert "Error: src/data.bin: can't be read: No such file or directory. Nothing was written." in result.stderr
    assert {path.name for path in Path().iterdir()} == {"src", "out"}


def test_a_full_disk_names_the_output_and_not_a_temporary_place(command, monkeypatch: pytest.MonkeyPatch) -> None:
    make({"src/a.py": NET})

    def full(path: Path, data: bytes) -> int:
        raise OSError(28, "No space left on device", str(path))

    monkeypatch.setattr(Path, "write_bytes", full)
    assert "Error: out: can't be written: No space left on device." in command("src", "-o", "out", code=2).stderr
    assert {path.name for path in Path().iterdir()} == {"src"}
