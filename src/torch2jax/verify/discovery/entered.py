"""Which of a model's layers is given its first input."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator

from torch import nn

from torch2jax.verify.statements import dotted


def entered_first(model: nn.Module, method: str = "forward") -> nn.Module:
    """The layer that a method's first parameter goes into, as far inside as the source says.

    The model itself where that is not seen, or where the layer has no weights, which say what they take. Layers that
    stand before it in the constructor, such as those for a time or a condition, take something else.
    """
    for layer in _given_first(model, method):
        inner = entered_first(layer)
        if any(True for _ in inner.parameters()):
            return inner
    return model


def _given_first(model: nn.Module, method: str) -> Iterator[nn.Module]:
    """The layer of the first call in the source that is given the first parameter."""
    function = getattr(type(model), method, None)
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
        names = list(inspect.signature(function).parameters)  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError, ValueError):
        return
    if len(names) < 2 or type(model).__module__.startswith("torch."):
        return
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call) and _takes(node, names[1])]
    for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset)):
        owner, _, path = (dotted(call.func) or "").partition(".")
        if owner == names[0] and path:
            layer: nn.Module | None = model
            for name in path.split("."):
                layer = getattr(layer, name, None)
            if isinstance(layer, nn.Module):
                yield layer
                return


def _takes(call: ast.Call, name: str) -> bool:
    return bool(call.args) and isinstance(call.args[0], ast.Name) and call.args[0].id == name
