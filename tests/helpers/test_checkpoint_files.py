"""Checkpoints are folders; they are copied, moved and removed as files are."""

from pathlib import Path

import jax.numpy as jnp
import pytest

from torch2jax.helpers.checkpoint_files import copy_checkpoint, is_checkpoint, move_checkpoint, remove_checkpoint
from torch2jax.helpers.checkpoints import load_checkpoint, save_checkpoint


def saved(path: Path, number: int) -> Path:
    save_checkpoint({"w": jnp.full(2, number), "number": number}, path)
    return path


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_only_a_checkpoint_or_a_file_is_one(tmp_path: Path) -> None:
    assert is_checkpoint(saved(tmp_path / "a.pt", 1))
    assert is_checkpoint(str(written(tmp_path / "a.txt", "text")))
    assert not is_checkpoint(tmp_path)
    assert not is_checkpoint(tmp_path / "nothing")


def test_a_checkpoint_is_copied_over_another(tmp_path: Path) -> None:
    first, second = saved(tmp_path / "a.pt", 1), saved(tmp_path / "b.pt", 2)
    copy_checkpoint(str(first), second)
    assert load_checkpoint(second)["number"] == load_checkpoint(first)["number"] == 1
    (tmp_path / "best").mkdir()
    for _ in range(2):
        copy_checkpoint(first, tmp_path / "best")
    assert load_checkpoint(tmp_path / "best" / "a.pt")["number"] == 1


def test_a_checkpoint_is_moved_over_another(tmp_path: Path) -> None:
    first, second = saved(tmp_path / "a.pt", 1), saved(tmp_path / "b.pt", 2)
    move_checkpoint(first, second)
    assert load_checkpoint(second)["number"] == 1
    assert not first.exists()


def test_files_stay_files(tmp_path: Path) -> None:
    first = written(tmp_path / "a.txt", "a")
    copy_checkpoint(first, tmp_path / "b.txt")
    move_checkpoint(first, tmp_path / "c.txt")
    assert [path.read_text() for path in sorted(tmp_path.iterdir())] == ["a", "a"]


@pytest.mark.parametrize("write", [saved, written])
def test_what_is_removed_is_gone(write, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = write(tmp_path / "a", 1 if write is saved else "text")
    remove_checkpoint(path)
    assert not path.exists()
    with pytest.raises(FileNotFoundError):
        remove_checkpoint(path)
