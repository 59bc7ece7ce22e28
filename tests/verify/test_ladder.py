"""Each rung finds the mistake that it is there for, and stops what rests on it."""

from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

from torch2jax.verify import Case, Outcome, Rung, Verdict, verify

ORIGINAL = dedent(
    """
    import dataclasses
    from typing import NamedTuple

    import torch
    from torch import nn
    import torch.nn.functional as F


    class Pair(NamedTuple):
        first: torch.Tensor
        second: object


    @dataclasses.dataclass
    class Result:
        logits: torch.Tensor
        extra: object = None


    class Net(nn.Module):
        def __init__(self, width=6):
            super().__init__()
            self.fc = nn.Linear(3, width)
            self.norm = nn.LayerNorm(width)
            self.drop = nn.Dropout(0.4)
            self.register_buffer("seen", torch.zeros(()))
            self.register_buffer("table", torch.arange(6.0))

        def forward(self, x, y):
            if self.training:
                self.seen += 1
            h = self.drop(F.gelu(self.norm(self.fc(x))))
            out = h @ h.transpose(-1, -2) + (x * y).sum()
            return Result(out, {"pair": Pair(h.detach(), None), "list": [h.mean(), "name"]})
    """
)
TRANSLATION = dedent(
    """
    import dataclasses
    from typing import NamedTuple

    import jax
    import jax.numpy as jnp
    from flax import nnx


    class Buffer(nnx.Variable):
        pass


    class Pair(NamedTuple):
        first: jax.Array
        second: object


    @dataclasses.dataclass
    class Result:
        logits: jax.Array
        extra: object = None


    def uniform(key, shape, dtype):
        return jax.random.uniform(key, shape, dtype, -(3**-0.5), 3**-0.5)


    class Net(nnx.Module):
        def __init__(self, width=6, *, rngs: nnx.Rngs):
            self.fc = nnx.Linear(3, width, rngs=rngs, kernel_init=uniform, bias_init=uniform)
            self.norm = nnx.LayerNorm(width, epsilon=1e-5, rngs=rngs)
            self.drop = nnx.Dropout(0.4, rngs=rngs)
            self.seen = Buffer(jnp.zeros(()))
            self.table = Buffer(jnp.arange(6.0))
            self.deterministic = False

        def __call__(self, x, y):
            if not self.deterministic:
                self.seen[...] += 1
            h = self.drop(nnx.gelu(self.norm(self.fc(x)), approximate=False))
            out = h @ h.swapaxes(-1, -2) + (x * y).sum()
            detached = jax.lax.stop_gradient(h)
            return Result(out, {"pair": Pair(detached, None), "list": [h.mean(), "name"]})
    """
)
CASE = Case("Net", inputs=("f32[4,3]", "f32[4,3]"))

Climb = Callable[..., dict[Rung, Outcome]]


@pytest.fixture
def climb(tmp_path: Path) -> Climb:
    """Verify the programs with some text replaced, and give the outcomes by rung."""

    def run(
        *changes: tuple[str, str],
        original: tuple[tuple[str, str], ...] = (),
        last: str = "sizes",
        case: Case = CASE,
        train_steps: int = 5,
    ) -> dict[Rung, Outcome]:
        paths = []
        for side, text, edits in (("a", ORIGINAL, original), ("b", TRANSLATION, changes)):
            for old, new in edits:
                assert old in text
                text = text.replace(old, new)
            (tmp_path / side).mkdir(exist_ok=True)
            paths.append(tmp_path / side / "net.py")
            paths[-1].write_text(text)
        found = verify(*paths, cases=[case], dtypes=["float64"], last=last, train_steps=train_steps)
        return {outcome.rung: outcome for outcome in found.outcomes}

    return run


