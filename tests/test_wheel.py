"""What a user installs: the wheel, in an environment that has neither torch nor jax."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    run(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (found,) = folder.glob("torch2jax_convert-*.whl")
    return found


def test_the_wheel_holds_the_rules_the_helpers_and_the_types(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    rules = {
        f"torch2jax/_rules/{path.relative_to(ROOT / 'rules').as_posix()}" for path in (ROOT / "rules").rglob("*.py")
    }
    assert rules
    assert rules <= names
    assert "torch2jax/py.typed" in names
    assert "torch2jax/helpers/static.py" in names
    assert "torch2jax/rules/snapshot.json" in names
    templates = {path.name for path in (ROOT / "src/torch2jax/verify/page/templates").iterdir()}
    assert {f"torch2jax/verify/page/templates/{name}" for name in templates} <= names
    assert "page.html" in templates
    assert not [name for name in names if name.startswith(("tests", "samples", "docs"))]


def test_an_environment_without_torch_and_jax_converts_a_file(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python = tmp_path / "env/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", wheel, cwd=tmp_path)
    for name in ("torch", "jax", "flax", "numpy"):
        assert subprocess.run([python, "-c", f"import {name}"], capture_output=True, check=False).returncode == 1
    sample = ROOT / "samples/lenet_cifar10/model.py"
    assert "class LeNet(nnx.Module):" in run(tmp_path / "env/bin/torch2jax", "convert", sample, cwd=tmp_path)
    listing = run(tmp_path / "env/bin/torch2jax", "rules", "list", "torch.nn.Conv2d", cwd=tmp_path)
    assert listing.startswith("torch.nn.Conv2d")
    verified = subprocess.run(
        [tmp_path / "env/bin/torch2jax", "verify", sample], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 2
    assert verified.stderr == "Error: numpy is missing: pip install 'torch2jax-convert[verify]'\n"


def test_the_source_distribution_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    run(sys.executable, "-m", "venv", "env", cwd=tmp_path)
    python = tmp_path / "env/bin/python"
    run(python, "-m", "pip", "install", "--quiet", "hatchling", cwd=tmp_path)
    run(python, "-m", "hatchling", "build", "--target", "sdist", "--directory", tmp_path / "dist", cwd=ROOT)
    (archive,) = (tmp_path / "dist").glob("torch2jax_convert-*.tar.gz")
    run(python, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", tmp_path, archive, cwd=tmp_path)
    (rebuilt,) = tmp_path.glob("torch2jax_convert-*.whl")
    assert sorted(zipfile.ZipFile(rebuilt).namelist()) == sorted(zipfile.ZipFile(wheel).namelist())
