"""Programs that train: the translation goes through the same losses, and ends at the same parameters, in float64."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from torch2jax import convert, load_state_dict, to_state_dict

torch = pytest.importorskip("torch")
nnx = pytest.importorskip("flax.nnx")

PROGRAMS = sorted(Path(__file__).parent.glob("programs/*.py"))
BATCHES, SIZE = 3, 6


def batches() -> tuple[np.ndarray, np.ndarray]:
    """Images of shape (batch, 2, 5, 5), and labels of three classes."""
    numbers = np.random.default_rng(0)
    return numbers.normal(size=(BATCHES, SIZE, 2, 5, 5)), numbers.integers(0, 3, (BATCHES, SIZE))


@pytest.fixture
def double() -> Iterator[None]:
    from torch2jax.verify.precision import float64

    torch.manual_seed(0)
    with float64():
        yield


def namespace(source: str, path: Path) -> dict[str, Any]:
    space: dict[str, Any] = {"__name__": "program"}
    exec(compile(source, str(path), "exec"), space)
    return space


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_the_translation_trains_alike(
    path: Path, double: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import jax.numpy as jnp

    from torch2jax.verify.precision import widen

    source = path.read_text(encoding="utf-8")
    conversion = convert(source, filename=path.name)
    assert [d.headline for d in conversion.diagnostics if d.severity == "error"] == []
    original, translation = namespace(source, path), namespace(conversion.code, path)
    models = [model.double() for model in original["build"]()]
    twins = translation["build"](rngs=nnx.Rngs(0))
    for model, twin in zip(models, twins, strict=True):
        widen(twin)
        load_state_dict(twin, model.state_dict())
    images, labels = batches()
    monkeypatch.chdir(tmp_path)
    expected = original["train"](*models, torch.tensor(images), torch.tensor(labels))
    (tmp_path / "translation").mkdir()
    monkeypatch.chdir(tmp_path / "translation")
    found = translation["train"](*twins, jnp.asarray(images), jnp.asarray(labels))
    assert flat(found) == pytest.approx(flat(expected), rel=1e-9)
    for model, twin in zip(models, twins, strict=True):
        state = to_state_dict(twin)
        kept = {name: value for name, value in model.state_dict().items() if "num_batches_tracked" not in name}
        assert state.keys() == kept.keys()
        for name, value in kept.items():
            np.testing.assert_allclose(np.asarray(state[name]), value.numpy(), rtol=1e-9, atol=1e-12, err_msg=name)


def flat(value: Any) -> list[float]:
    """The numbers in nested lists and tuples."""
    return [x for part in value for x in flat(part)] if isinstance(value, list | tuple) else [float(value)]
