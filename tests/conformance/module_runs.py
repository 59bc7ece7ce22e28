"""Both frameworks on the inputs of `module_db`: the original and its translation, with the same weights, in float64."""

from __future__ import annotations

import copy
import enum
import types
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx

from conformance.module_cases import IMPORTS, ModuleCase
from torch2jax import convert
from torch2jax.report import Diagnostic, Severity
from torch2jax.verify.build import load_comparable, randomise_constants
from torch2jax.verify.compare import compare, leaves
from torch2jax.verify.precision import float64, widen
from torch2jax.weights import to_state_dict
from torch2jax.weights.arrays import as_numpy
from torch2jax.weights.walk import slots

_TOGETHER = 40  # cases in a program
_ASSUMPTIONS = ("T2J201", "T2J205")  # what says that the translation holds for some values only


class Verdict(enum.StrEnum):
    """What became of an input."""

    AGREES = "agrees"
    WITH_AXES = "agrees where the source shows the number of axes"  # without, the translation raises
    FLAGGED = "flagged"  # the conversion says that, and where, it has no translation
    FAILS = "fails"  # the translation raises
    DIFFERS = "differs"  # it computes something else, and nothing was said
    BROKEN = "broken"  # the original does not run


@dataclass(frozen=True)
class Outcome:
    """What became of a case, and why if it does not agree."""

    name: str
    verdict: Verdict
    reason: str = ""


def run(cases: Sequence[ModuleCase]) -> Iterator[Outcome]:
    """The outcome of every case."""
    for start in range(0, len(cases), _TOGETHER):
        together = cases[start : start + _TOGETHER]
        outcomes = list(_run_together(together))
        # A layer takes examples with or without an axis for the batch; what is not shown counts as a batch.
        failed = [case.with_axes() for case, o in zip(together, outcomes, strict=True) if o.verdict is Verdict.FAILS]
        again = {o.name: o for o in _run_together(failed)}
        for outcome in outcomes:
            second = again.get(outcome.name, outcome)
            if second.verdict is Verdict.DIFFERS:
                yield second
            elif outcome.verdict is not Verdict.AGREES and second.verdict is Verdict.AGREES:
                yield Outcome(outcome.name, Verdict.WITH_AXES)
            else:
                yield outcome


def _run_together(cases: Sequence[ModuleCase]) -> Iterator[Outcome]:
    """The outcomes of cases that share a program."""
    source = IMPORTS + "".join(case.source for case in cases)
    conversion = convert(source, filename="module_db.py")
    with float64(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        original, translation = _imported(source), _imported(conversion.code)
        first = IMPORTS.count("\n") + 1
        for case in cases:
            last = first + case.source.count("\n")
            said = [d for d in conversion.diagnostics if first <= d.line < last]
            yield _outcome(case, said, original, translation)
            first = last


def _imported(source: str) -> types.ModuleType:
    module = types.ModuleType("module_db_cases")
    exec(compile(source, "<module_db>", "exec"), vars(module))
    return module


def _outcome(
    case: ModuleCase, said: Sequence[Diagnostic], original: types.ModuleType, translation: types.ModuleType
) -> Outcome:
    errors = [d.message for d in said if d.severity is Severity.ERROR]
    if errors:
        return Outcome(case.name, Verdict.FLAGGED, "; ".join(dict.fromkeys(errors)))
    try:
        model = _torch_model(case, getattr(original, case.class_name))
        before = copy.deepcopy(model.state_dict())
        expected = _run_torch(case, model)
    except Exception as error:
        return Outcome(case.name, Verdict.BROKEN, _sentence(error))
    try:
        twin = _flax_model(case, getattr(translation, case.class_name))
        load_comparable(twin, before, [name for name, _ in model.named_buffers()])
        actual = _run_jax(case, twin, list(before))
    except Exception as error:
        return Outcome(case.name, Verdict.FAILS, _sentence(error))
    # A buffer may be a constant in the translation, and a counter may be left out.
    expected["state"] = {name: array for name, array in expected["state"].items() if name in actual["state"]}
    for what, value in expected.items():
        comparison = compare(value, actual[what])
        if not comparison.agrees:
            size = f"relative error {comparison.max_rel:.1e} at {comparison.worst}"
            assumed = [d.message for d in said if d.code in _ASSUMPTIONS]
            verdict = Verdict.FLAGGED if assumed else Verdict.DIFFERS
            return Outcome(case.name, verdict, "; ".join([*assumed, f"{what}: {comparison.problem or size}"]))
    return Outcome(case.name, Verdict.AGREES)


def _sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:200]


