"""PyTorch's own list of modules and their inputs, `module_db`: nothing differs without a word.

docs/conformance_modules.md is the record of a whole run.
"""

from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("flax")
pytest.importorskip("expecttest")  # which PyTorch's test tools import

from conformance.module_cases import cases, modules, spread_over
from conformance.module_pages import page
from conformance.module_runs import Verdict, run

GOOD = (Verdict.AGREES, Verdict.WITH_AXES)
# What has no translation, and a word of the reason.
NOT_TRANSLATED = {
    "nn.AdaptiveMaxPool1d": "return_indices",
    "nn.AdaptiveMaxPool2d": "return_indices",
    "nn.AdaptiveMaxPool3d": "return_indices",
    "nn.FractionalMaxPool2d": "return_indices",
    "nn.FractionalMaxPool3d": "return_indices",
    "nn.MaxPool1d": "return_indices",
    "nn.MaxPool2d": "return_indices",
    "nn.MaxPool3d": "return_indices",
    **{
        f"nn.Lazy{layer}{n}d": "flax layers need their input sizes when they are built"
        for layer in ("Conv", "ConvTranspose")
        for n in (1, 2, 3)
    },
}
# Modules of each kind, of which every run tries an input.
QUICK = """
nn.BatchNorm2d nn.Conv2d nn.ConvTranspose1d nn.FractionalMaxPool2d nn.InstanceNorm2d nn.LazyConv2d nn.LSTMCell
nn.GroupNorm nn.LinearCrossEntropyLoss nn.MultiheadAttention nn.ReflectionPad2d nn.TransformerEncoderLayer
""".split()


def tried() -> Iterator[Any]:
    for module in modules():
        yield pytest.param(module, 1, id=f"{module}-1", marks=[] if module in QUICK else [pytest.mark.full])
        yield pytest.param(module, None, id=module, marks=[pytest.mark.full])


@pytest.mark.parametrize(("module", "most"), list(tried()))
def test_the_translation_computes_the_same(module: str, most: int | None) -> None:
    for outcome in run(spread_over(cases(module), most)):
        if outcome.verdict is Verdict.FLAGGED:
            assert NOT_TRANSLATED.get(module, "nothing") in outcome.reason, outcome
        else:
            assert outcome.verdict in GOOD, outcome


def test_an_input_becomes_a_class_that_builds_and_calls_the_layer() -> None:
    case = next(case for case in cases("nn.NLLLoss") if case.init)
    assert "self.layer = nn.NLLLoss(weight=w0)" in case.source.replace("reduction='mean', ", "")
    assert "def forward(self, x0: torch.Tensor, x1: torch.Tensor):" in case.source
    assert "s0_0, s0_1, = x0.shape" in case.with_axes().source


def test_a_translation_that_computes_something_else_is_noticed() -> None:
    case = cases("nn.ELU")[0]
    wrong = case.source.replace("return self.layer(x0)", "return self.layer(x0) * (1 + 1e-7 * hasattr(x0, 'at'))")
    [outcome] = run([type(case)(**{**vars(case), "source": wrong})])
    assert outcome.verdict is Verdict.DIFFERS


def test_the_page_counts_and_gives_reasons() -> None:
    outcomes = {"A-0": ["agrees", ""], "A-1": ["flagged", "no rule"], "A-2": ["flagged", "no rule"]}
    text = page({"nn.A": {"inputs": 7, "outcomes": outcomes}})
    assert f"1 of the list's {len(modules())} modules, 7 inputs, of which 3 were run: 1 of 3 (33.3%) agree." in text
    assert "| nn.A | 2 | flagged | no rule |" in text
