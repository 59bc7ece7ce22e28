"""The time of a training step: translated scripts, the scripts themselves, and the same written for Flax by hand.

    python benchmarks/step_time.py

All three of a script train in turns in one process, with one thread each; the processor time of a turn counts. The
table goes to `step_time.md`.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ.setdefault("JAX_PLATFORMS", "cpu")

import statistics
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx

from torch2jax import convert

HERE = Path(__file__).parent
ROUNDS, STEPS = 15, 20
SHAPES: dict[str, tuple[tuple[int, ...], tuple[int, ...], int]] = {
    "mlp": ((64, 784), (64,), 10),
    "convnet": ((16, 3, 16, 16), (16,), 10),
    "transformer": ((16, 32), (16, 32), 64),
}
"""Of a batch and its labels, and how many classes there are; the transformer's batch is of integers too."""


def batches_of(name: str) -> list[tuple[np.ndarray, np.ndarray]]:
    """Random batches for one turn."""
    shape, labels, classes = SHAPES[name]
    numbers = np.random.default_rng(0)

    def batch() -> np.ndarray:
        if name == "transformer":
            return numbers.integers(0, classes, shape)
        return numbers.normal(size=shape).astype(np.float32)

    return [(batch(), numbers.integers(0, classes, labels)) for _ in range(STEPS)]


def space_of(source: str, name: str) -> dict[str, Any]:
    """What a script defines."""
    space: dict[str, Any] = {"__name__": name}
    exec(compile(source, name, "exec"), space)  # noqa: S102
    return space


def turns_of(name: str) -> dict[str, Callable[[], object]]:
    """One turn of each kind: an epoch over the same batches."""
    source = (HERE / f"scripts/{name}.py").read_text(encoding="utf-8")
    conversion = convert(source, filename=f"{name}.py")
    assert conversion.ok
    batches = batches_of(name)
    tensors = [(torch.tensor(x), torch.tensor(y)) for x, y in batches]
    arrays = [(jnp.asarray(x), jnp.asarray(y)) for x, y in batches]
    written = (HERE / f"handwritten/{name}.py").read_text(encoding="utf-8")
    eager, translated, by_hand = (
        space_of(text, f"{name}_{kind}")
        for text, kind in ((source, "eager"), (conversion.code, "translated"), (written, "by_hand"))
    )
    own, first, second = eager["build"](), translated["build"](rngs=nnx.Rngs(0)), by_hand["build"](rngs=nnx.Rngs(0))
    return {
        "eager": lambda: eager["train"](*own, tensors),
        "translated": lambda: jax.block_until_ready(translated["train"](*first, arrays)),
        "by hand": lambda: jax.block_until_ready(by_hand["train"](*second, arrays)),
    }


def measure(turns: dict[str, Callable[[], object]]) -> dict[str, list[float]]:
    """Processor time of a step in ms, for each round of turns; the first two are for compilation."""
    times: dict[str, list[float]] = {kind: [] for kind in turns}
    for number in range(ROUNDS + 2):
        for kind, turn in turns.items():
            start = time.process_time()
            turn()
            if number >= 2:
                times[kind].append(1000 * (time.process_time() - start) / STEPS)
    return times


def row(name: str, times: dict[str, list[float]]) -> str:
    """The medians, and the median of the ratios of each round."""
    medians = [f"{statistics.median(times[kind]):.2f}" for kind in ("eager", "translated", "by hand")]
    ratios = [
        statistics.median(a / b for a, b in zip(times["translated"], times[other], strict=True))
        for other in ("eager", "by hand")
    ]
    spread = statistics.quantiles([a / b for a, b in zip(times["translated"], times["by hand"], strict=True)], n=4)
    return (
        f"| {name} | {' | '.join(medians)} | {ratios[0]:.2f} | {ratios[1]:.2f} ({spread[0]:.2f} to {spread[2]:.2f}) |"
    )


HEAD = f"""\
# The time of a training step

<!-- Written by benchmarks/step_time.py. -->

Milliseconds of processor time for a step (medians of {ROUNDS} turns of {STEPS} steps), with one thread: the script in
PyTorch's eager mode, its translation, and the same script written for Flax by hand (`handwritten/`, with plain
`nnx.jit` and `nnx.value_and_grad` of the model). The three take turns in one process. Ratios are medians of those of
each turn, with their quartiles.

| script | eager | translated | by hand | translated / eager | translated / by hand |
|---|---|---|---|---|---|
"""


if __name__ == "__main__":
    torch.set_num_threads(1)
    rows = [row(name, measure(turns_of(name))) for name in SHAPES]
    text = HEAD + "\n".join(rows) + "\n"
    (HERE / "step_time.md").write_text(text, encoding="utf-8")
    print(text)
