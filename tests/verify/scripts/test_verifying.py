"""Whole scripts and hand-written translations of them: right ones agree, and each mistake is found and named."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Program = Callable[..., Path]
Run = Callable[..., Result]


def test_a_right_translation_agrees(program: Program, run: Run) -> None:
    result = run(program("linear"), "train_jax.py", "--report", "out.json", "--report", "out.html")
    assert result.exit_code == 0, result.output
    assert "1 case agrees" in result.output
    report = json.loads(Path("out.json").read_text())
    assert [outcome["rung"] for outcome in report["outcomes"]] == [
        *("runs", "weights", "losses", "models", "globals", "prints", "jit"),
    ]
    losses = next(outcome["losses"] for outcome in report["outcomes"] if outcome["losses"])
    assert [len(series) for series in losses] == [12, 12]
    assert "polyline" in Path("out.html").read_text()


def test_batches_dropout_noise_and_initial_values_are_the_same_on_both_sides(program: Program, run: Run) -> None:
    result = run(program("classifier"), "train_jax.py", "--", "--epochs", "1")
    assert result.exit_code == 0, result.output
    assert "train.py --epochs 1" in result.output
    assert "not compared, since torch's own values change from run to run: start, elapsed" in result.output
    assert not Path("model.pt").exists(), "both run in a copy of the working directory"


def test_weights_that_are_drawn_anew_hide_no_transposed_kernel(run: Run) -> None:
    """Shared draws over axes of equal size are symmetric; weights, which are carried over, must not be."""
    Path("train.py").write_text(
        "import torch\nfrom torch import nn\n\nmodel = nn.Linear(4, 4)\nnn.init.normal_(model.weight)\n"
        "x = torch.randn(5, 4)\n(model(x) ** 3).sum().backward()\n"
    )
    Path("train_jax.py").write_text(
        "from flax import nnx\n\nrngs = nnx.Rngs(0)\nmodel = nnx.Linear(4, 4, rngs=rngs)\nx = rngs.normal((5, 4))\n"
        "nnx.grad(lambda model: ((x @ model.kernel[...].T + model.bias[...]) ** 3).sum())(model)\n"
    )
    result = run("train.py", "train_jax.py")
    assert result.exit_code == 1
    assert "losses: first at loss 1 of 1" in result.output


def test_updates_of_arrays_in_no_module_are_counted(run: Run) -> None:
    """One side differentiates a sum, the other its terms: only what lies between two updates can be compared."""
    Path("train.py").write_text(
        "import torch\n\nw = torch.ones(3, requires_grad=True)\noptimizer = torch.optim.SGD([w], lr=0.1)\n"
        "for step in range(3):\n    optimizer.zero_grad()\n    (w.square().sum() + w.exp().sum()).backward()\n"
        "    optimizer.step()\n"
    )
    Path("train_jax.py").write_text(
        "import jax\nimport jax.numpy as jnp\nimport optax\n\nw = jnp.ones(3)\noptimizer = optax.sgd(0.1)\n"
        "state = optimizer.init(w)\n\n\n@jax.jit\ndef step_once(w, state):\n"
        "    first = jax.grad(lambda w: jnp.square(w).sum())(w)\n    second = jax.grad(lambda w: jnp.exp(w).sum())(w)\n"
        "    updates, state = optimizer.update(first + second, state)\n"
        "    return optax.apply_updates(w, updates), state\n\n\n"
        "for step in range(3):\n    w, state = step_once(w, state)\n"
    )
    result = run("train.py", "train_jax.py")
    assert result.exit_code == 0, result.output
    assert "the losses between two updates are compared by their sum" in result.output


def test_several_optimizers_and_losses_agree(program: Program, run: Run) -> None:
    result = run(program("gan"), "train_jax.py")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("optax.sgd(0.1)", "optax.sgd(0.11)", "losses: first at loss 2 of 12"),
        (
            "    return loss\n",
            "    1 / 0\n    return loss\n",
            "division by zero (train_jax.py:20)",
        ),
        ("import optax", "import optax, not_there_at_all", "install not_there_at_all"),
    ],
)
def test_a_mistake_is_found_and_named(program: Program, run: Run, old: str, new: str, words: str) -> None:
    result = run(program("linear", old, new), "train_jax.py")
    assert result.exit_code == 1
    assert words in result.output.replace("\n", " ")


def test_a_program_that_hangs_is_ended(program: Program, run: Run) -> None:
    path = program("linear", "for step", "import time\n\ntime.sleep(1000)\nfor step")
    result = run(path, "train_jax.py", "--timeout", "30")
    assert result.exit_code == 1
    assert "did not end within 30 s (--timeout)" in result.output


def test_both_can_be_stopped_after_some_losses(program: Program, run: Run) -> None:
    path = program("linear", "range(12)", "range(100000)")
    path.write_text(path.read_text().replace("range(12)", "range(100000)"))
    result = run(path, "train_jax.py", "--train-steps", "6")
    assert result.exit_code == 0, result.output
    assert "both were stopped after 6 losses" in result.output


def test_what_only_compilation_changes_is_named(program: Program, run: Run) -> None:
    """A print inside a compiled function happens once, while it is traced."""
    path = program("linear", "    def loss_fn", "    print('step')\n\n    def loss_fn")
    path.write_text(path.read_text().replace("    optimizer.zero", "    print('step')\n    optimizer.zero"))
    result = run(path, "train_jax.py")
    assert result.exit_code == 1
    assert "jit: prints: line 3" in result.output
    assert "without jax.jit everything agrees" in result.output


def test_a_project_is_run_from_its_entry_point(program: Program, run: Run) -> None:
    """Modules beside the script, data files, relative to the working directory, and a folder as the translation."""
    program("linear")
    text, translation = Path("train.py").read_text(), Path("train_jax.py").read_text()
    for folder, script in (("project", text), ("project_jax", translation)):
        Path(folder).mkdir()
        Path(folder, "settings.py").write_text("STEPS = int(open('data/steps.txt').read())\n")
        changed = f"from settings import STEPS\n{script.replace('range(12)', 'range(STEPS)')}"
        Path(folder, "main.py").write_text(f"{changed}\nopen('data/steps.txt', 'a').write('0')\n")
    Path("data").mkdir()
    Path("data/steps.txt").write_text("3")
    result = run("project", "project_jax")
    assert result.exit_code == 0, result.output
    assert Path("data/steps.txt").read_text() == "3"


def test_options_of_models_and_unclear_folders_are_refused(run: Run) -> None:
    Path("empty").mkdir()
    result = run("empty")
    assert result.exit_code == 2
    assert "no file in it is __main__.py, main.py, train.py: name the script itself" in result.output
    assert "--entry is for models: it can't be used with --script" in run("empty", "--entry", "Net").output
