"""The translation as a contender, in the fastest form that a Flax program is usually given.

The state is split from the module once, as plain dicts of arrays, and `jax.jit` compiles a function of it. Off the CPU
the buffers of a training step are donated; on a CPU that was measured to be slower.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import flax
import jax
import jax.numpy as jnp
import optax  # type: ignore[import-untyped]
import torch
from flax import nnx
from ml_dtypes import bfloat16 as BFLOAT16
from torch import nn

from torch2jax.verify.bench import memory
from torch2jax.verify.bench.messages import Job, Ready
from torch2jax.verify.bench.settings import NO_DEVICE, BenchError, BenchSettings, Work
from torch2jax.verify.bench.torch_side import LEARNING_RATE, MOMENTUM
from torch2jax.verify.build import build_torch, load_comparable
from torch2jax.verify.calls import CallArrays
from torch2jax.verify.cases import Case
from torch2jax.verify.failures import FAILURES, one_line
from torch2jax.verify.precision import recast
from torch2jax.verify.randomness import seeded_python
from torch2jax.verify.sides import SEED, Original, Translation, jax_arrays, namespace_of, set_apart

_PRECISION = {"highest": "highest", "tf32": "tensorfloat32"}


def set_up(settings: BenchSettings) -> Ready:
    """Set JAX up. Raises BenchError where the device is missing."""
    jax.config.update("jax_default_matmul_precision", _PRECISION[settings.matmul])  # type: ignore[no-untyped-call]
    try:
        device = jax.devices()[0]
    except Exception:  # an AssertionError where no plugin for the device is installed
        raise BenchError(f"jax {jax.__version__} {NO_DEVICE} (pip install 'jax[cuda12]')") from None
    _run_something_small()
    versions = {"jax": jax.__version__, "flax": flax.__version__, "optax": optax.__version__}
    return Ready(versions, device.device_kind, settings.threads, _matmul_precision())


class JaxSide:
    """Builds the translation with the original's weights, and gives functions that run it once and wait for it."""

    def __init__(self, job: Job, case: Case) -> None:
        self.job, self.case = job, case
        self.originals, self.space = job.programs.spaces()
        self.original = Original(job.programs, case, self.originals, double=False)
        self.translation = Translation(job.programs, case, self.space, double=False)
        self._begin = 0

    def load(self) -> None:
        """Import the program."""
        self.original.load()
        self.translation.load()
        self._begin = memory.resident() or 0

    def running(self) -> AbstractContextManager[object]:
        """Its own modules importable."""
        return self.space.active()

    def prepare(self, work: Work, inputs: CallArrays) -> tuple[Callable[[], object], str]:
        """A function that runs the work once, on state of its own, and what there is to say about it.

        It is compiled at its first call, unless it can't be traced.
        """
        jax.clear_caches()  # type: ignore[no-untyped-call]
        self._build(train=work is Work.STEP)
        state = _State(self.translation)
        if self.job.settings.dtype == "bfloat16":
            inputs = inputs.map(lambda array: array.astype(BFLOAT16) if array.dtype.kind == "f" else array)
        arrays = jax_arrays(inputs)
        if work is Work.FORWARD:
            return self._forward(state, inputs, arrays)
        if not self.translation.is_module:
            raise BenchError("a plain function has nothing to train")
        return self._step(state, inputs, arrays)

    def reset_peak(self) -> None:
        """Forget the most memory that was held so far, on the CPU; XLA's own count on a GPU goes on."""
        memory.resident()
        memory.reset_peak()

    def peak(self) -> int | None:
        """The most bytes since then: on the device, or on the CPU what the process holds beyond the imports."""
        if self.job.settings.device == "gpu":
            stats = jax.devices()[0].memory_stats() or {}
            return stats.get("peak_bytes_in_use")
        held = memory.peak()
        return None if held is None else max(held - self._begin, 0)

    def _build(self, *, train: bool) -> None:
        """The translation with the weights that the original's own program gives it."""
        with self.originals.active(), seeded_python(SEED):
            namespace = namespace_of(self.originals, self.original.module, self.case)
            model = build_torch(self.case, self.original.name, namespace, train=False)
        self.translation.build()
        if isinstance(model, nn.Module) and self.translation.is_module:
            buffers = [name for name, _ in model.named_buffers()]
            load_comparable(self.translation.model, model.state_dict(), buffers)
            if self.job.settings.dtype == "bfloat16":
                recast(self.translation.model, "bfloat16")
        self.translation.set_mode(train=train)
        torch.set_num_threads(1)  # this process computes in JAX only

    def _forward(
        self, state: _State, inputs: CallArrays, arrays: dict[str, jax.Array]
    ) -> tuple[Callable[[], object], str]:
        def forward(params: Any, rest: Any, arrays: dict[str, jax.Array]) -> dict[str, jax.Array]:
            outputs = self.translation.call(state.module(params, rest), inputs, arrays)
            return set_apart(outputs, {})

        function, note = _compiled(forward, state.params, state.rest, arrays)
        params, rest = state.params, state.rest
        return lambda: _finished(function(params, rest, arrays)), note

    def _step(
        self, state: _State, inputs: CallArrays, arrays: dict[str, jax.Array]
    ) -> tuple[Callable[[], object], str]:
        optimizer = optax.sgd(LEARNING_RATE, MOMENTUM)

        def step(params: Any, moments: Any, rest: Any, arrays: dict[str, jax.Array]) -> Any:
            def loss_of(params: Any, rest: Any) -> tuple[jax.Array, Any]:
                model = state.module(params, rest)
                outputs = self.translation.call(model, inputs, arrays)
                return mean_square(outputs), state.rest_of(model)

            (loss, rest), grads = jax.value_and_grad(loss_of, has_aux=True)(params, rest)
            updates, moments = optimizer.update(grads, moments, params)
            return loss, optax.apply_updates(params, updates), moments, rest

        current = (state.params, optimizer.init(state.params), state.rest)
        state.params = state.rest = None  # so that the first weights don't stay beside those of the last step
        donated = () if self.job.settings.device == "cpu" else (0, 1, 2)
        function, note = _compiled(step, *current, arrays, donated=donated)

        def run() -> object:
            nonlocal current
            loss, *after = function(*current, arrays)
            current = _finished(tuple(after))
            return loss

        return run, note


