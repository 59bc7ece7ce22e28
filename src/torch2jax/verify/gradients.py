"""Gradients on both sides, of one number: the sum of all float outputs, weighted with fixed random numbers.

Every float output counts, whatever container it comes in, and every element has a weight of its own, so that no error
cancels. Each output's weights are divided by the square root of its size. Gradients are reported under torch's names
and in torch's axis order. Those of complex numbers follow torch's convention: the conjugate of JAX's.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn

from torch2jax.verify.calls import CallArrays, to_torch
from torch2jax.verify.compare import leaves
from torch2jax.verify.sides import (
    SEED,
    Original,
    Run,
    Translation,
    in_first_order,
    jax_arrays,
    set_apart,
    torch_leaves,
)
from torch2jax.weights.arrays import Array, as_numpy
from torch2jax.weights.walk import slots


@dataclass(slots=True)
class GradientRun(Run):
    """A call with the gradients of its weighted sum.

    loss: the sum. grads: by torch's name of the parameter, or the name of the input; None where nothing in the result
    depends on them in a way that can be differentiated.
    """

    loss: float = float("nan")
    grads: dict[str, Array] | None = field(default_factory=dict)


def cotangent(path: str, shape: Sequence[int]) -> tuple[Array, Array]:
    """The weights of an output's real and imaginary part."""
    rng = np.random.default_rng([SEED, zlib.crc32(path.encode())])
    scale = 1 / np.sqrt(max(int(np.prod(shape)), 1))
    return np.asarray(rng.standard_normal(tuple(shape)) * scale), np.asarray(rng.standard_normal(tuple(shape)) * scale)


def torch_sum(outputs: Mapping[str, Any]) -> torch.Tensor | None:
    """The weighted sum of torch's float outputs; None where nothing in it can be differentiated."""
    parts: list[torch.Tensor] = []
    for path, out in outputs.items():
        if isinstance(out, torch.Tensor) and (out.is_floating_point() or out.is_complex()):
            real, imaginary = (to_torch(part) for part in cotangent(path, out.shape))
            parts.append((out.real * real + out.imag * imaginary if out.is_complex() else out * real).sum())
    if not any(part.requires_grad for part in parts):
        return None
    return sum(parts, torch.zeros(()))


def jax_sum(outputs: Mapping[str, jax.Array]) -> jax.Array:
    """The same sum of JAX's outputs."""
    total = jnp.zeros(())
    for path, out in outputs.items():
        if jnp.issubdtype(out.dtype, jnp.inexact):
            real, imaginary = cotangent(path, out.shape)
            total += (out.real * real + out.imag * imaginary if jnp.iscomplexobj(out) else out * real).sum()
    return total


def original_gradients(original: Original, inputs: CallArrays) -> GradientRun:
    """One call of the original, and its gradients (zero where the sum does not depend on a parameter)."""
    model = original.fresh()
    tensors = {name: to_torch(array) for name, array in inputs.arrays.items()}
    sources = {name: tensors[name].requires_grad_() for name in inputs.floats}
    if isinstance(model, nn.Module):
        sources |= {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    with original.running() as draws:
        # A clone is no leaf, so that a program may change its inputs in place.
        clones = {name: tensor.clone() for name, tensor in tensors.items()}
        outputs = dict(leaves(original.call(model, inputs, clones)))
        total = torch_sum(outputs)
        grads = None
        if total is not None and sources:
            found: Sequence[torch.Tensor | None] = torch.autograd.grad(total, list(sources.values()), allow_unused=True)
            grads = {
                name: np.zeros(tuple(source.shape), as_numpy(source).dtype) if grad is None else as_numpy(grad)
                for (name, source), grad in zip(sources.items(), found, strict=True)
            }
    loss = float("nan") if total is None else float(total.detach())
    return GradientRun(torch_leaves(outputs), draws, original.state_of(model), loss, grads)


class TranslationStep:
    """A call of the translation with its gradients, compiled once and run as often as needed.

    jitted: under `jax.jit`, or operation by operation. params, rest: the state, which every run replaces; gradients: of
    ``params``, in the same structure.
    """

    def __init__(self, translation: Translation, inputs: CallArrays, *, jitted: bool) -> None:
        self.translation, self.jitted = translation, jitted
        self.gradients: Any = None
        self._leaves: dict[str, Any] = {}
        self._function: Any = None
        self._compiled_for: Any = None
        self.restart(inputs)

    def restart(self, inputs: CallArrays) -> None:
        """Begin again with the weights that the translation has now, and with these inputs, of the same shapes."""
        self.inputs = inputs
        self.graphdef, self.params, self.rest = self.translation.split()
        arrays = jax_arrays(inputs)
        self.floats = {name: arrays[name] for name in inputs.floats}
        self.others = {name: array for name, array in arrays.items() if name not in self.floats}

    def run(self) -> GradientRun:
        """One call from the present parameters and state, which the state afterwards replaces."""
        operands = (self.params, self.floats, self.rest, self.others)
        function = self._callable()
        with self.translation.running() as draws:
            (loss, (computed, params, rest)), (by_param, by_input) = function(*operands)
        graphdef = self._graphdef_after
        grads = {name: np.conj(np.asarray(grad)) for name, grad in by_input.items()} | self._named(by_param)
        model = self.translation.merge(graphdef, params, rest)
        outputs = in_first_order(computed, self._leaves)
        self.gradients = by_param
        self.graphdef, self.params, self.rest = graphdef, params, rest
        return GradientRun(outputs, draws, self.translation.state_of(model), float(loss), grads)

    def _callable(self) -> Any:
        if self._function is None or self._compiled_for != self.graphdef:
            differentiated = jax.value_and_grad(self._pure(self.graphdef), argnums=(0, 1), has_aux=True, allow_int=True)
            self._function = jax.jit(differentiated) if self.jitted else differentiated
            self._compiled_for = self.graphdef
        return self._function

    def _pure(self, graphdef: Any) -> Any:
        def step(params: Any, floats: dict[str, jax.Array], rest: Any, others: dict[str, jax.Array]) -> Any:
            model = self.translation.merge(graphdef, params, rest)
            outputs = self.translation.call(model, self.inputs, {**floats, **others})
            computed = set_apart(outputs, self._leaves)
            self._graphdef_after, *after = self._split(model)
            return jax_sum(computed), (computed, *after)

        return step

    def _split(self, model: Any) -> Any:
        return nnx.split(model, nnx.Param, ...) if self.translation.is_module else (None, {}, {})

    def _named(self, by_param: Any) -> dict[str, Array]:
        """Gradients under torch's names."""
        if not self.translation.is_module:
            return {}
        holder = nnx.merge(self.graphdef, by_param, self.rest, copy=True)
        return {
            slot.name: slot.to_torch(np.conj(np.asarray(slot.variable.get_value())))
            for slot in slots(holder, self.translation.names)
            if isinstance(slot.variable, nnx.Param) and slot.variable.get_value().dtype != jax.dtypes.float0
        }
