"""Run the cases of a program and of its translation, and compare what comes out."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn

from torch2jax.conversion import Axes, Interface
from torch2jax.infer.layout import AXIS_NAMES
from torch2jax.verify.build import (
    accepts_rngs,
    build_flax,
    build_torch,
    load_comparable,
    randomise_constants,
    silence_dropout,
)
from torch2jax.verify.cases import Case, CaseError
from torch2jax.verify.compare import Comparison, compare
from torch2jax.verify.failures import FAILURES, one_line
from torch2jax.verify.inputs import Inputs, map_leaves, parse_inputs
from torch2jax.verify.precision import float32, float64, widen
from torch2jax.verify.programs import Programs
from torch2jax.verify.randomness import jax_draws, torch_draws
from torch2jax.verify.report import Outcome, Verdict
from torch2jax.verify.spaces import Space
from torch2jax.verify.steps import Step, Watch, unwatched
from torch2jax.weights import to_state_dict
from torch2jax.weights.arrays import Array, as_numpy

_SEED = 7
_PRECISIONS = {"float64": float64, "float32": float32}
_FLOAT32_ROUGH = 1e-3
"""Relative error above which a float32 run is called rough: it does not decide, but a user should know."""


@dataclass(frozen=True, slots=True)
class _Sides:
    """Both modules, imported in one precision."""

    programs: Programs
    torch_space: Space
    jax_space: Space
    dtype: str
    watch: Watch


def run_cases(
    programs: Programs, cases: Sequence[Case], dtypes: Sequence[str], watch: Watch = unwatched
) -> Iterator[Outcome]:
    """Each case in each precision, in eval and in train mode. Raises CaseError for one that can't be run as written."""
    for dtype in dtypes:
        with _PRECISIONS[dtype]():
            sides = _Sides(programs, *programs.spaces(), dtype, watch)
            for case in cases:
                yield from _run_case(sides, case)


def _run_case(sides: _Sides, case: Case) -> Iterator[Outcome]:
    first = _run_mode(sides, case, train=False)
    yield first[0]
    if first[0].mode == "call" or first[0].verdict is Verdict.ORIGINAL_FAILS:
        return
    if case.train:
        yield from _run_mode(sides, case, train=True)


def _run_mode(sides: _Sides, case: Case, *, train: bool) -> list[Outcome]:
    mode = "train" if train else "eval"
    inputs = _drawn(case)
    died = Outcome(case.title, mode, sides.dtype, Verdict.ORIGINAL_FAILS)
    sides.watch(Step("running the original", died))
    try:
        model = _build_original(sides, case, train=train)
        state = copy.deepcopy(model.state_dict()) if isinstance(model, nn.Module) else {}
        expected = _call_original(sides, case, model, inputs)
    except CaseError:
        raise
    except FAILURES as error:
        return [replace(died, detail=one_line(error))]
    mode = mode if isinstance(model, nn.Module) else "call"
    died = Outcome(case.title, mode, sides.dtype, Verdict.FAILS)
    sides.watch(Step("running the translation", died))
    try:
        buffers = [name for name, _ in model.named_buffers()] if isinstance(model, nn.Module) else []
        twin = _build_twin(sides, case, state, buffers, train=train)
        actual = _call_twin(sides, case, twin, inputs)
    except FAILURES as error:
        return [replace(died, detail=one_line(error, sides.jax_space.root))]
    outcomes = [_judge(case, mode, sides.dtype, compare(expected, actual))]
    if mode == "train":
        after = _buffers_after(model, twin)
        outcomes += [_judge(case, "buffers", sides.dtype, compare(*after))] if after else []
    return outcomes


def _drawn(case: Case) -> Inputs:
    """The inputs of a case. Raises InputError, and CaseError where there is no memory for them."""
    inputs = parse_inputs(case.inputs)
    try:
        return inputs.draw(_SEED)
    except (MemoryError, ValueError):
        raise CaseError(f"{case.title}: the inputs {', '.join(case.inputs)} do not fit into memory") from None


def _build_original(sides: _Sides, case: Case, *, train: bool) -> Any:
    module, name = sides.programs.module_of(case)
    with sides.torch_space.active():
        model = build_torch(case, name, namespace_of(sides.torch_space, module, case), train=train)
        if isinstance(model, nn.Module):
            if sides.dtype == "float64":
                model.double()
            randomise_constants(model)
            model.train(train)
            if train:
                silence_dropout(model)
    return model


def _build_twin(
    sides: _Sides, case: Case, state: Mapping[str, torch.Tensor], buffers: Sequence[str], *, train: bool
) -> Any:
    module, name = sides.programs.module_of(case)
    # Initial values are overwritten: float64 builds quickly, float32 with the initialisers that users run.
    draws = jax_draws(_SEED) if sides.dtype == "float64" else nullcontext()
    with sides.jax_space.active(), draws:
        twin = build_flax(case, name, namespace_of(sides.jax_space, module, case), train=train)
        if isinstance(twin, nnx.Module):
            if sides.dtype == "float64":
                widen(twin)
            load_comparable(twin, state, buffers)
            twin.train() if train else twin.eval()  # type: ignore[no-untyped-call]
            if train:
                silence_dropout(twin)
    return twin


