"""Run one example of a rule in both frameworks: values, gradients, shapes, dtypes, and the state of modules afterwards.

Everything happens in float64. The example becomes a torch program (`torch2jax.verify.rendering`), the real converter
translates it, and both programs get the same inputs and weights. Gradients are those of a fixed random projection of
all float outputs, with respect to every float input and parameter.
"""

from __future__ import annotations

import copy
import enum
import sys
import types
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn

from torch2jax import convert
from torch2jax.conversion import Conversion
from torch2jax.options import Options
from torch2jax.report import Diagnostic, Severity
from torch2jax.rules.model import Example
from torch2jax.verify.build import accepts_rngs, load_comparable, randomise_constants
from torch2jax.verify.built_state import Initial, initial_problem
from torch2jax.verify.compare import category, compare, leaves
from torch2jax.verify.jax_draws import jax_draws
from torch2jax.verify.optimizing import jax_path, torch_path
from torch2jax.verify.precision import float64, widen
from torch2jax.verify.randomness import Draws, unmatched
from torch2jax.verify.rendering import ExampleError, Program, render
from torch2jax.verify.stand_ins import stand_ins
from torch2jax.verify.torch_draws import seed_torch, torch_draws
from torch2jax.weights import to_state_dict
from torch2jax.weights.arrays import Array, as_numpy
from torch2jax.weights.walk import slots

_SEED = 11


class Status(enum.StrEnum):
    """What became of an example."""

    AGREES = "agrees"
    REFUSED = "refused"  # the conversion reported an error; right where the rule has a `raise` for it
    DIFFERS = "differs"
    FAILS = "fails"
    BROKEN = "broken"  # the example itself does not run under torch


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """The outcome of one example, the errors that the conversion reported, and the branches that it took.

    branches: (rule file, rule line, branch line) of every rule that was applied. jitted: whether the translation also
    runs under `jax.jit`; None where that was not tried.
    """

    status: Status
    detail: str = ""
    errors: tuple[Diagnostic, ...] = ()
    branches: frozenset[tuple[str, int, int]] = frozenset()
    jitted: bool | None = None


def run_example(
    example: Example,
    filename: str,
    options: Options | None = None,
    *,
    uncompiled: bool = True,
    translate: Callable[..., Conversion] = convert,
) -> ExampleResult:
    """Convert and compare one example; ``filename`` is where it stands, for messages.

    ``uncompiled`` runs the translation without `jax.jit` as well, which takes as long again.
    """
    try:
        program = render(example.source)
    except ExampleError as error:
        return ExampleResult(Status.BROKEN, str(error))
    return run_program(program, example, filename, options, uncompiled=uncompiled, translate=translate)


def run_program(
    program: Program,
    example: Example,
    filename: str,
    options: Options | None = None,
    *,
    uncompiled: bool = True,
    translate: Callable[..., Conversion] = convert,
) -> ExampleResult:
    """Convert and compare the program of an example."""
    conversion = translate(program.source, filename=filename, options=options or Options())
    return judge(example, conversion, lambda: run_original(program), uncompiled=uncompiled)


def judge(
    example: Example,
    conversion: Conversion,
    original: Callable[[], Original],
    *,
    uncompiled: bool = True,
    values_first: bool = False,
) -> ExampleResult:
    """Compare a conversion with what the original computes, which is asked for only if the conversion is whole.

    ``values_first`` compares values alone before anything is compiled or differentiated: quick where they differ.
    """
    branches = frozenset((file, line, branch.line) for _, file, line, branch in conversion.trace)
    errors = tuple(d for d in conversion.diagnostics if d.severity is Severity.ERROR)
    if errors:
        return ExampleResult(Status.REFUSED, "; ".join(d.message for d in errors), errors, branches)
    with float64():
        result = _compare(example, conversion, original(), uncompiled, values_first)
    return ExampleResult(result.status, result.detail, (), branches, result.jitted)


