"""The two programs of a case: what is built once, and called on every rung."""

from __future__ import annotations

import copy
import inspect
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn

from torch2jax.conversion import Interface
from torch2jax.verify.build import accepts_rngs, build_flax, build_torch, load_comparable, randomise_constants
from torch2jax.verify.callables import named_modules
from torch2jax.verify.calls import CallArrays, in_order, in_torch_order, to_torch
from torch2jax.verify.cases import Case
from torch2jax.verify.compare import leaves
from torch2jax.verify.inputs import map_leaves
from torch2jax.verify.jax_draws import jax_draws
from torch2jax.verify.precision import widen
from torch2jax.verify.programs import Programs
from torch2jax.verify.randomness import Draws, seeded_python
from torch2jax.verify.spaces import Space
from torch2jax.verify.torch_draws import torch_draws
from torch2jax.weights import to_state_dict
from torch2jax.weights.arrays import Array, as_numpy

SEED = 7
"""Of inputs, and of what the programs draw while they run; a plan's seed is added to it."""


@dataclass(slots=True)
class Run:
    """One call: the leaves of its result by path, the numbers it drew, and the state dict that it left.

    counts: the numbers in plain attributes after the call, by name (of the original: those that the call changed).
    """

    outputs: dict[str, Any]
    draws: Draws
    state: dict[str, Array] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict, kw_only=True)


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


class Original:
    """The torch program of a case in one precision.

    train: the mode, and whether the case's `dropout_args` apply. seed: of weights and draws.
    """

    def __init__(
        self, programs: Programs, case: Case, space: Space, *, double: bool, train: bool = False, seed: int = 0
    ) -> None:
        self.case, self.space, self.train, self.seed = case, space, train, seed
        self.dtype = torch.double if double else None
        self.module, self.name = programs.module_of(case)
        self.state: dict[str, torch.Tensor] = {}
        self._model: Any = None
        self._first: dict[str, Array] = {}

    def load(self) -> None:
        """Import its module."""
        with self.space.active():
            self.space.load(self.module)

    def build(self) -> None:
        """Build the object, with random values in place of constant ones; ``state`` is its state dict then."""
        self._model = self._built()
        self._first = self.state_of(self._model)
        if self.is_module:
            randomise_constants(self._model, self.seed)
            self.state = copy.deepcopy(self._model.state_dict())

    @property
    def first(self) -> dict[str, Array]:
        """The state dict as its constructor left it."""
        return self._first

    def first_values(self, number: int) -> dict[str, Array]:
        """What the state dict holds at first in a build with another seed; ``number`` says which.

        Memory that nobody initialises (`torch.empty`) is NaN.
        """
        with self.reseeded(number), marked_memory():
            return self.state_of(self._built())

    @contextmanager
    def reseeded(self, by: int = 1) -> Iterator[None]:
        """Inside, it is built with another seed."""
        self.seed += by
        try:
            yield
        finally:
            self.seed -= by

    @property
    def is_module(self) -> bool:
        """Whether the entry is a module (or builds one), not a function."""
        return isinstance(self._model, nn.Module)

    @property
    def model(self) -> Any:
        """The object as it was built; call `fresh()` for one to run."""
        return self._model

    @property
    def trained(self) -> list[str]:
        """The names of the parameters that torch trains."""
        return [name for name, p in self._model.named_parameters() if p.requires_grad] if self.is_module else []

    @property
    def buffers(self) -> list[str]:
        """The names of the buffers, whether they are in the state dict or not."""
        return [name for name, _ in self._model.named_buffers()] if self.is_module else []

    def fresh(self) -> Any:
        """The object in its first state, built anew: a run may change buffers and attributes.

        A deep copy would not do: functions that the model keeps still refer to the parts of the first one.
        """
        if not self.is_module:
            return self._model
        model = self._built()
        model.load_state_dict(self.state)
        return model

    def call(self, model: Any, inputs: CallArrays, tensors: Mapping[str, torch.Tensor] | None = None) -> Any:
        """Call the model, in its space, with ``tensors`` in place of the arrays."""
        given = {name: to_torch(array) for name, array in inputs.arrays.items()} if tensors is None else dict(tensors)
        call = inputs.fill(given)
        function = model if self.case.method == "forward" else getattr(model, self.case.method)
        return function(*call.args, **(call.kwargs or {}))

    @contextmanager
    def running(self) -> Iterator[Draws]:
        """Its own modules importable, and the shared random numbers from their start."""
        with self.space.active(), torch_draws(SEED + self.seed) as draws:
            yield draws

    def forward(self, inputs: CallArrays, model: Any = None) -> Run:
        """One call, without a graph unless the program itself differentiates; of ``model``, or of a fresh one."""
        for grad_enabled in (False, True):
            model = self.fresh() if model is None or grad_enabled else model
            try:
                before = _counts(model.named_modules()) if isinstance(model, nn.Module) else {}
                with self.running() as draws, torch.set_grad_enabled(grad_enabled):
                    outputs = torch_leaves(self.call(model, inputs))
            except RuntimeError as error:
                if grad_enabled or "grad" not in str(error):
                    raise
            else:
                after = _counts(model.named_modules()) if isinstance(model, nn.Module) else {}
                changed = {name: count for name, count in after.items() if before.get(name) != count}
                return Run(outputs, draws, self.state_of(model), counts=changed)
        raise AssertionError("unreachable: the second attempt returns or raises")

    def narrow(self) -> None:
        """Run in bfloat16 from now on."""
        self.dtype = torch.bfloat16

    def state_of(self, model: Any) -> dict[str, Array]:
        """The arrays of a model's state dict."""
        if not isinstance(model, nn.Module):
            return {}
        return {name: as_numpy(tensor).copy() for name, tensor in model.state_dict().items()}

    def _built(self) -> Any:
        with self.space.active(), seeded_python(SEED + self.seed):
            namespace = namespace_of(self.space, self.module, self.case)
            model = build_torch(self.case, self.name, namespace, train=self.train, seed=self.seed)
            if isinstance(model, nn.Module):
                if self.dtype is not None:
                    model.to(self.dtype)
                model.train(self.train)
        return model


