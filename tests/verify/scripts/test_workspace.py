"""Copies of the working directory."""

from pathlib import Path

import pytest

from torch2jax.verify.cases import CaseError
from torch2jax.verify.scripts import workspace
from torch2jax.verify.scripts.workspace import check_size, copied


def folder(base: Path) -> Path:
    working = base / "working"
    (working / "project" / "__pycache__").mkdir(parents=True)
    (working / ".git").mkdir()
    (working / "project" / "train.py").write_text("original")
    (working / "data.txt").write_text("data")
    (base / "outside.txt").write_text("outside")
    (working / "link.txt").symlink_to("../outside.txt")
    (working / "inner.txt").symlink_to("data.txt")
    return working


def test_a_copy_has_the_translation_in_place_of_the_original(tmp_path: Path) -> None:
    working, inside = folder(tmp_path), tmp_path / "inside"
    inside.mkdir()
    with copied(working, working / "project", {"train.py": "translation"}, inside) as space:
        assert space.root == space.folder / "project"
        assert (space.root / "train.py").read_text() == "translation"
        assert (space.folder / "data.txt").read_text() == "data"
        assert not (space.folder / ".git").exists()
        assert not (space.root / "__pycache__").exists()
        (space.folder / "data.txt").write_text("changed")
        assert (space.folder / "inner.txt").read_text() == "changed"
        assert (space.folder / "link.txt").read_text() == "outside"
    assert not list(inside.iterdir())
    assert (working / "project" / "train.py").read_text() == "original"
    assert (working / "data.txt").read_text() == "data"


def test_a_program_outside_of_the_working_directory_is_copied_too(tmp_path: Path) -> None:
    working, inside, elsewhere = folder(tmp_path), tmp_path / "inside", tmp_path / "elsewhere"
    inside.mkdir()
    elsewhere.mkdir()
    (elsewhere / "train.py").write_text("original")
    with copied(working, elsewhere, {}, inside) as space:
        assert (space.root / "train.py").read_text() == "original"
        assert not space.root.is_relative_to(space.folder)


def test_a_folder_that_is_too_large_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    working = folder(tmp_path)
    check_size(working)
    monkeypatch.setattr(workspace, "LARGEST", 3)
    with pytest.raises(CaseError, match="working: holds more than 0 GiB"):
        check_size(working)