@dataclass(frozen=True, slots=True)
class Original:
    """What the torch program of an example computes, or why it can't be run.

    before: the state that the translation starts from. buffers: names in it. initial: the state that the constructor
    itself makes, with shared random numbers. path: parameters and rates after each step, for a program that trains.
    """

    program: Program
    problem: str = ""
    inputs: tuple[Array, ...] = ()
    before: dict[str, torch.Tensor] = field(default_factory=dict)
    buffers: tuple[str, ...] = ()
    expected: _Run | None = None
    initial: Initial | None = None
    start: dict[str, Array] = field(default_factory=dict)
    path: dict[str, Any] = field(default_factory=dict)


def run_original(program: Program) -> Original:
    """Run the torch program of an example, in float64."""
    inputs = tuple(_draw(call, index) for index, call in enumerate(program.inputs))
    try:
        with float64(), _module(program.source) as original:
            if program.trains:
                start, path = torch_path(original)
                return Original(program, start=start, path=path)
            initial = None
            if program.is_module:
                with torch_draws(_SEED) as draws:
                    new = _built(original, program, inputs)
                    initial = Initial(_numpy_state(new), draws, tuple(name for name, _ in new.named_buffers()))
            if program.only_built:
                return Original(
                    program, "", inputs, before=_state_dict(_built(original, program, inputs)), initial=initial
                )
            model = _torch_model(original, program, inputs)
            before = copy.deepcopy(_state_dict(model))
            buffers = tuple(name for name, _ in model.named_buffers()) if isinstance(model, nn.Module) else ()
            expected = _run_torch_leniently(model, program, inputs)
    except Exception as error:
        return Original(program, _sentence(error))
    return Original(program, "", inputs, before, buffers, expected, initial)


@dataclass(slots=True)
class _Run:
    """What one side computed, by name: outputs (also without compilation), gradients, module state after the call.

    draws: the random numbers of the call, shared with the other side.
    """

    outputs: dict[str, Any] = field(default_factory=dict)
    uncompiled: dict[str, Any] = field(default_factory=dict)
    grads: dict[str, Array] | None = field(default_factory=dict)
    state: dict[str, Array] = field(default_factory=dict)
    draws: Draws = field(default_factory=lambda: Draws(_SEED))


def _compare(
    example: Example, conversion: Conversion, original: Original, uncompiled: bool, values_first: bool
) -> ExampleResult:
    if original.problem:
        return ExampleResult(Status.BROKEN, original.problem)
    if original.program.trains:
        return _compare_paths(conversion, original)
    program, before, expected = original.program, original.before, replace(original.expected or _Run())
    try:
        with _module(conversion.code) as translation:
            with jax_draws(_SEED) as draws:
                twin = _flax_model(translation, program, original.inputs)
            if original.initial is not None:
                problem = initial_problem(original.initial, Initial(to_state_dict(twin, like=list(before)), draws))
                if problem:
                    return ExampleResult(Status.DIFFERS, problem)
            if program.only_built:
                return ExampleResult(Status.AGREES)
            _prepare(twin, program)
            if before:
                load_comparable(twin, before, original.buffers)
            if values_first:
                status, detail = _judge(
                    example, _Run(expected.outputs, draws=expected.draws), _values(twin, program, original.inputs)
                )
                if status is not Status.AGREES:
                    return ExampleResult(status, detail)
            actual, jitted = _run_jax(twin, program, original.inputs, list(before), uncompiled)
    except Exception as error:
        return ExampleResult(Status.FAILS, _sentence(error))
    # Parameters that torch does not differentiate (frozen, or a second name of another) and counters have no twin.
    if expected.grads is None or actual.grads is None:
        expected.grads = actual.grads = None
    else:
        actual.grads = {name: g for name, g in actual.grads.items() if name in expected.grads or name not in before}
    expected.state = {name: array for name, array in expected.state.items() if name in actual.state}
    return ExampleResult(*_judge(example, expected, actual), jitted=jitted)


def _compare_paths(conversion: Conversion, original: Original) -> ExampleResult:
    """Train the model that the example is given, and compare its parameters after every step."""
    try:
        with _module(conversion.code) as translation:
            actual = jax_path(translation, original.start)
    except Exception as error:
        return ExampleResult(Status.FAILS, _sentence(error))
    comparison = compare(original.path, actual)
    size = f"relative error {comparison.max_rel:.1e} at {comparison.worst}"
    agrees = comparison.agrees
    return ExampleResult(Status.AGREES if agrees else Status.DIFFERS, "" if agrees else comparison.problem or size)


