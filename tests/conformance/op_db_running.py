"""Run an operator's samples in both frameworks, in float64, and say what became of each."""

from __future__ import annotations

import ast
import enum
import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

from conformance.op_db_sides import Side, jax_sides, module, sentence, torch_side
from conformance.op_db_sources import Program
from torch2jax import convert
from torch2jax.conversion import Conversion
from torch2jax.report import Severity
from torch2jax.verify.compare import AGREEMENT, Comparison, category, compare
from torch2jax.verify.precision import float64
from torch2jax.weights.arrays import as_numpy

ROUNDING = 1e-13  # of results that are 0 in exact arithmetic; the samples are numbers up to 10
# Operators that PyTorch computes in single precision somewhere, also for doubles, and how exact they are then.
INEXACT = {"nn.functional.hardsigmoid": 1e-7}  # the slope is the single-precision number next to 1/6
_UNDEFINED = ("empty", "new_empty")  # operators whose values PyTorch leaves undefined


class Verdict(enum.StrEnum):
    """What became of a sample, the worst last."""

    LEFT_OUT = "left out"  # it does not run in PyTorch, or can't be written as source
    AGREES = "agrees"
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
    """Convert an operator's calls as one module and run every sample."""
    found = [Outcome(Verdict.LEFT_OUT, reason, "") for reason in program.left_out]
    if not program.samples:
        return Report(tuple(found))
    conversion = convert(program.source, filename="calls.py")
    flagged = _flagged(program.source, conversion)
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
                found.append(Outcome(*_judge(name, side, next(computed)), sample.function))
    return Report(tuple(found))


def _flagged(source: str, conversion: Conversion) -> dict[str, str]:
    """The first error of each function."""
    found: dict[str, str] = {}
    functions = [node for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]
    for diagnostic in conversion.diagnostics:
        if diagnostic.severity is not Severity.ERROR:
            continue
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
        if not _agrees(comparison, INEXACT.get(name, AGREEMENT)):
            size = f"relative error {comparison.max_rel:.1e} at {comparison.worst}"
            return Verdict.DIFFERS, f"{what}: {comparison.problem or size}"
    return Verdict.AGREES, ""


def _agrees(comparison: Comparison, limit: float) -> bool:
    """Whether all that differs is rounding, which leaves anything of a 0 (the gradient of a sum of probabilities)."""
    return not comparison.problem and all(a.max_rel <= limit or a.max_abs <= ROUNDING for a in comparison.arrays)


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
