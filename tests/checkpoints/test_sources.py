"""Files of every kind are read, and those that can't be end in one sentence."""

import argparse
import json
import re

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from checkpoints.conftest import Workshop, assert_same
from torch2jax.checkpoints.errors import CheckpointError, UnfitError

State = dict[str, torch.Tensor]


def come_back(workshop: Workshop, source: str, state: State) -> None:
    workshop.convert(source, "weights")
    like = workshop.save("like.pt", state)
    workshop.convert("weights", "back.pt", like=like)
    assert_same(torch.load(workshop.path("back.pt")), state)


@pytest.mark.parametrize("ending", ["pt", "pth", "bin", "ckpt"])
def test_pickles(ending: str, workshop: Workshop, state: State) -> None:
    workshop.save(f"in.{ending}", state)
    come_back(workshop, f"in.{ending}", state)


def test_a_pickle_from_before_torch_1_6(workshop: Workshop, state: State) -> None:
    workshop.save("in.pt", {"state_dict": state}, _use_new_zipfile_serialization=False)
    come_back(workshop, "in.pt", state)


def sharded(workshop: Workshop, state: State, ending: str) -> str:
    name = "pytorch_model.bin" if ending == "bin" else "model.safetensors"
    stem, _, suffix = name.partition(".")
    names = list(state)
    shards = {f"{stem}-0000{i}-of-00002.{suffix}": names[i - 1 :: 2] for i in (1, 2)}
    for shard, members in shards.items():
        part = {member: state[member] for member in members}
        if ending == "bin":
            workshop.save(shard, part)
        else:
            save_file(part, workshop.path(shard))
    weight_map = {member: shard for shard, members in shards.items() for member in members}
    workshop.path(f"{name}.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return f"{name}.index.json"


@pytest.mark.parametrize("ending", ["bin", "safetensors"])
def test_shards(ending: str, workshop: Workshop, state: State) -> None:
    come_back(workshop, sharded(workshop, state, ending), state)


def test_a_folder_of_hugging_face(workshop: Workshop, state: State) -> None:
    sharded(workshop, state, "safetensors")
    come_back(workshop, ".", state)


def test_a_missing_shard(workshop: Workshop, state: State) -> None:
    index = sharded(workshop, state, "bin")
    workshop.path("pytorch_model-00002-of-00002.bin").unlink()
    with pytest.raises(CheckpointError, match=r"the shard pytorch_model-00002-of-00002.bin is not beside it"):
        workshop.convert(index, "weights")


def test_a_shard_that_lacks_what_it_should_hold(workshop: Workshop, state: State) -> None:
    index = sharded(workshop, state, "bin")
    workshop.save("pytorch_model-00002-of-00002.bin", {})
    with pytest.raises(
        CheckpointError, match=r"lacks stem\.0\.weight, which pytorch_model.bin.index.json says is in it"
    ):
        workshop.convert(index, "weights")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "is not valid JSON"),
        ("[]", "has no `weight_map`"),
        ('{"weight_map": {"a": "../secret.bin"}}', "which is not a file beside it"),
    ],
)
def test_a_bad_index(text: str, reason: str, workshop: Workshop) -> None:
    workshop.path("model.safetensors.index.json").write_text(text)
    with pytest.raises(CheckpointError, match=reason):
        workshop.convert("model.safetensors.index.json", "weights")


def damaged(workshop: Workshop, state: State, name: str) -> str:
    """A file of a kind, of which the second half is missing."""
    if name.endswith("safetensors"):
        save_file(state, workshop.path(name))
    else:
        workshop.save(name, state, _use_new_zipfile_serialization=name != "legacy.pt")
    data = workshop.path(name).read_bytes()
    workshop.path(name).write_bytes(data[: len(data) // 2])
    return name


@pytest.mark.parametrize("name", ["in.pt", "legacy.pt", "in.safetensors"])
def test_half_a_file(name: str, workshop: Workshop, state: State) -> None:
    with pytest.raises(CheckpointError, match=rf"{name}: is damaged, or no "):
        workshop.convert(damaged(workshop, state, name), "weights")
    assert sorted(path.name for path in workshop.folder.iterdir()) == sorted([name, "model_jax.py"])


@pytest.mark.parametrize("content", [b"", b"garbage" * 99, b"\x80\x02."])
@pytest.mark.parametrize("name", ["in.pt", "in.safetensors"])
def test_no_checkpoint_at_all(name: str, content: bytes, workshop: Workshop) -> None:
    workshop.path(name).write_bytes(content)
    with pytest.raises(CheckpointError, match=rf"{name}: is damaged, or no "):
        workshop.convert(name, "weights")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"model": {}, "args": argparse.Namespace(lr=1)}, r"holds pickled objects \(argparse\.Namespace\)"),
        (nn.Linear(2, 3), r"holds pickled objects \(torch\.nn\.modules\.linear\.Linear\)"),
        ([torch.ones(2)], "holds a list, and no state dict"),
        (torch.ones(2), "holds a Tensor, and no state dict"),
        ({"epoch": 3, "lr": 0.1}, "holds no tensors, only epoch, lr"),
        ({}, "holds no tensors, only an empty dict"),
    ],
)
def test_what_is_no_state_dict(content: object, reason: str, workshop: Workshop) -> None:
    workshop.save("in.pt", content)
    with pytest.raises(CheckpointError, match=rf"in\.pt: {reason}") as caught:
        workshop.convert("in.pt", "weights")
    assert "\n" not in str(caught.value)


