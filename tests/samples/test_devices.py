"""A translation that trains on several devices goes through the losses that it has on one."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")
pytest.importorskip("flax")

HERE = Path(__file__).parent
SCRIPT = HERE.parents[1] / "samples/training/ddp_classifier_jax.py"


def run(devices: int, folder: Path) -> dict[str, Any]:
    flags = f"{os.environ.get('XLA_FLAGS', '')} --xla_force_host_platform_device_count={devices}"
    surroundings = os.environ | {"XLA_FLAGS": flags, "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(HERE / "on_devices.py"), str(SCRIPT)]
    done = subprocess.run(command, cwd=folder, env=surroundings, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def test_four_devices_train_as_one(tmp_path: Path) -> None:
    one, four = run(1, tmp_path), run(4, tmp_path)
    assert (one["devices"], four["devices"]) == (1, 4)
    assert len(one["losses"]) >= 50
    assert four["losses"] == pytest.approx(one["losses"], rel=1e-9)
