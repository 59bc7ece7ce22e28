"""The command as a user calls it, in processes of its own."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from torch2jax.cli import main

torch = pytest.importorskip("torch")
nnx = pytest.importorskip("flax.nnx")

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "weights.md"

TRANSLATION = """\
from flax import nnx


class Net(nnx.Module):
    def __init__(self, width=3, *, rngs):
        self.linear = nnx.Linear(2, width, rngs=rngs)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    Path("model_jax.py").write_text(TRANSLATION)
    torch.save(state(), "in.pt")
    return tmp_path


def state() -> dict[str, Any]:
    torch.manual_seed(0)
    return {f"linear.{name}": tensor for name, tensor in torch.nn.Linear(2, 3).state_dict().items()}


def command(*args: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, ["weights", *args], catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def test_there_and_back(folder: Path) -> None:
    torch.save({"model": state(), "optimizer": {}, "epoch": 3}, "in.pt")
    there = command("model_jax.py", "in.pt", "-o", "weights")
    assert there.stderr.splitlines() == [
        "left out: optimizer, epoch",
        "weights: 2 arrays (0.0 MB) of Net() for flax, from 'model' of in.pt",
    ]
    assert there.stdout == ""
    command("model_jax.py", "weights", "-o", "back.pt", "--like", "in.pt")
    for name, tensor in torch.load("back.pt").items():
        assert torch.equal(tensor, state()[name])
    assert sorted(path.name for path in folder.iterdir()) == ["back.pt", "in.pt", "model_jax.py", "weights"]


def test_what_does_not_fit_has_exit_status_1_and_leaves_nothing(folder: Path) -> None:
    result = command("model_jax.py", "in.pt", "-o", "weights", "--entry", "Net", "--args", "width=4", code=1)
    assert result.stderr.startswith("in.pt does not fit Net(width=4)\n  mismatched: linear.weight has shape (3, 2)")
    assert sorted(path.name for path in folder.iterdir()) == ["in.pt", "model_jax.py"]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("import os\nos._exit(3)\n", "the translation ended the process with exit status 3"),
        ("import os\nos.kill(os.getpid(), 9)\n", r"the process was killed by signal 9 \(out of memory\?\)"),
    ],
)
def test_a_translation_that_ends_its_process(source: str, reason: str, folder: Path) -> None:
    Path("model_jax.py").write_text(source)
    result = command("model_jax.py", "in.pt", "-o", "weights", code=2)
    assert re.fullmatch(f"Error: in.pt: was not converted: {reason}\n", result.stderr)
    assert sorted(path.name for path in folder.iterdir()) == ["in.pt", "model_jax.py"]


def test_outputs_that_can_not_be_written(folder: Path) -> None:
    def refused(*args: str) -> str:
        return command("model_jax.py", "in.pt", *args, code=2).stderr.strip().splitlines()[-1]

    Path("there.safetensors").touch()
    Path("full").mkdir()
    Path("full/notes.txt").touch()
    Path("old").mkdir()
    Path("old/_METADATA").touch()
    assert refused("-o", "there.safetensors") == (
        "Error: there.safetensors: exists already; pass --force to replace it."
    )
    assert refused("-o", "old") == "Error: old: exists already; pass --force to replace it."
    assert refused("-o", "full", "--force") == (
        "Error: full: holds other things than a checkpoint; choose another folder with -o."
    )
    assert refused("-o", "there.safetensors", "--format", "orbax").startswith(
        "Error: there.safetensors: is a file, and"
    )
    assert refused("-o", "in.pt", "--force") == (
        "Error: in.pt: the output would replace its input; choose another one with -o."
    )
    assert refused("-o", "in.pt/deeper").endswith("in.pt is read-only or no folder.")
    assert refused("-o", "weights.xyz") == "Error: weights.xyz: say --format, since its ending .xyz means none"
    assert refused("-o", "weights", "--args", "width=3").startswith("Error: --args needs --entry")
    assert sorted(path.name for path in folder.iterdir()) == [
        "full",
        "in.pt",
        "model_jax.py",
        "old",
        "there.safetensors",
    ]


def test_what_the_documentation_says_works_without_torch2jax(folder: Path) -> None:
    """The page's commands, then its Python in an interpreter that can't import torch2jax or torch."""
    sample = ROOT / "samples" / "resnet"
    Path("model_jax.py").write_text((sample / "model_jax.py").read_text())
    namespace: dict[str, Any] = {}
    exec((sample / "model.py").read_text(), namespace)
    original = namespace["resnet18"](num_classes=10)
    torch.save(original.state_dict(), "checkpoint.pt")
    page = PAGE.read_text()
    for line in re.findall(r"^    torch2jax weights (.*)$", page, re.MULTILINE):
        command(*shlex.split(line))
    back = torch.load("back.pt")
    assert list(back) == list(original.state_dict())
    assert all(torch.equal(back[name], tensor) for name, tensor in original.state_dict().items())
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    assert len(blocks) == 2
    check = """
import numpy as np
expected = np.load("expected.npz")
for path, variable in nnx.to_flat_state(nnx.state(model)):
    name = ".".join(map(str, path))
    if name in expected:
        np.testing.assert_array_equal(variable[...], expected[name])
        assert isinstance(variable[...], __import__("jax").Array)
assert len(expected) == 102
assert "torch" not in __import__("sys").modules
"""
    _save_expected(original)
    for number, block in enumerate(blocks):
        Path(f"use{number}.py").write_text(f"import sys\nsys.modules['torch2jax'] = None\n{block}{check}")
        done = subprocess.run(
            [sys.executable, f"use{number}.py"],
            capture_output=True,
            text=True,
            env={**os.environ, "JAX_PLATFORMS": "cpu", "PYTHONPATH": ""},
            check=False,
        )
        assert done.returncode == 0, done.stderr


def _save_expected(original: Any) -> None:
    """What the arrays must be, by the other way there is: load_state_dict."""
    import numpy as np

    from torch2jax import load_state_dict

    namespace: dict[str, Any] = {}
    exec(Path("model_jax.py").read_text(), namespace)
    model = namespace["resnet18"](num_classes=10, rngs=nnx.Rngs(1))
    load_state_dict(model, original.state_dict())
    flat = nnx.to_flat_state(nnx.state(model, nnx.Any(nnx.Param, nnx.BatchStat)))
    np.savez("expected.npz", **{".".join(map(str, path)): np.asarray(v[...]) for path, v in flat})