class _State:
    """A module's state as plain dicts of arrays, and the way back. The module itself gives its arrays away."""

    def __init__(self, translation: Translation) -> None:
        self._model = translation.model
        self.is_module = translation.is_module
        self.params: Any = {}
        self.rest: Any = {}
        if self.is_module:
            self._graphdef, *states = _split(self._model)
            self.params, self.rest = map(nnx.to_pure_dict, states)
            self._likes = [_abstract(state) for state in states]
            nnx.update(self._model, *self._likes)

    def module(self, params: Any, rest: Any) -> Any:
        """A module with this state; or the function, which has none."""
        if not self.is_module:
            return self._model
        filled = []
        for like, arrays in zip(self._likes, (params, rest), strict=True):
            state = jax.tree.map(lambda leaf: leaf, like)
            nnx.replace_by_pure_dict(state, arrays)
            filled.append(state)
        return nnx.merge(self._graphdef, *filled)

    def rest_of(self, model: Any) -> Any:
        """The state besides the parameters, as it is after a call."""
        return nnx.to_pure_dict(_split(model)[2])


def _split(model: Any) -> tuple[Any, Any, Any]:
    """The graph, the parameters, and all other state."""
    split: tuple[Any, ...] = nnx.split(model, nnx.Param, ...)
    graphdef, params, rest = split
    return graphdef, params, rest


def mean_square(outputs: Mapping[str, Any]) -> jax.Array:
    """The sum over all float outputs of the mean of their squares, as on torch's side."""
    arrays = [out for out in outputs.values() if isinstance(out, jax.Array)]
    parts = [jnp.square(out).mean() for out in arrays if jnp.issubdtype(out.dtype, jnp.floating)]
    parts += [(out.real**2 + out.imag**2).mean() for out in arrays if jnp.iscomplexobj(out)]
    return sum(parts[1:], parts[0])


def _matmul_precision() -> str:
    return str(jax.config.jax_default_matmul_precision)  # type: ignore[attr-defined]


def _finished(results: Any) -> Any:
    """The results, when the device has computed them."""
    return jax.block_until_ready(results)  # type: ignore[no-untyped-call]


def _run_something_small() -> None:
    """A step of a small model: what is loaded or built once per process belongs to no model."""
    optimizer = optax.sgd(LEARNING_RATE, MOMENTUM)
    params = {"kernel": jnp.ones((3, 3, 3, 4)), "weight": jnp.ones((64, 8))}

    def loss(params: dict[str, jax.Array], x: jax.Array) -> jax.Array:
        y = jax.lax.conv_general_dilated(
            x, params["kernel"], (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return (nnx.relu(y).reshape(2, -1) @ params["weight"]).sum()

    def step(params: dict[str, jax.Array], moments: optax.OptState, x: jax.Array) -> Any:
        updates, moments = optimizer.update(jax.grad(loss)(params, x), moments)
        return optax.apply_updates(params, updates), moments

    _finished(jax.jit(step)(params, optimizer.init(params), jnp.ones((2, 6, 6, 3))))


def _abstract(state: Any) -> Any:
    """Shapes and dtypes in place of the arrays."""
    return jax.tree.map(lambda leaf: jax.eval_shape(lambda: leaf), state)


def _compiled(
    function: Callable[..., Any], *operands: Any, donated: tuple[int, ...] = ()
) -> tuple[Callable[..., Any], str]:
    """The function under `jax.jit`; or as it is, with the reason, where it can't be traced."""
    try:
        jax.eval_shape(function, *operands)
    except FAILURES as error:
        function(*operands)  # what fails here too is no matter of tracing
        return function, f"without jax.jit: {one_line(error)}"
    return jax.jit(function, donate_argnums=donated), ""
