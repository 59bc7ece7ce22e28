"""What does not fit is listed, and nothing is written."""

import pytest
import torch

from checkpoints.conftest import Workshop, assert_same
from torch2jax.checkpoints.errors import CheckpointError, UnfitError
from torch2jax.verify.cases import CaseError

State = dict[str, torch.Tensor]


def test_missing_and_unexpected_names_and_shapes_are_listed(workshop: Workshop, state: State) -> None:
    del state["head.bias"]
    state["extra"] = torch.ones(2)
    state["stem.0.bias"] = torch.ones(5)
    workshop.save("in.pt", {"model": state})
    with pytest.raises(UnfitError) as caught:
        workshop.convert("in.pt", "weights", partial=True)
    lines = str(caught.value).splitlines()
    assert lines[0].endswith("in.pt does not fit Net()")
    assert [line.strip() for line in lines[1:]] == [
        "missing: head.bias (for head.bias)",
        "unexpected: extra",
        "mismatched: stem.0.bias has shape (5,), and stem.layers.0.bias of shape (4,) needs (4,)",
    ]
    assert not workshop.path("weights").exists()


def test_what_fits_is_written_when_asked_for(workshop: Workshop, state: State) -> None:
    bias = state.pop("head.bias")
    workshop.save("in.pt", {**state, "extra": bias})
    with pytest.raises(UnfitError, match="pass --partial to write what fits"):
        workshop.convert("in.pt", "weights")
    there = workshop.convert("in.pt", "weights", partial=True)
    assert there.problems == ("missing: head.bias (for head.bias)", "unexpected: extra")
    with pytest.raises(UnfitError, match=r"missing: head\.bias \(for head\.bias\)"):
        workshop.convert("weights", "back.pt")
    back = workshop.convert("weights", "back.pt", like=workshop.save("like.pt", state), partial=True)
    assert "missing: head.bias (for head.bias)" in back.problems
    assert_same(torch.load(workshop.path("back.pt")), state)


def test_optimizers_and_epochs_are_left_out_and_named(workshop: Workshop, state: State) -> None:
    momenta = {number: {"exp_avg": tensor} for number, tensor in enumerate(state.values())}
    content = {"epoch": 3, "net": state, "ema": state, "optimizer": {"state": momenta, "param_groups": [{"lr": 1}]}}
    workshop.save("in.pt", content)
    summary = workshop.convert("in.pt", "weights")
    assert (summary.place, summary.rivals) == ("net", ("ema",))
    assert summary.left_out == ("epoch", "ema", "optimizer")


def test_a_state_with_more_than_the_model_is_searched(workshop: Workshop, state: State) -> None:
    """As a training loop of flax saves it."""
    import jax
    import optax
    import orbax.checkpoint as ocp
    from flax import nnx

    from torch2jax import load_state_dict

    namespace: dict[str, type[nnx.Module]] = {}
    exec(workshop.translation.read_text(), namespace)
    model = namespace["Net"](rngs=nnx.Rngs(0))
    load_state_dict(model, state)
    optimizer = nnx.Optimizer(model, optax.adam(1e-3), wrt=nnx.Param)
    saver = ocp.StandardCheckpointer()
    saver.save(workshop.path("run"), {"model": nnx.state(model), "optimizer": nnx.state(optimizer)})
    pure = jax.tree.map(lambda array: array, nnx.to_pure_dict(nnx.state(model)))
    saver.save(workshop.path("pure"), pure)
    saver.wait_until_finished()
    like = workshop.save("like.pt", state)
    summary = workshop.convert("run", "back.pt", like=like)
    assert summary.prefix == "model."
    assert {"optimizer", "dropout.rngs.key", "mask"} <= set(summary.left_out)
    loaded = {n: t.to(torch.int64) if n == "steps" else t for n, t in torch.load(workshop.path("back.pt")).items()}
    assert_same(loaded, state)  # JAX has no int64 where it is not switched on
    workshop.convert("pure", "back.pt", like=like)


