"""Scalers of gradients: what float16 needs, and float32 and bfloat16 do not."""

from __future__ import annotations

import libcst as cst

from torch2jax.infer.arguments import Arguments, use_all
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import FREE, NONE, Kind, Number, Scaler

SCALERS = frozenset({"torch.cuda.amp.GradScaler", "torch.amp.GradScaler", "torch.cuda.amp.grad_scaler.GradScaler"})
_HINT = "steps compute in the dtype of their inputs: leave the scaler out"


def build_scaler(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """``GradScaler()``: nothing, since nothing is computed in float16."""
    use_all(frame, arguments)
    frame.facts.special[node] = ("scaler",)
    frame.report("T2J301", node, "gradients are computed in float32, which needs no GradScaler")
    return Scaler()


def call_scaler_method(frame: Frame, node: cst.Call, name: str, arguments: Arguments) -> Kind:
    """``scaler.scale(loss)`` and its like; those in training steps go with them."""
    use_all(frame, arguments)
    frame.report("T2J108", node, f"GradScaler.{name} has no translation here", _HINT)
    match name:
        case "scale" if arguments.positional:
            return arguments.positional[0][1]
        case "get_scale":
            return Number("float")
        case "step":
            return FREE
    return NONE
