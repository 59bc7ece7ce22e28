"""Both programs in forward mode: parameters and float inputs move in one random direction, and every value moves along.

A gradient can be wrong where all values are right: behind a gradient that is stopped, values stand still. In forward
mode that shows at the statement itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import torch
from flax import nnx
from torch import nn
from torch.autograd import forward_ad
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.utils.stateless import _reparametrize_module

from torch2jax.verify.build import load_comparable
from torch2jax.verify.calls import CallArrays, to_torch
from torch2jax.verify.sides import Original, Translation, jax_arrays
from torch2jax.weights.arrays import Array

_SEED = 11


def _directions(original: Original, inputs: CallArrays) -> tuple[dict[str, Array], dict[str, Array]]:
    """Where the parameters and the float inputs move, by name."""
    rng = np.random.default_rng(_SEED)
    named = original.model.named_parameters(remove_duplicate=True) if original.is_module else ()
    params = {name: np.asarray(rng.standard_normal(tuple(p.shape))) for name, p in named if p.requires_grad}
    for path, module in original.model.named_modules() if original.is_module else ():
        name = f"{path}.weight".removeprefix(".")
        if isinstance(module, nn.Embedding) and module.padding_idx is not None and name in params:
            params[name][module.padding_idx] = 0  # backward, that row has no gradient
    return params, {name: np.asarray(rng.standard_normal(inputs.arrays[name].shape)) for name in inputs.floats}


def tangents_of_original(original: Original, model: Any, inputs: CallArrays) -> None:
    """One call of a fresh model. Raises NotImplementedError for operations that torch has no forward mode for."""
    params, floats = _directions(original, inputs)
    with original.running(), forward_ad.dual_level(), sdpa_kernel(SDPBackend.MATH):
        tensors = {name: to_torch(array) for name, array in inputs.arrays.items()}
        for name, direction in floats.items():
            tensors[name] = _dual(tensors[name], direction)
        moved: AbstractContextManager[object] = nullcontext()
        if isinstance(model, nn.Module):
            values = dict(model.named_parameters())
            duals = {name: _dual(values[name].detach(), direction) for name, direction in params.items()}
            moved = _reparametrize_module(model, duals, tie_weights=True)
        with moved:
            for module in model.modules() if isinstance(model, nn.Module) else ():
                if isinstance(module, nn.RNNBase):  # it keeps a list of its weights
                    module._flat_weights = [getattr(module, name) for name in module._flat_weights_names]
            original.call(model, inputs, tensors)


def _dual(value: torch.Tensor, direction: Array) -> torch.Tensor:
    dual: torch.Tensor = forward_ad.make_dual(value, to_torch(direction))  # type: ignore[no-untyped-call]
    return dual


def tangents_of_translation(translation: Translation, original: Original, inputs: CallArrays) -> None:
    """The same call, moved in the same direction."""
    by_name, floats = _directions(original, inputs)
    graphdef, params, rest = translation.split()
    arrays = jax_arrays(inputs)
    moving = {name: arrays[name] for name in floats}

    def call(params: Any, moving: Mapping[str, jax.Array]) -> Any:
        model = translation.merge(graphdef, params, rest)
        outputs = translation.call(model, inputs, {**arrays, **moving})
        return {path: leaf for path, leaf in outputs.items() if isinstance(leaf, jax.Array)}

    with translation.running():
        directions = {name: jnp.asarray(direction) for name, direction in floats.items()}
        jax.jvp(call, (params, moving), (_params(translation, original, by_name), directions))


def _params(translation: Translation, original: Original, by_name: Mapping[str, Array]) -> Any:
    """The direction of the parameters in the structure of the translation's."""
    if not translation.is_module:
        return {}
    holder = nnx.merge(*translation.split(), copy=True)
    standing = {name: torch.zeros_like(t) if t.is_floating_point() else t for name, t in original.state.items()}
    load_comparable(holder, {**standing, **{name: to_torch(d) for name, d in by_name.items()}}, original.buffers)
    return nnx.split(holder, nnx.Param, ...)[1]
