"""Weights go to flax and come back bit for bit."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from flax import nnx
from safetensors.torch import load_file, save_file

from checkpoints.conftest import Workshop, assert_same
from torch2jax import load_state_dict
from torch2jax.options import Options
from torch2jax.verify.build import build_torch, randomise_constants
from torch2jax.verify.cases import Case, read_cases
from torch2jax.verify.programs import translated
from torch2jax.verify.run import namespace_of

SAMPLES = Path(__file__).parents[2] / "samples"

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")


def originals(sample: str) -> list[tuple[Case, dict[str, torch.Tensor]]]:
    """Each model of a sample, as built, with its state dict."""
    folder = SAMPLES / sample
    path = folder if (folder / "__init__.py").exists() else folder / "model.py"
    translation = SAMPLES / f"{sample}_jax" if path.is_dir() else folder / "model_jax.py"
    found: dict[tuple[str, str], tuple[Case, dict[str, torch.Tensor]]] = {}
    with translated(path, translation, Options()) as programs:
        space, _ = programs.spaces()
        for case in read_cases(folder / "verify.toml"):
            module, name = programs.module_of(case)
            with space.active():
                model = build_torch(case, name, namespace_of(space, module, case), train=False)
            if isinstance(model, torch.nn.Module):
                randomise_constants(model)
                found.setdefault((case.entry, case.args), (case, model.state_dict()))
    return [(case, state) for case, state in found.values() if state]


def translation_of(sample: str) -> Path:
    package = SAMPLES / f"{sample}_jax"
    return package if package.exists() else SAMPLES / sample / "model_jax.py"


NAMES = sorted(path.parent.name for path in SAMPLES.glob("*/verify.toml"))


@pytest.mark.parametrize("sample", NAMES)
@pytest.mark.parametrize("count", [1, pytest.param(None, marks=pytest.mark.full)])
def test_every_sample_comes_back_unchanged(sample: str, count: int | None, workshop: Workshop) -> None:
    workshop.translation = translation_of(sample)
    for number, (case, state) in enumerate(originals(sample)[:count]):
        source = workshop.save(f"{number}.pt", state)
        for kind in ("", ".safetensors"):
            weights = f"{number}weights{kind}"
            there = workshop.convert(source, weights, case.entry, args=case.args)
            workshop.convert(weights, f"{number}back.pt", case.entry, args=case.args, like=source)
            assert there.problems == ()
            assert_same(torch.load(workshop.path(f"{number}back.pt")), state)


DTYPES = [
    torch.float16,
    torch.bfloat16,
    torch.float32,
    torch.float64,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
    torch.uint8,
    torch.uint16,
    torch.uint32,
    torch.uint64,
    torch.float8_e4m3fn,
    torch.float8_e5m2,
    torch.complex64,
]


def with_all_bits(shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """Arbitrary bits: NaNs with a payload, subnormals, negative zeros."""
    count = int(np.prod(shape)) * dtype.itemsize
    return torch.from_numpy(np.random.default_rng(0).integers(0, 256, count, np.uint8)).view(dtype).reshape(shape)


@pytest.mark.parametrize("dtype", [torch.bool, *DTYPES], ids=str)
@pytest.mark.parametrize("kind", ["", ".safetensors"], ids=["orbax", "safetensors"])
@pytest.mark.parametrize("output", ["back.pt", "back.safetensors"])
def test_every_dtype_comes_back_bit_for_bit(dtype: torch.dtype, kind: str, output: str, workshop: Workshop) -> None:
    workshop.translate(
        "import jax.numpy as jnp\nfrom flax import nnx\n\n\nclass Net(nnx.Module):\n"
        "    def __init__(self, *, rngs):\n"
        "        self.linear = nnx.Linear(37, 11, rngs=rngs)\n"
        "        self.scalar = nnx.Param(jnp.zeros(()))\n"
    )
    shapes: dict[str, tuple[int, ...]] = {"linear.weight": (11, 37), "linear.bias": (11,), "scalar": ()}
    if dtype == torch.bool:
        state = {name: torch.rand(shape) < 0.5 for name, shape in shapes.items()}
    else:
        state = {name: with_all_bits(shape, dtype) for name, shape in shapes.items()}
    workshop.save("in.pt", state)
    workshop.convert("in.pt", f"weights{kind}")
    workshop.convert(f"weights{kind}", output)
    back = load_file(workshop.path(output)) if output.endswith("safetensors") else torch.load(workshop.path(output))
    assert_same({name: back[name] for name in state}, state)


def test_the_state_is_the_one_that_load_state_dict_makes(workshop: Workshop, state: dict[str, torch.Tensor]) -> None:
    """The other way to the same arrays."""
    from safetensors.numpy import load_file as load_numpy

    workshop.save("in.pt", state)
    workshop.convert("in.pt", "weights.safetensors")
    namespace: dict[str, Any] = {}
    exec(workshop.translation.read_text(), namespace)
    model = namespace["Net"](rngs=nnx.Rngs(0))
    load_state_dict(model, state)
    written = load_numpy(workshop.path("weights.safetensors"))
    expected = {
        ".".join(map(str, path)): np.asarray(variable[...])
        for path, variable in nnx.to_flat_state(nnx.state(model))
        if not isinstance(variable, nnx.RngState) and variable.get_metadata("persistent", True)
    }
    assert written.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(written[name], array)


def test_arrays_without_elements_need_safetensors(workshop: Workshop) -> None:
    from torch2jax.checkpoints.errors import CheckpointError

    workshop.translate(
        "import jax.numpy as jnp\nfrom flax import nnx\n\n\nclass Net(nnx.Module):\n"
        "    def __init__(self, *, rngs):\n        self.nothing = nnx.Param(jnp.zeros((0, 3)))\n"
    )
    workshop.save("in.pt", {"nothing": torch.zeros(0, 3)})
    with pytest.raises(CheckpointError, match=r"Orbax can't keep nothing, .* choose --format safetensors"):
        workshop.convert("in.pt", "weights")
    workshop.convert("in.pt", "weights.safetensors")
    workshop.convert("weights.safetensors", "back.pt")
    assert torch.load(workshop.path("back.pt"))["nothing"].shape == (0, 3)


def test_without_names_to_follow_torch_loads_the_result_too(workshop: Workshop, state: dict[str, torch.Tensor]) -> None:
    from checkpoints.conftest import Net

    save_file(state, workshop.path("in.safetensors"))
    workshop.convert("in.safetensors", "weights")
    workshop.convert("weights", "back.pth")
    model = Net()
    model.load_state_dict(torch.load(workshop.path("back.pth")))
    kept = {name: tensor for name, tensor in state.items() if "num_batches" not in name}
    assert_same({name: model.state_dict()[name] for name in kept}, kept)
