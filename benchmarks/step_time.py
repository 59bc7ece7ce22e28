"""The time of a training step: translated scripts against the originals and against versions written by hand.

    python benchmarks/step_time.py [--rounds 40] [--only gpt]

Three of `samples/training` are run once, translated as they are committed, so that their models, optimizers and batches
are there; then the step is timed of the original (eager mode, one thread), of the translation, and of the version in
`benchmarks/handwritten`, in turns in one process. Ratios are of turns in the same round, of the processor's time of the
process, since other work on the machine takes part of the wall clock. The table goes to `step_time.md`.
"""

from __future__ import annotations

import argparse
import importlib
import os
import runpy
import sys
import tempfile
from collections.abc import Callable
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

# one thread each, set before the frameworks are imported
os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
os.environ |= {"JAX_PLATFORMS": "cpu", "OMP_NUM_THREADS": "1"}

import jax
import torch

from torch2jax.verify.bench.race import timed_turn
from torch2jax.verify.bench.spread import Spread, speed_ratio

HERE = Path(__file__).parent
SCRIPTS = HERE.parent / "samples" / "training"
Step = Callable[[], object]
INTRODUCTION = """\
# The time of a training step

By `benchmarks/step_time.py` on one core of a shared machine ({versions}; load average {load:.0f}). Milliseconds of the
processor for one step, without reading the loss: the median of {rounds} turns. A ratio is the time of the translation
over that of the other: the median over the rounds, with the quartiles in brackets; below 1, the translation is faster.
 "By hand" is `benchmarks/handwritten`: the form of Flax's documentation, `@nnx.jit` and `nnx.value_and_grad` of
the model.

| script | PyTorch, eager | translation | by hand | translation : PyTorch | translation : by hand |
|---|---:|---:|---:|---:|---:|
"""


def main() -> None:
    """Measure, print, and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=40)
    parser.add_argument("--seconds", type=float, default=0.1, help="for one turn")
    parser.add_argument("--only", choices=list(STEPS))
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in [arguments.only] if arguments.only else STEPS:
        rows.append(row(name, STEPS[name](), arguments.rounds, arguments.seconds))
        print(rows[-1])
        jax.clear_caches()
    versions = f"torch {torch.__version__}, jax {jax.__version__}, flax {importlib.import_module('flax').__version__}"
    text = INTRODUCTION.format(versions=versions, load=os.getloadavg()[0], rounds=arguments.rounds)
    if not arguments.only:
        (HERE / "step_time.md").write_text(text + "\n".join(rows) + "\n", encoding="utf-8")


def row(name: str, steps: tuple[Step, Step, Step], rounds: int, seconds: float) -> str:
    """A row of the table, from steps of the original, the translation and the version by hand."""
    measured: list[dict[int, float]] = [{}, {}, {}]
    for number in range(rounds):
        order = [(number + at) % 3 for at in range(3)]
        for each in order:
            measured[each][number] = timed_turn(steps[each], seconds).cpu
    times = [f"{1000 * Spread.of(list(each.values())).median:.2f}" for each in measured]
    ratios = []
    for other in (measured[0], measured[2]):
        ratio = speed_ratio(measured[1], other)
        assert ratio is not None
        ratios.append(f"{ratio.median:.2f} ({ratio.low:.2f} to {ratio.high:.2f})")
    return f"| {name} | {' | '.join(times)} | {' | '.join(ratios)} |"


def spaces(name: str) -> tuple[dict[str, Any], dict[str, Any], Any]:
    """The globals of the original and of its translation after a run, and the module written by hand."""
    found = []
    for script in (name, f"{name}_jax"):
        with tempfile.TemporaryDirectory() as folder, redirect_stdout(StringIO()):
            os.chdir(folder)
            found.append(runpy.run_path(str(SCRIPTS / f"{script}.py"), run_name="__main__"))
            os.chdir(HERE)
    sys.path.insert(0, str(HERE))
    return found[0], found[1], importlib.import_module(f"handwritten.{name}")


def done(result: Any) -> Any:
    """Wait for the device."""
    return jax.block_until_ready(result)


def lenet_cifar() -> tuple[Step, Step, Step]:
    """A batch of four images."""
    ours, theirs, written = spaces("lenet_cifar")
    inputs, labels = next(iter(ours["trainloader"]))

    def eager() -> None:
        ours["optimizer"].zero_grad()
        loss = ours["criterion"](ours["net"](inputs), labels)
        loss.backward()
        ours["optimizer"].step()

    images, targets = jax.numpy.asarray(inputs.numpy()), jax.numpy.asarray(labels.numpy())
    model, optimizer = written.build()
    last = images.transpose(0, 2, 3, 1)
    return (
        eager,
        lambda: done(theirs["train_step"](theirs["net"], theirs["optimizer"], images, targets)),
        lambda: done(written.train_step(model, optimizer, last, targets)),
    )


def resnet_cosine() -> tuple[Step, Step, Step]:
    """A batch of eight images, and the scheduler's step."""
    ours, theirs, written = spaces("resnet_cosine")
    inputs, labels = next(iter(ours["train_loader"]))
    ours["model"].train()
    theirs["model"].train()

    def eager() -> None:
        ours["optimizer"].zero_grad(set_to_none=True)
        loss = ours["criterion"](ours["model"](inputs), labels)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(ours["model"].parameters(), max_norm=1.0)
        ours["optimizer"].step()
        ours["scheduler"].step()

    images, targets = jax.numpy.asarray(inputs.numpy()), jax.numpy.asarray(labels.numpy())

    def translated() -> None:
        result = theirs["train_step"](theirs["model"], theirs["optimizer"], images, targets)
        theirs["scheduler"].step()
        done(result)

    model, optimizer = written.build()
    last = images.transpose(0, 2, 3, 1)
    return eager, translated, lambda: done(written.train_step(model, optimizer, last, targets))


def gpt() -> tuple[Step, Step, Step]:
    """Two micro-batches, the rate of this step, clipping and an update."""
    ours, theirs, written = spaces("gpt")
    tokens, targets = ours["X"], ours["Y"]

    def eager() -> None:
        for group in ours["optimizer"].param_groups:
            group["lr"] = 1e-3
        for _ in range(2):
            _, loss = ours["model"](tokens, targets)
            (loss / 2).backward()
        torch.nn.utils.clip_grad_norm_(ours["model"].parameters(), 1.0)
        ours["optimizer"].step()
        ours["optimizer"].zero_grad(set_to_none=True)

    x, y = jax.numpy.asarray(tokens.numpy()), jax.numpy.asarray(targets.numpy())

    def translated() -> None:
        model, optimizer = theirs["model"], theirs["optimizer"]
        for group in theirs["hyperparams"](optimizer):
            group["learning_rate"][...] = 1e-3
        grads = None
        for _ in range(2):
            loss, grads = theirs["accumulate_gradients"](model, grads, x, y)
        theirs["apply_gradients"](model, optimizer, theirs["clip_by_norm"](grads, 1.0))
        done((loss, jax.tree.leaves(theirs["nnx"].state(model))))

    model, optimizer = written.build(ours["vocab_size"])

    def by_hand() -> None:
        for _ in range(2):
            loss = written.train_step(model, optimizer, x, y)
        done(loss)

    return eager, translated, by_hand


STEPS: dict[str, Callable[[], tuple[Step, Step, Step]]] = {
    "lenet_cifar": lenet_cifar,
    "resnet_cosine": resnet_cosine,
    "gpt": gpt,
}


if __name__ == "__main__":
    main()