# ---- torch ----


def _torch_model(case: ModuleCase, cls: Any) -> torch.nn.Module:
    torch.manual_seed(1)
    model: torch.nn.Module = cls(*(tensor.detach().clone() for tensor in case.init)).double()
    randomise_constants(model)
    return model.train(case.train)


def _run_torch(case: ModuleCase, model: torch.nn.Module) -> dict[str, dict[str, Any]]:
    """Outputs, gradients of the parameters and float inputs, and the state afterwards, by name."""
    tensors = [tensor.detach().clone().requires_grad_(tensor.requires_grad) for tensor in case.call]
    sources = {f"input {place}": tensor for place, tensor in enumerate(tensors) if tensor.requires_grad}
    sources |= dict(model.named_parameters())
    outputs = dict(leaves(model(*tensors)))
    floats = {path: out for path, out in outputs.items() if isinstance(out, torch.Tensor) and out.requires_grad}
    total = sum((out * torch.from_numpy(_weights(path, out.shape))).sum() for path, out in floats.items())
    grads: Sequence[Any] = [None] * len(sources)
    if floats:
        grads = torch.autograd.grad(total, list(sources.values()), allow_unused=True)
    zero_or = {
        name: as_numpy(torch.zeros_like(source) if grad is None else grad)
        for (name, source), grad in zip(sources.items(), grads, strict=True)
    }
    state = {name: as_numpy(tensor) for name, tensor in model.state_dict().items()}
    return {"value": {path: _detached(out) for path, out in outputs.items()}, "gradient": zero_or, "state": state}


def _detached(out: Any) -> Any:
    return out.detach() if isinstance(out, torch.Tensor) else out


def _weights(path: str, shape: Sequence[int]) -> np.ndarray[Any, Any]:
    """Fixed random weights of an output in the number that is differentiated."""
    return np.asarray(np.random.default_rng([11, *path.encode()]).standard_normal(tuple(shape)))


# ---- jax ----


def _flax_model(case: ModuleCase, cls: Any) -> nnx.Module:
    twin: nnx.Module = cls(*(jnp.asarray(as_numpy(tensor)) for tensor in case.init), rngs=nnx.Rngs(0))
    widen(twin)
    twin.train() if case.train else twin.eval()
    return twin


def _run_jax(case: ModuleCase, twin: nnx.Module, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """The same of the translation, compiled if it can be. ``names`` are those of the torch module's state dict."""
    arrays = [jnp.asarray(as_numpy(tensor)) for tensor in case.call]
    floats = {f"input {place}": arrays[place] for place, tensor in enumerate(case.call) if tensor.requires_grad}
    graphdef, params, rest = nnx.split(twin, nnx.Param, ...)
    plain: dict[str, Any] = {}

    def total(floats: dict[str, jax.Array], params: Any) -> Any:
        model = nnx.merge(graphdef, params, rest, copy=True)
        call = [floats.get(f"input {place}", array) for place, array in enumerate(arrays)]
        outputs = dict(leaves(model(*call)))
        computed = {path: out for path, out in outputs.items() if isinstance(out, jax.Array)}
        plain.update({path: out for path, out in outputs.items() if path not in computed})
        differentiable = {path: out for path, out in computed.items() if jnp.issubdtype(out.dtype, jnp.floating)}
        sums = [(out * _weights(path, out.shape)).sum() for path, out in differentiable.items()]
        return sum(sums, jnp.zeros(())), (computed, nnx.split(model, nnx.Param, ...)[1:])

    differentiated = jax.value_and_grad(total, argnums=(0, 1), has_aux=True)
    try:  # compiling a small program once is quicker than each of its operations
        (_, (computed, after)), (given, grads) = jax.jit(differentiated)(floats, params)
    except Exception:
        (_, (computed, after)), (given, grads) = differentiated(floats, params)
    gradient = dict(given) | {
        slot.name: slot.to_torch(np.asarray(slot.variable.get_value()))
        for slot in slots(nnx.merge(graphdef, grads, rest, copy=True), names)
        if isinstance(slot.variable, nnx.Param)
    }
    state = to_state_dict(nnx.merge(graphdef, *after), like=names)
    return {"value": {**computed, **plain}, "gradient": gradient, "state": state}
