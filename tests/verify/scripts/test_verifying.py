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


def test_several_optimizers_and_losses_agree(program: Program, run: Run) -> None:
    result = run(program("gan"), "train_jax.py")
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("optax.sgd(0.1)", "optax.sgd(0.11)", "losses: first at loss 2 of 12"),
        ("loss {loss.item():.4f}", "loss {2 * loss.item():.4f}", "prints: line 1 is 'step 0: loss"),
        (
            "optimizer.update(model, grads)\n    return",
            "optimizer.update(model, grads)\n    1 / 0\n    return",
            "by zero",
        ),
        (
            "for step in range(12):",
            "import sys\nfor step in range(12):\n    step == 3 and sys.exit(2)",
            "SystemExit: 2",
        ),
        (
            "for step in range(12):",
            "for step in range(11):",
            "the original differentiates 12 losses, the translation 11",
        ),
        ("import optax", "import optax, not_there_at_all", "install not_there_at_all"),
        ("nnx.Linear(3, 1, rngs=rngs)", "nnx.Linear(3, 1, use_bias=False, rngs=rngs)", "Linear"),
    ],
)
def test_a_mistake_is_found_and_named(program: Program, run: Run, old: str, new: str, words: str) -> None:
    result = run(program("linear", old, new), "train_jax.py")
    assert result.exit_code == 1
    assert words in result.output.replace("\n", " ")
