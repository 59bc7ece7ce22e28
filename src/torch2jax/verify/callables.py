"""Layers of a translation that are no modules: functions and partials in attributes and in Sequentials."""

from __future__ import annotations

import ast
import functools
import types
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flax import nnx

_FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, functools.partial)


@dataclass(eq=False)
class Followed:
    """A function of a model that tells of its calls.

    name: that of the layer it takes the place of, as torch's modules are named. told: called with it, what it was given
    and what it gave.
    """

    name: str
    function: Callable[..., Any]
    told: Callable[[Followed, tuple[Any, ...], Any], object]

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """What the function gives."""
        result = self.function(*args, **kwargs)
        self.told(self, args, result)
        return result


def follow(model: nnx.Module, told: Callable[[Followed, tuple[Any, ...], Any], object]) -> list[Followed]:
    """Put `Followed` in place of the functions that a model holds, and give them. In place."""
    found: list[Followed] = []

    def followed(name: str, function: Callable[..., Any]) -> Followed:
        found.append(Followed(name, function, told))
        return found[-1]

    for prefix, node in named_modules(model).items():
        if isinstance(node, nnx.Sequential):
            layers = list(node.layers)
            for index, layer in enumerate(layers):
                if isinstance(layer, _FUNCTIONS):
                    layers[index] = followed(_join(prefix, str(index)), layer)
            if any(isinstance(layer, Followed) for layer in layers):
                node.layers = nnx.List(layers)
        elif not type(node).__module__.startswith("flax."):
            for key, value in list(vars(node).items()):
                if isinstance(value, _FUNCTIONS) and not key.startswith("_"):
                    setattr(node, key, followed(_join(prefix, key), value))
    return found


def named_modules(model: nnx.Module) -> dict[str, nnx.Module]:
    """The modules of a translation under the names that `named_modules` gives the original's.

    A Sequential of Flax keeps in the attribute `layers` what are the children of one of torch.
    """
    nodes = dict(nnx.iter_graph(model))
    found: dict[str, nnx.Module] = {}
    for path, node in nodes.items():
        if isinstance(node, nnx.Module):
            inside = [isinstance(nodes.get(path[:depth]), nnx.Sequential) for depth in range(len(path))]
            parts = [str(part) for part, own in zip(path, inside, strict=True) if not (own and part == "layers")]
            found[".".join(parts)] = node
    return found


def _join(prefix: str, key: str) -> str:
    return f"{prefix}.{key}" if prefix else key


def line_of_element(source: str, line: int, index: int) -> int:
    """The line of an argument of the call that begins at a line; that line itself where it can't be told apart."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call) or node.lineno != line or len(node.args) <= index:
            continue
        if not any(isinstance(argument, ast.Starred) for argument in node.args[: index + 1]):
            return node.args[index].lineno
    return line


def line_of_attribute(source: str, cls: str, name: str) -> int | None:
    """The line in a class that assigns to an attribute of `self`."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ClassDef) and node.name == cls:
            return next((part.lineno for part in _assignments(node) if _assigns(part, name)), None)
    return None


def _assignments(node: ast.ClassDef) -> Iterator[ast.Assign | ast.AnnAssign]:
    return (part for part in ast.walk(node) if isinstance(part, ast.Assign | ast.AnnAssign))


def _assigns(node: ast.Assign | ast.AnnAssign, name: str) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    return any(
        isinstance(t, ast.Attribute) and t.attr == name and isinstance(t.value, ast.Name) and t.value.id == "self"
        for t in targets
    )
