"""Gradients that are nothing but rounding, set to zero on both sides.

The gradient of a bias in front of a batch norm is zero but for rounding, and Adam makes steps of it that do not know
how small it is. Then float64 does not determine the bias, nor the running mean behind it, however right both programs
are. What such a parameter has moved in the whole run is within the error of torch's own rounding; once its gradients
are zero, as in exact arithmetic, everything else can be compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from torch2jax.verify.compare import AGREEMENT
from torch2jax.verify.scripts.recording import Recording
from torch2jax.weights.arrays import Array

Pin = tuple[int, str, str]
"""A parameter: the number of its model, the class of the model, and the parameter's name in torch."""


def unmoved(expected: Recording, moved: Sequence[Recording], factor: float) -> tuple[Pin, ...]:
    """The parameters that moved, but by no more than ``factor`` times what torch's own rounding changes in them."""
    found = []
    for root in expected.roots:
        others = [run.roots[root.number].last for run in moved if root.number < len(run.roots)]
        for name in root.names:
            if name in root.last and name not in root.buffers:
                change = _largest(root.last, root.first, name)
                own = max((_largest(root.last, other, name) for other in others), default=0.0)
                if 0 < change <= factor * own:
                    found.append((root.number, root.kind, name))
    return tuple(found)


def uncertain(expected: Recording, moved: Sequence[Recording], factor: float) -> tuple[Pin, ...]:
    """The parameters that torch's own rounding moves too much to compare them, as after steps of AdamW.

    Weight decay moves a parameter even where its gradient is nothing but rounding. Whether that is so, a run in which
    these gradients are zero has to show.
    """
    found = []
    for root in expected.roots:
        others = [run.roots[root.number].last for run in moved if root.number < len(run.roots)]
        for name in root.names:
            if name in root.last and name not in root.buffers and root.last[name].size:
                own = max((_largest(root.last, other, name) for other in others), default=0.0)
                if factor * own > AGREEMENT * float(np.abs(root.last[name]).max()):
                    found.append((root.number, root.kind, name))
    return tuple(found)


def _largest(first: Mapping[str, Array], second: Mapping[str, Array], name: str) -> float:
    difference = np.abs(first[name] - second[name]) if name in second else np.zeros(1)
    return float(difference.max()) if difference.size and np.isfinite(difference).all() else 0.0


def pin_torch(model: Any, names: Sequence[str]) -> None:
    """From now on the gradients of these parameters of a torch module are zero."""
    parameters = dict(model.named_parameters())
    for name in names:
        if name in parameters and parameters[name].requires_grad:
            parameters[name].register_hook(lambda gradient: gradient * 0)


def zeroed(gradients: Any, paths: Sequence[str]) -> Any:
    """Gradients of a flax module with those at some paths (`conv.bias`) set to zero."""
    import jax

    def at(path: Sequence[Any], gradient: Any) -> Any:
        keys = (getattr(key, "key", getattr(key, "name", getattr(key, "idx", ""))) for key in path)
        dotted = f"{'.'.join(map(str, keys))}."
        return gradient * 0 if any(dotted.startswith(f"{path}.") for path in paths) else gradient

    return jax.tree_util.tree_map_with_path(at, gradients)
