"""The original script, watched: its losses, models, draws, prints and globals."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from torch import nn
from torch.optim.optimizer import register_optimizer_step_post_hook

from torch2jax.verify.rounding import LastPlaces
from torch2jax.verify.scripts.construction import Outermost
from torch2jax.verify.scripts.job import Job, Recorder, as_script, run_script
from torch2jax.verify.scripts.leavings import values_in
from torch2jax.verify.scripts.pinning import pin_torch
from torch2jax.verify.scripts.recording import Progress, Root
from torch2jax.verify.scripts.script_draws import ScriptDraws
from torch2jax.verify.scripts.surroundings import double_precision
from torch2jax.verify.sides import SEED
from torch2jax.verify.torch_draws import torch_draws
from torch2jax.weights.arrays import Array, as_numpy


def run_original(send: Callable[[Any], object], job: Job, moved: int | None = None) -> None:
    """Run the original, and send its `Recording`.

    moved: the seed of a run in which the last place of every result is moved at random, as `LastPlaces` does.
    """
    recorder = Recorder(job, send)
    send(Progress())
    with double_precision():
        mode: Any = nullcontext() if moved is None else LastPlaces(moved)
        draws = ScriptDraws(SEED)
        with as_script(job, recorder) as module, mode, torch_draws(SEED, draws):
            watch = _Watch(recorder, draws)
            with watch.watching():
                run_script(job, recorder, module)
        watch.finish(vars(module))
    send(recorder.recording)


class _Watch:
    """The hooks on torch."""

    def __init__(self, recorder: Recorder, draws: ScriptDraws) -> None:
        self.recorder, self.recording, self.draws = recorder, recorder.recording, draws
        self._models: list[tuple[nn.Module, Root]] = []
        self._drawn_anew: set[int] = set()
        self._differentiating = False
        self._outermost = Outermost(draws.construction, self._complete)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Inside, what the program does is recorded."""
        with ExitStack() as stack:
            stack.enter_context(self._outermost.torch_constructors())
            for name in ("backward", "grad"):
                function = self._differentiation(getattr(torch.autograd, name))
                stack.enter_context(patch.object(torch.autograd, name, function))
            hook = register_optimizer_step_post_hook(lambda *_: self.recorder.updated())
            stack.callback(hook.remove)
            stack.enter_context(patch.object(torch, "compile", _uncompiled))
            for name, function in vars(nn.init).items():
                if name.endswith("_") and not name.startswith("_") and callable(function):
                    stack.enter_context(patch.object(nn.init, name, self._initialiser(function)))
            yield

    def finish(self, namespace: dict[str, Any]) -> None:
        """Record what the program leaves."""
        self._first_use()
        recording = self.recording
        parts = {id(part) for model, _ in self._models for part in model.modules() if part is not model}
        labels = {id(value): name for name, value in reversed(namespace.items()) if not name.startswith("_")}
        for model, root in self._models:
            root.label = labels.get(id(model), root.kind)
            root.last = {} if id(model) in parts else state_of(model)
        models = {name: state_of(value) for name, value in namespace.items() if isinstance(value, nn.Module)}
        recording.models = {name: arrays for name, arrays in models.items() if arrays and not name.startswith("_")}
        recording.values = values_in(namespace)
        recording.draws = dict(self.draws.log)
        recording.unshared = tuple(sorted(self.draws.unshared))

    def _complete(self, model: nn.Module) -> None:
        state = state_of(model)
        if state:
            own = self._is_own(type(model))
            buffers = tuple(name for name, _ in model.named_buffers() if name in state)
            number = len(self.recording.roots)
            root = Root(number, type(model).__name__, own, self.recorder.place(), tuple(state), buffers, state)
            self.recording.roots.append(root)
            self._models.append((model, root))
            pin_torch(model, [name for place, _, name in self.recorder.job.pinned if place == number])

    def _is_own(self, cls: type[Any]) -> bool:
        return not cls.__module__.startswith("torch.")

    def _initialiser(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A function of `torch.nn.init`: what it fills with random numbers outside of constructors is noted."""

        @functools.wraps(function)
        def initialise(tensor: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
            before = self.draws.log.total()
            with self.draws.initialisation() if self._is_carried(tensor) else nullcontext():
                result = function(tensor, *args, **kwargs)
            if self.draws.log.total() > before and not self._outermost.is_building():
                self._drawn_anew.add(tensor.data_ptr())
            return result

        return initialise

    def _is_carried(self, tensor: torch.Tensor) -> bool:
        """Whether a tensor is a parameter, or the data of one in a model that is complete."""
        places = (p.data_ptr() for model, _ in self._models for p in model.parameters())
        return isinstance(tensor, nn.Parameter) or tensor.data_ptr() in places

    def _first_use(self) -> None:
        """The initial values are complete now: record those that were drawn anew after the constructors."""
        drawn, self._drawn_anew = self._drawn_anew, set()
        if drawn:
            for model, root in self._models:
                state = model.state_dict(keep_vars=True)
                names = [name for name, tensor in state.items() if tensor.data_ptr() in drawn]
                root.later.update({name: as_numpy(state[name]).copy() for name in names})

    def _differentiation(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """`torch.autograd.backward` or `grad`, which record their roots."""
        gradients = "grad_tensors" if function.__name__ == "backward" else "grad_outputs"

        @functools.wraps(function)
        def differentiate(*args: Any, **kwargs: Any) -> Any:
            if self._differentiating:
                return function(*args, **kwargs)
            self.recorder.begins()
            self._first_use()
            roots = args[0] if args else kwargs.get("tensors", kwargs.get("outputs"))
            position = 1 if gradients == "grad_tensors" else 2
            given = args[position] if len(args) > position else kwargs.get(gradients)
            values, place = _values(roots, given), self.recorder.place()
            self._differentiating = True
            try:
                result = function(*args, **kwargs)
            finally:
                self._differentiating = False
            for value in values:
                self.recorder.loss(value, place)
            return result

        return differentiate


def _values(roots: Any, gradients: Any) -> list[float]:
    """What is differentiated: each root, or its inner product with its gradient."""
    roots = [roots] if isinstance(roots, torch.Tensor) else list(roots or ())
    gradients = [gradients] if isinstance(gradients, torch.Tensor) else list(gradients or ())
    gradients += [None] * (len(roots) - len(gradients))
    values = []
    for root, gradient in zip(roots, gradients, strict=False):
        value = as_numpy(root)
        value = value if gradient is None else value * as_numpy(gradient)
        values.append(float(np.real(value.sum())))
    return values


def state_of(model: nn.Module) -> dict[str, Array]:
    """Copies of a model's parameters and buffers; a compiled model is the model inside."""
    state = model.state_dict()
    prefix = "_orig_mod."
    return {
        name.removeprefix(prefix): as_numpy(value).copy()
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    }


def _uncompiled(model: Any = None, **_: Any) -> Any:
    """`torch.compile`, which does nothing."""
    return (lambda function: function) if model is None else model