def namespace_of(space: Space, module: str, case: Case) -> dict[str, Any]:
    """The names that a case's arguments can use: its module's own, and other modules of the program in full."""
    namespace = dict(vars(space.load(module)))
    for dotted in re.findall(r"[A-Za-z_][\w.]*", f"{case.args} {case.dropout_args}"):
        head, *rest = dotted.split(".")
        if head in space.names and head not in vars(space.load(module)):
            for depth in range(len(rest)):
                space.load(".".join([head, *rest[:depth]]))
            namespace[head] = space.load(head)
    return namespace


def _call_original(sides: _Sides, case: Case, model: Any, inputs: Inputs) -> Any:
    """The result of the torch program, without a graph unless the program itself differentiates."""
    function = model if case.method == "forward" else getattr(model, case.method)
    for grad_enabled in (False, True):
        call = inputs.map(_to_torch)
        state = copy.deepcopy(model.state_dict()) if isinstance(model, nn.Module) else None
        try:
            with sides.torch_space.active(), torch_draws(_SEED), torch.set_grad_enabled(grad_enabled):
                return function(*call.args, **(call.kwargs or {}))
        except RuntimeError as error:
            if grad_enabled or "grad" not in str(error):
                raise
            if state is not None:
                model.load_state_dict(state)
    raise AssertionError("unreachable: the second attempt returns or raises")


def _call_twin(sides: _Sides, case: Case, twin: Any, inputs: Inputs) -> Any:
    """The result of the translation, with images brought into and out of the axis order that it works in."""
    is_module = isinstance(twin, nnx.Module)
    interface = sides.programs.interface(type(twin), case.method) if is_module else Interface()
    function = twin if case.method == "forward" else getattr(twin, case.method)
    names = _parameter_names(function)
    args = [_to_jax(value, interface.params.get(name)) for name, value in zip(names, inputs.args, strict=False)]
    args += [_to_jax(value, None) for value in inputs.args[len(args) :]]
    kwargs = {name: _to_jax(value, interface.params.get(name)) for name, value in (inputs.kwargs or {}).items()}
    if accepts_rngs(function) and not is_module:
        kwargs["rngs"] = nnx.Rngs(0)
    with sides.jax_space.active(), jax_draws(_SEED):
        return _in_torch_order(function(*args, **kwargs), interface.result)


def _buffers_after(model: nn.Module, twin: Any) -> tuple[dict[str, Array], dict[str, Array]] | None:
    """The buffers that both sides keep, after a call in train mode; None where there are none."""
    state = model.state_dict()
    parameters = {name for name, _ in model.named_parameters(remove_duplicate=False)}
    flax = to_state_dict(twin, like=state)
    names = [name for name in state if name not in parameters and name in flax]
    return ({n: as_numpy(state[n]) for n in names}, {n: flax[n] for n in names}) if names else None


def _judge(case: Case, mode: str, dtype: str, comparison: Comparison) -> Outcome:
    if dtype == "float64":
        verdict = Verdict.AGREES if comparison.agrees else Verdict.DIFFERS
    else:
        rough = bool(comparison.problem) or comparison.max_rel > _FLOAT32_ROUGH
        verdict = Verdict.ROUGH if rough else Verdict.AGREES
    detail = comparison.problem or (f"worst at {comparison.worst}" if verdict is not Verdict.AGREES else "")
    return Outcome(case.title, mode, dtype, verdict, comparison.max_abs, comparison.max_rel, detail)


def _to_torch(leaf: Any) -> Any:
    if not isinstance(leaf, np.ndarray):
        return leaf
    tensor = torch.from_numpy(leaf.copy())
    if tensor.is_complex():
        return tensor.to(torch.complex128 if torch.get_default_dtype() == torch.double else torch.complex64)
    return tensor.to(torch.get_default_dtype()) if tensor.is_floating_point() else tensor


def _to_jax(value: Any, axes: Axes) -> Any:
    """Arrays as JAX arrays of the default width, transposed from torch's order into ``axes`` where these are given."""

    def leaf(item: Any) -> Any:
        if not isinstance(item, np.ndarray):
            return item
        return jnp.asarray(item if axes is None else item.transpose(_permutation(axes)))

    return map_leaves(value, leaf)


def _in_torch_order(result: Any, axes: Axes | tuple[Axes, ...]) -> Any:
    if axes is None:
        return result
    if isinstance(axes, tuple):
        return tuple(_in_torch_order(part, order) for part, order in zip(result, axes, strict=True))
    return jnp.transpose(result, [int(axis) for axis in np.argsort(_permutation(axes))])


def _permutation(axes: str) -> tuple[int, ...]:
    """Where each axis of an order such as "N H W C" is in torch's order "N C H W"."""
    order = axes.split()
    torch_order = AXIS_NAMES.get(len(order), "").split()
    if set(torch_order) != set(order):
        return tuple(int(name.removeprefix("D")) for name in order)
    return tuple(torch_order.index(name) for name in order)


def _parameter_names(function: Any) -> list[str]:
    call = type(function).__call__ if isinstance(function, nnx.Module) else function
    names = list(inspect.signature(call).parameters)
    return names[1:] if isinstance(function, nnx.Module) else names