def test_a_checkpoint_manager_has_the_item_one_level_down(workshop: Workshop, state: State) -> None:
    workshop.save("in.pt", state)
    workshop.path("7").mkdir()
    workshop.convert("in.pt", "7/default")
    workshop.convert("7", "back.pt")
    workshop.convert("in.pt", "7/other")
    with pytest.raises(CheckpointError, match=r"holds several checkpoints \(default, other\)"):
        workshop.convert("7", "back.pt")


def test_names_that_the_model_has_no_array_for(workshop: Workshop, state: State) -> None:
    workshop.save("in.pt", state)
    workshop.convert("in.pt", "weights")
    like = workshop.save("like.pt", {**state, "more": torch.ones(3)})
    with pytest.raises(UnfitError, match=r"unexpected: more \(in .*like\.pt\)"):
        workshop.convert("weights", "back.pt", like=like)


TIED = """\
from flax import nnx


class Attend(nnx.Module):
    def __init__(self, *, rngs):
        self.wte = nnx.Embed(7, 3, rngs=rngs)


class Shared(Attend):
    def __init__(self, *, rngs):
        super().__init__(rngs=rngs)
        self.lm_head = nnx.Linear(3, 7, use_bias=False, rngs=rngs)
        self.proj = nnx.Linear(3, 7, use_bias=False, rngs=rngs)
        self.proj.kernel = self.lm_head.kernel
"""


def test_tied_weights_are_one_array_in_flax_and_in_torch(workshop: Workshop) -> None:
    workshop.translate(TIED)
    weight = torch.randn(7, 3)
    source = workshop.save("in.pt", {"wte.weight": weight, "lm_head.weight": weight})
    assert workshop.convert("in.pt", "weights", "Attend").arrays == 1
    assert workshop.convert("weights", "alone.pt", "Attend").arrays == 1
    workshop.convert("weights", "back.pt", "Attend", like=source)
    back = torch.load(workshop.path("back.pt"))
    assert_same(back, torch.load(source))
    assert back["wte.weight"].data_ptr() == back["lm_head.weight"].data_ptr()
    workshop.save("untied.pt", {"wte.weight": weight, "lm_head.weight": weight + 1})
    with pytest.raises(UnfitError, match=r"unexpected: lm_head\.weight"):
        workshop.convert("untied.pt", "weights2", "Attend")


def test_an_array_with_two_names_is_written_once(workshop: Workshop) -> None:
    workshop.translate(TIED)
    head = torch.randn(7, 3)
    state = {"wte.weight": torch.randn(7, 3), "lm_head.weight": head, "proj.weight": head}
    workshop.save("in.pt", {name: state[name] for name in ("wte.weight", "proj.weight")})
    assert workshop.convert("in.pt", "weights.safetensors", "Shared").arrays == 2
    workshop.convert("weights.safetensors", "back.pt", "Shared")
    back = torch.load(workshop.path("back.pt"))
    assert_same({name: back.pop(name) for name in state}, state)
    assert not back


def test_without_an_entry_the_classes_that_can_be_built_are_tried(workshop: Workshop, state: State) -> None:
    workshop.save("in.pt", state)
    assert workshop.convert("in.pt", "weights", None).built == "Net()"
    workshop.translate(TIED)
    with pytest.raises(UnfitError, match=r"the closest of 2 \(choose another with --entry and --args\)"):
        workshop.convert("in.pt", "more", None)


def test_the_case_of_verify_toml_that_fits_is_taken(workshop: Workshop, state: State) -> None:
    cases = "".join(f'[[case]]\nentry = "Net"\nargs = "width={width}"\n' for width in (5, 3, 7))
    workshop.path("verify.toml").write_text(cases)
    workshop.save("in.pt", state)
    assert workshop.convert("in.pt", "weights", None).built == "Net(width=3)"
    assert workshop.convert("weights", "back.pt", None).built == "Net(width=3)"


