"""States of modules and optimizers, and the files that they are saved in."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.apis import TORCH, special, use_everything
from torch2jax.infer.arguments import Arguments
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import NONE, UNKNOWN, Kind, Optimizer, State, is_module, options, without_none

_NAMES = "Flax has other names and axis orders: `torch2jax.to_state_dict(module)` gives PyTorch's"


@special(TORCH, "torch.save")
def save(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``torch.save(state, path)``: a checkpoint. Objects themselves are no states."""
    use_everything(frame, arguments)
    if len(node.args) != 2 or any(arg.keyword is not None or arg.star for arg in node.args):
        frame.report("T2J108", node, "torch.save with these arguments has no translation yet")
        return NONE
    kind = frame.facts.kinds.get(node.args[0].value, UNKNOWN)
    if any(is_module(option) or isinstance(option, Optimizer) for option in options(without_none(kind))):
        frame.report("T2J108", node, "torch.save of a whole object has no translation", "save its `state_dict()`")
        return NONE
    frame.facts.special[node] = ("save_checkpoint",)
    return NONE


@special(TORCH, "torch.load")
def load(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``torch.load(path)``: what `torch.save` of the translation has written."""
    use_everything(frame, arguments)
    if not node.args or node.args[0].keyword is not None or node.args[0].star:
        frame.report("T2J108", node, "torch.load with these arguments has no translation yet")
        return UNKNOWN
    frame.facts.special[node] = ("load_checkpoint",)
    message = "torch.load reads checkpoints that the translation has written; files of PyTorch have to be converted"
    frame.report("T2J205", node, message, "`torch2jax weights` converts them")
    return State(loaded=True)


def state_attribute(frame: Frame, node: cst.Attribute, kind: State, name: str) -> Kind:
    """What is inside a state has other names than in PyTorch."""
    if not kind.loaded:
        frame.report("T2J108", node, f"`.{name}` of a state dict has no translation", _NAMES)
    return UNKNOWN


def puts_back(frame: Frame, node: cst.Call, arguments: Arguments) -> bool:
    """Whether a call of ``load_state_dict`` is given a state, all of which is to fit."""
    if len(arguments.positional) != 1 or arguments.keywords or arguments.star is not None or arguments.double_star:
        return False
    found = list(options(without_none(arguments.positional[0][1])))
    if not found or not all(isinstance(option, State) for option in found):
        return False
    frame.facts.special[node] = ("load_state",)
    return True
