"""Which files a run concerns; what the command makes of them is tested in tests/cli."""

import os
from pathlib import Path

import pytest

from torch2jax.source.walk import InputError, find


def touch(*names: str) -> None:
    for name in names:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).touch()


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_what_can_not_be_read_is_skipped_and_said(monkeypatch: pytest.MonkeyPatch) -> None:
    touch("src/a.py", "src/secret/b.py", "src/locked.bin")
    scandir, access = os.scandir, os.access

    def refuse(path: Path) -> object:
        if Path(path).name == "secret":
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)  # root may read anything
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked.bin" and access(path, mode))
    tree = find([Path("src")])
    assert tree.python == ["a.py"]
    assert tree.skipped == {
        "secret": "the folder can't be read: Permission denied",
        "locked.bin": "the file can't be read",
    }


def test_the_same_file_named_twice_is_one() -> None:
    touch("src/a.py", "src/sub/b.py")
    tree = find([Path("src/a.py"), Path("src"), Path("src/../src/a.py")])
    assert tree.python == ["src/a.py", "src/sub/b.py"]
    assert tree.display("src/a.py") == "src/a.py"


def test_a_file_may_have_any_suffix_when_it_is_named() -> None:
    touch("script")
    assert find([Path("script")]).python == ["script"]


def test_a_tree_outside_the_working_folder_is_shown_with_its_whole_path(tmp_path: Path) -> None:
    touch("here/x.py", "there/a.py", "there/b.py")
    os.chdir("here")
    tree = find([Path("../there/a.py"), Path("../there/b.py")])
    assert tree.display("a.py") == str(tmp_path / "there" / "a.py")


def test_a_package_is_known_by_its_init() -> None:
    touch("pkg/__init__.py", "pkg/a.py", "plain/a.py")
    assert find([Path("pkg")]).is_package
    assert not find([Path("plain")]).is_package


@pytest.mark.parametrize("name", ["missing.py", "circle", "broken"])
def test_what_is_not_there(name: str) -> None:
    Path("circle").symlink_to("circle")
    Path("broken").symlink_to("nowhere")
    with pytest.raises(InputError, match=f"{name}: "):
        find([Path(name)])