def test_get_init_inputs_says_what_to_build(workshop: Workshop, state: State) -> None:
    source = workshop.translation.read_text().replace("width=3", "width")
    workshop.translate(f"{source}\n\ndef get_init_inputs():\n    return [3]\n")
    workshop.save("in.pt", state)
    assert workshop.convert("in.pt", "weights", None).built == "Net(*get_init_inputs())"


def test_a_constructor_that_looks_at_values_is_run(workshop: Workshop, state: State) -> None:
    source = workshop.translation.read_text()
    looked = source.replace("self.head =", "width = int(jnp.arange(9)[width])\n        self.head =")
    workshop.translate(looked)
    workshop.save("in.pt", state)
    workshop.convert("in.pt", "weights")


@pytest.mark.parametrize(
    ("source", "entry", "reason"),
    [
        ("import sys\nsys.exit(3)\n", "Net", r"can't be imported: SystemExit: 3"),
        ("import nothing_like_it\n", "Net", "can't be imported: ModuleNotFoundError"),
        ("def Net():\n    return 3\n", "Net()", "entry 'Net\\(\\)': there is no"),
        ("def Net(a):\n    return a\n", "Net", "entry 'Net' is a function that needs arguments; say them with --args"),
        (
            "from flax import nnx\n\n\nclass Net(nnx.Module):\n    def __init__(self, a, *, rngs):\n        pass\n",
            "Net",
            r"Net\(\) can't be built: TypeError: .*; say --entry and --args",
        ),
        ("import torch\n\nclass Net(torch.nn.Module):\n    pass\n", "Net", "and no nnx.Module; pass the translation"),
        ("x = 1\n", None, "found no module class whose constructor takes no arguments"),
    ],
)
def test_a_model_that_can_not_be_built(source: str, entry: str | None, reason: str, workshop: Workshop) -> None:
    workshop.translate(source)
    workshop.save("in.pt", {"weight": torch.ones(2)})
    with pytest.raises(CaseError, match=reason) as caught:
        workshop.convert("in.pt", "weights", entry)
    assert "\n" not in str(caught.value)


def test_the_direction_between_safetensors_files(workshop: Workshop, state: State) -> None:
    from safetensors.numpy import load_file, save_file

    workshop.save("in.pt", state)
    workshop.convert("in.pt", "flax.safetensors")
    assert workshop.convert("flax.safetensors", "torch.safetensors").direction == "torch"
    assert workshop.convert("torch.safetensors", "again.safetensors").direction == "flax"
    for name, direction in (("flax.safetensors", "torch"), ("torch.safetensors", "flax")):
        save_file(load_file(workshop.path(name)), workshop.path("unsigned.safetensors"))
        assert workshop.convert("unsigned.safetensors", "out.safetensors").direction == direction
    workshop.translate("from flax import nnx\nimport jax.numpy as jnp\n\n\nclass Net(nnx.Module):\n"
                       "    def __init__(self):\n        self.w = nnx.Param(jnp.zeros(3))\n")  # fmt: skip
    save_file({"w": state["head.bias"].numpy()}, workshop.path("unsigned.safetensors"))
    with pytest.raises(CheckpointError, match="does not say whose names it has; pass --to flax or --to torch"):
        workshop.convert("unsigned.safetensors", "out.safetensors")
    assert workshop.convert("unsigned.safetensors", "out.safetensors", to="torch").direction == "torch"


def test_a_checkpoint_that_is_of_that_framework_already(workshop: Workshop, state: State) -> None:
    workshop.save("in.pt", state)
    with pytest.raises(CheckpointError, match="is a checkpoint of torch already"):
        workshop.convert("in.pt", "out.pt")
    workshop.convert("in.pt", "weights")
    with pytest.raises(CheckpointError, match="is a checkpoint of flax already"):
        workshop.convert("weights", "more")