def test_a_right_translation_climbs_to_the_top(climb: Climb) -> None:
    outcomes = climb()
    assert {rung: o.verdict for rung, o in outcomes.items()} == dict.fromkeys(outcomes, Verdict.AGREES)
    assert [str(rung) for rung in outcomes] == (
        ["imports", "builds", "state", "initial", "eval", "train", "buffers", "gradients", "steps", "jit", "sizes"]
    )
    names = {array.path for array in outcomes[Rung.GRADIENTS].arrays}
    assert names == {"input 0", "input 1", "fc.weight", "fc.bias", "norm.weight", "norm.bias"}
    losses = outcomes[Rung.STEPS].losses
    assert losses is not None
    assert len(losses[0]) == len(losses[1]) == 5
    assert losses[0][0] > losses[0][-1]


MISTAKES = [
    ("imports", "import jax\n", "import jax\nimport jaxx\n", "fails", "No module named 'jaxx'"),
    ("builds", "nnx.Linear(3, width, rngs", "nnx.Linear(3, rngs", "fails", "missing 1 required positional argument"),
    ("state", "width, epsilon", "width, use_bias=False, epsilon", "DIFFERS", "unexpected: norm.bias"),
    ("state", "nnx.Linear(3, width, rngs", "nnx.Linear(3, width + 1, rngs", "DIFFERS", "fc.weight has shape (6, 3)"),
    ("state", "self.drop =", "self.more = nnx.Param(jnp.ones(2))\n        self.drop =", "DIFFERS", "missing"),
    ("state", "Buffer(jnp.arange", "nnx.Param(jnp.arange", "DIFFERS", "table is not trained in torch"),
    ("state", "class Buffer(nnx.Variable):", "class Buffer(nnx.Param):", "DIFFERS", "seen is not trained in torch"),
    ("initial", "jnp.arange(6.0)", "jnp.arange(6.0) + 1", "DIFFERS", "worst at table"),
    ("initial", "epsilon=1e-5,", "epsilon=1e-5, scale_init=nnx.initializers.zeros,", "DIFFERS", "worst at norm.weight"),
    ("initial", "kernel_init=uniform, ", "", "DIFFERS", "fc.weight is drawn from another distribution: mean"),
    ("initial", "bias_init=uniform", "bias_init=nnx.initializers.zeros", "DIFFERS", "deviation 0.3"),
    ("eval", "epsilon=1e-5", "epsilon=1e-6", "DIFFERS", "worst at"),
    ("eval", "approximate=False", "approximate=True", "DIFFERS", "worst at"),
    ("eval", '"name"]', '"other"]', "DIFFERS", "is 'name' in torch and 'other' in jax"),
    ("eval", "Pair(detached, None)", "Pair(detached, 0)", "DIFFERS", "is None in torch"),
    ("train", "Dropout(0.4,", "Dropout(0.3,", "DIFFERS", "worst at"),
    ("train", "h = self.drop(", "h = (", "DIFFERS", "the original draws 1 x uniform (4, 6)"),
    ("train", "out = h", "h = h * (1 if self.deterministic else 0.6)\n        out = h", "DIFFERS", "worst at"),
    ("buffers", "self.seen[...] += 1", "self.seen[...] += 2", "DIFFERS", "worst at seen"),
    ("buffers", "self.seen = Buffer(jnp.zeros(()))", "self.seen = 0", "DIFFERS", "seen: changes in"),
    ("gradients", "jax.lax.stop_gradient(h)", "h", "DIFFERS", "worst at"),
    ("gradients", "(x * y).sum()", "(jax.lax.stop_gradient(x) * y).sum()", "DIFFERS", "worst at input 0"),
    ("jit", "out = h", "assert h.sum() < 1e9\n        out = h", "can't be traced", "TracerBoolConversionError"),
    ("sizes", "out = h", "h = h if len(x) == 4 else 2 * h\n        out = h", "DIFFERS", "(5, 3), (5, 3): worst at"),
]  # fmt: skip


