"""``torch.autograd.grad``: what its results are. The regions decide whether it is translated.

``torch.is_grad_enabled()`` is decided where a program never turns gradients off.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.apis import TORCH, special, use_everything
from torch2jax.infer.frame import Frame
from torch2jax.infer.items import all_items
from torch2jax.infer.kinds import BOOL, TENSOR, UNKNOWN, Kind, Sequence, Tensor, Tuple, options, union, without_none

MESSAGE = "torch.autograd.grad: gradients are taken of functions in JAX"
HINT = "write the outputs as a function of the inputs and use jax.grad or jax.vjp"


@special(TORCH, "torch.autograd.grad")
def grad(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """A tuple with a gradient for each input, in the layout of that input."""
    given = [arg.value for arg in node.args if arg.keyword is not None and arg.keyword.value == "inputs"]
    given += [arg.value for arg in node.args[1:2] if arg.keyword is None]
    use_everything(frame, arguments)
    frame.report("T2J103", node, MESSAGE, HINT)
    if not given:
        return UNKNOWN
    inputs = [e.value for e in given[0].elements] if isinstance(given[0], cst.Tuple | cst.List) else given[:1]
    frame.facts.special.pop(node, None)
    held = frame.facts.kinds.get(given[0], UNKNOWN)
    if isinstance(given[0], cst.Name) and all(isinstance(option, Sequence | Tuple) for option in options(held)):
        return _gradients_of_items(frame, node, all_items(frame, held))
    return Tuple(tuple(_gradient(without_none(frame.facts.kinds.get(each, UNKNOWN))) for each in inputs))


def _gradients_of_items(frame: Frame, node: cst.Call, item: Kind) -> Kind:
    """Those with respect to the arrays in a list; which may be Variables is noted for the regions."""
    found = list(options(without_none(item)))
    variables = any(isinstance(option, Tensor) and option.variable for option in found)
    frame.facts.special[node] = ("gradients_of_items", variables)
    frame.program.heap[node].write(union([_gradient(option) for option in found] or [TENSOR]), frame.program)
    return Sequence("tuple", node)


def _gradient(kind: Kind) -> Kind:
    return replace(kind, variable=False, assumed=False) if isinstance(kind, Tensor) else TENSOR


_SWITCHES = ("no_grad", "inference_mode", "set_grad_enabled")


@special(TORCH, "torch.is_grad_enabled")
def is_grad_enabled(frame: Frame, node: cst.Call, arguments: Any) -> Kind | None:
    """True, with a warning, in a program that never turns gradients off; None, so that a rule refuses it, in others."""
    if any(switch in file.source for file in frame.program.files.values() for switch in _SWITCHES):
        return None
    frame.facts.special[node] = ("decided", True)
    message = "gradients are taken to be recorded, as nothing here turns them off: JAX has no switch for them"
    frame.report("T2J205", node, message, "decide by an argument of the function where callers turn them off")
    return BOOL
