"""A checkpoint appears whole or not at all."""

import os
from pathlib import Path

import pytest
import torch

from checkpoints.conftest import Workshop, assert_same
from torch2jax.checkpoints.output import new_checkpoint
from torch2jax.source.write import OutputError


@pytest.mark.parametrize("kind", ["weights", "weights.safetensors"])
def test_a_checkpoint_is_replaced_as_a_whole(kind: str, workshop: Workshop, state: dict[str, torch.Tensor]) -> None:
    workshop.save("old.pt", state)
    workshop.convert("old.pt", kind)
    if workshop.path(kind).is_dir():
        (workshop.path(kind) / "of the old one").touch()
    new = {name: tensor + 1 for name, tensor in state.items()}
    like = workshop.save("new.pt", new)
    workshop.convert("new.pt", kind)
    workshop.convert(kind, "back.pt", like=like)
    assert_same(torch.load(workshop.path("back.pt")), new)
    assert not (workshop.path(kind) / "of the old one").exists()
    names = {"old.pt", "new.pt", "back.pt", "model_jax.py", kind}
    assert {path.name for path in workshop.folder.iterdir()} == names


def test_a_file_has_the_usual_permissions_or_those_that_it_had(tmp_path: Path) -> None:
    (tmp_path / "like").touch()
    with new_checkpoint(tmp_path / "out") as place:
        place.touch(0o600)
    assert (tmp_path / "out").stat().st_mode == (tmp_path / "like").stat().st_mode
    (tmp_path / "out").chmod(0o640)
    with new_checkpoint(tmp_path / "out") as place:
        place.touch()
    assert (tmp_path / "out").stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_nothing_is_left_when_writing_fails(error: type[BaseException], tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")

    def fail() -> None:
        with new_checkpoint(tmp_path / "out") as place:
            place.write_text("half")
            raise error

    with pytest.raises(error):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out").read_text() == "old"


def test_the_old_folder_comes_back_when_the_new_one_can_not_take_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "old").touch()
    rename = os.rename

    def refuse(self: Path, target: Path) -> None:
        if (self / "new").exists():
            raise OSError(28, "No space left on device")
        rename(self, target)

    def write() -> None:
        with new_checkpoint(tmp_path / "out") as place:
            place.mkdir()
            (place / "new").touch()

    monkeypatch.setattr(Path, "rename", refuse)
    with pytest.raises(OutputError, match="out: can't be written: No space left on device"):
        write()
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert (tmp_path / "out" / "old").exists()