@pytest.mark.parametrize(("rung", "old", "new", "verdict", "words"), MISTAKES, ids=lambda value: str(value)[:20])
def test_a_mistake_is_found_on_its_rung(climb: Climb, rung: str, old: str, new: str, verdict: str, words: str) -> None:
    changes = [(old, new)]
    if new == "self.seen = 0":
        changes.append(("self.seen[...] += 1", "self.seen = self.seen + 1"))
    outcomes = climb(*changes, last="sizes" if rung in ("jit", "sizes") else rung)
    *below, found = [o for r, o in outcomes.items() if list(Rung).index(r) <= list(Rung).index(Rung(rung))]
    assert found.rung == rung
    assert (found.verdict.lower(), words in found.detail) == (verdict.lower(), True), found
    assert {o.verdict for o in below} <= {Verdict.AGREES}


def test_a_mistake_that_only_steps_show(climb: Climb) -> None:
    """The second call in train mode is wrong; all rungs before make one call each."""
    late = "h = h * jnp.where(self.seen[...] > 1, 2.0, 1.0)\n        out = h @"
    outcomes = climb(("out = h @", late), last="steps")
    assert outcomes[Rung.GRADIENTS].verdict is Verdict.AGREES
    assert outcomes[Rung.STEPS].verdict is Verdict.DIFFERS
    losses = outcomes[Rung.STEPS].losses
    assert losses is not None
    assert losses[0][0] == pytest.approx(losses[1][0])
    assert losses[0][1] != pytest.approx(losses[1][1], rel=1e-3)


def test_what_rests_on_a_failure_is_not_reached(climb: Climb) -> None:
    outcomes = climb(("Dropout(0.4,", "Dropout(0.3,"))
    assert {str(rung) for rung, o in outcomes.items() if o.verdict is Verdict.NOT_REACHED} == {
        "buffers",
        "gradients",
        "steps",
    }
    assert outcomes[Rung.JIT].verdict is outcomes[Rung.SIZES].verdict is Verdict.AGREES


def test_draws_that_can_not_be_matched_are_no_difference(climb: Climb) -> None:
    noise = ("h = self.drop(", "h = torch.rand(6) * self.drop(")
    other = ("h = self.drop(", "h = jax.random.uniform(jax.random.key(0), (7,))[:6] * self.drop(")
    outcomes = climb(other, original=(noise,), last="eval")
    assert outcomes[Rung.EVAL].verdict is Verdict.UNMATCHED
    assert "the original draws 1 x uniform (6,)" in outcomes[Rung.EVAL].detail
    assert "the translation 1 x uniform (7,)" in outcomes[Rung.EVAL].detail


def test_other_conventions_at_kinks_are_told_from_mistakes(climb: Climb) -> None:
    """The derivative of relu at 0 is 0 in torch; that of max(x, 0) is 1/2 in JAX."""
    relu = (
        ("self.drop =", "self.gain = nn.Parameter(torch.arange(6.0))\n        self.drop ="),
        ("h = self.drop(", "h = torch.relu(self.gain) * self.drop("),
    )
    gain = ("self.drop =", "self.gain = nnx.Param(jnp.arange(6.0))\n        self.drop =")
    maximum = ("h = self.drop(", "h = jnp.maximum(self.gain[...], 0) * self.drop(")
    outcomes = climb(gain, maximum, original=relu, last="steps")
    assert outcomes[Rung.GRADIENTS].verdict is Verdict.KINKS
    assert outcomes[Rung.GRADIENTS].detail.startswith("worst at gain; with inputs and parameters moved")
    assert outcomes[Rung.STEPS].verdict is Verdict.AGREES
    frozen = ("h = self.drop(", "h = jnp.maximum(jax.lax.stop_gradient(self.gain[...]), 0) * self.drop(")
    assert climb(gain, frozen, original=relu, last="gradients")[Rung.GRADIENTS].verdict is Verdict.DIFFERS