def test_torchscript(workshop: Workshop) -> None:
    torch.jit.save(torch.jit.trace(nn.Linear(2, 3), torch.ones(1, 2)), workshop.path("in.pt"))
    with pytest.raises(CheckpointError, match="is a TorchScript archive; save its state dict"):
        workshop.convert("in.pt", "weights")


def test_no_file(workshop: Workshop) -> None:
    for name in ("in.pt", "in.safetensors", "weights", "model.safetensors.index.json"):
        with pytest.raises(CheckpointError, match=f"{re.escape(name)}: there is no such file"):
            workshop.convert(name, "out.safetensors")


def test_a_damaged_orbax_checkpoint(workshop: Workshop, state: State) -> None:
    workshop.save("in.pt", state)
    workshop.convert("in.pt", "weights")
    (workshop.path("weights") / "head.kernel.value" / "0.0").write_bytes(b"garbage")
    with pytest.raises(CheckpointError, match="weights: the Orbax checkpoint is damaged"):
        workshop.convert("weights", "back.pt")
    (workshop.path("weights") / "_METADATA").write_text("{")
    with pytest.raises(CheckpointError, match="weights: the Orbax checkpoint is damaged"):
        workshop.convert("weights", "back.pt")


def test_a_folder_that_is_no_checkpoint(workshop: Workshop) -> None:
    (workshop.path("run") / "100").mkdir(parents=True)
    (workshop.path("run") / "20").mkdir()
    with pytest.raises(CheckpointError, match=r"is no checkpoint of Orbax.* hold steps: name one, such as .*run/100"):
        workshop.convert("run", "back.pt")


def test_a_tensor_that_numpy_has_no_dtype_for(workshop: Workshop, state: State) -> None:
    state["head.weight"] = state["head.weight"].to(torch.complex32)
    workshop.save("in.pt", state)
    with pytest.raises(CheckpointError, match=r"head\.weight: a tensor of torch\.complex32 has no counterpart in JAX"):
        workshop.convert("in.pt", "weights")


def test_a_dtype_that_safetensors_lacks(workshop: Workshop, state: State) -> None:
    state["head.weight"] = state["head.weight"].to(torch.complex128)
    workshop.save("in.pt", state)
    with pytest.raises(CheckpointError, match=r'can.t be written as safetensors: Unknown dtype "complex128"'):
        workshop.convert("in.pt", "weights.safetensors")
    workshop.convert("in.pt", "weights")


NAMED = """\
from flax import nnx


class Net(nnx.Module):
    def __init__(self, *, rngs):
        self.grown = nnx.Sequential(*[nnx.Linear(3, 3, rngs=rngs) for _ in range(11)])
"""


@pytest.fixture
def grown() -> State:
    """Eleven layers of one shape, called so that their order is not the one of their names."""
    return {
        f"grown.layer{i}.{name}": torch.randn(3, *[3] * (name == "weight"))
        for i in range(11)
        for name in ("weight", "bias")
    }


def test_named_children_of_a_sequential_need_the_order_of_a_pickle(workshop: Workshop, grown: State) -> None:
    workshop.translate(NAMED)
    save_file(grown, workshop.path("in.safetensors"))
    with pytest.raises(UnfitError, match=r"in\.safetensors does not keep; use a checkpoint that torch\.save wrote"):
        workshop.convert("in.safetensors", "weights", partial=True)
    like = workshop.save("in.pt", {name: torch.zeros_like(tensor) for name, tensor in grown.items()})
    workshop.convert("in.safetensors", "weights", like=like)
    workshop.convert("weights", "back.pt", like=like)
    assert_same(torch.load(workshop.path("back.pt")), grown)
    with pytest.raises(UnfitError, match="told apart by their order"):
        workshop.convert("weights", "back2.pt", like=workshop.path("in.safetensors"))
    workshop.convert("in.pt", "zeros")