def _judge(example: Example, expected: _Run, actual: _Run) -> tuple[Status, str]:
    # Values can be compared where both drew the same numbers; fresh memory holds what it holds.
    if example.random and (not expected.draws.log or unmatched(expected.draws, actual.draws)):
        shapes = [{path: _outline(leaf) for path, leaf in run.outputs.items()} for run in (expected, actual)]
        return (Status.AGREES, "") if shapes[0] == shapes[1] else (Status.DIFFERS, f"{shapes[0]} became {shapes[1]}")
    comparisons = {
        "value": compare(expected.outputs, actual.outputs),
        "value outside of jit": compare(expected.outputs, actual.uncompiled or expected.outputs),
        "gradient": compare(expected.grads or {}, actual.grads or {}),
        "state after the call": compare(expected.state, actual.state),
    }
    for what, comparison in comparisons.items():
        if not comparison.agrees:
            size = f"relative error {comparison.max_rel:.1e} at {comparison.worst}"
            return Status.DIFFERS, f"{what}: {comparison.problem or size}"
    return Status.AGREES, ""


def _outline(leaf: Any) -> str:
    """Shape and category of an output: all that can be compared of a random one."""
    if not hasattr(leaf, "shape"):
        return type(leaf).__name__
    array = as_numpy(leaf)
    return f"{category(array.dtype)}{array.shape}"


# ---- inputs and programs ----


def _draw(call: str, index: int) -> Array:
    """The array of an input call such as `f32(2, 3)`."""
    rng = np.random.default_rng([_SEED, index])

    def probs(*shape: int) -> Array:
        weights = rng.uniform(0.5, 1.5, shape)
        return np.asarray(weights / weights.sum(-1, keepdims=True))

    functions: dict[str, Callable[..., Array]] = {
        "f32": lambda *shape: rng.standard_normal(shape),
        "pos": lambda *shape: rng.uniform(0.5, 1.5, shape),
        "unit": lambda *shape: rng.uniform(0.02, 0.98, shape),
        "i64": lambda *shape, high=10: rng.integers(0, high, shape),
        "b8": lambda *shape: rng.uniform(0, 1, shape) < 0.5,
        "c64": lambda *shape: rng.standard_normal(shape) + 1j * rng.standard_normal(shape),
        "probs": probs,
    }
    return np.asarray(eval(call, {"__builtins__": {}}, functions))  # noqa: S307 - an input call of our own rule book


@contextmanager
def _module(source: str) -> Iterator[types.ModuleType]:
    """The source as an imported module, known by name while it runs (dataclasses and pickling need that)."""
    module = types.ModuleType("torch2jax_example")
    sys.modules[module.__name__] = module
    try:
        with stand_ins():
            exec(compile(source, f"<{module.__name__}>", "exec"), vars(module))  # noqa: S102 - our own rule book's example
        yield module
    finally:
        sys.modules.pop(module.__name__, None)


def _built(module: types.ModuleType, program: Program, inputs: Sequence[Array]) -> Any:
    """The torch module as its constructor makes it."""
    return module.Example(*(torch.from_numpy(inputs[index].copy()) for index in program.init_inputs))


def _torch_model(module: types.ModuleType, program: Program, inputs: Sequence[Array]) -> Any:
    seed_torch(_SEED)
    if not program.is_module:
        return module.example
    model = _built(module, program, inputs)
    model.double()
    randomise_constants(model)
    return model.train()


def _flax_model(module: types.ModuleType, program: Program, inputs: Sequence[Array]) -> nnx.Module:
    if not program.is_module:
        function = module.example
        return _Function((lambda *args: function(*args, rngs=nnx.Rngs(_SEED))) if accepts_rngs(function) else function)
    arguments = (jnp.asarray(inputs[index]) for index in program.init_inputs)
    twin: nnx.Module = module.Example(*arguments, rngs=nnx.Rngs(_SEED))
    return twin


def _prepare(twin: nnx.Module, program: Program) -> None:
    """A module in double precision and in train mode."""
    if program.is_module:
        widen(twin)
        twin.train()  # type: ignore[no-untyped-call]