class Translation:
    """The program in JAX of a case in one precision, with the weights of the original."""

    def __init__(
        self, programs: Programs, case: Case, space: Space, *, double: bool, train: bool = False, seed: int = 0
    ) -> None:
        self.case, self.space, self.double, self.train, self.seed = case, space, double, train, seed
        self.module, self.name = programs.module_of(case)
        self._programs = programs
        self._twin: Any = None
        self._names: list[str] = []
        self._compiled: dict[str, Any] = {}
        self.first: dict[str, Array] = {}
        """The state dict before it took over the original's."""

    def load(self) -> None:
        """Import its module."""
        with self.space.active():
            self.space.load(self.module)

    def build(self) -> None:
        """Build the object. Initial values are overwritten: they come from NumPy, which is quick."""
        self._twin = self._built(Draws(SEED + self.seed))

    def first_values(self, number: int) -> dict[str, Array]:
        """What the state dict holds at first in a build with another seed; ``number`` says which."""
        draws = Draws(SEED + self.seed + number)
        draws.interchangeable = False
        return self.state_of(self._built(draws))

    @property
    def is_module(self) -> bool:
        """Whether the entry is a module (or builds one), not a function."""
        return isinstance(self._twin, nnx.Module)

    @property
    def model(self) -> Any:
        """The object itself. Its runs don't change it."""
        return self._twin

    def carry(self, original: Original) -> None:
        """Take over the original's weights and its mode. Raises StateDictError."""
        if self.is_module:
            self._names = list(original.state)
            built = self.merge(*self.split())
            load_comparable(self._twin, original.state, original.buffers)
            self.first = self.first or self.state_of(built)
            self.set_mode(train=original.train)

    def set_mode(self, *, train: bool) -> None:
        """Train or eval mode."""
        self.train = train
        if self.is_module:
            self._twin.train() if train else self._twin.eval()
        self._compiled = {}

    def split(self) -> tuple[Any, Any, Any]:
        """The graph, what is trained (`nnx.Param`), and all other state; empty for a function."""
        if not self.is_module:
            return None, {}, {}
        graphdef, params, *rest = nnx.split(self._twin, nnx.Param, ...)
        return graphdef, params, rest[0]

    def merge(self, graphdef: Any, params: Any, rest: Any) -> Any:
        """A module of its own from `split`, or the function."""
        return nnx.merge(graphdef, params, rest, copy=True) if self.is_module else self._twin

    def call(self, model: Any, inputs: CallArrays, arrays: Mapping[str, Any]) -> dict[str, Any]:
        """The leaves of the result, with images brought into and out of the axis order that the program works in."""
        interface = self._programs.interface(type(model), self.case.method) if self.is_module else Interface()
        function = model if self.case.method == "forward" else getattr(model, self.case.method)
        call = inputs.fill(dict(arrays))
        names = _parameter_names(function)
        args = [_ordered(value, interface, name) for name, value in zip(names, call.args, strict=False)]
        args += call.args[len(args) :]
        kwargs = {name: _ordered(value, interface, name) for name, value in (call.kwargs or {}).items()}
        if accepts_rngs(function) and not self.is_module:
            kwargs["rngs"] = nnx.Rngs(0)
        result = in_torch_order(function(*args, **kwargs), interface.result)
        return {path: _plain(leaf) for path, leaf in leaves(result)}

    def _built(self, draws: Draws) -> Any:
        with self.space.active(), jax_draws(draws.seed, draws):
            namespace = namespace_of(self.space, self.module, self.case)
            twin = build_flax(self.case, self.name, namespace, train=self.train, seed=draws.seed - SEED)
            if isinstance(twin, nnx.Module) and self.double:
                widen(twin)
        return twin

    @contextmanager
    def running(self) -> Iterator[Draws]:
        """Its own modules importable, and the shared random numbers from their start."""
        with self.space.active(), jax_draws(SEED + self.seed) as draws:
            yield draws

    def forward(self, inputs: CallArrays) -> Run:
        """One call, operation by operation, as it runs without `jax.jit`."""
        model = self.merge(*self.split())
        with self.running() as draws:
            outputs = self.call(model, inputs, jax_arrays(inputs))
        counts = _counts(named_modules(model).items()) if isinstance(model, nnx.Module) else {}
        return Run(_to_numpy(outputs), draws, self.state_of(model), counts=counts)

    def compiled_forward(self, inputs: CallArrays) -> Run:
        """One call under `jax.jit`. Raises what JAX raises for a program that can't be traced."""
        graphdef, params, rest = self.split()
        others: dict[str, Any] = {}

        def pure(params: Any, rest: Any, arrays: dict[str, jax.Array]) -> dict[str, jax.Array]:
            outputs = self.call(self.merge(graphdef, params, rest), inputs, arrays)
            return set_apart(outputs, others)

        with self.running() as draws:
            computed = jax.jit(pure)(params, rest, jax_arrays(inputs))
        return Run(in_first_order(computed, others), draws)

    def state_of(self, model: Any) -> dict[str, Array]:
        """The arrays of a model under torch's names and in torch's axis order."""
        return to_state_dict(model, like=self._names) if isinstance(model, nnx.Module) else {}

    @property
    def names(self) -> list[str]:
        """The names of the original's state dict."""
        return self._names


