"""Run an operator's samples in both frameworks, in float64, and say what became of each."""

from __future__ import annotations

import ast
import enum
import sys
import types
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from conformance.op_db_sources import Program, Sample
from flax import nnx

from torch2jax import convert
from torch2jax.conversion import Conversion
from torch2jax.report import Severity
from torch2jax.verify.build import accepts_rngs
from torch2jax.verify.compare import category, compare, leaves
from torch2jax.verify.precision import float64
from torch2jax.weights.arrays import as_numpy

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
        original = _module(program.source)
        try:
            translation: types.ModuleType | Exception = _module(conversion.code)
        except Exception as error:
            translation = error
        for sample in program.samples:
            if reason := flagged.get(sample.function):
                found.append(Outcome(Verdict.FLAGGED, reason, sample.function))
            elif isinstance(translation, Exception):
                found.append(Outcome(Verdict.FAILS, sentence(translation), sample.function))
            else:
                undefined = name.startswith(_UNDEFINED)
                outcome = _compare(original, translation, sample, undefined)
                found.append(Outcome(*outcome, sample.function))
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


def _module(source: str) -> types.ModuleType:
    module = types.ModuleType("torch2jax_operator")
    sys.modules[module.__name__] = module
    exec(compile(source, f"<{module.__name__}>", "exec"), vars(module))
    return module


def _compare(
    original: types.ModuleType, translation: types.ModuleType, sample: Sample, undefined: bool
) -> tuple[Verdict, str]:
    try:
        expected = _run_torch(getattr(original, sample.function), sample)
    except Exception as error:
        return Verdict.LEFT_OUT, f"fails in PyTorch: {sentence(error)}"
    try:
        actual = _run_jax(getattr(translation, sample.function), sample, expected.grads is not None)
    except Exception as error:
        return Verdict.FAILS, sentence(error)
    if undefined or expected.random:
        outlines = [{path: _outline(leaf) for path, leaf in side.outputs.items()} for side in (expected, actual)]
        same = outlines[0] == outlines[1]
        return (Verdict.AGREES, "") if same else (Verdict.DIFFERS, f"{outlines[0]} became {outlines[1]}")
    for what, pair in {
        "value": (expected.outputs, actual.outputs),
        "gradient": (expected.grads or {}, actual.grads or {}),
    }.items():
        comparison = compare(*pair)
        if not comparison.agrees:
            size = f"relative error {comparison.max_rel:.1e} at {comparison.worst}"
            return Verdict.DIFFERS, f"{what}: {comparison.problem or size}"
    return Verdict.AGREES, ""


@dataclass(slots=True)
class _Side:
    """What one framework computed; grads are None where PyTorch has none."""

    outputs: dict[str, Any]
    grads: dict[str, Any] | None
    random: bool = False


def _run_torch(function: Callable[..., Any], sample: Sample) -> _Side:
    outputs = [_torch_outputs(function, sample, seed) for seed in (1, 2)]
    plain = [{path: _detached(leaf) for path, leaf in one.items()} for one in outputs]
    try:
        grads = _torch_grads(outputs[0], sample)
    except RuntimeError:  # PyTorch has no derivative
        grads = None
    return _Side(plain[0], grads, random=not _identical(*plain))


def _torch_outputs(function: Callable[..., Any], sample: Sample, seed: int) -> dict[str, Any]:
    torch.manual_seed(seed)
    return {path: _plain(leaf) for path, leaf in leaves(function(*sample.tensors))}


def _identical(one: dict[str, Any], other: dict[str, Any]) -> bool:
    if one.keys() != other.keys():
        return False
    pairs = [(one[path], other[path]) for path in one if isinstance(one[path], torch.Tensor)]
    return all(
        a.shape == b.shape and np.array_equal(as_numpy(a), as_numpy(b), equal_nan=a.is_floating_point())
        for a, b in pairs
    )


def _torch_grads(outputs: dict[str, Any], sample: Sample) -> dict[str, Any]:
    sources = {f"x{index}": tensor for index, tensor in enumerate(sample.tensors) if tensor.requires_grad}
    results = {path: leaf for path, leaf in outputs.items() if isinstance(leaf, torch.Tensor) and leaf.requires_grad}
    grads: Any = [None] * len(sources)
    if sources and results:
        weights = [torch.from_numpy(_weights(path, leaf)).to(leaf.dtype) for path, leaf in results.items()]
        grads = torch.autograd.grad(list(results.values()), list(sources.values()), weights, allow_unused=True)
    return {
        name: np.zeros(tuple(source.shape)) if grad is None else as_numpy(grad.resolve_conj().resolve_neg())
        for (name, source), grad in zip(sources.items(), grads, strict=True)
    }


def _run_jax(function: Callable[..., Any], sample: Sample, differentiate: bool) -> _Side:
    arrays = [jnp.asarray(as_numpy(tensor.detach().resolve_conj().resolve_neg())) for tensor in sample.tensors]
    wanted = [index for index, tensor in enumerate(sample.tensors) if tensor.requires_grad and differentiate]
    others: dict[str, Any] = {}
    arguments = {"rngs": nnx.Rngs(1)} if accepts_rngs(function) else {}

    def step(*floats: jax.Array) -> dict[str, jax.Array]:
        call = list(arrays)
        for index, value in zip(wanted, floats, strict=True):
            call[index] = value
        outputs = {path: _plain(leaf) for path, leaf in leaves(function(*call, **arguments))}
        inexact = {
            p: v for p, v in outputs.items() if isinstance(v, jax.Array) and jnp.issubdtype(v.dtype, jnp.inexact)
        }
        others.update({path: leaf for path, leaf in outputs.items() if path not in inexact})
        return inexact

    floats = [arrays[index] for index in wanted]
    if not wanted:
        return _Side({**step(), **others}, {})
    results, pull = jax.vjp(step, *floats)
    # JAX's cotangents of complex numbers are the conjugates of PyTorch's.
    grads = pull({path: jnp.asarray(np.conj(_weights(path, leaf)), leaf.dtype) for path, leaf in results.items()})
    named = {f"x{index}": np.conj(np.asarray(grad)) for index, grad in zip(wanted, grads, strict=True)}
    return _Side({**results, **others}, named)


def _weights(path: str, leaf: Any) -> Any:
    """Fixed random weights of an output, of its shape."""
    rng = np.random.default_rng([11, *path.encode()])
    shape = tuple(leaf.shape)
    real, imaginary = rng.standard_normal(shape), rng.standard_normal(shape)
    is_complex = leaf.is_complex() if isinstance(leaf, torch.Tensor) else jnp.iscomplexobj(leaf)
    return real + 1j * imaginary if is_complex else np.asarray(real)


def _plain(leaf: Any) -> Any:
    """A leaf that can be compared: dtypes by their names."""
    if isinstance(leaf, torch.dtype):
        return str(leaf).removeprefix("torch.")
    if isinstance(leaf, np.dtype) or (isinstance(leaf, type) and hasattr(leaf, "dtype")):
        return np.dtype(leaf).name
    return leaf


def _detached(leaf: Any) -> Any:
    return leaf.detach().resolve_conj().resolve_neg() if isinstance(leaf, torch.Tensor) else leaf


def _outline(leaf: Any) -> str:
    if not hasattr(leaf, "shape"):
        return type(leaf).__name__
    array = as_numpy(leaf)
    return f"{category(array.dtype)}{array.shape}"


def sentence(error: Exception) -> str:
    """An error as one line."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]