def _numpy_state(model: Any) -> dict[str, Array]:
    return {name: as_numpy(tensor).copy() for name, tensor in _state_dict(model).items()}


def _state_dict(model: Any) -> dict[str, torch.Tensor]:
    return dict(model.state_dict()) if isinstance(model, nn.Module) else {}


# ---- torch ----


def _run_torch_leniently(model: Any, program: Program, inputs: Sequence[Array]) -> _Run:
    """Run with gradients; without them where torch has no derivative (`floor_divide`) or refuses (`resize_`)."""
    state = copy.deepcopy(_state_dict(model))
    try:
        return _run_torch(model, program, inputs)
    except RuntimeError:
        if state:
            model.load_state_dict(state)
        with torch.no_grad():
            return _run_torch(model, program, inputs)


def _run_torch(model: Any, program: Program, inputs: Sequence[Array]) -> _Run:
    tensors = [torch.from_numpy(inputs[index].copy()) for index in program.call_inputs]
    named = {f"input {place}": tensor for place, tensor in enumerate(tensors) if _differentiable(tensor)}
    for tensor in named.values():
        tensor.requires_grad_(torch.is_grad_enabled())
    parameters = dict(model.named_parameters()) if isinstance(model, nn.Module) else {}
    sources = {**named, **{name: p for name, p in parameters.items() if p.requires_grad}}
    # A clone is no leaf, so that an example may change its inputs in place.
    with torch_draws(_SEED) as draws:
        result = model(*(tensor.clone() for tensor in tensors))
    outputs = {path: _plain(leaf) for path, leaf in leaves(result)}
    run = _Run({path: _detached(leaf) for path, leaf in outputs.items()}, draws=draws)
    run.grads = _torch_grads(outputs, sources) if torch.is_grad_enabled() else None
    run.state = {name: as_numpy(tensor) for name, tensor in _state_dict(model).items()}
    return run


def _torch_grads(outputs: dict[str, Any], sources: dict[str, torch.Tensor]) -> dict[str, Array]:
    floats = {path: out for path, out in outputs.items() if isinstance(out, torch.Tensor) and out.requires_grad}
    total = sum((_torch_projection(out, path) for path, out in floats.items()), torch.zeros(()))
    grads: Sequence[torch.Tensor | None] = [None] * len(sources)
    if floats and sources:
        grads = torch.autograd.grad(total, list(sources.values()), allow_unused=True)
    return {
        name: np.zeros(tuple(source.shape), as_numpy(source).dtype) if grad is None else as_numpy(grad)
        for (name, source), grad in zip(sources.items(), grads, strict=True)
    }


def _torch_projection(out: torch.Tensor, path: str) -> torch.Tensor:
    real, imaginary = (torch.from_numpy(part) for part in _cotangent(path, tuple(out.shape)))
    if out.is_complex():
        return (out.real * real).sum() + (out.imag * imaginary).sum()
    return (out * real).sum()


