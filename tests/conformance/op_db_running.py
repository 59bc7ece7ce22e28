"""Run an operator's samples in both frameworks, in float64, and say what became of each."""

from __future__ import annotations

import ast
import enum
import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from conformance.op_db_sides import Side, jax_sides, module, sentence, torch_side
from conformance.op_db_sources import Program, with_axes
from torch2jax import convert
from torch2jax.report import Diagnostic, Severity
from torch2jax.verify.compare import AGREEMENT, Comparison, category, compare
from torch2jax.verify.precision import float64
from torch2jax.weights.arrays import as_numpy

ROUNDING = 1e-13  # of results that are 0 in exact arithmetic; the samples are numbers up to 10
# Constants that PyTorch has in single precision, also for doubles: by what they make its gradients too large.
_ASSUMPTIONS = ("T2J201", "T2J205")  # what says that the translation may compute something else
_UNDEFINED = ("empty", "new_empty")  # operators whose values PyTorch leaves undefined


class Verdict(enum.StrEnum):
    """What became of a sample, the worst last."""

    LEFT_OUT = "left out"  # it does not run in PyTorch, or can't be written as source
    AGREES = "agrees"
    WITH_AXES = "agrees with axes"  # where the source shows how many axes the tensors have; without, it raises
    FLAGGED = "flagged"  # the conversion reports an error
    FAILS = "fails"  # the translation raises
    DIFFERS = "differs"  # silently: a mistake in every case


@dataclass(frozen=True, slots=True)
class Outcome:
    """The verdict on one sample, the reason, and its function."""

    verdict: Verdict
    reason: str
    function: str


@dataclass(frozen=True, slots=True)
class Report:
    """The outcomes of all samples of an operator."""

    outcomes: tuple[Outcome, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the samples'."""
        order = list(Verdict)
        return max((outcome.verdict for outcome in self.outcomes), key=order.index, default=Verdict.LEFT_OUT)

    def counts(self) -> dict[str, int]:
        """How many samples have which verdict."""
        return dict(Counter(outcome.verdict.value for outcome in self.outcomes))

    def reasons(self, verdict: Verdict) -> list[str]:
        """Different reasons of a verdict, in order."""
        return list(dict.fromkeys(outcome.reason for outcome in self.outcomes if outcome.verdict is verdict))


def run(name: str, program: Program) -> Report:
    """Convert an operator's calls as one module and run every sample; those that raise once more with axes shown."""
    found = [Outcome(Verdict.LEFT_OUT, reason, "") for reason in program.left_out]
    outcomes = _run_samples(name, program)
    failed = [
        place
        for place, (sample, outcome) in enumerate(zip(program.samples, outcomes, strict=True))
        if outcome.verdict is Verdict.FAILS and sample.call
    ]
    again = _run_samples(name, with_axes([program.samples[place] for place in failed]))
    for place, outcome in zip(failed, again, strict=True):
        if outcome.verdict is Verdict.DIFFERS:
            outcomes[place] = outcome
        elif outcome.verdict is Verdict.AGREES:
            outcomes[place] = Outcome(Verdict.WITH_AXES, outcomes[place].reason, outcomes[place].function)
    return Report((*found, *outcomes))


def _run_samples(name: str, program: Program) -> list[Outcome]:
    if not program.samples:
        return []
    conversion = convert(program.source, filename="calls.py")
    flagged = _said(program.source, [d for d in conversion.diagnostics if d.severity is Severity.ERROR])
    assumed = _said(program.source, [d for d in conversion.diagnostics if d.code in _ASSUMPTIONS])
    found: list[Outcome] = []
    with float64(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        expected = _torch_sides(program)
        wanted = [
            (sample, side)
            for sample, side in zip(program.samples, expected, strict=True)
            if isinstance(side, Side) and sample.function not in flagged
        ]
        computed = iter(jax_sides(conversion.code, wanted))
        for sample, side in zip(program.samples, expected, strict=True):
            if isinstance(side, str):
                found.append(Outcome(Verdict.LEFT_OUT, f"fails in PyTorch: {side}", sample.function))
            elif reason := flagged.get(sample.function):
                found.append(Outcome(Verdict.FLAGGED, reason, sample.function))
            else:
                verdict, reason = _judge(name, side, next(computed))
                if verdict is Verdict.DIFFERS and sample.function in assumed:
                    verdict, reason = Verdict.FLAGGED, f"{assumed[sample.function]}; {reason}"
                found.append(Outcome(verdict, reason, sample.function))
    return found


def _said(source: str, diagnostics: Sequence[Diagnostic]) -> dict[str, str]:
    """The first diagnostic of each function."""
    found: dict[str, str] = {}
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    for diagnostic in diagnostics:
        for node in functions:
            inside = node.lineno <= diagnostic.line <= (node.end_lineno or node.lineno)
            if inside or not any(f.lineno <= diagnostic.line <= (f.end_lineno or 0) for f in functions):
                found.setdefault(node.name, f"{diagnostic.code} {diagnostic.message}")
    return found


def _judge(name: str, expected: Side, actual: Side | str) -> tuple[Verdict, str]:
    if isinstance(actual, str):
        return Verdict.FAILS, actual
    if name.startswith(_UNDEFINED) or expected.random:
        outlines = [{path: _outline(leaf) for path, leaf in side.outputs.items()} for side in (expected, actual)]
        same = outlines[0] == outlines[1]
        return (Verdict.AGREES, "") if same else (Verdict.DIFFERS, f"{outlines[0]} became {outlines[1]}")
    for what, pair in {
        "value": (expected.outputs, actual.outputs),
        "gradient": (expected.grads or {}, actual.grads or {}),
    }.items():
        comparison = compare(*pair)
        if not _agrees(comparison):
            size = f"relative error {comparison.max_rel:.1e} at {comparison.worst}"
            return Verdict.DIFFERS, f"{what}: {comparison.problem or size}"
    return Verdict.AGREES, ""


def _agrees(comparison: Comparison) -> bool:
    """Whether all that differs is rounding, which leaves anything of a 0 (the gradient of a sum of probabilities)."""
    return not comparison.problem and all(a.max_rel <= AGREEMENT or a.max_abs <= ROUNDING for a in comparison.arrays)


def _outline(leaf: Any) -> str:
    if not hasattr(leaf, "shape"):
        return type(leaf).__name__
    array = as_numpy(leaf)
    return f"{category(array.dtype)}{array.shape}"


def _torch_sides(program: Program) -> list[Side | str]:
    """What PyTorch computes for each sample, or its error."""
    original = module(program.source)
    found: list[Side | str] = []
    for sample in program.samples:
        try:
            found.append(torch_side(getattr(original, sample.function), sample))
        except Exception as error:
            found.append(sentence(error))
    return found
