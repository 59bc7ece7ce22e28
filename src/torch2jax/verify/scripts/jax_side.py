"""The translated script, watched: its losses, models, draws, prints and globals.

It runs as its user would run it, compiled where it says so: what a compiled function draws, and the losses that it
differentiates, go through callbacks in the order in which they happen. Uncompiled, `jit` does nothing: that shows
whether a difference comes from compilation.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

import flax
import jax
import numpy as np
import optax  # type: ignore[import-untyped]
from flax import nnx
from jax._src.core import trace_state_clean

from torch2jax.verify.jax_draws import jax_draws
from torch2jax.verify.precision import widen
from torch2jax.verify.scripts.compilation import stoppable, uncompiled
from torch2jax.verify.scripts.construction import Outermost
from torch2jax.verify.scripts.job import Job, Recorder, as_script, run_script
from torch2jax.verify.scripts.leavings import values_in
from torch2jax.verify.scripts.partners import Partners, WeightsError
from torch2jax.verify.scripts.pinning import zeroed
from torch2jax.verify.scripts.recording import Place, Progress, Root
from torch2jax.verify.scripts.script_draws import TracedDraws, settle
from torch2jax.verify.scripts.surroundings import double_precision
from torch2jax.verify.sides import SEED
from torch2jax.verify.torch_draws import torch_draws
from torch2jax.weights import to_state_dict
from torch2jax.weights.walk import slots

_FLAX = str(next(iter(flax.__path__)))


def run_translation(
    send: Callable[[Any], object],
    job: Job,
    roots: Sequence[Root],
    names: Mapping[str, Sequence[str]],
    compiled: bool,
) -> None:
    """Run the translation from the weights of the original's models, and send its `Recording`.

    names: of the arrays of each model that the original leaves in a global.
    """
    recorder = Recorder(job, send)
    recorder.settle = settle
    send(Progress())
    with double_precision():
        draws = TracedDraws(SEED, compiled=compiled)
        with as_script(job, recorder) as module, torch_draws(SEED, draws), jax_draws(SEED, draws):
            watch = _Watch(recorder, draws, Partners(roots), compiled=compiled)
            with watch.watching():
                run_script(job, recorder, module)
        watch.finish(vars(module), names)
    send(recorder.recording)


class _Watch:
    """The hooks on flax and jax."""

    def __init__(self, recorder: Recorder, draws: TracedDraws, partners: Partners, *, compiled: bool) -> None:
        self.recorder, self.recording, self.draws = recorder, recorder.recording, draws
        self._partners, self._compiled = partners, compiled
        self._models: list[tuple[nnx.Module, Root]] = []
        self._late: list[tuple[nnx.Module, Root]] = []
        self._pinned: dict[str, list[str]] = {}
        self._outermost = Outermost(draws.construction, self._complete)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, what the program does is recorded."""
        with ExitStack() as stack:
            stack.enter_context(self._outermost.flax_constructors())
            for owner in (jax, nnx):
                transform = owner.value_and_grad
                for name in ("value_and_grad", "grad"):
                    function = self._differentiation(transform, getattr(owner, name))
                    stack.enter_context(patch.object(owner, name, function))
                stack.enter_context(patch.object(owner, "vjp", self._pullback(owner.vjp)))
            constructor = self._late_weights(nnx.Optimizer.__init__)
            stack.enter_context(patch.object(nnx.Optimizer, "__init__", constructor))
            stack.enter_context(patch.object(nnx.Optimizer, "update", self._update(nnx.Optimizer.update)))
            stack.enter_context(patch.object(optax, "apply_updates", self._applied(optax.apply_updates)))
            if not self._compiled:
                stack.enter_context(uncompiled())
            elif self.recorder.job.steps is not None:
                stack.enter_context(stoppable(self.recorder.begins, self._losses))
            try:
                yield
            except WeightsError as error:
                self.recording.weights = str(error)

    def finish(self, namespace: Mapping[str, Any], names: Mapping[str, Sequence[str]]) -> None:
        """Record what the program leaves."""
        recording = self.recording
        for model, root in self._models:
            root.last = to_state_dict(model, like=root.names)
            recording.roots.append(root)
        known = {id(model): root.names for model, root in self._models}
        for name, value in namespace.items():
            if name in names and isinstance(value, nnx.Module):
                recording.models[name] = to_state_dict(value, like=known.get(id(value), names[name]))
        recording.values = values_in(namespace)
        recording.draws = dict(self.draws.log)
        recording.unshared = tuple(sorted(self.draws.unshared))
        missing = self._partners.missing
        if missing and not recording.weights and not recording.error:
            places = ", ".join(f"{root.kind} ({root.place})" for root in missing)
            recording.weights = f"the translation does not build {places}"

    def _losses(self) -> int:
        self.recorder.settle()
        return len(self.recording.losses)

    def _complete(self, model: nnx.Module) -> None:
        """Lift a model to float64 and give it the weights of its counterpart."""
        if not trace_state_clean():
            return  # its arrays have no values
        widen(model)
        if not slots(model):
            return
        root = self._partners.load(model)
        if root is not None:
            mine = Root(root.number, type(model).__name__, root.own, self.recorder.place(), root.names, root.buffers)
            self._models.append((model, mine))
            pinned = [name for place, _, name in self.recorder.job.pinned if place == root.number]
            if pinned:
                paths = [slot.path for slot in slots(model, root.names) if slot.name in pinned]
                self._pinned.setdefault(type(model).__name__, []).extend(paths)
            if root.later:
                self._late.append((model, root))

    def _first_use(self) -> None:
        """What the original drew anew after its constructors goes to the translation before it is used first."""
        late, self._late = self._late, []
        for model, root in late:
            for slot in slots(model, root.names):
                if slot.name in root.later:
                    value = slot.from_torch(root.later[slot.name])
                    slot.variable.set_value(jax.numpy.asarray(value, slot.variable.get_value().dtype))

    def _late_weights(self, constructor: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(constructor)
        def init(optimizer: Any, *args: Any, **kwargs: Any) -> None:
            self._first_use()
            constructor(optimizer, *args, **kwargs)

        return init

    def _differentiation(self, transform: Callable[..., Any], public: Callable[..., Any]) -> Callable[..., Any]:
        """``public`` is `value_and_grad` or `grad`; what it makes records the value. ``transform``: the first."""
        with_value = public is transform

        @functools.wraps(public)
        def differentiation(*args: Any, **kwargs: Any) -> Any:
            if sys._getframe(1).f_code.co_filename.startswith(_FLAX):
                return public(*args, **kwargs)  # on behalf of a function that records already
            if not args:
                return lambda function: differentiation(function, **kwargs)
            function = transform(*args, **kwargs)
            has_aux = kwargs.get("has_aux", args[2] if len(args) > 2 else False)

            @functools.wraps(args[0])
            def differentiated(*args: Any, **kwargs: Any) -> Any:
                self.recorder.begins()
                if trace_state_clean():
                    self._first_use()
                place = self.recorder.place()
                result, gradients = function(*args, **kwargs)
                self._record(result[0] if has_aux else result, place)
                if with_value:
                    return result, gradients
                return (gradients, result[1]) if has_aux else gradients

            return differentiated

        return differentiation

    def _update(self, update: Callable[..., None]) -> Callable[..., None]:
        """The method of an optimizer; it is counted when it runs."""

        @functools.wraps(update)
        def counted(optimizer: Any, model: Any, grads: Any, **kwargs: Any) -> None:
            paths = self._pinned.get(type(model).__name__)
            update(optimizer, model, zeroed(grads, paths) if paths else grads, **kwargs)
            self._count_update()

        return counted

    def _applied(self, apply: Callable[..., Any]) -> Callable[..., Any]:
        """`optax.apply_updates` where the program calls it itself, for arrays that are in no module."""

        @functools.wraps(apply)
        def counted(*args: Any, **kwargs: Any) -> Any:
            result = apply(*args, **kwargs)
            if not sys._getframe(1).f_code.co_filename.startswith(_FLAX):
                self._count_update()
            return result

        return counted

    def _count_update(self) -> None:
        """Count an update, now or when the compiled function runs."""
        if trace_state_clean():
            self.recorder.settle()
            self.recorder.updated()
        else:
            jax.debug.callback(self.recorder.updated, ordered=self._compiled)

    def _pullback(self, vjp: Callable[..., Any]) -> Callable[..., Any]:
        """`vjp`: when the function that it makes is called, its result times the gradient given to it is recorded."""

        @functools.wraps(vjp)
        def watched(*args: Any, **kwargs: Any) -> Any:
            result, pull, *aux = vjp(*args, **kwargs)
            if sys._getframe(1).f_code.co_filename.startswith(_FLAX):
                return (result, pull, *aux)

            def pulled(gradient: Any) -> Any:
                self.recorder.begins()
                place, gradients = self.recorder.place(), pull(gradient)
                products = jax.tree.map(lambda value, factor: (value * factor).sum(), result, gradient)
                self._record(sum(jax.tree.leaves(products)), place)
                return gradients

            return (result, pulled, *aux)

        return watched

    def _record(self, value: Any, place: Place | None) -> None:
        """Record a loss, now or when the compiled function runs."""

        def record(value: Any) -> None:
            self.recorder.loss(float(np.real(np.asarray(value)).sum()), place)

        if isinstance(value, jax.core.Tracer):
            jax.debug.callback(record, value, ordered=self._compiled)
        else:
            self.recorder.settle()
            record(value)