@contextmanager
def marked_memory() -> Iterator[None]:
    """Inside, what `torch.empty` gives is NaN (or the largest integer).

    The public switch would import the compiler as well, which takes over a second.
    """
    switch = torch._C._set_deterministic_algorithms
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    switch(True, warn_only=True)
    try:
        yield
    finally:
        switch(before[0], warn_only=before[1])


def _counts(modules: Iterable[tuple[str, Any]]) -> dict[str, float]:
    """The numbers in plain attributes of modules, by name."""
    return {
        f"attribute {path}.{name}" if path else f"attribute {name}": value
        for path, module in modules
        for name, value in vars(module).items()
        if type(value) in (int, float) and not name.startswith("_")
    }


def jax_arrays(inputs: CallArrays) -> dict[str, jax.Array]:
    """The arrays of a call on the device, of the default widths."""
    return {name: jnp.asarray(np.array(array)) for name, array in inputs.arrays.items()}


def torch_leaves(result: Any) -> dict[str, Any]:
    """The leaves of a torch result by path, with values of their own."""
    return {
        path: leaf.detach().clone() if isinstance(leaf, torch.Tensor) and leaf.layout is torch.strided else leaf
        for path, leaf in leaves(result)
    }


def set_apart(outputs: Mapping[str, Any], others: dict[str, Any]) -> dict[str, jax.Array]:
    """The arrays among the leaves, which a compiled function can return; the rest goes into ``others``."""
    others.update(dict.fromkeys(outputs))
    others.update({path: leaf for path, leaf in outputs.items() if not isinstance(leaf, jax.Array)})
    return {path: leaf for path, leaf in outputs.items() if isinstance(leaf, jax.Array)}


def in_first_order(computed: Mapping[str, jax.Array], others: Mapping[str, Any]) -> dict[str, Any]:
    """All leaves again, in the order that they had."""
    return _to_numpy({path: computed.get(path, leaf) for path, leaf in others.items()})


def _to_numpy(outputs: Mapping[str, Any]) -> dict[str, Any]:
    return {path: np.asarray(leaf) if isinstance(leaf, jax.Array) else leaf for path, leaf in outputs.items()}


def _plain(leaf: Any) -> Any:
    return leaf[...] if isinstance(leaf, nnx.Variable) else leaf


def _ordered(value: Any, interface: Interface, name: str) -> Any:
    axes = interface.params.get(name)
    return value if axes is None else map_leaves(value, lambda leaf: in_order(leaf, axes))


def _parameter_names(function: Any) -> list[str]:
    call = type(function).__call__ if isinstance(function, nnx.Module) else function
    names = list(inspect.signature(call).parameters)
    return names[1:] if isinstance(function, nnx.Module) else names
