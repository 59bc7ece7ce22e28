"""Whether the parameters and buffers of the two sides map one to one.

What may stand on one side only: an array tied to another one; `num_batches_tracked`, where flax does not count; and a
buffer that never changes, which a translation may hold as a plain constant (`nn.CrossEntropyLoss(weight=w)` becomes a
function with an argument). What is computed with such a constant is compared with everything else; that it does not
change in training is checked after a training call.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from flax import nnx

from torch2jax.verify.sides import Original, Translation
from torch2jax.weights import StateDictError
from torch2jax.weights.arrays import Array
from torch2jax.weights.walk import slots


def carried(original: Original, translation: Translation) -> tuple[str, str]:
    """Carry the weights over: what is wrong with the two sets, and what there is to say about them."""
    if original.is_module and not translation.is_module and not original.state and not original.trained:
        return "", "a layer without weights, which is a function in the translation"
    if original.is_module != translation.is_module:
        return "one side is a module, and the other is not", ""
    try:
        translation.carry(original)
    except StateDictError as error:
        return " ".join(line.strip() for line in str(error).splitlines()[1:]), ""
    constants = constant_buffers(original, translation)
    note = f"constants in the translation: {', '.join(constants)}" if constants else ""
    return _kinds(original, translation) if original.is_module else "", note


def constant_buffers(original: Original, translation: Translation) -> list[str]:
    """The buffers in torch's state dict that have no place in the translation's state."""
    if not original.is_module:
        return []
    placed = {slot.name for slot in slots(translation.model, list(original.state))}
    buffers = [name for name in original.buffers if name in original.state and name not in placed]
    return [name for name in buffers if not _is_counter(name)]


def changed_constants(original: Original, translation: Translation, after: Mapping[str, Array]) -> list[str]:
    """Those of them that the original changes in a call in train mode."""
    names = constant_buffers(original, translation)
    return [name for name in names if not np.array_equal(original.state[name].numpy(), after[name], equal_nan=True)]


def _is_counter(name: str) -> bool:
    return name.rpartition(".")[2] == "num_batches_tracked"


def _kinds(original: Original, translation: Translation) -> str:
    """What is trained on one side only: the first of them, as a sentence."""
    trained = {name for name, p in original.model.named_parameters(remove_duplicate=False) if p.requires_grad}
    for slot in slots(translation.model, list(original.state)):
        is_param = isinstance(slot.variable, nnx.Param)
        if slot.name in trained and not is_param:
            kind = type(slot.variable).__name__
            return f"{slot.name} is trained in torch, and {slot.path} is a {kind} in the translation"
        if slot.name in original.state and slot.name not in trained and is_param:
            return f"{slot.name} is not trained in torch, and {slot.path} is an nnx.Param in the translation"
    return ""
