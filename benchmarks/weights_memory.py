"""How much memory `torch2jax weights` takes: python benchmarks/weights_memory.py [MEGABYTES] (writes weights.md).

A checkpoint of equal square layers goes to each format and back. Anonymous memory is what can't be dropped: pages of
mapped files are not in it, since the system takes them back when it needs room. Linux only.
"""

import subprocess
import sys
import tempfile
import time
from datetime import date
from importlib.metadata import version
from pathlib import Path

import torch

_PAGE = Path(__file__).with_name("weights.md")
_SIZE = 4096  # a layer is 64 MB
_TRANSLATION = """\
from flax import nnx


class Stack(nnx.Module):
    def __init__(self, depth, *, rngs):
        self.layers = nnx.List([nnx.Linear({size}, {size}, use_bias=False, rngs=rngs) for _ in range(depth)])
"""
_STEPS = (
    ("checkpoint.pt", "weights"),
    ("checkpoint.pt", "weights.safetensors"),
    ("weights", "back.pt"),
    ("weights", "back.safetensors"),
    ("weights.safetensors", "back2.pt"),
    ("back.safetensors", "weights2"),
)
_TEXT = """# Memory of `torch2jax weights`

<!-- Written by benchmarks/weights_memory.py. -->

Peak anonymous memory of all processes of the command, for a checkpoint of {0} MB and for one of {1} MB, in float32
layers of 64 MB. {2}; {3}, on a CPU with two cores.

| from | to | peak, {0} MB | peak, {1} MB | time, {1} MB |
|---|---|---|---|---|
{4}

Memory does not grow with the model, and most of it is the libraries: arrays are mapped, brought into order and
written one after the other. Orbax compresses several at a time.
"""


def peak_memory(command: list[str], folder: Path) -> tuple[int, float]:
    """The largest anonymous memory (bytes) of a command's processes together, and its seconds."""
    begun = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, stderr=subprocess.DEVNULL)
    peak = 0
    while process.poll() is None:
        peak = max(peak, sum(_anonymous(pid) for pid in _family(process.pid)))
        time.sleep(0.005)
    if process.returncode:
        raise SystemExit(f"{command} failed")
    return peak, time.perf_counter() - begun


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return []
    return [pid, *(grandchild for child in children for grandchild in _family(int(child)))]


def _anonymous(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in status.splitlines() if line.startswith("RssAnon"))


def measure(megabytes: int) -> list[tuple[str, str, int, float]]:
    """Source, output, peak and seconds of every step, on a checkpoint of about this size."""
    depth = max(1, megabytes // 64)
    found = []
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as name:
        folder = Path(name)
        (folder / "model_jax.py").write_text(_TRANSLATION.format(size=_SIZE), encoding="utf-8")
        torch.save({f"layers.{i}.weight": torch.randn(_SIZE, _SIZE) for i in range(depth)}, folder / "checkpoint.pt")
        for source, output in _STEPS:
            arguments = ["model_jax.py", source, "-o", output, "--entry", "Stack", "--args", str(depth)]
            command = [sys.executable, "-m", "torch2jax", "weights", *arguments]
            peak, seconds = peak_memory(command, folder)
            found.append((source, output, peak, seconds))
        first, last = (torch.load(folder / file, mmap=True) for file in ("checkpoint.pt", "back2.pt"))
        assert all(torch.equal(first[key], last[key]) for key in first), "the weights have changed"
    return found


def main() -> None:
    """Measure a small and a large checkpoint, and write the page."""
    large = int(sys.argv[1]) if len(sys.argv) > 1 else 4096
    sizes = (64, large)
    rows = zip(*(measure(size) for size in sizes), strict=True)
    lines = [
        f"| {small[0]} | {small[1]} | {small[2] / 1e6:.0f} MB | {big[2] / 1e6:.0f} MB | {big[3]:.0f} s |"
        for small, big in rows
    ]
    libraries = ", ".join(f"{name} {version(name)}" for name in ("torch", "flax", "orbax-checkpoint", "safetensors"))
    page = _TEXT.format(sizes[0], large, libraries, date.today().isoformat(), "\n".join(lines))
    _PAGE.write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main()