def test_train_mode_that_is_left_out_is_said(climb: Climb) -> None:
    case = Case("Net", inputs=CASE.inputs, train=False, reason="not today")
    outcomes = climb(("Dropout(0.4,", "Dropout(0.3,"), case=case, last="steps")
    assert outcomes[Rung.TRAIN].verdict is outcomes[Rung.BUFFERS].verdict is Verdict.INFORMATION
    assert outcomes[Rung.TRAIN].detail == "left out: not today"
    assert outcomes[Rung.GRADIENTS].verdict is outcomes[Rung.STEPS].verdict is Verdict.AGREES


def test_a_counter_that_stands_still_is_found(climb: Climb) -> None:
    """Numbers in plain attributes that the original's call changes."""
    counter = (
        ("self.drop =", "self.calls = 0\n        self.drop ="),
        ("h = self.drop(", "self.calls += 1\n        h = self.drop("),
    )
    assert climb(*counter, original=counter, last="eval")[Rung.EVAL].verdict is Verdict.AGREES
    found = climb(counter[0], original=counter, last="eval")[Rung.EVAL]
    assert found.verdict is Verdict.DIFFERS
    assert found.detail == "attribute calls is 1 in torch and 0 in jax"


def test_buffers_that_start_constant_can_not_hide_a_mistake(climb: Climb) -> None:
    buffer = ("self.drop =", 'self.register_buffer("gain", torch.ones(6))\n        self.drop =')
    twin = ("self.drop =", "self.gain = Buffer(jnp.ones(6))\n        self.drop =")
    times, over = (
        ("h = self.drop(", "h = self.gain[...] * self.drop("),
        ("h = self.drop(", "h = self.gain[...] ** -1 * self.drop("),
    )
    times_torch = ("h = self.drop(", "h = self.gain * self.drop(")
    assert climb(twin, times, original=(buffer, times_torch), last="eval")[Rung.EVAL].verdict is Verdict.AGREES
    assert climb(twin, over, original=(buffer, times_torch), last="eval")[Rung.EVAL].verdict is Verdict.DIFFERS


def test_what_layers_start_with_is_kept_in_float32(climb: Climb) -> None:
    original = (("self.drop =", "nn.init.constant_(self.fc.bias, 0.1)\n        self.drop ="),)
    twin = "self.fc.bias[...] = jnp.full_like(self.fc.bias[...], {})\n        self.drop ="
    right = climb(("self.drop =", twin.format(0.1)), original=original, last="initial")
    assert right[Rung.INITIAL].verdict is Verdict.AGREES
    wrong = climb(("self.drop =", twin.format(0.1 + 1e-7)), original=original, last="initial")
    assert wrong[Rung.INITIAL].verdict is Verdict.DIFFERS


def test_a_layer_without_weights_may_be_a_function(tmp_path: Path) -> None:
    (tmp_path / "acts.py").write_text("from torch import nn\n\nAct = nn.GELU\nNorm = nn.LayerNorm\n")
    right = tmp_path / "right.py"
    right.write_text(
        "from functools import partial\n\nfrom flax import nnx\n\nAct = partial(nnx.gelu, approximate=False)\n"
    )
    wrong = tmp_path / "wrong.py"
    wrong.write_text("from flax import nnx\n\nAct = nnx.gelu\n\n\ndef Norm(size):\n    return nnx.silu\n")

    def bad(translation: Path, entry: str, args: str = "") -> dict[Rung, Verdict]:
        case = Case(entry, args, ("f32[2,3]",))
        outcomes = verify(tmp_path / "acts.py", translation, cases=[case], dtypes=["float64"]).outcomes
        passed = (Verdict.AGREES, Verdict.INFORMATION, Verdict.NOT_REACHED)
        return {o.rung: o.verdict for o in outcomes if o.verdict not in passed}

    assert bad(right, "Act") == {}
    assert bad(wrong, "Act") == {Rung.EVAL: Verdict.DIFFERS}
    assert bad(wrong, "Norm", "3") == {Rung.STATE: Verdict.DIFFERS}
