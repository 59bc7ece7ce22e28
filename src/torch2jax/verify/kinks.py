"""A point beside the one that was compared, where a function that has kinks has a derivative.

At a tie, at relu(0) or norm(0) there is no gradient, and each framework has its own convention. Where gradients differ,
both sides are evaluated again with every float input and parameter moved a little, by different amounts: what still
differs there is no matter of conventions.
"""

from __future__ import annotations

import copy

import numpy as np
import torch

from torch2jax.verify.calls import CallArrays
from torch2jax.verify.sides import Original
from torch2jax.weights.arrays import Array

_BY = 1e-3


def moved(original: Original, inputs: CallArrays) -> tuple[Original, CallArrays]:
    """The original with moved parameters, and moved inputs."""
    rng = np.random.default_rng(0)

    def beside(array: Array) -> Array:
        if array.dtype.kind not in "fc" or not array.size:
            return array
        scale = float(np.abs(array).max()) or 1.0
        return np.asarray(array + _BY * scale * rng.uniform(0.5, 1.0, array.shape), array.dtype)

    model = original.fresh()
    with torch.no_grad():
        for parameter in model.parameters() if original.is_module else ():
            parameter.copy_(torch.as_tensor(beside(parameter.numpy())))
    other = copy.copy(original)
    other.state = copy.deepcopy(model.state_dict()) if original.is_module else {}
    return other, inputs.map(beside)
