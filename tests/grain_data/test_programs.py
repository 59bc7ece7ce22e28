"""Programs that load data by grain train as they do in PyTorch, in a process that has no PyTorch."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from torch2jax import Options, convert

torch = pytest.importorskip("torch")
pytest.importorskip("flax")

HERE = Path(__file__).parent
PROGRAMS = sorted(HERE.glob("programs/*.py"))
SHUFFLED = '''"""Loaders that shuffle: what they give in three epochs, and once more from the same seed."""

import torch
from torch.utils.data import DataLoader, RandomSampler, TensorDataset, WeightedRandomSampler, random_split


def epochs(loader):
    return [[int(i) for (batch,) in loader for i in batch] for _ in range(3)]


def run():
    torch.manual_seed(3)
    data = TensorDataset(torch.arange(23))
    shares = random_split(data, [0.5, 0.25, 0.25], generator=torch.Generator().manual_seed(1))
    parts = [[int(i) for (i,) in part] for part in random_split(data, [15, 8])]
    drawn = WeightedRandomSampler([0.0, 1.0, 3.0], 4000, generator=torch.Generator().manual_seed(1))
    return {
        "shuffled": epochs(DataLoader(data, 4, shuffle=True)),
        "again": epochs(DataLoader(data, 4, shuffle=True)),
        "seeded": epochs(DataLoader(data, 4, shuffle=True, generator=torch.Generator().manual_seed(8))),
        "threads": epochs(DataLoader(data, 4, shuffle=True, num_workers=3)),
        "dropped": epochs(DataLoader(data, 4, shuffle=True, drop_last=True)),
        "sampled": epochs(DataLoader(data, 4, sampler=RandomSampler(data, num_samples=30))),
        "parts": parts,
        "shares": [len(part) for part in shares],
        "weighted": list(drawn),
    }
'''


def without_torch(folder: Path) -> dict[str, Any]:
    """What the translations in a folder give, in a process that can't import torch."""
    paths = [str(HERE.parents[1] / "src"), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(HERE / "without_torch.py"), str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return pickle.loads((folder / "results.pickle").read_bytes())


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], dict[str, Any]]:
    """What each program gives in PyTorch, and what its translation gives."""
    pytest.importorskip("grain")
    folder = tmp_path_factory.mktemp("translations")
    before, expected = torch.get_default_dtype(), {}
    torch.set_default_dtype(torch.float64)
    for path in PROGRAMS:
        source = path.read_text(encoding="utf-8")
        space: dict[str, Any] = {"__name__": path.stem}
        exec(compile(source, str(path), "exec"), space)
        torch.manual_seed(0)
        model = space["Net"]()
        np.savez(folder / f"{path.stem}.npz", **{name: value.numpy() for name, value in model.state_dict().items()})
        expected[path.stem] = space["run"](model)
        (folder / path.name).write_text(translated(source), encoding="utf-8")
    torch.set_default_dtype(before)
    (folder / "shuffled.py").write_text(translated(SHUFFLED), encoding="utf-8")
    return expected, without_torch(folder)


def translated(source: str) -> str:
    conversion = convert(source, options=Options(data="grain"))
    assert [d.headline for d in conversion.diagnostics if d.severity == "error"] == []
    return conversion.code


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_the_translation_trains_alike(path: Path, outcomes: tuple[dict[str, Any], dict[str, Any]]) -> None:
    expected, found = outcomes
    assert_alike(found[path.stem], expected[path.stem])


def assert_alike(found: Any, expected: Any) -> None:
    """Nested results are equal, numbers to nine digits."""
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    elif isinstance(expected, str):
        assert found == expected
    else:
        np.testing.assert_allclose(found, np.asarray(expected), rtol=1e-9, atol=1e-12)


def test_each_epoch_is_another_permutation_and_the_seed_repeats_it(outcomes: Any) -> None:
    found = outcomes[1]["shuffled"]
    for name in ("shuffled", "seeded", "threads"):
        assert [sorted(epoch) for epoch in found[name]] == [list(range(23))] * 3
        assert len({tuple(epoch) for epoch in found[name]}) == 3
    assert found["shuffled"] == found["again"] == found["threads"]
    assert found["seeded"] != found["shuffled"]
    assert [len(set(epoch)) for epoch in found["dropped"]] == [20, 20, 20]


def test_samplers_and_splits(outcomes: Any) -> None:
    found = outcomes[1]["shuffled"]
    assert [len(epoch) for epoch in found["sampled"]] == [30] * 3
    assert all(sorted(epoch[:23]) == list(range(23)) for epoch in found["sampled"])
    assert [len(part) for part in found["parts"]] == [15, 8]
    assert sorted(found["parts"][0] + found["parts"][1]) == list(range(23))
    assert found["shares"] == [len(part) for part in torch.utils.data.random_split(range(23), [0.5, 0.25, 0.25])]
    counts = np.bincount(found["weighted"], minlength=3)
    assert counts[0] == 0
    assert counts[2] / counts[1] == pytest.approx(3, abs=0.5)