def _cotangent(path: str, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Fixed random weights of an output's real and imaginary part."""
    rng = np.random.default_rng([_SEED, *path.encode()])
    return rng.standard_normal(shape), rng.standard_normal(shape)


def _differentiable(tensor: torch.Tensor) -> bool:
    return tensor.is_floating_point() or tensor.is_complex()


def _detached(leaf: Any) -> Any:
    return leaf.detach().resolve_conj() if isinstance(leaf, torch.Tensor) else leaf


# ---- jax ----


def _run_jax(
    twin: Any, program: Program, inputs: Sequence[Array], names: Sequence[str], uncompiled: bool
) -> tuple[_Run, bool]:
    """Outputs, gradients and the state afterwards, from one compiled step if the translation can be compiled.

    An example whose result depends on values can only be run step by step; one that leaves JAX on the way (`tolist`)
    has no gradients. ``names`` are those of the torch module's state dict.
    """
    arrays = [jnp.asarray(inputs[index]) for index in program.call_inputs]
    floats = {f"input {place}": a for place, a in enumerate(arrays) if jnp.issubdtype(a.dtype, jnp.inexact)}
    others = [None if f"input {place}" in floats else a for place, a in enumerate(arrays)]
    graphdef, params, rest = _split(twin)
    static: dict[str, Any] = {}
    drawn = [Draws(_SEED)]

    def step(floats: dict[str, jax.Array], params: Any, rest: Any, others: list[Any]) -> Any:
        model = nnx.merge(graphdef, params, rest, copy=True) if program.is_module else twin.function
        call = [floats.get(f"input {place}", other) for place, other in enumerate(others)]
        with jax_draws(_SEED) as drawn[0]:
            outputs = {path: _plain(leaf) for path, leaf in leaves(model(*call))}
        computed = {path: leaf for path, leaf in outputs.items() if isinstance(leaf, jax.Array)}
        static.update({path: leaf for path, leaf in outputs.items() if path not in computed})
        total = sum((_jax_projection(out, path) for path, out in computed.items()), jnp.zeros(()))
        return total, (computed, _split(model)[1:] if program.is_module else (params, rest))

    differentiated = jax.value_and_grad(step, argnums=(0, 1), has_aux=True, allow_int=True)

    def undifferentiated(*operands: Any) -> Any:
        return step(*operands), jax.tree.map(jnp.zeros_like, operands[:2])

    attempts = (jax.jit(differentiated), differentiated, undifferentiated)
    ((_, (computed, after)), grads), attempt = _first_that_runs(attempts, (floats, params, rest, others))
    run = _Run({**{path: np.asarray(leaf) for path, leaf in computed.items()}, **static}, draws=drawn[0])
    if uncompiled:
        _, (eager, _) = step(floats, params, rest, others)
        run.uncompiled = {**{path: np.asarray(leaf) for path, leaf in eager.items()}, **static}
    run.state = to_state_dict(nnx.merge(graphdef, *after), like=names)
    # JAX's gradients of complex numbers are the conjugates of torch's.
    run.grads = {name: np.conj(np.asarray(grad)) for name, grad in grads[0].items()} | {
        slot.name: slot.to_torch(np.conj(np.asarray(slot.variable.get_value())))
        for slot in slots(nnx.merge(graphdef, grads[1], rest, copy=True), names)
        if isinstance(slot.variable, nnx.Param)
    }
    return run, attempt == 0


def _values(twin: Any, program: Program, inputs: Sequence[Array]) -> _Run:
    """Outputs alone, as the program runs without compilation. The module stays as it is."""
    model = nnx.merge(*nnx.split(twin), copy=True) if program.is_module else twin.function
    with jax_draws(_SEED) as draws:
        result = model(*(jnp.asarray(inputs[index]) for index in program.call_inputs))
    return _Run({path: _plain(leaf) for path, leaf in leaves(result)}, draws=draws)


class _Function(nnx.Module):
    """A function as a module without state, so that functions and modules run in the same way."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


def _split(module: nnx.Module) -> tuple[Any, Any, Any]:
    graphdef, params, *rest = nnx.split(module, nnx.Param, ...)
    return graphdef, params, rest[0]


def _first_that_runs(functions: Sequence[Callable[..., Any]], operands: tuple[Any, ...]) -> tuple[Any, int]:
    """The result of the first function that does not raise, and its place; the last one's error if all do."""
    for place, function in enumerate(functions[:-1]):
        try:
            return function(*operands), place
        except Exception:  # noqa: S112 - the next form is more lenient; the last one says what is wrong
            continue
    return functions[-1](*operands), len(functions) - 1


def _jax_projection(out: jax.Array, path: str) -> jax.Array:
    if not jnp.issubdtype(out.dtype, jnp.inexact):
        return jnp.zeros(())
    real, imaginary = _cotangent(path, out.shape)
    if jnp.iscomplexobj(out):
        return (out.real * real).sum() + (out.imag * imaginary).sum()
    return (out * real).sum()


# ---- results ----


def _plain(leaf: Any) -> Any:
    """A leaf that can be compared: Variables by their arrays, dtypes and shapes by what they say."""
    if isinstance(leaf, nnx.Variable):
        return leaf[...]
    if isinstance(leaf, torch.dtype):
        return str(leaf).removeprefix("torch.")
    if isinstance(leaf, np.dtype) or (isinstance(leaf, type) and hasattr(leaf, "dtype")):
        return np.dtype(leaf).name
    return leaf


def _sentence(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0] if lines else ''}"[:300]
