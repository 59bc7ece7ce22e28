"""Training code as it is written elsewhere: each pattern trains alike, or is flagged with the codes of the table.

`census.toml` lists the patterns that a survey of 188 repositories found in training code, the most frequent first, with
the number of places that each was found in, and the program that stands for it. Programs of `programs/` and the samples
are run by tests of their own.
"""

import inspect
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from torch2jax import convert, load_state_dict, to_state_dict

torch = pytest.importorskip("torch")
nnx = pytest.importorskip("flax.nnx")

HERE = Path(__file__).parent
TABLE = tomllib.loads((HERE / "census.toml").read_text(encoding="utf-8"))
OUTCOMES: dict[str, str] = TABLE["outcomes"]
PROGRAMS = sorted((HERE / "census").glob("*.py"))
SAMPLES = HERE.parents[1] / "samples/training"


def flagged(path: Path) -> set[str]:
    """The codes of the errors and of the warnings about assumptions."""
    conversion = convert(path.read_text(encoding="utf-8"), filename=path.name)
    return {d.code for d in conversion.diagnostics if d.severity == "error" or d.code in ("T2J201", "T2J202")}


@pytest.mark.parametrize("pattern", TABLE["pattern"], ids=lambda pattern: pattern["name"])
def test_each_pattern_has_a_program(pattern: dict[str, Any]) -> None:
    for name in pattern["programs"]:
        inside = name in OUTCOMES and (HERE / f"census/{name}.py").exists()
        assert inside or (HERE / f"programs/{name}.py").exists() or (SAMPLES / f"{name}.py").exists()


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_the_outcome_is_that_of_the_table(path: Path) -> None:
    wanted = OUTCOMES[path.stem].split()
    assert flagged(path) == (set() if wanted[0] in ("agrees", "translated") else set(wanted))


@pytest.mark.full
@pytest.mark.parametrize("path", [p for p in PROGRAMS if OUTCOMES[p.stem] == "agrees"], ids=lambda path: path.stem)
def test_what_is_not_flagged_trains_alike(path: Path) -> None:
    compare(path)


@pytest.mark.parametrize("name", ["hand_data_add", "grad_clamp", "clip_append", "state_averages"])
def test_what_is_done_by_hand_trains_alike(name: str) -> None:
    compare(HERE / f"census/{name}.py")


def compare(path: Path) -> None:
    """Run a program and its translation from the same weights and batches, in float64."""
    import jax.numpy as jnp

    from torch2jax.verify.precision import float64, widen

    source = path.read_text(encoding="utf-8")
    spaces: list[dict[str, Any]] = [{"__name__": "program"}, {"__name__": "program"}]
    for code, space in zip((source, convert(source, filename=path.name).code), spaces, strict=True):
        exec(compile(code, str(path), "exec"), space)
    numbers = np.random.default_rng(0)
    images, labels = numbers.normal(size=(3, 6, 2, 5, 5)), numbers.integers(0, 3, (3, 6))
    with float64():
        (model,), (twin,) = spaces[0]["build"](), spaces[1]["build"](rngs=nnx.Rngs(0))
        widen(twin)
        model.double()
        load_state_dict(twin, model.state_dict())
        train = spaces[1]["train"]
        drawing = {"rngs": nnx.Rngs(0)} if "rngs" in inspect.signature(train).parameters else {}
        expected = spaces[0]["train"](model, torch.tensor(images), torch.tensor(labels))
        found = train(twin, jnp.asarray(images), jnp.asarray(labels), **drawing)
        assert flat(found) == pytest.approx(flat(expected), rel=1e-9)
        state = to_state_dict(twin)
        # Flax counts no batches, as T2J201 says where a program looks at the count.
        counted = {name: value for name, value in model.state_dict().items() if "num_batches_tracked" not in name}
        for name, value in counted.items():
            np.testing.assert_allclose(np.asarray(state[name]), value.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


def flat(value: Any) -> list[float]:
    """The numbers in nested lists and tuples."""
    return [x for part in value for x in flat(part)] if isinstance(value, list | tuple) else [float(value)]
